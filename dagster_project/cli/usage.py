"""Help and wrong use in Swedish: what typer would say in English, said once for all commands.

Typer has its texts in English only, some as constants and some inside functions; so help is laid out here, and a wrong
use is told by what kind of exception it is.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from dagster_project.cli.output import err, out
from dagster_project.core.masking import mask
from dagster_project.operations.settings import problem_of

# Typer has the exception of wrong use, but not under a public name; it is the base of the one that it has.
WRONG_USE: Any = next(
    base for base in typer.BadParameter.__mro__ if issubclass(base, Exception) and base.__name__ == "ClickException"
)

_TYPES = {Path: "SÖKVÄG", int: "HELTAL", float: "TAL"}


class _InSwedish:
    """What a command and a group of commands have in common."""

    def get_usage(self, ctx: typer.Context) -> str:
        """The usage line: what must be given, in full, and arguments that may be."""
        if hasattr(self, "commands"):
            return f"Användning: {ctx.command_path} KOMMANDO [FLAGGOR]"
        params = self.get_params(ctx)  # type: ignore[attr-defined]
        given = [p for p in params if p.param_type_name != "option"]
        arguments = [p.display_name_raw if p.required else f"[{p.display_name_raw}]" for p in given]
        options = [_named(p) for p in params if p.required and p not in given]
        return " ".join([f"Användning: {ctx.command_path}", *arguments, *options, "[FLAGGOR]"])

    def get_help_option(self, ctx: typer.Context) -> Any:
        """`--help`, as typer makes it."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = "Visa den här hjälpen och sluta."
        return option

    def format_help(self, ctx: typer.Context, formatter: object) -> None:
        """Print the help: usage, what the command does, arguments, options, commands."""
        out.print(f"{self.get_usage(ctx)}\n", markup=False, style="bold")
        out.print(f"{' '.join((self.help or '').split())}", markup=False)  # type: ignore[attr-defined]
        params = [p for p in self.get_params(ctx) if not p.hidden]  # type: ignore[attr-defined]
        options = [p for p in params if p.param_type_name == "option"]
        _section("Argument", [(p.display_name_raw, _explained(p)) for p in params if p not in options])
        _section("Flaggor", [(_named(p), _explained(p)) for p in options])
        found = getattr(self, "commands", {})
        _section("Kommandon", [(n, _briefly(c.help or "")) for n, c in found.items() if not c.hidden])


class Command(_InSwedish, TyperCommand):  # type: ignore[misc]
    """A command whose help is Swedish."""


class Group(_InSwedish, TyperGroup):  # type: ignore[misc]
    """A group of commands whose help is Swedish."""


def _briefly(text: str) -> str:
    """What a help text says first, for the list of commands."""
    return re.split("[:;.(]", " ".join(text.split()), maxsplit=1)[0].strip()


def _section(title: str, rows: list[tuple[str, str]]) -> None:
    if not rows:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="cyan")
    grid.add_column()
    for name, text in rows:
        grid.add_row(Text(f"  {name}"), Text(text))
    out.print(f"\n{title}", style="bold", markup=False)
    out.print(grid)


def _named(option: Any) -> str:
    """An option with what it takes."""
    names = ", ".join(option.opts)
    return names if option.is_flag else f"{names} {_takes(option)}"


def _takes(param: Any) -> str:
    annotation = param.type_descriptor.annotation
    if param.metavar:
        return str(param.metavar)
    return "|".join(_choices(param)) or _TYPES.get(annotation, "TEXT")


def _choices(param: Any) -> list[str]:
    """The values of a closed list, as people write them; none of a param without."""
    annotation = param.type_descriptor.annotation
    is_list = isinstance(annotation, type) and issubclass(annotation, Enum)
    return [str(choice.value) for choice in annotation] if is_list else []


def _explained(param: Any) -> str:
    """Its help, with what holds where it is left out."""
    otherwise = param.show_default if isinstance(param.show_default, str) else param.default
    said = isinstance(otherwise, (str, int, float)) and not isinstance(otherwise, bool)
    shown = f" (annars {otherwise})" if said else ""
    return f"{param.help or ''}{' (krävs)' if param.required and param.param_type_name == 'option' else ''}{shown}"


def tell_wrong_use(error: Any) -> None:
    """Say what was wrong with how a command was called, and where its help is."""
    if type(error).__name__ == "NoArgsIsHelpError":  # the help has been printed
        return
    context = getattr(error, "ctx", None)
    # A personnummer can be what was wrong.
    err.print(mask(sentence_of(error)), style="red", soft_wrap=True, markup=False)
    if context is not None:
        err.print(f"{context.get_usage()}\nSkriv `{context.command_path} --help` för hjälp.", markup=False)


_SENTENCES = (
    (r"No such command (.+)\. Did you mean (.+)\?", "Kommandot {0} finns inte: menade du {1}?"),
    (r"No such command (.+)\.", "Kommandot {0} finns inte."),
    (r"Missing command\.", "Ange ett kommando."),
    (r"Got unexpected extra argument\(s\) \((.+)\)", "Det här hör inte till kommandot: {0}."),
)
"""What typer says where the exception alone does not tell which wrong use it is."""


def sentence_of(error: Any) -> str:
    """A wrong use in Swedish: what was wrong, and what to write instead."""
    kind, cause = type(error).__name__, error.__cause__
    if kind == "NoSuchOption":
        meant = ", ".join(sorted(error.possibilities or ()))
        return f"Flaggan {error.option_name} finns inte{f': menade du {meant}?' if meant else '.'}"
    if kind == "BadOptionUsage":
        takes = "tar inget värde" if "does not take" in error.message else "ska följas av ett värde"
        return f"Flaggan {error.option_name} {takes}."
    if kind == "MissingParameter":
        what = "Flaggan" if error.param.param_type_name == "option" else "Argumentet"
        return f"{what} {_hint(error)} saknas."
    if kind == "BadParameter" and error.param is not None and (choices := _choices(error.param)):
        return f"{_hint(error)} ska vara {' eller '.join(choices)}."
    if kind == "BadParameter":
        problem = problem_of(cause.errors()[0]) if hasattr(cause, "errors") else None
        return f"{_hint(error)} {problem}." if problem else f"{_hint(error)}: {error.message}"
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, error.format_message()):
            return sentence.format(*found.groups())
    return str(error.format_message())


def _hint(error: Any) -> str:
    """The option or argument that an exception is about, as people write it."""
    if error.param_hint is not None:
        return str(error.param_hint)
    if error.param is None:
        return "Värdet"
    return ", ".join(error.param.opts) if error.param.param_type_name == "option" else str(error.param.display_name_raw)
