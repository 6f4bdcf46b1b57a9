"""One run at a time on a data folder, and what the machine refuses told as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster_project.core.errors import BusyError, ResultattavlaError, UsageError, machine_error, system_reason
from dagster_project.core.paths import DataPaths
from dagster_project.operations.claim import claim

_STRANGE = set("*?[]{}#\\\"'\n\r\t")
"""Patterns, templates and quotes: with them packages read or write other files than meant, or lose their settings."""


@contextmanager
def run_lock(data: DataPaths, wait_seconds: float = 0) -> Iterator[None]:
    """Only one run writes to a data folder; a second one waits so long, then refuses with a sentence (BusyError)."""
    from filelock import FileLock, Timeout

    if strange := sorted(set(str(data.root)) & _STRANGE):
        raise UsageError(
            f"Mappen {data.root} kan inte användas: {' '.join(strange)} i sökvägen betyder något annat för Dagster, "
            "dbt och DuckDB. Ange en annan med --data."
        )
    claim(data)
    try:
        lock = FileLock(data.root / ".run.lock", timeout=wait_seconds, thread_local=False)
        lock.acquire()
    except Timeout:
        raise BusyError(f"En annan körning pågår redan i {data.root}: vänta tills den är klar och kör igen.") from None
    except OSError as error:
        told = machine_error(error, data.root)
        raise told or ResultattavlaError(
            f"Mappen {data.root} kan inte skrivas: {system_reason(error)} (ange en annan med --data)."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def told_by_the_machine(data: DataPaths) -> Iterator[None]:
    """A full disk, a folder that cannot be written or a locked file becomes its one sentence."""
    try:
        yield
    except ResultattavlaError:
        raise
    except Exception as error:
        told = machine_error(error, data.root)
        if told is None:
            raise
        raise told from error
