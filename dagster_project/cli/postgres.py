"""`resultattavla postgres`: what PostgreSQL shows, and the way back to another release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.output import DataOption, require_data, say, settings_with
from dagster_project.core.clock import told_time
from dagster_project.core.errors import ResultattavlaError, UsageError

if TYPE_CHECKING:
    from dagster_project.core.paths import DataPaths
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
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="Låt databasen visa den här datamappens utgåvor, fast den visar en annan datamapps."
        ),
    ] = False,
    data: DataOption = None,
) -> None:
    """Berätta vilken utgåva PostgreSQL visar, eller låt den visa en annan (serve.postgres)."""
    from dagster_project.operations.daily_run import session
    from dagster_project.products.postgres.serving import choose, look
    from dagster_project.releases.store import standing_release

    settings = settings_with(None, data)
    require_data(settings.paths)
    server = settings.serve.postgres
    if server is None:
        raise UsageError("Ingen server är angiven: fyll i serve.postgres i resultattavla.toml.")
    if release is None and not take_over:
        shown = look(server)
    else:
        with session(settings.paths, settings):
            if take_over:
                standing_release(settings.paths, None)  # what would be shown of a folder that has none is nothing
            wanted = None if release in (None, CURRENT) else standing_release(settings.paths, release)
            shown = choose(server, settings.paths, wanted, take_over)
    say(told(server, shown, settings.paths))
    say(f"Inlästa utgåvor: {', '.join(shown.loaded) or 'inga'}.")


def told(server: PostgresServer, shown: Shown, data: DataPaths) -> str:
    """What a server shows, in a sentence or two."""
    from dagster_project.products.postgres.writing import is_owner
    from dagster_project.releases.retractions import retractions
    from dagster_project.releases.store import current_id

    current = current_id(data)
    if shown.owner is not None and not is_owner(data, shown.owner):
        return (
            f"PostgreSQL ({server.address}) visar inte den här datamappens utgåvor, utan de i {shown.owner[1]} "
            f"(på {shown.owner[2]}): {shown.release_id or 'ingen'}."
        )
    if shown.release_id is None or shown.since is None:
        then = "ingen är aktuell" if current is None else "nästa körning läser in den aktuella"
        return f"PostgreSQL ({server.address}) visar ingen utgåva: {then}."
    text = f"PostgreSQL ({server.address}) visar utgåva {shown.release_id} sedan {told_time(shown.since.isoformat())}."
    if shown.release_id in retractions(data):
        return f"{text} Den är ÅTERKALLAD: kör `resultattavla postgres {CURRENT}`, så visas den inte längre."
    if shown.release_id == current:
        return text
    if current is None:
        return f"{text} Ingen utgåva är aktuell: kör `resultattavla postgres {CURRENT}`, så visas ingen."
    if shown.instead_of == current:
        return f"{text} Den är vald i stället för den aktuella, {current}, tills en ny utgåva blir aktuell."
    return f"{text} Den aktuella är {current}: nästa körning kommer ikapp."


def told_or_refused(server: PostgresServer, data: DataPaths) -> str:
    """The same, or why the server does not answer."""
    from dagster_project.products.postgres.serving import look

    try:
        return told(server, look(server), data)
    except ResultattavlaError as error:
        return str(error)
