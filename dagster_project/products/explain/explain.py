"""How a published number came about: find the cell, compute it again from the kept evidence, and say what may be said.

Works on any kept release, from its own files and its evidence alone: neither warehouse, dbt nor Dagster is needed.
A hidden cell is refused; what is told of a shown one about patients follows the rules of `breakdown`.
`explain_text` turns an Explanation into Swedish text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import number
from dagster_project.disclosure.split import (
    ADDRESS,
    HIDDEN,
    Address,
    Group,
    file_groups,
    joined,
    masked_exclusions,
    month_groups,
)
from dagster_project.gates.waivers import Waiver
from dagster_project.ingestion.bronze import ACCEPTED
from dagster_project.releases.evidence import Evidence, find, same_cells_key

RESULT_FILE = "indicator_result.parquet"
RESULT_SOURCE = "indicator_result"
SEXES = ("T", "K", "M")
AREA = "HH"
UNDATED = "utan_datum:"
"""Prefix of a reason whose observations have no event date and so belong to no period."""


@dataclass(frozen=True)
class Query:
    """What is asked for, as it was written. release None: the current one; kon None: T; lines: also about patients."""

    indicator: str
    period: str
    period_typ: str | None = None
    verksamhet: str | None = None
    enhet: str | None = None
    kon: str | None = None
    release: str | None = None
    lines: bool = False


@dataclass(frozen=True)
class Calculation:
    """A cell computed from its evidence. middle: the one or two values in the middle of a median."""

    taljare: float | None
    namnare: float | None
    varde: float | None
    middle: tuple[float, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """Observations that do not count, by reason. count None: at least `at_least`, or else too few to be told."""

    reason: str
    count: int | None
    at_least: int | None = None


@dataclass(frozen=True)
class Line:
    """One observation where it was delivered; reason: why it does not count, None when it does."""

    file: str
    line: int
    reason: str | None = None


@dataclass(frozen=True)
class DeliveryRef:
    """One accepted delivery of a source that the indicator reads."""

    source: str
    file: str
    uttagsdatum: str
    sha256: str


@dataclass(frozen=True)
class FileCount:
    """Observations of one delivery, or of several together (`rest`)."""

    files: tuple[str, ...]
    count: int
    rest: bool = False


@dataclass(frozen=True)
class Check:
    """A failed expectation of a gate that judged the indicator's sources."""

    suite: str
    source: str
    severity: str
    title: str
    found: str | None
    waived: str | None


