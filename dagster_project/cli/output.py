"""How the command writes: consoles, lines as they are, tables; and the options that several commands share."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dagster_project.core.errors import UsageError, system_reason
from dagster_project.core.paths import DataPaths
from dagster_project.core.printable import printable
from dagster_project.ingestion.discover import source_of_folder
from dagster_project.operations.claim import is_ours
from dagster_project.operations.settings import Settings, load_settings

given: dict[str, Path] = {}
"""The folders that the user named by options, `data` and `raw`: what we tell people to run has to name them too."""
takes: dict[str, set[str]] = {}
"""Which of these options each command has."""
_HINT = re.compile(r"`resultattavla (?P<command>[a-z]+)(?P<rest>[^`]*)`|(?<!`)resultattavla (?P<plain>[a-z]+)")


def with_given(text: str) -> str:
    """A text whose hints of what to run name the folders that the user named."""

    def named(found: re.Match[str]) -> str:
        command, rest = found["command"] or found["plain"], found["rest"] or ""
        missing = [n for n in given if n in takes.get(command, ()) and f"--{n}" not in rest]
        if not missing or "--help" in rest:
            return found[0]
        return f"`resultattavla {command}{rest} {' '.join(f'--{n} {shlex.quote(str(given[n]))}' for n in missing)}`"

    return _HINT.sub(named, text) if given else text


class Terminal(Console):
    """A console that shows texts from outside as texts, and whose troubles (full, closed, ASCII) are no command's."""

    def print(self, *objects: Any, **how: Any) -> None:
        """As rich's, with every string made printable. What cannot be written is lost, told once where it can be."""
        try:
            super().print(*(printable(with_given(o)) if isinstance(o, str) else o for o in objects), **how)
        except OSError as error:
            give_up(self.stderr, error)

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            give_up(self.stderr, error)

    def on_broken_pipe(self) -> None:
        """A reader that left (`| head`) wants no more."""
        give_up(self.stderr, None)


def give_up(stderr: bool, error: OSError | None) -> None:
    """From now on nothing more is written to a standard stream that refuses it: no outcome changes by that."""
    number = 2 if stderr else 1
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), number)
    if not stderr and error is not None:
        err.print(
            f"Det som skulle skrivas ut kunde inte skrivas: {system_reason(error)}.", style="yellow", markup=False
        )


def open_streams() -> None:
    """Make the standard streams usable whatever they are: closed ones lead nowhere, no character stops a line."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed: the next file that is opened must not become it
            descriptor = os.open(os.devnull, os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


open_streams()
# Where no terminal says how wide it is (a pipe, a log), rows stay on one line.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
out = Terminal(highlight=False, soft_wrap=False, width=_WIDTH)
err = Terminal(stderr=True, highlight=False)

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="MAPP", help="Mapp för allt som systemet skriver.", show_default="inställningen data"
    ),
]
RawOption = Annotated[
    Path | None,
    typer.Option("--raw", metavar="MAPP", help="Mapp med leveranser.", show_default="inställningen raw"),
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Körningens datum; annars nyaste uttagsdatum.")
]

asked = [Path("data")]
"""The data folder that the command works on, last: named when the machine refuses something."""


def settings_with(raw: Path | None = None, data: Path | None = None) -> Settings:
    """The settings, with the folders that options name instead."""
    named = {name: path.absolute() for name, path in (("raw", raw), ("data", data)) if path is not None}
    given.update(named)
    if data is not None:
        asked.append(named["data"])
    settings = load_settings().model_copy(update=named)
    asked.append(settings.data)
    return settings


def data_paths(data: Path | None) -> DataPaths:
    """The data folder: the option's, else the settings'."""
    if data is None:
        return settings_with().paths
    asked.append(data.absolute())
    given["data"] = asked[-1]
    return DataPaths(asked[-1])


def require_data(data: DataPaths) -> None:
    """Raise UsageError where there is no data folder of ours: only a run makes one."""
    if not is_ours(data):
        raise UsageError(f"Mappen {data.root} är inte Resultattavlas eller finns inte: ange en annan med --data.")


def require_raw_folder(raw: Path) -> None:
    """Raise UsageError where raw is no folder with deliveries: not there, a file, or one source's own folder."""
    if not raw.exists():
        raise UsageError(f"Mappen {raw} finns inte: ange mappen med leveranser (--raw eller inställningen raw).")
    if not raw.is_dir():
        raise UsageError(f"{raw} är en fil: ange mappen med leveranser (--raw eller inställningen raw).")
    if (source := source_of_folder(raw)) is not None:
        raise UsageError(
            f"Mappen {raw} är källans egen ({source}): ange mappen ovanför, {raw.parent}, där varje källa har sin mapp."
        )


def day_of(text: str | None, option: str) -> date | None:
    """A day as options give it; a usage error for anything else."""
    if text is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} är inget datum: skriv det som ÅÅÅÅ-MM-DD.", param_hint=option) from None


def confirm(question: str) -> bool:
    """Ask at the terminal; anything but yes is no."""
    out.print(f"{question} [j/N] ", end="", soft_wrap=True, markup=False)
    return sys.stdin.readline().strip().lower() in ("j", "ja", "y", "yes")


def say(text: str) -> None:
    """A line as it is: never wrapped, and nothing in it is markup."""
    out.print(text, soft_wrap=True, markup=False)


WIDE_COLUMNS = 160
"""Where a line has room for so many characters, a row of a list or a sentence is one line."""
_UNBOUNDED = 1_000_000
"""Columns that no table needs."""


def hanging(head: str, text: str) -> None:
    """A text with its head to the left of all its lines, wrapped where a narrow terminal ends; nothing is markup.

    Where there is room (or a file), it is one line.
    """
    if out.width >= WIDE_COLUMNS:
        say(head + text)
        return
    text = with_given(text)
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(printable(head)), Text(printable(text)))
    out.print(grid)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence], numbers: Sequence[int] = (), wide: bool = False
) -> None:
    """A table on standard output; `numbers`: columns that are right-aligned. wide: no row is wrapped, however long."""
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if index in numbers else "left"
        shown.add_column(column, justify=justify, overflow="fold", no_wrap=wide or index == 0)
    for row in rows:
        shown.add_row(*(Text(printable(str(cell))) for cell in row))  # what was delivered is no markup
    width = out.width
    try:
        if wide:
            out.width = _UNBOUNDED
        out.print(shown, crop=False)
    finally:
        out.width = width
