"""The command `resultattavla`. Texts are Swedish; heavy packages are imported by the commands that need them."""

from __future__ import annotations

import os
import signal
import sys
import traceback

import typer

from dagster_project.cli.demo import demo
from dagster_project.cli.explain import explain
from dagster_project.cli.new import new
from dagster_project.cli.output import asked, err
from dagster_project.cli.quarantine import quarantine
from dagster_project.cli.run import run
from dagster_project.cli.status import status
from dagster_project.cli.waivers import waivers
from dagster_project.core.errors import ResultattavlaError, damaged_file, machine_error
from dagster_project.core.masking import mask

app = typer.Typer(
    help="Från levererade uttag till betrodda, publicerade indikatorer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (run, status, quarantine, waivers, explain, demo):
    app.command()(command)
app.add_typer(new, name="new")


def _interrupted(number: int, frame: object) -> None:
    """End at once: whatever a run has half done is never shown, and the next run sweeps it away."""
    err.show_cursor()
    os.write(2, "Avbruten: det som är publicerat är helt och orört av det halvfärdiga. Kör igen.\n".encode())
    os._exit(1)


def main() -> None:
    """Entry point: a user's error is one sentence on stderr and exit code 1."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        app()
    except ResultattavlaError as error:
        err.print(mask(str(error)), style="red", soft_wrap=True, markup=False)
        sys.exit(1)
    except Exception as error:
        # What `run` reads it has made itself: a file that it cannot read is a fault of the program.
        told = machine_error(error, asked[-1]) or (damaged_file(error) if sys.argv[1:2] != ["run"] else None)
        if told is not None:
            err.print(mask(str(told)), style="red", soft_wrap=True, markup=False)
            sys.exit(1)
        # Unforeseen: all of it is told, but no number that a value in it may hold.
        err.print(mask(traceback.format_exc()), markup=False, soft_wrap=True)
        err.print("Oväntat fel: ingenting publicerades. Felanmäl med texten ovan.", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
