"""The steward's page: what the latest run came to, what is wrong, and what to do about it, as one static HTML file.

`write_review` gathers what a run left (its record and the ones before, the gates' outcomes, the waivers, ledger and
quarantine) into plain values, and `assets/index.html.j2` lays them out. The page opens from disk, asks no
network for anything and can be read without its script, which only sorts and filters. It shows what the run tables
hold, which is masked already, and escapes all of it.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2
import polars as pl
from markupsafe import Markup

from dagster_project.cli.summary import quarantine_counts, write_quarantine_csv
from dagster_project.core.paths import DataPaths, replacing
from dagster_project.core.swedish import counted, number, percent
from dagster_project.gates.decision import GATE_TITLES, SUITES, catalogue, data_docs, decide
from dagster_project.gates.validate import GATES, MILDER, Outcome, SuiteError, load_suite
from dagster_project.gates.waivers import Waiver
from dagster_project.ingestion.bronze import ACCEPTED, LATER, REJECTED, SAME_CONTENT
from dagster_project.ingestion.settle import OPEN
from dagster_project.runs.history import CheckRecord, RunRecord, check_records

ASSETS = Path(__file__).parent / "assets"
SHARED_STYLES = ASSETS.parent.parent / "base.css"
OPEN_CSV, ALL_CSV = "karantan.csv", "karantan_alla.csv"
RUNS_SHOWN = 30
ROWS_PER_GROUP = 200
ROWS_SHOWN = 6000
"""Quarantined rows in the page, all groups together: with very many groups each shows fewer than ROWS_PER_GROUP."""
DELIVERIES_PER_SOURCE = 100
SOON_DAYS = 14
"""A waiver that ends within this many days is pointed out."""
LATE = ("alder_varning", "alder_stopp")
LOCAL = ZoneInfo("Europe/Stockholm")

Check = tuple[str, str, str]
"""What an expectation is known by: suite, source, expectation id."""

# Class, word and sign of what an expectation came to; the sign makes it readable without colour.
PASSED = ("godkand", "Godkänd", "✓")
NOT_TESTED = ("oprovad", "Inte prövad", "–")
FAILED = {
    "critical": ("stopp", "Stopp", "✗"),
    "warning": ("varning", "Varning", "!"),
    "info": ("upplysning", "Upplysning", "i"),
}
WAIVED_SIGN = "u"
_ORDER = {"critical": 0, "warning": 1, "info": 2}

STATUS_TEXTS = {
    ACCEPTED: "Godkänd",
    REJECTED: "Avvisad",
    SAME_CONTENT: "Samma innehåll som en annan fil",
    LATER: "Väntar: uttagen efter körningens datum",
}
REASON_TEXTS = {
    "format:rad": "Raden har fler celler än det finns rubriker",
    "overlapp:giltighet": "Giltighetstiden överlappar en annan rads",
    "dubblett:konflikt": "Samma nyckel förekommer med olika innehåll",
    "enhet:okand": "Enheten finns inte i enhetsregistret",
    "enhet:ej_giltig": "Enheten var inte giltig på händelsedagen",
}
REASON_KINDS = {
    "saknas": "{0} saknas",
    "format": "{0} kan inte läsas",
    "varde": "{0} har ett värde som inte är tillåtet",
    "framtid": "{0} ligger efter uttagsdatumet",
    "ordning": "{0} är senare än {1}",
}


def write_review(
    data: DataPaths, records: Sequence[RunRecord], outcomes: Sequence[Outcome], waivers: Sequence[Waiver]
) -> Path:
    """Write `index.html` below `data.docs`, and the quarantine as CSV beside it; returns the page.

    records   newest first; the first is this run. Its `run_id` is None when ingestion failed: then the page says why,
              and `data.run` (left by an earlier run) is not read
    outcomes  of the gates that this run got through
    waivers   the whole waiver file

    The CSV files stand before the page that links to them is switched in. The same inputs give the same files.
    Raises ValueError without a record, ResultattavlaError for a folder that cannot be written.
    """
    if not records:
        raise ValueError("there is no run to show")
    run = records[0]
    page = data.docs / "index.html"
    data.docs.mkdir(parents=True, exist_ok=True)
    quarantine = _table(data, run, "karantan")
    if quarantine is not None:
        write_quarantine_csv(quarantine.filter(pl.col("state") == OPEN), data.docs / OPEN_CSV)
        write_quarantine_csv(quarantine, data.docs / ALL_CSV)
    text = _render(data, records[:RUNS_SHOWN], outcomes, waivers, quarantine, _table(data, run, "leveranser"))
    with replacing(page) as part:
        part.write_text(text, encoding="utf-8")
    if quarantine is None:  # what an earlier run left would be taken for this run's
        for name in (OPEN_CSV, ALL_CSV):
            (data.docs / name).unlink(missing_ok=True)
    return page


def _table(data: DataPaths, run: RunRecord, name: str) -> pl.DataFrame | None:
    path = data.run / f"{name}.parquet"
    return pl.read_parquet(path) if run.run_id is not None and path.exists() else None


def _render(
    data: DataPaths,
    records: Sequence[RunRecord],
    outcomes: Sequence[Outcome],
    waivers: Sequence[Waiver],
    quarantine: pl.DataFrame | None,
    ledger: pl.DataFrame | None,
) -> str:
    run = records[0]
    as_of = date.fromisoformat(run.as_of) if run.as_of else None
    titles = _Titles(outcomes)
    names = {i.id: i.titel for i in catalogue()}
    css = "".join(path.read_text(encoding="utf-8") for path in (SHARED_STYLES, ASSETS / "review.css"))
    script = (ASSETS / "review.js").read_text(encoding="utf-8")
    docs_index = data_docs(data) / "index.html"
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            css=Markup(css),
            script=Markup(script),
            css_hash=_csp_hash(css),
            script_hash=_csp_hash(script),
            run=_run_view(run, names),
            held=_held_back(run, names),
            failed=_failed(data, outcomes, names),
            tested=len(outcomes),
            grid=_grid(records, outcomes, titles) if outcomes else None,
            waivers=[_waiver_view(w, outcomes, as_of, titles) for w in waivers],
            quarantine=_quarantine_view(quarantine, as_of) if quarantine is not None else None,
            deliveries=_deliveries_view(ledger) if ledger is not None else None,
            late=_late(outcomes, ledger),
            runs=[_run_view(r, names) for r in records],
            docs_index=_relative(data, docs_index) if outcomes and docs_index.exists() else None,
            soon_days=SOON_DAYS,
            files=(OPEN_CSV, ALL_CSV),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"tal": number}
    environment.globals |= {"antal": counted}
    return environment


def _shown(value: Any) -> Any:
    """What the template puts out: characters that steer text (direction marks, control codes) as their numbers."""
    if value is None:
        return ""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if value.isprintable():
        return value
    return "".join(
        c if c.isprintable() or c == "\n" or unicodedata.category(c) == "Zs" else f"⟨U+{ord(c):04X}⟩" for c in value
    )


def _csp_hash(text: str) -> str:
    """What the page's Content-Security-Policy knows an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _relative(data: DataPaths, path: Path) -> str:
    return quote(path.relative_to(data.docs).as_posix())


