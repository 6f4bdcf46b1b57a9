"""The daily run: the same before and after for every run, whoever starts it (command, schedule, sensor, UI).

Before: the lock, and nothing left of killed runs. Then the job, which knows nothing of this. After, whatever came of
it: the record, what people open, the stewards' pages, retention, notification. Nothing that comes after changes what
was published.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException

from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import ResultattavlaError, machine_error
from dagster_project.core.files import PRIVATE, umask
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import ReviewedListError
from dagster_project.core.second import ahead, load, second_process
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import Machine, require_unlocked, take
from dagster_project.gates.decision import decide, stop_reason
from dagster_project.gates.outcomes import Outcome, outcomes_so_far
from dagster_project.ingestion.acknowledged import Acknowledgement, load_acknowledged, quarantine_now
from dagster_project.ingestion.measures import newer_rejected
from dagster_project.operations.erase import finish_erasures
from dagster_project.operations.ingest import Progress, known_identity
from dagster_project.operations.lineage import tell_lineage
from dagster_project.operations.lock import run_lock, told_by_the_machine
from dagster_project.operations.notices import raw_is_empty, replaced_later
from dagster_project.operations.notify import message, notify
from dagster_project.operations.products import AfterRun, for_stewards, products_after_run
from dagster_project.operations.rebuild import Rebuild, restore_bronze
from dagster_project.operations.settings import Settings
from dagster_project.operations.shrunk import current_months, shrunk_since_release
from dagster_project.operations.stages import STAGES
from dagster_project.operations.upkeep import keep_private, prune_bronze, prune_releases, swept
from dagster_project.products.base import ForStewards, Making
from dagster_project.products.data_docs.pages import data_docs_folder
from dagster_project.products.make import Made, link_products, prune_products
from dagster_project.products.reading import Reading
from dagster_project.products.steward_page.page import RUNS_SHOWN
from dagster_project.releases import evidence
from dagster_project.releases.publish import is_placed, leave_retracted, place, release_of_run, switch_current
from dagster_project.releases.retractions import require_standing, retractions
from dagster_project.releases.store import Release, current_id, current_release, read_release
from dagster_project.runs.expected import expected_deliveries
from dagster_project.runs.folder import LEDGER, RunFolder
from dagster_project.runs.history import RunRecord, add_record, keep_log, read_records
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.ledger import ledger_of
from dagster_project.runs.log import LINEAGE, LOOKING, PAGES, RunLog, read_log, run_log, step

log = logging.getLogger("resultattavla")
_RECORD_LOST = "Körningens anteckning kunde inte sparas"
_UNFORESEEN = (Exception, PanicException)
"""A panic inside polars is no Exception."""


@dataclass(frozen=True)
class JobEnd:
    """What the job came to.

    ingested: the run folder is this run's. error: why nothing was published, None when the release step succeeded.
    nothing_new: the job was not needed, since the latest run's results stand.
    """

    ingested: bool
    error: str | None = None
    nothing_new: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to. `release` is None when nothing was published; `error` then says why.

    identity is None when ingestion failed. shrunk: what of the history counts no more (`operations.shrunk`). trouble:
    what could not be done after the job (a page, a notification), one sentence each. made: what people open of the
    release, there now. products_failed: what of trouble is about products; the release stands without them.
    acknowledged: the reviewed lines of rows in quarantine. overdue: deliveries that should have come by today.
    replaced, raw_empty: as `operations.notices` tells them.
    """

    data: DataPaths
    started: str
    identity: RunIdentity | None = None
    outcomes: tuple[Outcome, ...] = ()
    release: Release | None = None
    error: str | None = None
    nothing_new: bool = False
    shrunk: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()
    products_failed: tuple[str, ...] = ()
    acknowledged: tuple[Acknowledgement, ...] = ()
    overdue: tuple[str, ...] = ()
    replaced: str | None = None
    raw_empty: str | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What people should know of the run besides its results."""
        return tuple(filter(None, (self.replaced, self.raw_empty)))

    @property
    def exit_code(self) -> int:
        if self.release is None:
            return 1
        return 2 if self.products_failed else self.release.exit_code

    @property
    def ledger(self) -> pl.DataFrame | None:
        """The run's ledger (LEDGER_SCHEMA); None when ingestion failed."""
        return RunFolder(self.data).read(LEDGER) if self.identity else None

    @property
    def quarantine(self) -> pl.DataFrame | None:
        """The run's whole quarantine (QUARANTINE_SCHEMA) as it stands; None when ingestion failed."""
        return quarantine_now(RunFolder(self.data), self.acknowledged) if self.identity else None

    @property
    def docs(self) -> Path | None:
        """The data docs' index, when a gate was run."""
        index = data_docs_folder(self.data) / "index.html"
        return index if self.outcomes and index.exists() else None

    @property
    def beside(self) -> str | None:
        """The release that `current` names, when it is another one than the run's."""
        current = current_id(self.data)
        return current if self.release is not None and current != self.release.id else None

    def record(self) -> RunRecord:
        """The run as history keeps it."""
        ledger = ledger_of(self.ledger) if self.ledger is not None else []
        return RunRecord(
            started=self.started,
            seconds=round((datetime.now(UTC) - datetime.fromisoformat(self.started)).total_seconds(), 1),
            exit_code=self.exit_code,
            run_id=self.identity.run_id if self.identity else None,
            as_of=str(self.identity.as_of) if self.identity else None,
            release_id=self.release.id if self.release else None,
            error=mask(self.error) if self.error else None,
            held_back=self.release.held_back if self.release else decide(self.outcomes).held_back,
            frozen=self.release.frozen if self.release else {},
            beside=self.beside,
            rejected=tuple(d.orsak or d.file for d in newer_rejected(ledger)),
            refused=tuple(d.orsak or d.file for d in ledger if d.status == REJECTED),
            shrunk=self.shrunk,
            overdue=self.overdue,
            replaced=self.replaced,
            raw_empty=self.raw_empty,
            rows=current_months(self.data) if self.identity else {},
            checks=tuple(o.record() for o in self.outcomes),
        )


