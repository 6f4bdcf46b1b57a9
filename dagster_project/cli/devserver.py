"""`make dev`: Dagster's UI and daemon on localhost, on the raw and data folders of the settings.

As services (`deploy/`) they are two processes: `python -m dagster_project.cli.devserver daemon`, and `... web`.

Dagster's server asks nobody who he is and runs what any web page posts to it from the reader's own browser. So the
server answers local names only (a page cannot get in by a name of its own that leads here), and no page of another
origin: `LocalOnly`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dagster_project.operations.settings import load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST, PORT = "127.0.0.1", "3000"
LOCAL = ("localhost", "127.0.0.1")
_LOCATION = ("-m", "dagster_project.definitions")


class LocalOnly:
    """ASGI middleware: refuses (403) requests and web sockets with a foreign Host, or with another origin than Host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._is_local(scope):
            from starlette.responses import PlainTextResponse
            from starlette.websockets import WebSocket

            if scope["type"] == "websocket":
                await WebSocket(scope, receive, send).close(1008)
            else:
                await PlainTextResponse("Bara sidor på den här datorn släpps in.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _is_local(scope: Scope) -> bool:
        from starlette.datastructures import Headers

        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        return urlsplit(f"//{host}").hostname in LOCAL and (origin is None or urlsplit(origin).netloc == host)


def main() -> None:
    """Run the daemon beside the UI until either ends, or one of them alone (`daemon`, `web`); what else is said is
    passed on to the UI's server."""
    from dagster_project.defs.instance import instance_home

    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DAGSTER_HOME"] = str(instance_home(load_settings().paths).resolve())
    daemon_alone = [sys.executable, "-m", "dagster._daemon", "run", *_LOCATION]
    if sys.argv[1:] == ["daemon"]:
        os.execv(sys.executable, daemon_alone)
    if sys.argv[1:2] == ["web"]:
        serve(sys.argv[2:])
        return
    daemon = subprocess.Popen(daemon_alone)
    try:
        serve(sys.argv[1:])
    finally:
        daemon.terminate()
        daemon.wait()


def serve(arguments: list[str]) -> None:
    """Dagster's web server with `LocalOnly` before everything else."""
    from dagster_webserver import cli
    from dagster_webserver.webserver import DagsterWebserver
    from starlette.middleware import Middleware

    theirs = DagsterWebserver.build_middleware
    # The method is there for subclasses, but the server's command names the class itself.
    setattr(DagsterWebserver, "build_middleware", lambda self: [Middleware(LocalOnly), *theirs(self)])  # noqa: B010
    sys.argv[1:] = [*_LOCATION, "-h", HOST, "-p", PORT, *arguments]
    cli.main()


if __name__ == "__main__":
    main()
