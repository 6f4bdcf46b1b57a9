"""What the Dagster layer shares: the run's folders and session as a resource, owners, links, how a failure is told."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.defs.events import job_end
from dagster_project.defs.instance import end_dead_runs, prune_dagster
from dagster_project.operations.daily_run import session
from dagster_project.operations.settings import Settings
from dagster_project.operations.stages import STEPS, detail
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.log import step as logged

OWNERS = ["team:halsodata"]
WAIT_SECONDS = 1800.0
"""How long a run from the UI or the daemon waits for another one to end."""

log = logging.getLogger("resultattavla")


@dataclass(frozen=True)
class Folders:
    """What every step of a run works on. held: the command `resultattavla run` holds the data folder already."""

    data: DataPaths
    settings: Settings
    as_of: date | None = None
    make_current: bool = False
    held: bool = False
    progress: Callable[[str], None] = lambda text: None

    def telling(self, step: str) -> Callable[[str], None]:
        """What tells the details of a step."""
        return lambda what: self.progress(detail(STEPS[step], what))

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.data)

    @property
    def identity(self) -> RunIdentity:
        return self.run.identity()


def folders_resource(
    data: DataPaths, settings: Settings, progress: Callable[[str], None] = lambda text: None, held: bool = False
) -> dg.ResourceDefinition:
    """The resource `folders`. As a run's resource it is also the run's session (all steps run in one process).

    It holds the data folder from before the first step until what follows a run is done, unless it is `held` already:
    nothing that a run's configuration could say, nor which folders they are.
    """

    @dg.resource(
        config_schema={
            "as_of": dg.Field(
                str, default_value="", description="As-of date YYYY-MM-DD; empty: the newest delivery's."
            ),
            "make_current": dg.Field(
                bool, default_value=False, description="A past day: let `current` name its release all the same."
            ),
        }
    )
    def folders(context: dg.InitResourceContext) -> Iterator[Folders]:
        config: dict[str, Any] = context.resource_config
        made = Folders(data, settings, _day(config["as_of"]), config["make_current"], held, progress)
        if made.held or context.run is None:  # the sensor only looks
            yield made
            return
        instance, run_id = context.instance, context.run.run_id
        assert instance is not None
        with session(data, settings, WAIT_SECONDS) as current:
            end_dead_runs(instance, run_id)
            current.begin()
            try:
                yield made
            finally:
                events = [e.dagster_event for e in instance.all_logs(run_id) if e.dagster_event is not None]
                end = job_end(events, data)
                for text in current.end(end, made.make_current).trouble if end else ():
                    log.error(text)
                prune_dagster(instance, data, settings.retention.dagster_runs)

    return folders


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"as_of: {text} är inget datum, skriv det som ÅÅÅÅ-MM-DD.", allow_retries=False) from None
    if day > today_in_sweden():
        raise dg.Failure(f"as_of: {text} har inte varit än: ange en dag som har varit.", allow_retries=False)
    return day


def step(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A step of the job: what it does is told to whoever waits (`operations.stages`), and how it went to the run log.

    Its ResultattavlaError is final (the same inputs fail the same way); what was busy is tried again.
    """
    return functools.partial(_told, name)


def _told(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def failure(error: ResultattavlaError, folders: Folders) -> Exception:
        if isinstance(error, BusyError) and not folders.held:
            return dg.RetryRequested(max_retries=3, seconds_to_wait=60)
        return dg.Failure(str(error), allow_retries=False)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            kwargs["folders"].progress(STEPS[name])
            try:
                with logged(name):
                    yield from function(*args, **kwargs)
            except ResultattavlaError as error:
                raise failure(error, kwargs["folders"]) from error

        return generate

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs["folders"].progress(STEPS[name])
        try:
            with logged(name):
                return function(*args, **kwargs)
        except ResultattavlaError as error:
            raise failure(error, kwargs["folders"]) from error

    return call


def page(path: Path) -> dg.MetadataValue:
    """A link to a page on this machine."""
    return dg.MetadataValue.url(path.resolve().as_uri())


def names(values: Any) -> str:
    """Names in a row, for metadata."""
    return ", ".join(sorted(values)) or "none"