class _Titles:
    """Titles of expectations: as this run's outcomes say, else as the suite file does, else the id."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._known = {(o.suite, o.expectation): o.titel for o in outcomes}
        self._read: set[str] = set()

    def __call__(self, suite: str, expectation: str) -> str:
        if (suite, expectation) not in self._known and suite not in self._read:
            self._read.add(suite)
            self._known = _suite_titles(suite) | self._known
        return self._known.get((suite, expectation), expectation)


def _suite_titles(suite: str) -> dict[tuple[str, str], str]:
    path = SUITES / f"{suite}.json"
    try:
        return {(suite, e["meta"]["id"]): e["meta"]["titel"] for e in load_suite(path).expectations}
    except (OSError, SuiteError):
        return {}  # no longer there, or what stopped the run: the page is needed all the more, and ids will do


# The run and what it holds back


def local_time(started: str) -> str:
    """A UTC time of a record as a Swedish clock showed it: `2022-09-30 06:15`."""
    time = datetime.fromisoformat(started)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")


def _run_view(run: RunRecord, names: Mapping[str, str]) -> dict[str, Any]:
    warned = any(not c.success and _consequence(c) == "warning" for c in run.checks)
    held = len(run.held_back)
    if run.release_id is None:
        status, text = "stopp", "Ingenting publicerades"
    elif held:
        status, text = "varning", f"Publicerad, {counted(held, 'indikator', 'indikatorer')} hålls tillbaka"
    else:
        status, text = ("varning", "Publicerad, med varning") if warned else ("godkand", "Publicerad")
    by_source: dict[str, list[str]] = {}
    for indicator, sources in run.held_back.items():
        for source in sources:
            by_source.setdefault(source, []).append(names.get(indicator, indicator))
    return {
        "started": local_time(run.started),
        "as_of": run.as_of,
        "run_id": run.run_id,
        "release_id": run.release_id,
        "error": run.error,
        "status": status,
        "text": text,
        "held": [(source, sorted(titles)) for source, titles in sorted(by_source.items())],
        "held_count": held,
    }


def _held_back(run: RunRecord, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Held-back indicators in groups of the same sources and the same origin of their rows."""
    groups: dict[tuple[tuple[str, ...], str | None], list[str]] = {}
    for indicator, sources in run.held_back.items():
        key = (tuple(sorted(sources)), run.frozen.get(indicator))
        groups.setdefault(key, []).append(names.get(indicator, indicator))
    return [
        {"sources": sources, "since": origin[:10] if origin else None, "origin": origin, "titles": sorted(titles)}
        for (sources, origin), titles in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    ]


