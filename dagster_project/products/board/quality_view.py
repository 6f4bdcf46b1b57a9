"""What the quality page tells, as plain values: each source, what is held back, what failed, and the releases before.

For whoever reads the board: counts, days and what they mean. No value of a row, no name of a file, no person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ACCEPTED,
    DRIFT,
    FAILED,
    GATES,
    HIDDEN,
    OPEN,
    PASSED,
    PASSED_WITH_WARNING,
    REJECTED,
    consequence,
    gravity,
)
from dagster_project.core.clock import swedish_time
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.quarantine import open_by_reason
from dagster_project.products.measured import meaning_of, measure_of, measured, published_figures
from dagster_project.products.revisions.compare import CAUSE_WORDS
from dagster_project.products.words import reason_text
from dagster_project.releases.manifest import Manifest
from dagster_project.releases.retractions import Retraction
from dagster_project.releases.store import Release
from dagster_project.runs.folder import QUARANTINE, RunFolder

RELEASES_SHOWN = 30
"""The newest ones: one a day for a month."""


@dataclass(frozen=True)
class Problem:
    """An expectation that was not met.

    counts_as: what it leads to (of `vocabulary.SEVERITIES`), one step milder where it is waived. title: what was asked;
    meaning: why it matters; found: what was measured, with its limit, where that names nothing. waived_until: the
    waiver's last day; reason: why it was accepted.
    """

    tier: str
    severity: str
    counts_as: str
    title: str
    meaning: str
    found: str
    waived_until: date | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Frozen:
    """A held-back indicator. since: the day that its numbers show; None where there are none to show."""

    indicator_id: str
    since: date | None
    release_id: str | None


@dataclass(frozen=True)
class Quarantine:
    """Rows of a source that were set aside and wait for a correction. reasons: in words, with how many rows each."""

    rows: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class SourceView:
    """A source as the board tells it.

    outcome: of `vocabulary.SOURCE_OUTCOMES`. newest: day of its newest delivery; age: in days, on the day that the
    release shows; agreed: the most that was agreed. rows, set_aside: of the newest day's deliveries. rejected: files
    that do not count. gates: outcome by gate. held_since: the first of the releases in a row that hold it back, None
    where this one does not; at_least: it is the oldest that is kept, so that it may be longer. quarantine: None where
    only a later run's is known. read_by: indicators.
    """

    source: str
    title: str
    outcome: str
    newest: date | None
    age: int | None
    agreed: int | None
    rows: int
    set_aside: int
    rejected: int
    gates: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]
    held_since: date | None
    at_least: bool
    frozen: tuple[Frozen, ...]
    quarantine: Quarantine | None
    read_by: tuple[str, ...]

    @property
    def late(self) -> bool:
        return self.age is not None and self.agreed is not None and self.age > self.agreed

    @property
    def held_back(self) -> bool:
        return self.outcome == FAILED


@dataclass(frozen=True)
class ReleaseView:
    """A release of the history. published: day and time in Sweden. retracted: why it was taken back."""

    release_id: str
    as_of: date
    published: str
    held_back: int
    warned: int
    retracted: str | None
    current: bool


@dataclass(frozen=True)
class Revision:
    """What changed of an indicator's published numbers, or of all. final: how many of the cells are of periods that
    were complete. hidden: of how many one release hides the number. causes: possible ones, in words."""

    indicator_id: str | None
    cells: int
    final: int
    hidden: int
    causes: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class QualityView:
    """The whole page. results: what failed of the results themselves, which belongs to no source."""

    sources: tuple[SourceView, ...]
    results: tuple[Problem, ...]
    releases: tuple[ReleaseView, ...]
    older_left_out: int
    frozen_reports: date | None

    def of(self, outcome: str) -> list[SourceView]:
        return [s for s in self.sources if s.outcome == outcome]

    @property
    def held(self) -> list[SourceView]:
        return self.of(FAILED)

    @property
    def warned(self) -> list[SourceView]:
        return self.of(PASSED_WITH_WARNING)

    @property
    def passed(self) -> list[SourceView]:
        return self.of(PASSED)

    @property
    def late(self) -> list[SourceView]:
        return [s for s in self.sources if s.late]

    @property
    def changes(self) -> list[tuple[SourceView, Problem]]:
        """What warned of a change since earlier deliveries."""
        return [(s, p) for s in self.sources for p in s.problems if p.tier == DRIFT]

    @property
    def waivers(self) -> list[tuple[SourceView, Problem]]:
        return [(s, p) for s in self.sources for p in s.problems if p.waived_until is not None]

    @property
    def frozen(self) -> list[tuple[SourceView, Frozen]]:
        return [(s, f) for s in self.sources for f in s.frozen]


def quality_view(
    manifest: Manifest,
    quality: pl.DataFrame,
    ledger: pl.DataFrame,
    titles: Mapping[str, str],
    reads: Mapping[str, Sequence[str]],
    older: Sequence[Release] = (),
    retracted: Mapping[str, Retraction] | None = None,
    quarantine: pl.DataFrame | None = None,
) -> QualityView:
    """What is told of a release.

    quality, ledger: its tables. titles: Swedish, by source, in the order that they are told in. reads: indicator -> the
    sources that it reads. older: the kept releases before it, newest first. retracted: retractions that hold, by
    release. quarantine: the rows that its run set aside (`QUARANTINE_SCHEMA`); None where they are not known.
    """
    problems = _problems(manifest, quality)
    waiting = None if quarantine is None else _waiting(quarantine)
    standing = [r for r in older if r.id not in (retracted or {})]
    sources = [
        _source(source, title, manifest, ledger, problems.get(source, ()), reads, standing, waiting)
        for source, title in titles.items()
    ]
    own = [p for source, found in problems.items() if source not in titles for p in found]
    reports = manifest.frozen_reports
    return QualityView(
        sources=tuple(sources),
        results=tuple(own),
        releases=tuple(_history(manifest, older, retracted or {})),
        older_left_out=max(0, len(older) + 1 - RELEASES_SHOWN),
        frozen_reports=_day(reports) if reports is not None else None,
    )


def quarantine_of(data: DataPaths, manifest: Manifest) -> pl.DataFrame | None:
    """The rows that the release's run set aside; None where the run folder is another run's, or damaged."""
    folder = RunFolder(data)
    try:
        return folder.read(QUARANTINE) if folder.identity().run_id == manifest.run_id else None
    except (ResultattavlaError, OSError, pl.exceptions.PolarsError):
        return None


def _source(
    source: str,
    title: str,
    manifest: Manifest,
    ledger: pl.DataFrame,
    problems: Sequence[Problem],
    reads: Mapping[str, Sequence[str]],
    older: Sequence[Release],
    waiting: Mapping[str, Quarantine] | None,
) -> SourceView:
    as_of = date.fromisoformat(manifest.as_of)
    files = ledger.filter(pl.col("source") == source)
    counted = files.filter(pl.col("status") == ACCEPTED)
    newest = counted["uttagsdatum"].max()
    newest = newest if isinstance(newest, date) else None
    last = counted.filter(pl.col("uttagsdatum").eq_missing(pl.lit(newest, pl.Date)))
    outcome = manifest.sources.get(source, PASSED)
    since, at_least = _held_since(source, as_of, older) if outcome == FAILED else (None, False)
    agreed = manifest.parameters.get("agreed_age_days", {}).get(source)
    return SourceView(
        source=source,
        title=title,
        outcome=outcome,
        newest=newest,
        age=(as_of - newest).days if newest else None,
        agreed=agreed,
        rows=int(last["rows_read"].sum()),
        set_aside=int(last["rows_quarantined"].sum()),
        rejected=files.filter(pl.col("status") == REJECTED).height,
        gates=tuple((gate, manifest.gates[gate][source]["utfall"]) for gate in _judged(manifest, source)),
        problems=tuple(problems),
        held_since=since,
        at_least=at_least,
        frozen=tuple(
            Frozen(indicator, _day(manifest.frozen.get(indicator)), manifest.frozen.get(indicator))
            for indicator, by in manifest.held_back.items()
            if source in by
        ),
        quarantine=None if waiting is None else waiting.get(source, Quarantine(0, ())),
        read_by=tuple(indicator for indicator, sources in reads.items() if source in sources),
    )


def _judged(manifest: Manifest, source: str) -> list[str]:
    return [gate for gate in GATES if source in manifest.gates.get(gate, {})]


def _day(release_id: str | None) -> date | None:
    """The day that a release shows: its id begins with it."""
    return date.fromisoformat(release_id[:10]) if release_id is not None else None


def _held_since(source: str, as_of: date, older: Sequence[Release]) -> tuple[date, bool]:
    """Since which day a source is held back, by the releases in a row before this one that hold it back too; and
    whether that is the oldest that is kept."""
    since = as_of
    for release in older:
        if release.manifest.sources.get(source) != FAILED:
            return since, False
        since = date.fromisoformat(release.as_of)
    return since, bool(older)


def _problems(manifest: Manifest, quality: pl.DataFrame) -> dict[str, list[Problem]]:
    """What failed, by source, the gravest first: a warning and a stop of the same measure once."""
    waivers = {(w["suite"], w["expectation"], w["source"]): w for w in manifest.waivers if w["anvant"]}
    failed = list(quality.filter(~pl.col("success")).iter_rows(named=True))
    failed.sort(key=lambda row: (gravity(row["severity"]), row["suite"], row["expectation"]))
    found: dict[str, list[Problem]] = {}
    told: set[tuple[str, str, str]] = set()
    for row in failed:
        tier = row["suite"].partition("/")[0]
        same = (tier, row["source"], measure_of(row["suite"], row["expectation"]))
        if same in told:
            continue
        told.add(same)
        waiver = waivers.get((row["suite"], row["expectation"], row["source"]))
        title, meaning = meaning_of(row["suite"], row["expectation"])
        found.setdefault(row["source"], []).append(
            Problem(
                tier=tier,
                severity=row["severity"],
                counts_as=consequence(row["severity"], waiver is not None),
                title=title,
                meaning=meaning,
                found=_found(row, manifest),
                waived_until=date.fromisoformat(waiver["last_date"]) if waiver else None,
                reason=waiver["reason"] if waiver else None,
            )
        )
    return found


def _found(row: Mapping[str, Any], manifest: Manifest) -> str:
    """What was measured. Where it is names, they are of columns and months (drift) or left to who answers for the
    source: files and units may stand there."""
    named = row["observed"] is not None and not _is_number(row["observed"])
    if named and not row["suite"].startswith(f"{DRIFT}/"):
        return ""
    return measured(published_figures(row, manifest.as_of, manifest.parameters))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _waiting(quarantine: pl.DataFrame) -> dict[str, Quarantine]:
    """Open rows by source; a row with several reasons counts under each of them."""
    reasons: dict[str, list[tuple[str, int]]] = {}
    for source, reason, count in open_by_reason(quarantine):
        reasons.setdefault(source, []).append((reason_text(reason), count))
    rows = dict(quarantine.filter(pl.col("state") == OPEN).group_by("source").len().iter_rows())
    return {source: Quarantine(rows[source], tuple(found)) for source, found in reasons.items()}


def _history(manifest: Manifest, older: Sequence[Release], retracted: Mapping[str, Retraction]) -> list[ReleaseView]:
    """This release and those before it, newest first."""
    manifests = [manifest, *(r.manifest for r in older)][:RELEASES_SHOWN]
    return [
        ReleaseView(
            release_id=m.release_id,
            as_of=date.fromisoformat(m.as_of),
            published=f"{swedish_time(m.published):%Y-%m-%d %H:%M}" if m.published else "",
            held_back=len(m.held_back),
            warned=sum(outcome == PASSED_WITH_WARNING for outcome in m.sources.values()),
            retracted=retracted[m.release_id].orsak if m.release_id in retracted else None,
            current=m is manifest,
        )
        for m in manifests
    ]


def revised(rows: pl.DataFrame, titles: Mapping[str, str]) -> list[Revision]:
    """What changed since the release before: all together first, then each indicator, most final cells first.

    rows: of `revisions.compare.REVISION_SCHEMA`; where there is none, nothing is told. titles: Swedish, by source.
    """
    if rows.is_empty():
        return []
    parts = rows.partition_by("indicator_id", as_dict=True, maintain_order=True)
    each = [_revised(str(key[0]), part, titles) for key, part in parts.items()]
    return [_revised(None, rows, titles), *sorted(each, key=lambda r: (-r.final, -r.cells, r.indicator_id or ""))]


def _revised(indicator_id: str | None, rows: pl.DataFrame, titles: Mapping[str, str]) -> Revision:
    codes = {c for text in rows["orsaker"].drop_nulls() for c in text.split("|")}
    sources = {s for text in rows["kallor"].drop_nulls() for s in text.split("|")}
    return Revision(
        indicator_id=indicator_id,
        cells=rows.height,
        final=rows.filter("slutlig").height,
        hidden=rows.filter((pl.col("fore_status") == HIDDEN) | (pl.col("efter_status") == HIDDEN)).height,
        causes=tuple(word for code, word in CAUSE_WORDS.items() if code in codes),
        sources=tuple(title for source, title in titles.items() if source in sources),
    )
