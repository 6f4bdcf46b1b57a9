"""Where a cell's numbers come from: the accepted deliveries and what the gates said of their sources."""

from __future__ import annotations

from dagster_project.catalogue.indicators import sources_behind
from dagster_project.catalogue.vocabulary import ACCEPTED, RESULT_TABLE, gravity
from dagster_project.gates.suites import suite_titles
from dagster_project.gates.waivers import Waiver
from dagster_project.products.explain.model import Check, Definition, DeliveryRef
from dagster_project.products.measured import measured, published_figures
from dagster_project.releases.manifest import Origin
from dagster_project.releases.store import Release
from dagster_project.releases.tables import QUALITY_TABLE


def accepted_inputs(origin: Origin, indicator: Definition) -> tuple[DeliveryRef, ...]:
    """Accepted deliveries of the indicator's sources and of the unit register, by source and date."""
    sources = sources_behind(indicator.sources)
    found = [
        DeliveryRef(d["source"], d["file"], d["uttagsdatum"], d["sha256"])
        for d in origin.inputs
        if d["status"] == ACCEPTED and d["source"] in sources
    ]
    return tuple(sorted(found, key=lambda d: (sources.index(d.source), d.uttagsdatum, d.file)))


def gate_checks(release: Release, indicator: Definition) -> tuple[tuple[Check, ...], int]:
    """Failed expectations of the gates for the indicator's sources (worst first), and how many passed."""
    sources = [*sources_behind(indicator.sources), RESULT_TABLE]
    table = release.table(QUALITY_TABLE)
    table = table.filter(table["source"].is_in(sources))
    # As the suites of today have them; an older release can name others.
    titles = {name: title for suite in set(table["suite"]) for name, title in suite_titles(suite).items()}
    waived = {w.names: w.text for w in map(Waiver.from_dict, release.manifest.waivers)}
    failed = [
        Check(
            suite=row["suite"],
            source=row["source"],
            severity=row["severity"],
            title=titles.get((row["suite"], row["expectation"]), row["expectation"]),
            found=measured(published_figures(row, release.manifest.as_of, release.manifest.parameters)),
            waived=waived.get((row["suite"], row["expectation"], row["source"])),
        )
        for row in table.filter(~table["success"]).iter_rows(named=True)
    ]
    failed.sort(key=lambda c: (gravity(c.severity), sources.index(c.source), c.title))
    return tuple(failed), int(table["success"].sum())
