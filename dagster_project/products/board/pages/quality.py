"""`kvalitet.html`: can I trust it? Sources, what is held back, warnings, the releases before and what they changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import FAILED, PASSED, PASSED_WITH_WARNING
from dagster_project.products.board.quality_view import quality_view, quarantine_of, revised
from dagster_project.products.board.site import QUALITY, Page, Site
from dagster_project.products.words import GATE_QUESTIONS, SEVERITY_WORDS
from dagster_project.releases.retractions import retractions
from dagster_project.releases.store import Release, releases

PATH = "kvalitet.html"
OUTCOMES = {
    PASSED: ("●", "Godkänd"),
    PASSED_WITH_WARNING: ("!", "Godkänd med varning"),
    FAILED: ("✗", "Hålls tillbaka"),
}
"""Of a source or gate: symbol and word."""


def pages(site: Site) -> Iterator[Page]:
    """The one page."""
    reading, manifest = site.reading, site.reading.release.manifest
    older, retracted, quarantine = [], {}, None
    if site.data is not None:
        older, retracted = before(reading.release.id, releases(site.data, retracted=True)), retractions(site.data)
        quarantine = quarantine_of(site.data, manifest)
    titles = {source: contract.title for source, contract in load_contracts().items()}
    view = quality_view(
        manifest,
        reading.quality,
        reading.ledger,
        titles,
        {info.indicator_id: info.kallor for info in reading.indicators.values()},
        older,
        retracted,
        quarantine,
    )
    yield Page(
        path=PATH,
        title="Går det att lita på?",
        template="quality.html.j2",
        context={
            "view": view,
            "severities": SEVERITY_WORDS,
            "register": REGISTER_SOURCE,
            "outcomes": OUTCOMES,
            "gate_questions": GATE_QUESTIONS,
            "before": date.fromisoformat(site.revisions.before[:10]) if site.revisions is not None else None,
            "revised": revised(site.revisions.cells, titles) if site.revisions is not None else [],
        },
        section=QUALITY,
    )


def before(release_id: str, kept: list[Release]) -> list[Release]:
    """The kept releases before one, newest first. kept: all, newest first."""
    at = next((n for n, release in enumerate(kept) if release.id == release_id), None)
    return [] if at is None else kept[at + 1 :]
