"""How far a run has come: a bar on a terminal, plain lines without one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster_project.cli.output import Terminal, printable
from dagster_project.operations.stages import STAGES

_STAGES = tuple(STAGES.values())


@contextmanager
def progress(console: Terminal) -> Iterator[Callable[[str], None]]:
    """What tells a run's stages (`operations.stages`), from any thread."""
    if not console.is_terminal:
        yield lambda text: console.print(text, style="dim", markup=False, soft_wrap=True)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # Dagster leads standard error into its log while the job runs: the bar has a way of its own to the terminal.
    terminal = os.fdopen(os.dup(console.file.fileno()), "w", encoding=console.encoding, errors="replace")
    own = Terminal(file=terminal, force_terminal=True, width=console.width, stderr=True, highlight=False)
    # The first three are as wide as they are; what is done gets the rest of the line.
    columns = (
        BarColumn(bar_width=20, table_column=Column(width=20)),
        TextColumn("{task.completed} av {task.total}", table_column=Column(width=8, no_wrap=True)),
        TimeElapsedColumn(table_column=Column(width=7, no_wrap=True)),
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    with terminal, Progress(*columns, console=own, expand=True, transient=True, refresh_per_second=4) as shown:
        task = shown.add_task("startar", total=len(_STAGES))

        def tell(text: str) -> None:
            stage = text.partition(": ")[0]
            number = _STAGES.index(stage) + 1 if stage in _STAGES else None
            shown.update(task, description=printable(text), completed=number)

        yield tell