_BESIDE = (
    "dagster_project.ingestion.deliveries",
    "dagster_project.disclosure.audit",
    "dagster_project.products.make",
    "dagster_project.products.board.site",
    "dagster_project.products.exports.files",
    "xlsxwriter",
)
"""What a second process will be asked for: it loads them while this one begins."""


def _load(machine: Machine) -> None:
    """What the second process begins with."""
    take(machine)
    load(_BESIDE)


_WORTH_A_PROCESS = 1_000_000
"""So many bytes in raw are work for two."""


def _size(raw: Path) -> int:
    try:
        return sum(path.stat().st_size for path in raw.glob("*/*") if path.is_file())
    except OSError:  # that it cannot be read is told when it is
        return 0


Job = Callable[[date | None, Progress], JobEnd]
"""Runs the steps for an as-of date (None: the newest extraction date), telling what it does."""


class Session:
    """One run's hold on a data folder, from the lock to what follows the job."""

    def __init__(
        self, data: DataPaths, settings: Settings, today: date | None = None, log: RunLog | None = None
    ) -> None:
        """today: in Sweden; what is overdue is overdue on that day. log: of the run, where its steps are logged."""
        self.data, self.settings = data, settings
        self.today = today or today_in_sweden()
        self.log = log or RunLog(RunFolder(data).log, _now())
        # For people and for the order of records, never in a result.
        self.started = self.log.started
        self.before = current_id(data)

    def begin(self) -> None:
        """The job is about to begin: there is something to do."""
        self.log.begin()
        if _size(self.settings.raw) >= _WORTH_A_PROCESS:
            ahead(_load, self.settings.machine)

    def end(self, job: JobEnd, make_current: bool = False, progress: Progress = lambda text: None) -> RunOutcome:
        """Do all that follows the job; what could not be done is told in `trouble`.

        make_current: let `current` name the run's release, also where a later day's is published. progress: is told
        what is done.
        """
        identity = RunFolder(self.data).identity() if job.ingested else None
        outcomes = tuple(outcomes_so_far(RunFolder(self.data), identity.run_id)) if identity else ()
        if job.error and not stop_reason(outcomes):
            # Whatever it was, damage in what the run goes on from must not stop the next one too.
            warehouse.let_go(self.data)
        release = self._published(identity)
        # The disk became full after the release was in place: it is published, and that is what the run came to.
        late = job.error if job.error and release is not None else None
        error = None if late else job.error
        if release is None and error is None:
            release = current_release(self.data)
        if release is not None and make_current:
            switch_current(self.data, release.id)
        shrunk = self._shrunk(identity, job.nothing_new)
        outcome = RunOutcome(self.data, self.started, identity, outcomes, release, error, job.nothing_new, shrunk)
        outcome = replace(outcome, acknowledged=_acknowledged(self.settings), overdue=self._overdue(identity))
        if identity is not None:
            ledger = RunFolder(self.data).ledger()
            later = replaced_later(self.data, self.before, release, ledger) if release is not None else None
            outcome = replace(outcome, replaced=later, raw_empty=raw_is_empty(self.settings.raw, ledger))
        return _follow(replace(outcome, trouble=(late,) if late else ()), self.settings, self.log, progress)

    def _overdue(self, identity: RunIdentity | None) -> tuple[str, ...]:
        if identity is None:
            return ()
        ages = self.settings.parameters().agreed_age_days
        expected = expected_deliveries(RunFolder(self.data).ledger(), ages, self.today)
        return tuple(e.sentence for e in expected if e.is_overdue(self.today))

    def show_again(self) -> AfterRun:
        """Make anew what people open: of the current release, and for stewards from what the latest run left, where a
        run is on record."""
        came = products_after_run(self.data, self.settings.made_in_every_run, None)
        if runs := read_records(self.data, RUNS_SHOWN):
            run = ForStewards(runs, None, (), _acknowledged(self.settings))
            for product in for_stewards():
                product.make(Making(Reading(None), self.data, self.data.docs, run))
        return came

    def _shrunk(self, identity: RunIdentity | None, nothing_new: bool) -> tuple[str, ...]:
        if identity is None:
            return ()
        if nothing_new:  # what the run found is said again
            return next((tuple(r.shrunk) for r in read_records(self.data, 1) if r.run_id == identity.run_id), ())
        return tuple(shrunk_since_release(self.data, identity))

    def _published(self, identity: RunIdentity | None) -> Release | None:
        """The release that the run put in its place, `current` switched or rightly not; None when it did not."""
        noted = RunFolder(self.data).noted_release(identity.run_id) if identity else None
        release = read_release(self.data.releases / noted) if noted else None
        return (
            release
            if release is not None and is_placed(self.data, release, RunFolder(self.data).day_was_asked)
            else None
        )