# Gates


def _consequence(check: CheckRecord | Outcome) -> str:
    return check.severity if check.undantag is None else MILDER[check.severity]


def _gravity(failure: CheckRecord | Outcome) -> tuple[int, bool]:
    """Sorts failures: the gravest first, waived ones after those that count in full."""
    return _ORDER[_consequence(failure)], failure.undantag is not None


def _measured(check: CheckRecord | Outcome) -> str:
    """What was measured, in Swedish numbers; empty where the expectation has no figure."""
    if check.observed is not None:
        return number(check.observed)
    if check.unexpected is None:
        return ""
    if not check.checked:
        return f"{number(check.unexpected)} fel"
    return f"{number(check.unexpected)} fel av {number(check.checked)} ({percent(check.unexpected / check.checked)})"


def _cell(check: CheckRecord | None) -> tuple[str, str, str]:
    """Class, sign and text of one cell of the grid; a sign of its own for a waived failure."""
    if check is None:
        return NOT_TESTED[0], NOT_TESTED[2], NOT_TESTED[1]
    if check.success:
        return PASSED[0], PASSED[2], PASSED[1]
    status, word, sign = FAILED[_consequence(check)]
    measured = _measured(check)
    waived = check.undantag is not None
    text = f"{word}{' genom undantag' if waived else ''}{f': {measured}' if measured else ''}"
    return status, WAIVED_SIGN if waived else sign, text


def _grid(records: Sequence[RunRecord], outcomes: Sequence[Outcome], titles: _Titles) -> dict[str, Any]:
    """Expectation and source by run, newest run first; this run's failures are the first rows."""
    runs = [check_records(outcomes), *(r.checks for r in records[1:])]
    found: list[dict[Check, CheckRecord]] = [{(c.suite, c.source, c.expectation): c for c in checks} for checks in runs]
    checks: dict[Check, CheckRecord] = {}
    for by_check in found:
        for key, check in by_check.items():
            checks.setdefault(key, check)

    def place(key: Check) -> tuple:
        now = found[0].get(key)
        failed = now is not None and not now.success
        return (not failed, _gravity(now) if now and failed else (), now is None, GATES.index(checks[key].gate), key[1])

    rows = [
        {
            "title": titles(key[0], key[2]),
            "source": key[1],
            "gate": GATE_TITLES[checks[key].gate],
            "failed": key in found[0] and not found[0][key].success,
            "cells": [_cell(by_check.get(key)) for by_check in found],
        }
        for key in sorted(checks, key=place)
    ]
    return {
        "runs": [{"as_of": r.as_of, "started": local_time(r.started)} for r in records],
        "rows": rows,
        "sources": sorted({key[1] for key in checks}),
        "legend": [PASSED, *FAILED.values(), NOT_TESTED],
        "waived_sign": WAIVED_SIGN,
    }


