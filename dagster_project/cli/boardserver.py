"""`make board`: the board on this machine, for browsers that open no files (`PORT=8001`: another port).

What is served is the folder behind the link, looked up at every request: a board that a run makes meanwhile is shown
when the page is loaded again. Nobody else on the network is answered.
"""

from __future__ import annotations

import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from dagster_project.cli.board import BOARD
from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import load_settings

HOST, PORT = "127.0.0.1", 8000


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder; nothing is kept by the browser, and no folder is listed."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def board_server(data: DataPaths, port: int = PORT) -> ThreadingHTTPServer:
    """A server of the current board. Raises ResultattavlaError where there is none, UsageError for a port in use."""
    folder = data.published / BOARD
    if not (folder / "index.html").is_file():
        raise ResultattavlaError(
            f"Det finns ingen tavla i {folder}: kör `make run` först, eller `resultattavla board`."
        )
    try:
        return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))
    except (OSError, OverflowError):
        raise UsageError(
            f"Porten {port} är upptagen eller går inte att använda: välj en annan, `make board PORT=8001`."
        ) from None


def main(arguments: list[str]) -> int:
    """Serve until interrupted; the exit code."""
    try:
        if not all(text.isdecimal() for text in arguments):
            raise UsageError(f"{arguments[0]} är ingen port: skriv till exempel `make board PORT=8001`.")
        server = board_server(load_settings().paths, int(arguments[0]) if arguments else PORT)
    except ResultattavlaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    with server:
        sys.stdout.write(
            f"Tavlan visas på http://localhost:{server.server_port} (bara på den här datorn). Avsluta med Ctrl-C.\n"
        )
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
