"""Runs of the command, measured: with what their own log says of their steps."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.measure import BenchmarkError, Measured, measure

PROJECT = Path(__file__).resolve().parent.parent
NOTHING_NEW = "Inget nytt"
SHOWN_SECONDS = 0.5
"""Parts of steps that took less are not kept."""

Figures = dict[str, Any]
"""What was measured, as it stands in the JSON."""


def _command(raw: Path, data: Path) -> list[str | Path]:
    # The module rather than the console script, so that a checkout measures itself, whatever is installed.
    return [sys.executable, "-m", "dagster_project.cli.main", "run", "--raw", raw, "--data", data]


def run(
    raw: Path, data: Path, log: Path, ok: Sequence[int] = (0,), environment: Mapping[str, str] | None = None
) -> Measured:
    """One `resultattavla run` that has something to do. Raises BenchmarkError for an exit code that is not in `ok`."""
    found = measure(_command(raw, data), PROJECT, log, environment, ok)
    # The run begins its high-water mark anew at every step: what the system says at its end is of the last one only.
    return replace(found, peak=max([found.peak, *(step["peak_bytes"] or 0 for step in steps(data))]))


def nothing_new(raw: Path, data: Path, log: Path, ok: Sequence[int] = (0,)) -> Measured:
    """The same run again. Raises BenchmarkError where it found something to do."""
    found = measure(_command(raw, data), PROJECT, log, ok=ok)  # the log there is that of the run before
    if NOTHING_NEW not in found.output:
        raise BenchmarkError("the second run did not find that nothing was new (did the code change meanwhile?)")
    return found


def steps(data: Path) -> list[Figures]:
    """What the latest run's log says of its steps and sources, and of parts that took long."""
    from dagster_project.core.paths import DataPaths
    from dagster_project.runs.folder import RunFolder
    from dagster_project.runs.log import by_source, read_log

    lines = by_source(read_log(RunFolder(DataPaths(data)).log))
    return [asdict(line) for line in lines if line.whole or line.seconds >= SHOWN_SECONDS]


def with_steps(found: Measured, data: Path) -> Figures:
    """A run's figures with its steps."""
    return found.as_dict() | {"steps": steps(data)}


def best(times: int, one: Callable[[], Measured]) -> Measured:
    """The quickest of so many."""
    return min((one() for _ in range(times)), key=lambda found: found.wall)


def printed_json(module: str, folder: Path, *arguments: str | Path) -> tuple[Measured, Any]:
    """A module of the benchmark in a process of its own, and the JSON that it prints."""
    found = measure([sys.executable, "-m", module, *arguments], PROJECT, folder / f"{module}.log")
    return found, json.loads(found.output)


def linked(raw: Path, to: Path) -> Path:
    """The files below `raw` in another folder, without their bytes where the disk can: for more to be laid beside."""
    shutil.copytree(raw, to, copy_function=_link)
    return to


def _link(source: str, target: str) -> str:
    try:
        Path(target).hardlink_to(source)
    except OSError:  # another disk
        return str(shutil.copy2(source, target))
    return target
