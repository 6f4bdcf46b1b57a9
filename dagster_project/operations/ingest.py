"""The first step of a run: read what was delivered, settle it, and say which run this is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, REJECTED, WITHDRAWN
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.swedish import counted
from dagster_project.gates.run import load_beside
from dagster_project.gates.waivers import load_run_waivers, require_current
from dagster_project.ingestion.acknowledged import load_acknowledged
from dagster_project.ingestion.deliveries import known_deliveries, read_deliveries
from dagster_project.ingestion.settle import Settled, settle
from dagster_project.ingestion.withdrawals import load_withdrawals
from dagster_project.operations.settings import Settings
from dagster_project.runs.folder import PARAMETERS, RunFolder
from dagster_project.runs.identity import RunIdentity, computed_by, identify
from dagster_project.runs.ledger import Delivery, inputs_of
from dagster_project.runs.log import INGESTION, step
from dagster_project.runs.parameters import parameter_row

Progress = Callable[[str], None]


def ingest(
    settings: Settings, as_of: date | None, today: date, progress: Progress = lambda text: None
) -> tuple[RunIdentity, Settled]:
    """Read deliveries into bronze, settle them, and write the run's tables and identity.

    Raises ResultattavlaError when no delivery at all could be accepted (there is nothing to publish then) or
    one source is far ahead of all others, ReviewedListError for a list of withdrawals or acknowledged rows that cannot
    be used, and WaiverError for a waiver that cannot be used or has expired on the run's day.
    """
    data = settings.paths
    load_run_waivers(settings.waivers)  # a file that cannot be used is told before hours of reading
    load_acknowledged(settings.acknowledged)
    withdrawals = load_withdrawals(settings.withdrawals)
    found, ledger = read_deliveries(settings.raw, data, as_of, today, withdrawals, progress, settings.limits)
    identity = _identity(settings, found, ledger, as_of or today)
    load_beside()
    progress("stämmer av leveranserna mot enhetsregistret")
    with step(INGESTION, part="settle") as told:
        settled = settle(identity.as_of, ledger, data, computed_by(identity), progress)
        told.rows = sum(d.rows_read for d in settled.ledger)
    folder = RunFolder(data)
    folder.write(PARAMETERS, parameter_row(identity.run_id, identity.as_of, settings.parameters()))
    folder.begin(identity, day_asked=as_of is not None)
    return identity, settled


def known_identity(settings: Settings, as_of: date | None, today: date) -> RunIdentity | None:
    """The run that `ingest` would begin, where no delivery has to be read for it; else None. Writes nothing.

    Raises what `ingest` raises.
    """
    load_acknowledged(settings.acknowledged)
    withdrawals = load_withdrawals(settings.withdrawals)
    known = known_deliveries(settings.raw, settings.paths, as_of, today, withdrawals, settings.limits)
    return None if known is None else _identity(settings, *known, as_of or today)


def _identity(settings: Settings, as_of: date | None, ledger: Sequence[Delivery], horizon: date) -> RunIdentity:
    if as_of is None or not any(d.status == ACCEPTED for d in ledger):
        rejected, later, withdrawn = (
            [d for d in ledger if d.status == status] for status in (REJECTED, LATER, WITHDRAWN)
        )
        parts = []
        if rejected:
            parts.append(f"{counted(len(rejected), 'fil', 'filer')} avvisades, till exempel: {rejected[0].orsak}")
        if later:
            files = counted(len(later), "leverans", "leveranser")
            parts.append(f"{files} har ett senare uttagsdatum än {horizon}.")
        if withdrawn:
            files = counted(len(withdrawn), "leverans", "leveranser")
            parts.append(f"{files} är återkallade: leverera igen, eller ta bort rader ur {settings.withdrawals}.")
        found = " ".join(parts) or "där finns inga leveranser."
        raise ResultattavlaError(f"Ingenting att publicera från {settings.raw}: {found}")
    waivers = load_run_waivers(settings.waivers)
    require_current(waivers, as_of, settings.waivers)
    return identify(as_of, inputs_of(ledger, as_of), settings.parameters(), [w.as_dict() for w in waivers])