@contextmanager
def session(
    data: DataPaths, settings: Settings, wait_seconds: float = 0, today: date | None = None
) -> Iterator[Session]:
    """Hold the data folder for one run: lock it (waiting so long), and sweep away what killed runs left.

    What is written is for the owner alone; publishing opens its own.
    """
    take(settings.machine)
    with (
        run_lock(data, wait_seconds),
        told_by_the_machine(data),
        umask(PRIVATE),
        swept(data),
        run_log(RunFolder(data).log, _now()) as log,
        second_process(),
    ):
        keep_private(data)
        leave_retracted(data)
        link_products(
            data, settings.made_in_every_run
        )  # as `current` is, whatever was killed before; what fails is told when the session ends
        restore_bronze(data)
        finish_erasures(settings)
        yield Session(data, settings, today, log)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def run_daily(
    settings: Settings,
    job: Job,
    as_of: date | None = None,
    progress: Progress = lambda text: None,
    today: date | None = None,
    make_current: bool = False,
    rebuild: bool = False,
) -> RunOutcome:
    """Run the daily job on the settings' folders, unless nothing is new since the latest run that came to its end.

    make_current: let `current` name what the run publishes, also where a later day's release is published. rebuild:
    read everything in raw and compute it anew; what has left raw counts no more, unless nothing comes of it.
    Raises ResultattavlaError where the data folder cannot be held (another run, rights, a locked warehouse).
    """
    data = settings.paths
    with session(data, settings, today=today) as current:
        require_unlocked(data.warehouse, data.root)
        settings.models_on.require()
        progress(STAGES[LOOKING])
        try:
            with step(LOOKING):
                existing = None if rebuild else _unchanged(settings, as_of, today or today_in_sweden())
        except ResultattavlaError as error:
            return current.end(JobEnd(ingested=False, error=str(error)))
        except _UNFORESEEN as error:
            return current.end(_unforeseen(error))
        if existing is not None:
            # The same inputs, code and parameters as the latest run, and all that it made is there.
            place(data, existing, day_asked=as_of is not None)
            return current.end(JobEnd(ingested=True, nothing_new=True), make_current)
        current.begin()
        anew = Rebuild(data, settings.raw) if rebuild else None
        try:
            with told_by_the_machine(data):
                if anew:
                    anew.begin()
                end = job(as_of, progress)
        except ResultattavlaError as error:  # what the machine refused Dagster itself (its storage)
            end = JobEnd(ingested=False, error=str(error))
        except _UNFORESEEN as error:
            end = _unforeseen(error)
        lost = anew.end(done=end.error is None) if anew else None
        outcome = current.end(end, make_current, progress)
        return replace(outcome, trouble=(*outcome.trouble, lost)) if lost else outcome


