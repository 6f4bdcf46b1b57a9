"""The command `resultattavla`. Texts are Swedish; heavy packages are imported by the commands that need them."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Annotated

import typer

from dagster_project.cli.board import board
from dagster_project.cli.changes import changes
from dagster_project.cli.clean import clean
from dagster_project.cli.demo import demo
from dagster_project.cli.erase import erase, rekey
from dagster_project.cli.explain import explain
from dagster_project.cli.export import export
from dagster_project.cli.listings import indicators, units
from dagster_project.cli.new import new
from dagster_project.cli.output import asked, err, given, say, takes
from dagster_project.cli.postgres import postgres
from dagster_project.cli.quarantine import acknowledge, quarantine
from dagster_project.cli.report import report
from dagster_project.cli.retract import retract
from dagster_project.cli.run import run
from dagster_project.cli.status import status
from dagster_project.cli.template import template
from dagster_project.cli.usage import WRONG_USE, Command, Group, tell_wrong_use
from dagster_project.cli.waivers import waivers
from dagster_project.cli.withdraw import withdraw
from dagster_project.core.errors import ResultattavlaError, UsageError, damaged_file, machine_error
from dagster_project.core.masking import mask

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    run,
    status,
    quarantine,
    acknowledge,
    waivers,
    withdraw,
    retract,
    explain,
    board,
    report,
    changes,
    export,
    postgres,
    indicators,
    units,
    template,
    demo,
    erase,
    rekey,
    clean,
)
for command in COMMANDS:
    app.command(cls=Command)(command)
    takes[command.__name__] = {"raw", "data"} & set(inspect.signature(command).parameters)
app.add_typer(new, name="new")


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"resultattavla {version('resultattavla')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Visa versionen och sluta.")
    ] = False,
) -> None:
    """Från levererade uttag till betrodda, publicerade indikatorer."""


def _interrupted(number: int, frame: object) -> None:
    """End at once: whatever a run has half done is never shown, and the next run sweeps it away."""
    err.show_cursor()
    with suppress(OSError):  # told where it can be
        os.write(2, "Avbruten: det som är publicerat är helt och orört av det halvfärdiga. Kör igen.\n".encode())
    os._exit(1)


def main() -> None:
    """Entry point: what the user can cause is one sentence on stderr and its exit code (docs/operations.md)."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    sys.exit(_exit_code())


def _exit_code() -> int:
    given.clear()
    try:
        return app(standalone_mode=False, prog_name="resultattavla") or 0
    except WRONG_USE as error:
        tell_wrong_use(error)
        return UsageError.exit_code
    except ResultattavlaError as error:
        told = error
    except Exception as error:
        # What `run` reads it has made itself: a file that it cannot read is a fault of the program.
        found = machine_error(error, asked[-1]) or (damaged_file(error) if sys.argv[1:2] != ["run"] else None)
        if found is None:
            # Unforeseen: all of it is told, but no number that a value in it may hold.
            err.print(mask(traceback.format_exc()), markup=False, soft_wrap=True)
            err.print("Oväntat fel: ingenting publicerades. Felanmäl med texten ovan.", style="red", markup=False)
            return 1
        told = found
    err.print(mask(str(told)), style="red", soft_wrap=True, markup=False)
    return told.exit_code


if __name__ == "__main__":
    main()