@dataclass(frozen=True)
class Change:
    """The same cell in the release before. `hidden`: it is hidden there, so nothing about amounts is told.

    before: taljare, namnare, varde there. added, gone: observations that came and went (None: not told, `note` says
    why); by_file: (file, added, gone), not about patients only.
    """

    release_id: str
    as_of: str
    hidden: bool
    before: tuple[float | None, float | None, float | None] = (None, None, None)
    status: str = ""
    code_version: tuple[str, str] | None = None
    catalogue_version: tuple[str, str] | None = None
    parameters: tuple[str, ...] = ()
    new_files: tuple[str, ...] = ()
    gone_files: tuple[str, ...] = ()
    added: int | None = None
    gone: int | None = None
    changed: int | None = None
    by_file: tuple[tuple[str, int, int], ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything that may be told of one cell. A refused one has its definition and the refusal only."""

    release_id: str
    as_of: str
    indicator: dict[str, Any]
    address: Address
    period_typ: str
    period_start: date
    period_slut: date
    refusal: str | None = None
    cell: dict[str, Any] = field(default_factory=dict)
    calculation: Calculation = Calculation(None, None, None)
    evidence_as_of: date | None = None
    data_start: date | None = None
    limit: int = 0
    exclusions: tuple[Exclusion, ...] = ()
    exclusions_note: str | None = None
    files: tuple[FileCount, ...] | None = None
    files_note: str | None = None
    lines: tuple[Line, ...] | None = None
    lines_note: str | None = None
    deliveries: tuple[DeliveryRef, ...] = ()
    checks_passed: int = 0
    checks: tuple[Check, ...] = ()
    code_version: str = ""
    catalogue_version: str = ""
    frozen_from: str | None = None
    change: Change | None = None

    @property
    def patient(self) -> bool:
        return bool(self.indicator["patient"])

    @property
    def stock(self) -> bool:
        return bool(self.indicator["bestand"])


def explain(data: DataPaths, query: Query) -> Explanation:
    """Explain one published cell.

    Raises ResultattavlaError, one sentence that says what exists, for every wrong question; when the evidence is gone;
    and when the evidence does not give the published numbers.
    """
    folder, manifest = _release(data, query.release)
    indicator = _indicator(folder, manifest, query.indicator)
    rows = _rows(folder, indicator["indicator_id"])
    period_typ, start = _period(query, rows)
    place = rows.filter((pl.col("period_typ") == period_typ) & (pl.col("period_start") == start))
    address = _address(query, indicator, rows, place)
    cell = place.filter(address.same()).row(0, named=True)
    base = Explanation(
        release_id=manifest["release_id"],
        as_of=manifest["as_of"],
        indicator=indicator,
        address=address,
        period_typ=period_typ,
        period_start=start,
        period_slut=cell["period_slut"],
    )
    if cell["status"] == HIDDEN:
        refusal = "Cellen är dold av sekretesskäl (MSK): ingenting om dess tal visas, inte heller i delar."
        return _with(base, refusal=refusal)
    evidence = find(data, manifest, indicator["indicator_id"])
    told = _told(data, folder, manifest, evidence, base, cell, rows, query.lines)
    checks, passed = _checks(folder, manifest, indicator)
    return _with(
        base,
        **told,
        cell=cell,
        evidence_as_of=evidence.as_of,
        data_start=evidence.data_start,
        limit=_limit(manifest, evidence),
        deliveries=tuple(_deliveries(evidence, indicator)),
        checks=tuple(checks),
        checks_passed=passed,
        code_version=evidence.origin["code_version"],
        catalogue_version=evidence.origin["catalogue_version"],
        frozen_from=cell["release_id"] if cell["release_id"] != manifest["release_id"] else None,
        change=_change(data, manifest, evidence, base, cell, rows),
    )


def _with(base: Explanation, **changes: Any) -> Explanation:
    from dataclasses import replace

    return replace(base, **changes)


# --- What is asked for -----------------------------------------------------------------------------------------


def _release(data: DataPaths, release_id: str | None) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of a kept release."""
    from dagster_project.releases.publish import read_release

    if release_id is None:
        folder = data.current
        if not folder.exists():
            raise ResultattavlaError(f"Ingen utgåva är publicerad i {data.root}: kör `resultattavla run` först.")
    else:
        kept = sorted((p.name for p in data.releases.glob("[0-9]*")), reverse=True)
        if release_id not in kept:
            names = ", ".join(kept[:10]) + (f" och {len(kept) - 10} äldre" if len(kept) > 10 else "")
            raise ResultattavlaError(f"Utgåvan {release_id} finns inte. Sparade utgåvor: {names or 'inga'}.")
        folder = data.releases / release_id
    release = read_release(folder)
    if release is None:
        raise ResultattavlaError(f"Utgåvan i {folder} är skadad: en fil saknas eller stämmer inte med manifestet.")
    return release.folder, release.manifest


def _indicator(folder: Path, manifest: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The catalogue row of the release itself: what the indicator meant then."""
    known = pl.read_parquet(folder / "indicator.parquet")
    found = known.filter(pl.col("indicator_id") == wanted.strip().lower())
    if found.height:
        return found.row(0, named=True)
    held_back = manifest["kvarhallna_indikatorer"].get(wanted.strip().lower())
    if held_back:
        raise ResultattavlaError(
            f"Indikatorn {wanted} har inga rader i utgåvan {manifest['release_id']}: den hålls tillbaka av "
            f"{', '.join(held_back)}."
        )
    raise ResultattavlaError(
        f"Indikatorn {wanted} finns inte i utgåvan {manifest['release_id']}. Den har "
        f"{', '.join(known['indicator_id'])}."
    )


def _rows(folder: Path, indicator_id: str) -> pl.DataFrame:
    """The indicator's published cells."""
    return pl.scan_parquet(folder / RESULT_FILE).filter(pl.col("indicator_id") == indicator_id).collect()


def _period(query: Query, rows: pl.DataFrame) -> tuple[str, date]:
    period_typ, start = parse_period(query.period, query.period_typ and query.period_typ.strip().lower())
    known = rows.filter(pl.col("period_typ") == period_typ).select("period_start", "period_slut").unique()
    if start not in set(known["period_start"]):
        ends = known.sort("period_start")
        first, last = (period_name(period_typ, *ends.row(i)) for i in (0, -1)) if ends.height else ("", "")
        there = f"finns {first} till {last}" if ends.height else "finns ingen period"
        raise ResultattavlaError(f"Perioden {query.period} finns inte i utgåvan: av typen {period_typ} {there}.")
    return period_typ, start


def _address(query: Query, indicator: dict[str, Any], rows: pl.DataFrame, place: pl.DataFrame) -> Address:
    """The asked address, checked against the period's rows (`place`); a unit's verksamhet is found when left out."""
    kon = (query.kon or "T").strip().upper()
    sexes = [k for k in SEXES if k in set(rows["kon"])]
    if kon not in sexes:
        raise ResultattavlaError(
            f"Könet {query.kon} finns inte: {indicator['indicator_id']} redovisas för {', '.join(sexes)}."
        )
    verksamhet = query.verksamhet.strip().upper() if query.verksamhet else None
    if verksamhet == AREA:
        verksamhet = None
    known = sorted(set(rows["verksamhet"].drop_nulls()))
    if verksamhet is not None and verksamhet not in known:
        raise ResultattavlaError(f"Verksamheten {query.verksamhet} finns inte: {', '.join(known)}.")
    if query.enhet is None:
        return Address(verksamhet, None, kon)
    enhet = query.enhet.strip().upper()
    ever = rows.filter(pl.col("enhet").str.to_uppercase() == enhet)
    if ever.height == 0:
        units = sorted(set(place["enhet"].drop_nulls()))
        raise ResultattavlaError(
            f"Enheten {query.enhet} finns inte för {indicator['indicator_id']}. Enheter i perioden: "
            f"{', '.join(units) or 'inga'}."
        )
    here = place.filter(pl.col("enhet").str.to_uppercase() == enhet)
    belonged = sorted(set(here["verksamhet"]))
    if not belonged:
        months = ever.filter(pl.col("period_typ") == "manad")["period_start"].dt.strftime("%Y-%m").sort()
        raise ResultattavlaError(
            f"Enheten {query.enhet} finns inte i perioden {query.period}: den har månader från {months[0]} till "
            f"{months[-1]}."
        )
    if verksamhet is None and len(belonged) > 1:
        raise ResultattavlaError(
            f"Enheten {query.enhet} hörde till {' och '.join(belonged)} under perioden: välj en med --verksamhet."
        )
    if verksamhet is not None and verksamhet not in belonged:
        raise ResultattavlaError(
            f"Enheten {query.enhet} hörde inte till {verksamhet} under perioden {query.period}, utan till "
            f"{' och '.join(belonged)}."
        )
    return Address(verksamhet or belonged[0], here["enhet"][0], kon)


def _limit(manifest: dict[str, Any], evidence: Evidence) -> int:
    """The suppression limit that counts: the stricter of the release's and of the one that computed the rows."""
    return max(int(m["parameters"]["suppression_limit"]) for m in (manifest, evidence.origin))


# --- The numbers again -----------------------------------------------------------------------------------------


def observations(evidence: Evidence, months: Sequence[date], undated: bool = False) -> pl.DataFrame:
    """The kept observations of these months at every place, with `manad`; `undated`: also those without a date."""
    manad = pl.col("event_date").dt.truncate("1mo")
    wanted = manad.is_between(pl.lit(months[0]), pl.lit(months[-1]))
    if undated:
        wanted |= pl.col("event_date").is_null()
    try:
        return pl.scan_parquet(evidence.path).with_columns(manad=manad).filter(wanted).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultattavlaError(f"Underlaget {evidence.path} kan inte läsas: ta bort filen och kör igen.") from error


def calculate(indicator: dict[str, Any], own: pl.DataFrame, has_data: bool) -> Calculation:
    """taljare, namnare and varde from the counting observations of a cell (indicators.md, Result of one cell)."""
    if not has_data:
        return Calculation(None, None, None)
    kind = indicator["art"]
    if kind in ("antal", "belopp"):
        total = float(own["taljare"].sum())
        return Calculation(total, None, total)
    if kind == "median":
        values = own["taljare"].sort().to_list()
        n = len(values)
        middle = tuple(values[(n - 1) // 2 : n // 2 + 1])
        return Calculation(None, float(n), sum(middle) / len(middle) if n else None, middle)
    if kind == "tackning":
        top = float(own.filter(pl.col("taljare") == 1)["person"].n_unique())
        bottom = float(own["person"].n_unique())
    else:
        top, bottom = float(own["taljare"].sum()), float(own["namnare"].sum())
    value = None if bottom == 0 else top / bottom if kind == "medel" else 100 * top / bottom
    return Calculation(top, bottom, value)


def _agree(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def check_agreement(cell: dict[str, Any], calculation: Calculation) -> None:
    """Raise ResultattavlaError when the evidence gives other numbers than the release (neither number is told)."""
    differing = [n for n in ("taljare", "namnare", "varde") if not _agree(cell[n], getattr(calculation, n))]
    if differing:
        raise ResultattavlaError(
            f"FEL: underlaget ger inte det publicerade talet ({', '.join(differing)} skiljer sig) för "
            f"{cell['indicator_id']} i utgåvan {cell['release_id']}. Lita inte på talet: felanmäl."
        )


def has_data(cell: dict[str, Any], evidence: Evidence) -> bool:
    """Whether the cell's period reaches into the data; before them a cell is unknown, not empty."""
    applicable = cell["status"] != "ej_tillamplig"
    return applicable and evidence.data_start is not None and cell["period_slut"] >= evidence.data_start


# --- What may be told ------------------------------------------------------------------------------------------


def _told(
    data: DataPaths,
    folder: Path,
    manifest: dict[str, Any],
    evidence: Evidence,
    base: Explanation,
    cell: dict[str, Any],
    rows: pl.DataFrame,
    with_lines: bool,
) -> dict[str, Any]:
    """Calculation, exclusions, counts by file and lines: the fields of Explanation that come from the evidence."""
    months = months_of(base.period_start, base.period_slut, base.stock)
    every = observations(evidence, months, undated=True)
    counting = every.filter(pl.col("exkludering").is_null())
    own = counting.filter(base.address.inside())
    known = has_data(cell, evidence)
    calculation = calculate(base.indicator, own, known)
    check_agreement(cell, calculation)
    if not known:
        return {"calculation": calculation}
    excluded = every.filter(pl.col("exkludering").is_not_null()).with_columns(
        skal=pl.when(pl.col("event_date").is_null())
        .then(UNDATED + pl.col("exkludering"))
        .otherwise(pl.col("exkludering"))
    )
    own_excluded = excluded.filter(base.address.excluded())
    limit = _limit(manifest, evidence)
    told: dict[str, Any] = {"calculation": calculation}
    file_of = {d.delivery: d.file for d in _accepted(evidence, base.indicator)}
    if not base.patient:
        told["exclusions"] = tuple(
            Exclusion(skal, n) for skal, n in own_excluded.group_by("skal").len().sort("skal").iter_rows()
        )
        told["files"] = _file_counts(file_groups(own, {d: d for d in own["delivery"].unique()}, 0), file_of)
        told["lines"] = _lines([own, own_excluded], file_of)
        return told
    place = rows.filter((pl.col("period_typ") == base.period_typ) & (pl.col("period_start") == base.period_start))
    if _overlaps_hidden(data, folder, manifest, base, pl.concat([own, own_excluded], how="diagonal"), months):
        told["exclusions_note"] = (
            "Antalet uteslutna visas inte: en annan indikator som delar dessa observationer har ett dolt tal här."
        )
    else:
        masks = masked_exclusions(excluded, place, base.address, limit)
        number = dict(own_excluded.group_by("skal").len().iter_rows())
        told["exclusions"] = tuple(
            Exclusion(s, number[s] if m == "exakt" else None, limit if m == "flera" else None)
            for s, m in sorted(masks.items())
        )
    monthly = rows.filter((pl.col("period_typ") == "manad") & pl.col("period_start").is_in(months))
    elsewhere = _hidden_elsewhere(data, manifest, base.indicator["indicator_id"], monthly)
    groups, note = _patient_groups(base, counting, own, monthly, elsewhere, months, limit)
    told["files_note"] = note
    if groups is not None:
        told["files"] = _file_counts(groups, file_of)
    if with_lines:
        told["lines"], told["lines_note"] = _patient_lines(
            base, own, pl.concat([_cells(monthly), elsewhere]), groups, note, file_of
        )
    return told


def _patient_groups(
    base: Explanation,
    counting: pl.DataFrame,
    own: pl.DataFrame,
    monthly: pl.DataFrame,
    elsewhere: pl.DataFrame,
    months: list[date],
    limit: int,
) -> tuple[list[Group] | None, str | None]:
    """The cell's observations by group of deliveries, or why they are not told."""
    if not set(months) <= set(monthly["period_start"]):
        return None, "Fördelningen på leveranser visas inte: perioden har månader som inte är publicerade."
    if (monthly.filter(base.address.same())["status"] == HIDDEN).any():
        return None, "Fördelningen på leveranser visas inte: en månad i perioden är dold och kunde räknas ut ur den."
    by_month = month_groups(
        counting, monthly, months, set(elsewhere["period_start"]), adds_up=base.indicator["art"] != "tackning"
    )
    if by_month is None:
        return None, "Fördelningen på leveranser visas inte: ett dolt tal kunde räknas ut ur den."
    return file_groups(own, joined(by_month), limit), None


def _cells(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("period_start", *ADDRESS, "status")


def _hidden_elsewhere(
    data: DataPaths, manifest: dict[str, Any], indicator_id: str, monthly: pl.DataFrame
) -> pl.DataFrame:
    """Cells of these months that are hidden in another kept release and shown here, or the other way round.

    All with status dold, so that they count as hidden. Releases made from the same observations are looked at once.
    """
    months = monthly["period_start"].unique()
    here = _cells(monthly).filter(pl.col("status") == HIDDEN)
    different = [here.clear()]
    seen = {same_cells_key(data, manifest["release_id"], indicator_id)}
    for name in release_order(data):
        key = same_cells_key(data, name, indicator_id)
        if key in seen or name == manifest["release_id"]:
            continue
        seen.add(key)
        rows = _rows(data.releases / name, indicator_id).filter(
            (pl.col("period_typ") == "manad") & pl.col("period_start").is_in(months.implode())
        )
        there = _cells(rows).filter(pl.col("status") == HIDDEN)
        both = here.filter(pl.col("period_start").is_in(rows["period_start"].unique().implode()))
        on = ["period_start", *ADDRESS]
        different += [
            there.join(here, on=on, how="anti", nulls_equal=True),
            both.join(there, on=on, how="anti", nulls_equal=True),
        ]
    return pl.concat(different).unique()


def _patient_lines(
    base: Explanation,
    own: pl.DataFrame,
    cells: pl.DataFrame,
    groups: list[Group] | None,
    note: str | None,
    file_of: dict[str, str],
) -> tuple[tuple[Line, ...] | None, str | None]:
    """Lines of the deliveries that stand alone, or why they are not told. cells: the months', of every release."""
    if groups is None:
        return None, (note or "").replace("Fördelningen på leveranser", "Rader")
    if (cells.filter(base.address.inside())["status"] == HIDDEN).any():
        return None, "Rader visas inte: en del av cellen (enhet, kön eller månad) är dold."
    single = [g.deliveries[0] for g in groups if len(g.deliveries) == 1 and not g.rest]
    lines = _lines([own.filter(pl.col("delivery").is_in(single))], file_of)
    left_out = any(len(g.deliveries) > 1 or g.rest for g in groups)
    return lines, "Rader i leveranser som räknas tillsammans visas inte." if left_out else None


def _nothing_hidden_inside(rows: pl.DataFrame, months: Sequence[date], address: Address) -> bool:
    """Whether every month is published, and no cell of these months at this address or in a part of it is hidden."""
    monthly = rows.filter((pl.col("period_typ") == "manad") & pl.col("period_start").is_in(months))
    published = set(months) <= set(monthly["period_start"])
    return published and not (monthly.filter(address.inside())["status"] == HIDDEN).any()


def _overlaps_hidden(
    data: DataPaths,
    folder: Path,
    manifest: dict[str, Any],
    base: Explanation,
    seen: pl.DataFrame,
    months: list[date],
) -> bool:
    """Whether another indicator about patients that shares observations with this cell is hidden at its address.

    Counted plus excluded here can be what another indicator counts: its hidden number would follow.
    """
    sources = set(base.indicator["kallor"].split("|"))
    catalogue = pl.read_parquet(folder / "indicator.parquet").filter("patient")
    others = [
        i
        for i in catalogue.iter_rows(named=True)
        if i["indicator_id"] != base.indicator["indicator_id"] and sources & set(i["kallor"].split("|"))
    ]
    hidden = (
        pl.scan_parquet(folder / RESULT_FILE)
        .filter(
            pl.col("indicator_id").is_in([i["indicator_id"] for i in others])
            & (pl.col("status") == HIDDEN)
            & (pl.col("period_typ") == base.period_typ)
            & (pl.col("period_start") == base.period_start)
            & base.address.same()
        )
        .select("indicator_id")
        .collect()["indicator_id"]
    )
    for other in others:
        if other["indicator_id"] in hidden:
            evidence = find(data, manifest, other["indicator_id"])
            period = months_of(base.period_start, base.period_slut, bool(other["bestand"]))
            theirs = observations(evidence, period).filter(pl.col("exkludering").is_null() & base.address.inside())
            if seen.join(theirs, on=["delivery", "line"], how="semi").height:
                return True
    return False


def _file_counts(groups: Sequence[Group], file_of: dict[str, str]) -> tuple[FileCount, ...]:
    return tuple(FileCount(tuple(file_of.get(d, d) for d in g.deliveries), g.count, g.rest) for g in groups)


def _lines(frames: Sequence[pl.DataFrame], file_of: dict[str, str]) -> tuple[Line, ...]:
    """File and line of observations, in order; nothing else of them."""
    every = pl.concat([f.select("delivery", "line", "exkludering") for f in frames]).unique()
    return tuple(
        sorted(
            (Line(file_of.get(d, d), n, reason) for d, n, reason in every.iter_rows()),
            key=lambda x: (x.file, x.line, x.reason or ""),
        )
    )


# --- Where it comes from ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Accepted:
    delivery: str
    source: str
    file: str
    uttagsdatum: str
    sha256: str


def _accepted(origin: Evidence | dict[str, Any], indicator: dict[str, Any]) -> list[_Accepted]:
    """Accepted deliveries of the indicator's sources and of the unit register, by source and date."""
    manifest = origin.origin if isinstance(origin, Evidence) else origin
    sources = [*indicator["kallor"].split("|"), REGISTER_SOURCE]
    found = [
        _Accepted(f"{d['uttagsdatum']}_{d['sha256'][:16]}", d["source"], d["file"], d["uttagsdatum"], d["sha256"])
        for d in manifest["inputs"]
        if d["status"] == ACCEPTED and d["source"] in sources
    ]
    return sorted(found, key=lambda d: (sources.index(d.source), d.uttagsdatum, d.file))


def _deliveries(evidence: Evidence, indicator: dict[str, Any]) -> Iterator[DeliveryRef]:
    for d in _accepted(evidence, indicator):
        yield DeliveryRef(d.source, d.file, d.uttagsdatum, d.sha256)


def _checks(folder: Path, manifest: dict[str, Any], indicator: dict[str, Any]) -> tuple[list[Check], int]:
    """Failed expectations of the gates for the indicator's sources (worst first), and how many passed."""
    sources = [*indicator["kallor"].split("|"), REGISTER_SOURCE, RESULT_SOURCE]
    table = pl.read_parquet(folder / "kvalitet.parquet").filter(pl.col("source").is_in(sources))
    titles = _titles(set(table["suite"]))
    waived = {w.names: w.text for w in map(Waiver.from_dict, manifest.get("undantag", []))}
    order = {"critical": 0, "warning": 1, "info": 2}
    failed = [
        Check(
            row["suite"],
            row["source"],
            row["severity"],
            titles.get((row["suite"], row["expectation"]), row["expectation"]),
            number(row["observed"])
            if row["observed"] is not None
            else f"{row['unexpected']} av {row['checked']}"
            if row["unexpected"]
            else None,
            waived.get((row["suite"], row["expectation"], row["source"])),
        )
        for row in table.filter(~pl.col("success")).iter_rows(named=True)
    ]
    failed.sort(key=lambda c: (order.get(c.severity, 3), sources.index(c.source), c.title))
    return failed, int(table["success"].sum())


def _titles(suites: set[str]) -> dict[tuple[str, str], str]:
    """Titles of expectations as the suites of today have them; an older release can name others."""
    from dagster_project.gates.decision import SUITES
    from dagster_project.gates.validate import load_suite

    return {
        (name, e["meta"]["id"]): e["meta"]["titel"]
        for name in suites
        if (path := SUITES / f"{name}.json").exists()
        for e in load_suite(path).expectations
    }


# --- What changed ----------------------------------------------------------------------------------------------


def release_order(data: DataPaths) -> list[str]:
    """Ids of kept releases, oldest first: by as-of date, then by when they were made.

    A day that was made again (a corrected delivery, another code version) follows its first making, so that it is
    compared with that one and not with the day before; and the day after is compared with the newest making.
    """
    found = [
        (p.parent.name[:10], p.stat().st_mtime_ns, p.parent.name) for p in data.releases.glob("[0-9]*/manifest.json")
    ]
    return [name for _, _, name in sorted(found)]


def _change(
    data: DataPaths,
    manifest: dict[str, Any],
    evidence: Evidence,
    base: Explanation,
    cell: dict[str, Any],
    rows: pl.DataFrame,
) -> Change | None:
    """The same cell in the newest kept release before this one that has it; None when there is none."""
    order = release_order(data)
    for name in reversed(order[: order.index(manifest["release_id"])]):
        folder = data.releases / name
        try:
            before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            theirs = _rows(folder, base.indicator["indicator_id"])
        except (OSError, ValueError, pl.exceptions.PolarsError):
            continue  # a damaged release is no release: the one before it is asked
        same = theirs.filter(
            (pl.col("period_typ") == base.period_typ)
            & (pl.col("period_start") == base.period_start)
            & base.address.same()
        )
        if same.height:
            return _compare(data, before, theirs, same.row(0, named=True), evidence, base, cell, rows)
    return None


def _compare(
    data: DataPaths,
    manifest: dict[str, Any],
    theirs: pl.DataFrame,
    old: dict[str, Any],
    evidence: Evidence,
    base: Explanation,
    cell: dict[str, Any],
    rows: pl.DataFrame,
) -> Change:
    """What differs between two makings of a cell that is shown now."""
    if old["status"] == HIDDEN:
        return Change(manifest["release_id"], manifest["as_of"], hidden=True)
    try:
        earlier = find(data, manifest, base.indicator["indicator_id"])
    except ResultattavlaError:
        earlier = None
    was = earlier.origin if earlier else manifest
    now = evidence.origin
    files_before, files_now = ([d.file for d in _accepted(m, base.indicator)] for m in (was, now))
    changes: dict[str, Any] = {
        key: (was[key], now[key]) for key in ("code_version", "catalogue_version") if was[key] != now[key]
    }
    names = sorted({*was["parameters"], *now["parameters"]})
    changes["parameters"] = tuple(n for n in names if was["parameters"].get(n) != now["parameters"].get(n))
    changes["new_files"] = tuple(f for f in files_now if f not in set(files_before))
    changes["gone_files"] = tuple(f for f in files_before if f not in set(files_now))
    if earlier is None:
        changes["note"] = "Underlaget till den förra utgåvan finns inte kvar: tillkomna och borttagna visas inte."
    else:
        changes |= _came_and_went(earlier, evidence, base, theirs, rows, manifest, (old, cell))
    return Change(
        manifest["release_id"],
        manifest["as_of"],
        hidden=False,
        before=(old["taljare"], old["namnare"], old["varde"]),
        status=old["status"],
        **changes,
    )


def _came_and_went(
    earlier: Evidence,
    evidence: Evidence,
    base: Explanation,
    theirs: pl.DataFrame,
    rows: pl.DataFrame,
    manifest: dict[str, Any],
    cells: tuple[dict[str, Any], dict[str, Any]],
) -> dict[str, Any]:
    """Observations that came and went, by delivery and line, as far as they may be told."""
    months = months_of(base.period_start, base.period_slut, base.stock)
    where: Callable[[Evidence], pl.DataFrame] = lambda e: observations(e, months).filter(  # noqa: E731
        pl.col("exkludering").is_null() & base.address.inside()
    )
    before, after = (
        where(e) if has_data(c, e) else where(e).clear() for e, c in zip((earlier, evidence), cells, strict=True)
    )
    key = ["delivery", "line"]
    added, gone = after.join(before, on=key, how="anti"), before.join(after, on=key, how="anti")
    if base.patient:
        limit = max(_limit(manifest, earlier), _limit(manifest, evidence))
        few = any(0 < frame.height < limit for frame in (added, gone))
        if few or not all(_nothing_hidden_inside(r, months, base.address) for r in (theirs, rows)):
            return {
                "note": "Hur många observationer som kommit till och försvunnit visas inte: talen är små, eller en del "
                "av cellen är dold."
            }
        return {"added": added.height, "gone": gone.height}
    kept = after.join(before, on=key, suffix="_forr")
    file_of = {d.delivery: d.file for e in (earlier, evidence) for d in _accepted(e, base.indicator)}
    numbers = {d: [0, 0] for d in sorted({*added["delivery"], *gone["delivery"]})}
    for column, frame in enumerate((added, gone)):
        for delivery, n in frame.group_by("delivery").len().iter_rows():
            numbers[delivery][column] = n
    return {
        "added": added.height,
        "gone": gone.height,
        "changed": kept.filter(pl.col("taljare") != pl.col("taljare_forr")).height,
        "by_file": tuple((file_of.get(d, d), a, g) for d, (a, g) in numbers.items()),
    }
