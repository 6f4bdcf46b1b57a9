"""The command line of a server that this project starts on this machine, for trying and for tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from dagster_project.core.errors import ResultattavlaError


def up_or_down(
    arguments: Sequence[str], port: int, up: Callable[[int], str], down: Callable[[], object], name: str
) -> int:
    """Carry out `up [PORT]` or `down`; the exit code. What cannot be done is one sentence.

    port: where none is given. up: starts it at a port and gives what to tell. down: stops it, and whether it was up.
    """
    try:
        match list(arguments):
            case ["down"]:
                print(f"{name} har stoppats." if down() else f"{name} var inte igång.")
            case ["up"]:
                print(up(port))
            case ["up", given] if given.isascii() and given.isdigit() and 0 < int(given) < 65536:
                print(up(int(given)))
            case _:
                print(f"Ange up, up med en port (till exempel up {port}) eller down.", file=sys.stderr)
                return 1
    except ResultattavlaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
