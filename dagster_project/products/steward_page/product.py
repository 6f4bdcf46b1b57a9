"""The steward's page as a product: what the latest run came to, for stewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagster_project.products.base import Making, Product

if TYPE_CHECKING:
    from dagster_project.runs.folder import RunFolder
    from dagster_project.runs.history import RunRecord
    from dagster_project.runs.identity import RunIdentity


def _make(making: Making) -> None:
    """Where the latest run did not come to read the deliveries, the page of the last one that did stays, with why."""
    from dagster_project.gates.outcomes import outcomes_so_far
    from dagster_project.gates.waivers import Waiver
    from dagster_project.products.steward_page.page import RUNS_SHOWN, write_page
    from dagster_project.runs.folder import RunFolder

    folder, runs, failed_since = RunFolder(making.data), list(making.run.records), list["RunRecord"]()
    shown, outcomes = making.run.identity, making.run.outcomes
    if shown is None and (shown := _last_that_read(folder, runs)):
        first = next(n for n, run in enumerate(runs) if run.run_id == shown.run_id)
        failed_since, runs = runs[:first], runs[first:]
    if shown is not None and not outcomes:
        outcomes = tuple(outcomes_so_far(folder, shown.run_id))
    waivers = [Waiver.from_dict(w) for w in shown.waivers] if shown else []
    write_page(making.data, runs[:RUNS_SHOWN], outcomes, waivers, failed_since, making.run.acknowledged)


def _last_that_read(folder: RunFolder, records: Sequence[RunRecord]) -> RunIdentity | None:
    """The run whose tables still lie whole in the run folder and whose record is kept, where there is one."""
    from dagster_project.core.errors import ResultattavlaError

    try:
        identity = folder.identity()
    except ResultattavlaError:  # nothing was ever read here, or what was begun came to no end
        return None
    return identity if any(r.run_id == identity.run_id for r in records) else None


PRODUCT = Product(
    name="granskning",
    title="Granskningssidan",
    version="1",
    entry="index.html",
    make=_make,
    reads_history=True,
    stewards_only=True,
)
