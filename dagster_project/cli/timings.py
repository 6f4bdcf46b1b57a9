"""What the latest run took, step by step and source by source: `resultattavla status --timings`."""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.cli.output import out, say, table
from dagster_project.core.clock import told_time
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import fixed, number
from dagster_project.operations.stages import STAGES
from dagster_project.runs import log
from dagster_project.runs.folder import RunFolder

SHOWN_SECONDS = 1.0
"""Parts that are no source (a dbt model, a product) are shown from here on."""
_WORDS = {
    **STAGES,
    "gate_drift": "prövar om leveranserna har förändrats",
    log.RUN: "hela körningen",
}
_COLUMNS = ("steg", "rader", "sekunder", "processor", "minne MB")


def show_timings(data: DataPaths) -> None:
    """Print the latest run's steps, of what was logged of it; a sentence where nothing was."""
    lines = log.read_log(RunFolder(data).log)
    if not lines:
        say("Ingen tidtagning finns: nästa körning som har något att göra sparar en.")
        return
    title = f"Tider, körningen som började {told_time(lines[0].run)}"
    table(title, _COLUMNS, timing_rows(lines), numbers=range(1, len(_COLUMNS)))
    out.print()


def timing_rows(lines: Sequence[log.Line]) -> list[tuple[str, str, str, str, str]]:
    """The rows of the table: a step, and indented below it its sources and its long parts."""
    return [
        (
            _name(line),
            "" if line.rows is None else number(line.rows),
            fixed(line.seconds, 1),
            "" if line.cpu_seconds is None else fixed(line.cpu_seconds, 1),
            "" if line.peak_bytes is None else fixed(line.peak_bytes / 1e6, 0),
        )
        for line in log.by_source(lines)
        if line.part is None or line.seconds >= SHOWN_SECONDS
    ]


def _name(line: log.Line) -> str:
    what = _WORDS.get(line.step, line.step) if line.whole else f"  {line.source or line.part}"
    return f"{what} (stannade)" if line.error else what
