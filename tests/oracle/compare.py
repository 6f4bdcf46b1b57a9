"""Compare a release of the production system with the oracle, cell by cell.

Files, rows in quarantine, cells, the plan followed up, and signals. Only the sources and indicators that the oracle
implements (its SOURCES and INDICATORS) are compared: the others are passed over, and `passed_over` says which they are.

By hand, from the repository: ``python -m tests.oracle.compare RAW RELEASE [--quarantine CSV] [--as-of YYYY-MM-DD]``.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from .catalogue import INDICATORS, grid_periods
from .disclosure import check_disclosure, describe, key_of, solvable
from .oracle import SOURCES, Settled, settle
from .part2 import Reports
from .plan import COMPARED as PLAN_COMPARED
from .plan import KEY as PLAN_KEY
from .plan import check_sentence, plan_rows
from .results import (
    NUMBER_COLUMNS,
    first_grid_year,
    indicator_result,
    is_primary,
    mark_of,
    status_of,
)
from .signals import COMPARED as SIGNAL_COMPARED
from .signals import KEY as SIGNAL_KEY
from .signals import known, signal_rows

COLUMNS = {
    "indicator_id": pl.String,
    "niva": pl.String,
    "verksamhet": pl.String,
    "enhet": pl.String,
    "period_typ": pl.String,
    "period_start": pl.Date,
    "period_slut": pl.Date,
    "kon": pl.String,
    "taljare": pl.Float64,
    "namnare": pl.Float64,
    "varde": pl.Float64,
    "ki_lag": pl.Float64,
    "ki_hog": pl.Float64,
    "jamforelse_varde": pl.Float64,
    "forandring": pl.Float64,
    "mal_operator": pl.String,
    "malvarde": pl.Float64,
    "status": pl.String,
    "markering": pl.String,
    "komplett": pl.Boolean,
    "kvalitet": pl.String,
    "release_id": pl.String,
}
COMPARED = ("period_slut", *NUMBER_COLUMNS, "mal_operator", "malvarde", "status", "markering", "komplett", "kvalitet")
PART_OF = {"np_behandling_90": "behandling_90", "barn_narstaende_du": "barn_narstaende"}
EXAMPLES = 4  # of each kind of difference


class Differences:
    """Collects differences; of each kind only the first few are spelled out."""

    def __init__(self) -> None:
        """Start empty."""
        self.found: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, sentence: str) -> None:
        """One more difference."""
        self.found[kind].append(sentence)

    def sentences(self) -> list[str]:
        """All kinds with examples."""
        result = []
        for kind, sentences in self.found.items():
            result += [f"{kind}: {sentence}" for sentence in sentences[:EXAMPLES]]
            if len(sentences) > EXAMPLES:
                result.append(f"{kind}: and {len(sentences) - EXAMPLES} more")
        return result


def same(one: Any, other: Any) -> bool:
    """Equal; numbers within 1e-9."""
    if one is None or other is None:
        return one is None and other is None
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def compare_ledger(settled: Settled, release: Path, out: Differences) -> None:
    """leveranser.parquet: files up to the as-of date; later ones are in the run's record only."""
    frame = pl.read_parquet(release / "leveranser.parquet")
    rows = [row for row in frame.iter_rows(named=True) if row["source"] in SOURCES]
    theirs: dict[str, dict[str, Any]] = {}
    for row in rows:
        file = unicodedata.normalize("NFC", row["file"])
        if file in theirs:
            out.add("ledger", f"{file} is listed twice")
        theirs[file] = row
    ours = {unicodedata.normalize("NFC", row["file"]): row for row in settled.ledger if of_the_day(settled, row)}
    causes = {d.file: d.cause for ds in settled.deliveries.values() for d in ds}
    for file in sorted(ours.keys() - theirs.keys()):
        out.add("ledger", f"{file} ({ours[file]['status']}) is missing")
    for file in sorted(theirs.keys() - ours.keys()):
        out.add("ledger", f"{file} ({theirs[file]['status']}) is unexpected")
    for file in sorted(ours.keys() & theirs.keys()):
        mine, other = ours[file], theirs[file]
        if mine["status"] != other["status"]:
            cause = f" ({causes[mine['file']]})" if causes.get(mine["file"]) else ""
            out.add("ledger status", f"{file} is {other['status']} ({other.get('orsak')}), not {mine['status']}{cause}")
            continue
        for column in ("source", "uttagsdatum", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate"):
            if column == "uttagsdatum" and mine["status"] == "avvisad" and None in (mine[column], other[column]):
                continue
            if mine["status"] != "accepterad" and column.startswith("rows_") and other[column] is None:
                continue
            if not same(mine[column], other[column]):
                out.add(f"ledger {column}", f"{file} has {other[column]}, not {mine[column]}")
        if mine["status"] == "avvisad" and not other.get("orsak"):
            out.add("ledger orsak", f"{file} is rejected without a cause")


def of_the_day(settled: Settled, row: dict[str, Any]) -> bool:
    """Whether a ledger line is in the release: of a file up to the as-of date, or of one without a date."""
    day = row["uttagsdatum"]
    return row["status"] != "senare" and (day is None or day <= settled.as_of)


def compare_quarantine(settled: Settled, path: Path, out: Differences) -> None:
    """The CSV of ``resultattavla quarantine [--all] --csv FILE``; without resolved rows only the open ones count."""
    text = path.read_text(encoding="utf-8-sig")
    theirs: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["source"] in SOURCES:
                file = row["file"] if row["file"].startswith(row["source"] + "/") else f"{row['source']}/{row['file']}"
                file = unicodedata.normalize("NFC", file)
                theirs[file, int(row["line"])].append((row["reasons"], row["state"]))
    everything = any(state == "resolved" for found in theirs.values() for _, state in found)
    ours: dict[tuple[str, int], tuple[str, str]] = {}
    by_state: dict[tuple[str, int], str] = {}
    for row in settled.quarantine:
        place = (unicodedata.normalize("NFC", row["file"]), row["line"])
        by_state[place] = row["state"]
        if everything or row["state"] == "open":
            ours[place] = ("|".join(row["reasons"]), row["state"])
    ours = _shift_parquet_lines(ours, set(theirs))
    for place in sorted(ours.keys() - theirs.keys()):
        out.add("quarantine", f"{place[0]} line {place[1]} is missing: {ours[place][0]} ({ours[place][1]})")
    for place in sorted(theirs.keys() - ours.keys()):
        known = f", the oracle says {by_state[place]}" if place in by_state else ""
        out.add("quarantine", f"{place[0]} line {place[1]} is unexpected: {theirs[place]}{known}")
    for place in sorted(ours.keys() & theirs.keys()):
        if len(theirs[place]) > 1:
            out.add("quarantine", f"{place[0]} line {place[1]} is listed {len(theirs[place])} times")
        for index, column in enumerate(("reasons", "state")):
            if theirs[place][0][index] != ours[place][index]:
                sentence = f"{place[0]} line {place[1]}: {theirs[place][0][index]}, not {ours[place][index]}"
                out.add(f"quarantine {column}", sentence)
    secrets: set[str] = set()
    for deliveries in settled.deliveries.values():
        for delivery in deliveries:
            for data_row in delivery.rows:
                secrets |= {str(data_row.cells.get("personnummer", "")), data_row["personnummer"] or ""}
    leaks = sum(1 for secret in secrets if len(secret) >= 9 and any(c.isdigit() for c in secret) and secret in text)
    if leaks:
        out.add("quarantine", f"{leaks} delivered personnummer stand in the list")


def _shift_parquet_lines(
    ours: dict[tuple[str, int], tuple[str, str]], theirs: set[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, str]]:
    """extracts.md does not say where a Parquet file's rows begin to count: the start that fits best is taken."""
    files = {file for file, _ in ours if file.endswith(".parquet")}
    result = {place: value for place, value in ours.items() if place[0] not in files}
    for file in files:
        lines = [line for other, line in ours if other == file]
        shift = max((0, 1, -1), key=lambda s: sum((file, line + s) in theirs for line in lines))
        result |= {(file, line + shift): ours[file, line] for line in lines}
    return result


def year_before(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key of the same cell one year earlier."""
    return (*key[:5], key[5].replace(year=key[5].year - 1), key[6])


def expected_row(
    mine: dict[str, Any],
    theirs: dict[str, Any],
    earlier: dict[str, Any] | None,
    hidden_before_grid: bool,
) -> dict[str, Any]:
    """The oracle's row as it should look given the cells that the release chose to hide for secondary reasons."""
    row = dict(mine)
    if theirs["status"] == "dold" and mine["status"] != "dold" and mine["_patient"] and mine["_skyddat"]:
        row.update(dict.fromkeys(NUMBER_COLUMNS))
        row["status"], row["markering"] = "dold", "MSK"
        if mine["_relativt"]:
            row["mal_operator"] = row["malvarde"] = None
        return row
    gone = earlier is not None and earlier["status"] == "dold"
    gone = gone or (earlier is None and hidden_before_grid and theirs["jamforelse_varde"] is None)
    if gone and mine["jamforelse_varde"] is not None:
        row["jamforelse_varde"] = row["forandring"] = None
        if mine["_relativt"]:
            row["mal_operator"] = row["malvarde"] = None
            if row["status"] != "dold":
                row["status"] = status_of(row)
                row["markering"] = mark_of(row)
    return row


def check_before_grid(
    published: dict[tuple[Any, ...], dict[str, Any]],
    truth: dict[tuple[Any, ...], dict[str, Any]],
    grid: set[tuple[Any, ...]],
) -> list[str]:
    """Comparisons of counts show numbers of the year before the grid: they must not determine a protected one."""
    counts = {indicator.id for indicator in INDICATORS if indicator.kind == "count" and indicator.protected}
    shown = {year_before(key) for key, row in published.items() if row["jamforelse_varde"] is not None}
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for key, row in truth.items():
        if key[0] in counts and key not in grid and row["_skyddat"] is not None:
            groups[key[0], key[4], key[5]].append(key)
    faults = []
    for keys in groups.values():
        if not any(key in shown for key in keys):
            continue
        seen = {key: {"status": "" if key in shown or not truth[key]["_skyddat"] else "dold"} for key in keys}
        for key in solvable(keys, seen, truth):
            if is_primary(truth[key]["_skyddat"]):
                faults.append(f"comparisons let a protected number before the grid be computed: {describe(key)}")
    return faults


def truth_of(settled: Settled) -> list[dict[str, Any]]:
    """The oracle's rows, from the year before the grid on: comparisons show numbers of that year."""
    return indicator_result(settled, first_grid_year(settled) - 1)


def compare_results(
    settled: Settled, release: Path, out: Differences, everything: list[dict[str, Any]] | None = None
) -> None:
    """indicator_result.parquet; `everything`: `truth_of(settled)` where it is known."""
    frame = pl.read_parquet(release / "indicator_result.parquet")
    if frame.columns != list(COLUMNS):
        out.add("columns", f"indicator_result has {frame.columns}")
        if set(COLUMNS) - set(frame.columns):
            return
    for column, dtype in COLUMNS.items():
        if frame.schema[column] != dtype:
            out.add("columns", f"{column} is {frame.schema[column]}, not {dtype}")
    known = {indicator.id for indicator in INDICATORS}
    frame = frame.filter(pl.col("indicator_id").is_in(sorted(known)))
    rows = list(frame.iter_rows(named=True))
    doubles = [key for key, number in Counter(key_of(row) for row in rows).items() if number > 1]
    for key in doubles:
        out.add("rows", f"twice: {describe(key)}")
    published = {key_of(row): row for row in rows}

    periods = {(p.typ, p.start) for p in grid_periods(first_grid_year(settled), settled.as_of)}
    truth = {key_of(row): row for row in everything or truth_of(settled)}
    ours = {key: row for key, row in truth.items() if (key[4], key[5]) in periods}
    # One small number anywhere: longer periods, other levels and the year before may be hidden with it.
    hiding = {k[0] for k, row in truth.items() if row["_patient"] and is_primary(row["_skyddat"])}
    hiding |= {whole for part, whole in PART_OF.items() if part in hiding}

    mine, theirs = {key[0] for key in ours}, {key[0] for key in published}
    for indicator in sorted(mine - theirs):
        out.add("indicators", f"{indicator} is not published")
    for indicator in sorted(theirs - mine):
        out.add("indicators", f"{indicator} is published although a source of it fails")
    present = mine & theirs
    for key in sorted(ours.keys() - published.keys(), key=describe):
        if key[0] in present:
            out.add(f"rows missing {key[0]}", describe(key))
    for key in sorted(published.keys() - ours.keys(), key=describe):
        if key[0] in present:
            out.add(f"rows unexpected {key[0]}", describe(key))
    for key, other in published.items():
        if key not in ours:
            continue
        before = year_before(key)
        expected = expected_row(ours[key], other, published.get(before), key[0] in hiding)
        for column in COMPARED:
            if not same(expected[column], other[column]):
                sentence = f"{describe(key)}: {other[column]}, not {expected[column]}"
                out.add(f"{key[0]} {column}", sentence)
        if not other["release_id"]:
            out.add("release_id", describe(key))
    for fault in check_disclosure(rows, list(ours.values())):
        out.add(f"disclosure, {fault.split(':')[0].split(' (')[0]}", fault)
    for fault in check_before_grid(published, truth, set(ours)):
        out.add("disclosure before the grid", fault)


def compare_plan(settled: Settled, release: Path, out: Differences) -> None:
    """plan_uppfoljning.parquet against the release's own cells and the reports, row by row; of `mening` what it tells.

    Where the reports are frozen, they are those of an older release: nothing is said of them.
    """
    cells = pl.read_parquet(release / "indicator_result.parquet").filter(pl.col("kon") == "T")
    frozen = cells.filter((pl.col("indicator_id") == "aktiviteter_genomforda") & (pl.col("kvalitet") == "fryst"))
    passed = {"rapporterad_status", "rapporterade", "antal", "kommentar"} if frozen.height else set()
    ours = {
        tuple(row[name] for name in PLAN_KEY): row
        for row in plan_rows(cells.iter_rows(named=True), Reports(settled.current["aktiviteter"]), settled.as_of)
    }
    rows = list(pl.read_parquet(release / "plan_uppfoljning.parquet").iter_rows(named=True))
    theirs = {tuple(row[name] for name in PLAN_KEY): row for row in rows}
    if len(theirs) != len(rows):
        out.add("plan rows", f"{len(rows) - len(theirs)} keys stand twice")
    for key in sorted(ours.keys() - theirs.keys(), key=describe):
        out.add("plan rows missing", describe(key))
    for key in sorted(theirs.keys() - ours.keys(), key=describe):
        out.add("plan rows unexpected", describe(key))
    for key in sorted(ours.keys() & theirs.keys(), key=describe):
        for column in PLAN_COMPARED:
            if column not in passed and not same(ours[key][column], theirs[key][column]):
                out.add(f"plan {column}", f"{describe(key)}: {theirs[key][column]}, not {ours[key][column]}")
        for fault in check_sentence(theirs[key], ours[key]):
            out.add("plan mening", f"{describe(key)}: {fault}: {theirs[key]['mening']}")


def compare_signals(release: Path, out: Differences) -> None:
    """signal.parquet against the release's own cells; frozen indicators keep what an older release said of its own."""
    cells = pl.read_parquet(release / "indicator_result.parquet").filter(pl.col("kvalitet") != "fryst")
    of = known()
    ours = {
        tuple(row[name] for name in SIGNAL_KEY): row
        for row in signal_rows((c for c in cells.iter_rows(named=True) if c["indicator_id"] in of), of)
    }
    counted = set(cells["indicator_id"]) & set(of)
    rows = [row for row in pl.read_parquet(release / "signal.parquet").to_dicts() if row["indicator_id"] in counted]
    theirs = {tuple(row[name] for name in SIGNAL_KEY): row for row in rows}
    if len(theirs) != len(rows):
        out.add("signal rows", f"{len(rows) - len(theirs)} keys stand twice")
    for key in sorted(ours.keys() ^ theirs.keys(), key=describe):
        out.add("signal rows missing" if key in ours else "signal rows unexpected", describe(key))
    for key in sorted(ours.keys() & theirs.keys(), key=describe):
        for column in SIGNAL_COMPARED:
            if not same(ours[key][column], theirs[key][column]):
                out.add(f"signal {column}", f"{describe(key)}: {theirs[key][column]}, not {ours[key][column]}")


def passed_over(release: Path) -> list[str]:
    """The indicators of a release that the oracle does not implement: nothing is said of their cells."""
    published = pl.read_parquet(release / "indicator_result.parquet", columns=["indicator_id"])["indicator_id"].unique()
    return sorted(set(published) - {indicator.id for indicator in INDICATORS})


def compare(raw: Path, release_dir: Path, quarantine_csv: Path | None = None, as_of: date | None = None) -> list[str]:
    """All differences between a release and the oracle, as short sentences."""
    return compare_settled(settle(raw, as_of), release_dir, quarantine_csv)


def compare_settled(
    settled: Settled,
    release_dir: Path,
    quarantine_csv: Path | None = None,
    everything: list[dict[str, Any]] | None = None,
) -> list[str]:
    """The same of a settled raw folder; `everything`: `truth_of(settled)` where it is known."""
    out = Differences()
    compare_ledger(settled, release_dir, out)
    if quarantine_csv is not None:
        compare_quarantine(settled, quarantine_csv, out)
    compare_results(settled, release_dir, out, everything)
    compare_plan(settled, release_dir, out)
    compare_signals(release_dir, out)
    return out.sentences()


def main(arguments: list[str] | None = None) -> int:
    """Print the differences; 1 when there are some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("release", type=Path)
    parser.add_argument("--quarantine", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat)
    options = parser.parse_args(arguments)
    differences = compare(options.raw, options.release, options.quarantine, options.as_of)
    for sentence in differences:
        print(sentence)
    print(f"{len(differences)} differences" if differences else "no differences")
    if others := passed_over(options.release):
        print(f"not compared, since the oracle does not implement them: {', '.join(others)}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
