"""What the command says of a run, a release and the quarantine: plain rows and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import (
    ACCEPTED,
    DELIVERY,
    INFO,
    LATER,
    OPEN,
    REJECTED,
    RESULT_TABLE,
    RESULTS,
    STAGING,
    WITHDRAWN,
    gravity,
)
from dagster_project.core.swedish import counted
from dagster_project.gates.decision import decide
from dagster_project.gates.outcomes import Outcome, source_outcome
from dagster_project.gates.suites import suite_titles
from dagster_project.ingestion.quarantine import open_by_reason
from dagster_project.products.measured import (
    by_measure,
    failure_sentence,
    measure_of,
    measured,
    published_figures,
)
from dagster_project.products.words import SOURCE_OUTCOME_WORDS
from dagster_project.releases.store import Release
from dagster_project.releases.tables import QUALITY_TABLE
from dagster_project.runs.ledger import Delivery, accepted


def delivery_rows(ledger: Sequence[Delivery]) -> list[tuple]:
    """Per source: files (accepted of all), rows read, accepted, quarantined, duplicate, newest extraction date."""
    rows = []
    for source in load_contracts():
        counted = accepted(ledger, source)
        found = sum(d.source == source for d in ledger)
        files = f"{len(counted)}" if len(counted) == found else f"{len(counted)} av {found}"
        sums = [sum(getattr(d, f"rows_{n}") for d in counted) for n in ("read", "accepted", "quarantined", "duplicate")]
        rows.append((source, files, *sums, counted[-1].uttagsdatum if counted else _why_none(ledger, source)))
    return rows


def _why_none(ledger: Sequence[Delivery], source: str) -> str:
    """Why no file of a source counts: it was never delivered, or what became of its files."""
    of_status = {REJECTED: "allt avvisat", WITHDRAWN: "allt återkallat", LATER: "bara senare"}
    found = {of_status[d.status] for d in ledger if d.source == source and d.status in of_status}
    return found.pop() if len(found) == 1 else "ingen som räknas" if found else "aldrig levererad"


def rejected_files(ledger: Sequence[Delivery]) -> list[str]:
    """Why files were rejected, one sentence each."""
    return [d.orsak or d.file for d in ledger if d.status == REJECTED]


def remarks(ledger: Sequence[Delivery]) -> list[str]:
    """What is remarkable about files that count, or why they were taken out; one sentence each."""
    told = [d for d in ledger if d.orsak and d.status in (ACCEPTED, WITHDRAWN)]
    return [f"{d.file}: {d.orsak}" for d in told]


def quarantine_by_source(quarantine: pl.DataFrame) -> list[tuple]:
    """Number of open rows per source, all sources."""
    counts = dict(quarantine.filter(pl.col("state") == OPEN).group_by("source").len().iter_rows())
    return [(source, counts.get(source, 0)) for source in load_contracts()]


def quarantine_rows(quarantine: pl.DataFrame) -> list[tuple[str, int, str]]:
    """Per source with open rows: how many, and by which reasons, most first; a row counts under each of its own."""
    reasons: dict[str, list[str]] = {}
    for source, reason, count in open_by_reason(quarantine):
        reasons.setdefault(source, []).append(f"{reason} ({count})" if count > 1 else reason)
    return [(s, n, ", ".join(reasons[s])) for s, n in quarantine_by_source(quarantine) if n]


def gate_rows(outcomes: Sequence[Outcome]) -> list[tuple]:
    """Per source: outcome of the first two gates and what it holds back; then the results gate."""
    held_back = decide(outcomes).held_back
    rows: list[tuple] = []
    for source in load_contracts():
        by_gate = [
            SOURCE_OUTCOME_WORDS[source_outcome([o for o in outcomes if o.gate == gate], source)]
            for gate in (DELIVERY, STAGING)
        ]
        held = [i for i, sources in held_back.items() if source in sources]
        rows.append((source, *by_gate, f"{len(held)} indikatorer" if held else ""))
    results = [o for o in outcomes if o.gate == RESULTS]
    if results:
        rows.append(("resultat", SOURCE_OUTCOME_WORDS[source_outcome(results, RESULT_TABLE)], "", ""))
    return rows


def failed_checks(outcomes: Sequence[Outcome]) -> list[str]:
    """One sentence per thing that failed, a warning and a stop of it together: what, how much, what to do; the gravest
    first.
    """
    sentences = []
    for o, *_ in by_measure(outcomes):
        what_to_do = o.atgard if o.undantag is None else f"Undantag {o.undantag}."
        sentences.append(f"{failure_sentence(o.consequence, o.source, o.titel, measured(o))} {what_to_do}")
    return sentences


def waiver_sentences(release: Release, today: date) -> list[str]:
    """The waivers of a release, those that cover a failure first; one sentence each, with how long they hold."""
    sentences = []
    for w in sorted(release.manifest.waivers, key=lambda w: not w["anvant"]):
        left = (date.fromisoformat(w["last_date"]) - today).days
        holds = f"{counted(left, 'dag', 'dagar')} kvar" if left >= 0 else "har gått ut"
        use = "" if w["anvant"] else " Behövs inte i utgåvan."
        sentences.append(
            f"Undantag för {w['source']}: {w['suite']} {w['expectation']}, till och med {w['last_date']} ({holds}) – "
            f"{w['reason']} ({w['approved_by']}).{use}"
        )
    return sentences


def warning_sentences(release: Release) -> list[str]:
    """What failed in this release, changes in deliveries among it, gravest first; notes and waivers are left out, and
    a warning where the same thing stopped.
    """
    waived = {(w["suite"], w["expectation"], w["source"]) for w in release.manifest.waivers if w["anvant"]}
    failed = [
        row
        for row in release.table(QUALITY_TABLE).filter(~pl.col("success")).iter_rows(named=True)
        if row["severity"] != INFO and (row["suite"], row["expectation"], row["source"]) not in waived
    ]
    sentences, told = [], set()
    for row in sorted(failed, key=lambda row: (gravity(row["severity"]), row["source"])):
        measure = row["suite"].partition("/")[0], row["source"], measure_of(row["suite"], row["expectation"])
        if measure in told:
            continue
        told.add(measure)
        title = suite_titles(row["suite"]).get((row["suite"], row["expectation"]), row["expectation"])
        found = measured(published_figures(row, release.manifest.as_of, release.manifest.parameters))
        sentences.append(failure_sentence(row["severity"], row["source"], title, found))
    return sentences


def held_back_sentences(release: Release) -> list[str]:
    """What is held back, by which sources, and since when its rows are frozen; one sentence per group."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for indicator, sources in sorted(release.held_back.items()):
        groups.setdefault((", ".join(sources), release.frozen.get(indicator)), []).append(indicator)
    return [
        f"Hålls tillbaka av {sources}: {', '.join(indicators)} "
        + (
            f"(frysta sedan {release.manifest.frozen_since[indicators[0]]}: raderna kommer ur utgåva {origin})."
            if origin
            else "(inga tidigare rader att visa)."
        )
        for (sources, origin), indicators in groups.items()
    ]
