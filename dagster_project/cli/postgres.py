"""`resultattavla postgres`: what PostgreSQL shows, and the way back to another release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.output import DataOption, require_data, say, settings_with
from dagster_project.core.clock import told_time
from dagster_project.core.errors import ResultattavlaError, UsageError

if TYPE_CHECKING:
    from dagster_project.products.postgres.server import PostgresServer
    from dagster_project.products.postgres.serving import Shown

CURRENT = "current"


def postgres(
    release: Annotated[
        str | None,
        typer.Argument(
            metavar="UTGÅVA",
            help=f"Visa den här sparade utgåvan tills en ny blir aktuell; {CURRENT}: den aktuella igen.",
            show_default="ändra inget, berätta bara",
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Berätta vilken utgåva PostgreSQL visar, eller låt den visa en annan (serve.postgres)."""
    from dagster_project.operations.daily_run import session
    from dagster_project.products.postgres.serving import choose, look
    from dagster_project.releases.store import current_id, standing_release

    settings = settings_with(None, data)
    require_data(settings.paths)
    server = settings.serve.postgres
    if server is None:
        raise UsageError("Ingen server är angiven: fyll i serve.postgres i resultattavla.toml.")
    if release is None:
        shown = look(server)
    else:
        with session(settings.paths, settings):
            wanted = None if release == CURRENT else standing_release(settings.paths, release)
            shown = choose(server, settings.paths, wanted)
    say(told(server, shown, current_id(settings.paths)))
    say(f"Inlästa utgåvor: {', '.join(shown.loaded) or 'inga'}.")


def told(server: PostgresServer, shown: Shown, current: str | None) -> str:
    """What a server shows, in a sentence or two."""
    if shown.release_id is None or shown.since is None:
        return f"PostgreSQL ({server.address}) visar ingen utgåva: nästa körning läser in den aktuella."
    text = f"PostgreSQL ({server.address}) visar utgåva {shown.release_id} sedan {told_time(shown.since.isoformat())}."
    if shown.release_id == current:
        return text
    if shown.instead_of == current:
        return f"{text} Den är vald i stället för den aktuella, {current}, tills en ny utgåva blir aktuell."
    return f"{text} Den aktuella är {current}: nästa körning kommer ikapp."


def told_or_refused(server: PostgresServer, current: str | None) -> str:
    """The same, or why the server does not answer."""
    from dagster_project.products.postgres.serving import look

    try:
        return told(server, look(server), current)
    except ResultattavlaError as error:
        return str(error)
