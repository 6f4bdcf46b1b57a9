"""What people are shown of a run: plain rows for the summary, the quarantine list and its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths, replacing
from dagster_project.core.swedish import number
from dagster_project.gates.decision import RESULT_TABLE, decide, source_outcome
from dagster_project.gates.validate import Outcome
from dagster_project.ingestion.settle import OPEN, Settled

if TYPE_CHECKING:
    from dagster_project.releases.publish import Release

QUARANTINE_COLUMNS = ["source", "file", "line", "reasons", "key", "values", "state", "first_seen"]
SEVERITY_WORDS = {"critical": "STOPP", "warning": "Varning", "info": "Upplysning"}
OUTCOME_TEXT = {"godkand": "godkänd", "varning": "varning", "underkand": "UNDERKÄND"}


def delivery_rows(settled: Settled) -> list[tuple]:
    """Per source: files (accepted of all), rows read, accepted, quarantined, duplicate, newest extraction date."""
    rows = []
    for source in load_contracts():
        accepted = settled.accepted(source)
        found = sum(d.source == source for d in settled.ledger)
        files = f"{len(accepted)}" if len(accepted) == found else f"{len(accepted)} av {found}"
        sums = [
            sum(getattr(d, f"rows_{n}") for d in accepted) for n in ("read", "accepted", "quarantined", "duplicate")
        ]
        rows.append((source, files, *sums, accepted[-1].uttagsdatum if accepted else "aldrig levererad"))
    return rows


def rejected_files(settled: Settled) -> list[str]:
    """Why files were rejected, one sentence each."""
    return [d.orsak or d.file for d in settled.ledger if d.status == "avvisad"]


def quarantine_counts(quarantine: pl.DataFrame) -> list[tuple]:
    """Open rows by source and reason, most first; a row with several reasons counts under each."""
    counts = (
        quarantine.filter(pl.col("state") == OPEN)
        .with_columns(pl.col("reasons").str.split("|"))
        .explode("reasons")
        .group_by("source", "reasons")
        .len()
        .sort("source", pl.col("len"), "reasons", descending=[False, True, False])
    )
    return list(counts.iter_rows())


def quarantine_by_source(quarantine: pl.DataFrame) -> list[tuple]:
    """Number of open rows per source, all sources."""
    counts = dict(quarantine.filter(pl.col("state") == OPEN).group_by("source").len().iter_rows())
    return [(source, counts.get(source, 0)) for source in load_contracts()]


def gate_rows(outcomes: Sequence[Outcome]) -> list[tuple]:
    """Per source: outcome of the first two gates and what it holds back; then the results gate."""
    held_back = decide(outcomes).held_back
    rows: list[tuple] = []
    for source in load_contracts():
        by_gate = [
            OUTCOME_TEXT[source_outcome([o for o in outcomes if o.gate == gate], source)]
            for gate in ("leverans", "staging")
        ]
        held = [i for i, sources in held_back.items() if source in sources]
        rows.append((source, *by_gate, f"{len(held)} indikatorer" if held else ""))
    results = [o for o in outcomes if o.gate == "resultat"]
    if results:
        rows.append(("resultat", OUTCOME_TEXT[source_outcome(results, RESULT_TABLE)], "", ""))
    return rows


def failed_checks(outcomes: Sequence[Outcome]) -> list[str]:
    """One sentence per failed expectation: what, how much, what to do. Notes (severity info) come last."""
    order = {"critical": 0, "warning": 1, "info": 2}
    sentences = []
    for o in sorted((o for o in outcomes if not o.success), key=lambda o: (order[o.consequence], o.source)):
        measured = (
            number(o.observed)
            if o.observed is not None
            else f"{number(o.unexpected)} av {number(o.checked)}"
            if o.unexpected
            else ""
        )
        found = f" ({measured})" if measured else ""
        what_to_do = o.atgard if o.undantag is None else f"Undantag {o.undantag}."
        sentences.append(f"{SEVERITY_WORDS[o.consequence]} {o.source}: {o.titel} – nej{found}. {what_to_do}")
    return sentences


def read_quarantine(
    data: DataPaths,
    source: str | None = None,
    every: bool = False,
    reason: str | None = None,
    unit: str | None = None,
    older_than: int | None = None,
    superseded: bool = True,
) -> pl.DataFrame:
    """The latest run's quarantine, open rows only unless `every`.

    reason: a whole reason code, or its part before the colon. unit: HSA-id in any case. older_than: days between the
    delivery's extraction date and the run's as-of date. superseded: whether open rows that came again in a newer
    delivery are among them. Raises ResultattavlaError when nothing was run.
    """
    path = data.run / "karantan.parquet"
    if not path.exists():
        raise ResultattavlaError(f"Ingen körning finns i {data.root}: kör `resultattavla run` först.")
    rows = pl.read_parquet(path)
    wanted = []
    if not every:
        wanted.append(pl.col("state") == OPEN)
    if not superseded:
        wanted.append((pl.col("state") != OPEN) | pl.col("followed_by").is_null())
    if source is not None:
        wanted.append(pl.col("source") == source)
    if reason is not None:
        code = pl.element()
        matches = (code == reason) | code.str.starts_with(f"{reason}:")
        wanted.append(pl.col("reasons").str.split("|").list.eval(matches).list.any())
    if unit is not None:
        wanted.append(pl.col("hsaid_enhet") == unit.upper())
    if older_than is not None:
        from dagster_project.runs.identity import RunState

        age = (pl.lit(RunState.read(data).as_of) - pl.col("first_seen")).dt.total_days()
        wanted.append(age > older_than)
    return rows.filter(*wanted) if wanted else rows


def quarantine_states(rows: pl.DataFrame) -> list[str]:
    """What became of each row, in words: open, superseded by a newer file's row with the same key, or resolved."""
    return [
        "öppen"
        if after is None
        else f"öppen, kom igen i {after.rpartition('/')[2]}"
        if state == OPEN
        else f"åtgärdad av {after.rpartition('/')[2]}"
        for state, after in rows.select("state", "followed_by").iter_rows()
    ]


def write_quarantine_csv(rows: pl.DataFrame, path: Path) -> None:
    """The list as CSV (`,`, UTF-8); text that a sheet would run as a formula is escaped."""
    from dagster_project.releases.publish import escaped

    texts = [escaped(pl.col(n)) for n in QUARANTINE_COLUMNS if rows.schema[n] == pl.String]
    try:
        with replacing(path) as part:
            rows.select(QUARANTINE_COLUMNS).with_columns(texts).write_csv(part)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {error.strerror}.") from error


def waiver_sentences(release: Release) -> list[str]:
    """The waivers that cover a failure in this release, one sentence each."""
    return [
        f"Undantag för {w['source']}: {w['suite']} {w['expectation']}, till och med {w['last_date']} – "
        f"{w['reason']} ({w['approved_by']})."
        for w in release.manifest.get("undantag", [])
        if w["anvant"]
    ]


def held_back_sentences(release: Release) -> list[str]:
    """What is held back, by which sources, and since when its rows are frozen; one sentence per group."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for indicator, sources in sorted(release.held_back.items()):
        groups.setdefault((", ".join(sources), release.frozen.get(indicator)), []).append(indicator)
    return [
        f"Hålls tillbaka av {sources}: {', '.join(indicators)} "
        + (
            f"(frysta sedan {release.frozen_since[indicators[0]]}: raderna kommer ur utgåva {origin})."
            if origin
            else "(inga tidigare rader att visa)."
        )
        for (sources, origin), indicators in groups.items()
    ]