def _acknowledged(settings: Settings) -> tuple[Acknowledgement, ...]:
    """The reviewed lines; none where the file cannot be used, which the run's first step has told as its error."""
    try:
        return tuple(load_acknowledged(settings.acknowledged))
    except ReviewedListError:
        return ()


def _unforeseen(error: BaseException) -> JobEnd:
    """A fault of the program: told whole in the log, masked; the record, the page and the notification are made."""
    log.error("%s", mask("".join(traceback.format_exception(error))))
    what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'utan text'}"
    return JobEnd(ingested=False, error=f"Oväntat fel, felanmäl med texten i loggen ({mask(what)}).")


def _unchanged(settings: Settings, as_of: date | None, today: date) -> Release | None:
    """The release that this run would make, where the latest run made it and all that it left is unchanged."""
    data = settings.paths
    finished = RunFolder(data).finished_run()
    if finished is None and not retractions(data):
        return None
    identity = known_identity(settings, as_of, today)
    if identity is None:
        return None
    require_standing(data, identity.run_id)  # without frozen rows its release has the same id
    return release_of_run(data, identity.run_id) if identity.run_id == finished else None


def _keep_log(data: DataPaths, record: RunRecord, run: RunLog) -> None:
    """Raises OSError also where a line could not be written before."""
    run.end()
    if run.fault is not None:
        raise run.fault
    keep_log(data, record, run.path)


def _tell_lineage(outcome: RunOutcome, record: RunRecord, settings: Settings, run: RunLog) -> list[str]:
    """Tell where each table came from, whatever came of the run, where anybody is to be told; a sentence for each who
    did not take it."""
    if not settings.lineage.asked_for:
        return []
    ledger = ledger_of(outcome.ledger) if outcome.ledger is not None else []
    published = outcome.release if outcome.error is None else None
    try:
        with step(LINEAGE):
            return tell_lineage(outcome.data, settings.lineage, record, read_log(run.path), ledger, published)
    except Exception as error:
        return [f"Härkomsten kunde inte beskrivas: {mask(f'{type(error).__name__}: {error}')}"]


