"""What tests must not do: run the job without being marked for it, or touch the developer's own data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WHOLE_RUN = "whole_run"
RUNNERS = {"run", "run_by_dagster", "run_by_command", "server"}
"""The fixtures that everything which runs the job asks for, itself or through other fixtures."""

_now: list[pytest.Item] = []


def mark_whole_runs(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a run."""
    for item in items:
        if RUNNERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(WHOLE_RUN)


def begin_test(item: pytest.Item) -> None:
    """From now on this is the test that runs, also while its fixtures are set up."""
    _now[:] = [item]


def require_whole_run() -> None:
    """Fail a test that runs the job and is not marked for it."""
    if not _now or _now[0].get_closest_marker(WHOLE_RUN) is None:
        pytest.fail(
            f"This test runs the job but is not marked `{WHOLE_RUN}`, so `make test-fast` would wait for it: "
            f"let it, or its fixture, ask for the run by one of the fixtures {', '.join(sorted(RUNNERS))}."
        )


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Fail when something below the folder was written, changed or removed meanwhile."""
    before = _files(folder)
    yield
    after = _files(folder)
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed:
        pytest.fail(f"A test (or somebody else, meanwhile) wrote to {folder}: {', '.join(changed[:5])}")


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder, with what a change changes."""
    paths = [folder, *folder.rglob("*")] if folder.exists() else []
    return {str(p): (found.st_size, found.st_mtime_ns) for p in paths for found in [p.lstat()]}
