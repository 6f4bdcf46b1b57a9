"""`resultattavla board`: make the board again and open it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, require_data, say, settings_with
from dagster_project.core.errors import UsageError

BOARD = "tavla"


def board(
    release: Annotated[
        str | None, typer.Argument(metavar="UTGÅVA", help="En sparad utgåvas id.", show_default="den aktuella")
    ] = None,
    of: Annotated[
        str | None, typer.Option("--release", metavar="UTGÅVA", help="Detsamma, som för andra kommandon.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Öppna tavlan i webbläsaren (vid en terminal).")
    ] = True,
    data: DataOption = None,
) -> None:
    """Gör tavlan på nytt av en utgåva och öppna den; utgåvan ändras inte."""
    from dagster_project.operations.daily_run import session
    from dagster_project.operations.products import make_on_demand
    from dagster_project.products.registry import product

    if release is not None and of is not None:
        raise UsageError("Ange utgåvan en gång: som argument eller med --release.")
    settings = settings_with(None, data)
    require_data(settings.paths)
    with session(settings.paths, settings):
        made = make_on_demand(settings, product(BOARD), release or of)
    say(f"{made.product.title} av utgåva {made.release_id}: {made.entry}")
    if show and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(made.entry.resolve().as_uri())