def _failed(data: DataPaths, outcomes: Sequence[Outcome], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """This run's failed expectations with what each means for publishing, gravest first."""
    indicators = catalogue()
    held = decide(outcomes).held_back
    views = []
    for o in sorted((o for o in outcomes if not o.success), key=lambda o: (_gravity(o), GATES.index(o.gate), o.source)):
        reads = [i.id for i in indicators if o.source in i.sources]
        consequence = o.consequence
        touched: list[str] = []
        if o.gate == "resultat":
            effect = "Ingenting publiceras." if consequence == "critical" else "Hindrar inte publiceringen."
        elif consequence == "critical":
            touched = reads
            effect = "Håller tillbaka"
        elif consequence == "warning":
            touched = [i for i in reads if i not in held]
            effect = "Märker med varning" if touched else "Märker inget: källans indikatorer hålls redan tillbaka."
        else:
            effect = "Ändrar inget i publiceringen."
        page = data_docs(data) / o.gate / f"{o.source}.html"
        status, word, sign = FAILED[o.severity]
        views.append(
            {
                "status": status,
                "word": word,
                "sign": sign,
                "gate": GATE_TITLES[o.gate],
                "source": o.source,
                "title": o.titel,
                "meaning": o.betydelse,
                "action": o.atgard,
                "measured": _measured(o),
                "waiver": o.undantag,
                "counts_as": FAILED[consequence][1],
                "effect": effect,
                "touched": [names.get(i, i) for i in touched],
                "everything": len(touched) == len(indicators),
                "link": _relative(data, page) if page.exists() else None,
            }
        )
    return views


def _waiver_view(waiver: Waiver, outcomes: Sequence[Outcome], as_of: date | None, titles: _Titles) -> dict[str, Any]:
    """One waiver and what it does in this run."""
    outcome = next((o for o in outcomes if (o.suite, o.expectation, o.source) == waiver.names), None)
    left = (waiver.last_date - as_of).days if as_of else None
    if left is not None and left < 0:
        status, text = "stopp", "Har gått ut: ta bort raden eller låt den som ansvarar förnya den"
    elif outcome is None:
        status, text = "oprovad", "Inte prövat i den här körningen"
    elif outcome.success:
        status, text = "upplysning", "Behövs inte längre: förväntan är uppfylld"
    elif outcome.undantag is None:
        status, text = "oprovad", "Används inte i den här körningen"
    else:
        status, text = "varning", "Används i den här körningen"
    return {
        "title": titles(waiver.suite, waiver.expectation),
        "source": waiver.source,
        "gate": GATE_TITLES[waiver.suite.split("/")[0]],
        "reason": waiver.reason,
        "who": waiver.approved_by,
        "last_date": waiver.last_date,
        "left": left,
        "soon": left is not None and 0 <= left <= SOON_DAYS,
        "used": outcome is not None and outcome.undantag is not None,
        "status": status,
        "text": text,
        "line": waiver.line,
    }


# Quarantine


def reason_text(reason: str) -> str:
    """A reason code in words; a code that is not known here as it is."""
    if reason in REASON_TEXTS:
        return REASON_TEXTS[reason]
    kind, _, columns = reason.partition(":")
    first, _, second = columns.partition(">")
    return REASON_KINDS[kind].format(first, second) if kind in REASON_KINDS and first else reason


def _quarantine_view(quarantine: pl.DataFrame, as_of: date | None) -> dict[str, Any]:
    """Open rows by source and reason; of each group the rows that have waited longest."""
    counts = quarantine_counts(quarantine)
    limit = min(ROWS_PER_GROUP, max(1, ROWS_SHOWN // max(1, len(counts))))
    waiting = quarantine.filter(pl.col("state") == OPEN)
    shown = (
        waiting.with_row_index("nr")
        .with_columns(
            reason=pl.col("reasons").str.split("|"), age=(pl.lit(as_of, dtype=pl.Date) - pl.col("first_seen"))
        )
        .with_columns(pl.col("age").dt.total_days())
        .explode("reason")
        .sort("first_seen", "file", "line")
        .group_by("source", "reason", maintain_order=True)
        .head(limit)
    )
    columns = ["nr", "file", "followed_by", "line", "values", "key", "age", "first_seen", "reasons"]
    rows = {
        key: list(part.select(columns).iter_rows(named=True))
        for key, part in shown.partition_by("source", "reason", as_dict=True).items()
    }
    sources: dict[str, list[dict[str, Any]]] = {}
    for source, reason, count in counts:
        group = rows[(source, reason)]
        for row in group:
            others = [reason_text(r) for r in row.pop("reasons").split("|") if r != reason]
            row["others"] = "; ".join(others)
        sources.setdefault(source, []).append(
            {
                "reason": reason,
                "text": reason_text(reason),
                "count": count,
                "rows": group,
                "several": any(row["others"] for row in group),
            }
        )
    by_source = dict(waiting.group_by("source").len().iter_rows())
    oldest = waiting["first_seen"].min()
    return {
        "open": waiting.height,
        "resolved": quarantine.height - waiting.height,
        "oldest": (as_of - oldest).days if as_of and isinstance(oldest, date) else None,
        "sources": [{"name": name, "count": by_source[name], "groups": groups} for name, groups in sources.items()],
        "shortened": any(g["count"] > len(g["rows"]) for groups in sources.values() for g in groups),
    }


# Deliveries


def _deliveries_view(ledger: pl.DataFrame) -> dict[str, Any]:
    """The ledger, rejected files first, then the newest; of each source at most DELIVERIES_PER_SOURCE of either."""
    rejected = pl.col("status") == REJECTED
    ordered = ledger.sort(~rejected, "uttagsdatum", "source", "file", descending=[False, True, False, False])
    shown = ordered.filter(pl.int_range(pl.len()).over("source", rejected) < DELIVERIES_PER_SOURCE)
    rows = [
        {
            **row,
            "status": {REJECTED: "stopp", ACCEPTED: "godkand"}.get(row["status"], "oprovad"),
            "text": STATUS_TEXTS.get(row["status"], row["status"]),
            "rejected": row["status"] == REJECTED,
        }
        for row in shown.iter_rows(named=True)
    ]
    return {
        "rows": rows,
        "count": ledger.height,
        "rejected": ledger.filter(rejected).height,
        "left_out": ledger.height - shown.height,
        "sources": sorted(set(ledger["source"])),
    }


def _late(outcomes: Sequence[Outcome], ledger: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Sources whose newest delivery is older than agreed: the gravest of the two expectations, age and date."""
    newest: dict[str, date] = {}
    if ledger is not None:
        accepted = ledger.filter(pl.col("status") == ACCEPTED)
        newest = dict(accepted.group_by("source").agg(pl.col("uttagsdatum").max()).iter_rows())
    late: dict[str, Outcome] = {}
    for o in outcomes:
        graver = o.source not in late or _gravity(o) < _gravity(late[o.source])
        if o.expectation in LATE and not o.success and graver:
            late[o.source] = o
    return [
        {
            "source": source,
            "days": number(o.observed),
            "newest": newest.get(source),
            "status": FAILED[o.consequence][0],
            "word": FAILED[o.consequence][1],
            "waived": o.undantag is not None,
        }
        for source, o in sorted(late.items())
    ]
