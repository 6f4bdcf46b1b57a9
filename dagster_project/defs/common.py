"""What the Dagster layer shares: folders and session as a resource, owners, links, and how a failure is told."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import Settings, load_settings

OWNERS = ["team:halsodata"]
WAIT_SECONDS = 1800.0
"""How long a run from the UI or the daemon waits for another one to end."""


class Folders(dg.ConfigurableResource):
    """Where deliveries come from, where everything is written, and the as-of date (empty = newest extraction date).

    As a run's resource it is also the run's session: unless the command `resultattavla run` holds it already
    (`by_command`), it takes the lock before the first step and does what follows a run after the last one.
    """

    raw: str
    data: str
    as_of: str = ""
    by_command: bool = False

    @property
    def raw_path(self) -> Path:
        return Path(self.raw)

    @property
    def paths(self) -> DataPaths:
        return DataPaths(Path(self.data))

    @property
    def as_of_date(self) -> date | None:
        return date.fromisoformat(self.as_of) if self.as_of else None

    @property
    def settings(self) -> Settings:
        return load_settings()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Folders"]:
        """The session of one run (all its steps run in one process)."""
        if self.by_command or context.run is None:  # the sensor only looks
            yield self
            return
        from dagster_project.operations.daily_run import dagster_session

        assert context.instance is not None
        with dagster_session(self.paths, self.settings, context.instance, context.run.run_id, WAIT_SECONDS):
            yield self

    @staticmethod
    def from_settings() -> "Folders":
        """The folders of the settings."""
        settings = load_settings()
        return Folders(raw=str(settings.raw), data=str(settings.data))


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """A step whose ResultattavlaError is final (the same inputs fail the same way); what was busy is tried again."""

    def failure(error: ResultattavlaError, folders: Folders) -> Exception:
        if isinstance(error, BusyError) and not folders.by_command:
            return dg.RetryRequested(max_retries=3, seconds_to_wait=60)
        return dg.Failure(str(error), allow_retries=False)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from function(*args, **kwargs)
            except ResultattavlaError as error:
                raise failure(error, kwargs["folders"]) from error

        return generate

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ResultattavlaError as error:
            raise failure(error, kwargs["folders"]) from error

    return call


def page(path: Path) -> dg.MetadataValue:
    """A link to a page on this machine."""
    return dg.MetadataValue.url(path.resolve().as_uri())