def _follow(outcome: RunOutcome, settings: Settings, run: RunLog, progress: Progress) -> RunOutcome:
    """Do all that follows a run; the outcome with what came of it: what was made, and one sentence for each thing that
    could not be done, each only once."""
    data, identity, record = outcome.data, outcome.identity, outcome.record()
    trouble: list[str] = []

    def attempt(what: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except Exception as error:
            told = machine_error(error, data.root)
            if told is None or str(told) != outcome.error:  # a full disk is told once
                trouble.append(f"{what}: {told or mask(f'{type(error).__name__}: {error}')}")
            return False
        return True

    # A run that found nothing new is no line of its own: the run that it found is shown, where its record can be read.
    kept = read_records(data, RUNS_SHOWN)
    before = next((r for r in kept if r.run_id is not None), None)
    if outcome.nothing_new and kept and kept[0].run_id == record.run_id:
        known = kept[0]
        told = replace(record, replaced=record.replaced or known.replaced)
        record, kept = (
            replace(
                known,
                exit_code=told.exit_code,
                overdue=told.overdue,
                beside=told.beside,
                replaced=told.replaced,
                raw_empty=told.raw_empty,
                products_failed=(),
            ),
            kept[1:],
        )
    newly_refused = [text for text in record.refused if before is None or text not in before.refused]

    def keep_record() -> None:
        add_record(data, record, settings.retention.runs)

    def not_made(what: Sequence[str]) -> None:
        """Products that could not be made are what the run came to."""
        nonlocal outcome, record
        outcome = replace(outcome, products_failed=(*outcome.products_failed, *what))
        record = replace(record, exit_code=outcome.exit_code, products_failed=outcome.products_failed)
        attempt(_RECORD_LOST, keep_record)

    def retention() -> None:
        if identity is not None and outcome.release is not None:
            limit = identity.parameters["suppression_limit"]
            kept = prune_releases(data, settings.retention.releases, str(identity.as_of), limit)
            evidence.prune(data, kept)
            prune_bronze(data, RunFolder(data).ledger())
        prune_products(data, settings.retention.products, outcome.release.id if outcome.release else None)

    done = [attempt(_RECORD_LOST, keep_record)]
    came = products_after_run(data, settings.made_in_every_run, outcome.release, progress)  # they read the record
    outcome = replace(outcome, made=came.made)
    trouble += [*came.failed, *came.beside]
    if came.failed:
        not_made(came.failed)
    progress(STAGES[PAGES])
    with step(PAGES):
        for product in for_stewards():
            told_before = len(trouble)
            seen = ForStewards(
                [record, *kept], identity, outcome.outcomes, outcome.acknowledged, not outcome.nothing_new
            )
            making = Making(Reading(outcome.release), data, data.docs, seen)
            with step(PAGES, part=product.name):
                done.append(attempt(f"{product.title} kunde inte skrivas", partial(product.make, making)))
            if not done[-1] and trouble[told_before:]:
                not_made(trouble[told_before:])
    done.append(attempt("Gammalt kunde inte gallras", retention))
    trouble += link_products(data, settings.made_in_every_run)  # what went with its release is linked no more
    if run.begun:
        trouble += _tell_lineage(outcome, record, settings, run)
        attempt("Körloggen kunde inte sparas", lambda: _keep_log(data, record, run))
    if identity is not None and all(done) and outcome.error is None:
        attempt("Körningen kunde inte märkas som klar", lambda: RunFolder(data).mark_finished(identity.run_id))
    # A run that found nothing new tells only what is new besides: a delivery that should have come, an empty folder.
    if outcome.nothing_new:
        known_before = {*before.overdue, *before.notices} if before else set()
        tell = bool({*record.overdue, *record.notices} - known_before)
    else:
        tell = settings.notify.when == "always" or record.exit_code != 0 or record.to_be_told or bool(newly_refused)
    if tell:
        trouble += notify(settings.notify, message(record, data, newly_refused))
    return replace(outcome, trouble=(*outcome.trouble, *dict.fromkeys(trouble)))
