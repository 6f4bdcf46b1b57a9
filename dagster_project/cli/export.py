"""`resultattavla export`: make the exports of a release again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, require_data, say, settings_with


def export(
    release: Annotated[
        str | None, typer.Option("--release", metavar="UTGÅVA", help="En sparad utgåva.", show_default="den aktuella")
    ] = None,
    units: Annotated[
        bool, typer.Option("--units", help="Ta med enheterna i arbetsboken och i filen till Vården i siffror.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="MAPP", help="Mapp att skriva i.", show_default="utgåvans export i datamappen"),
    ] = None,
    data: DataOption = None,
) -> None:
    """Gör exporterna av en utgåva på nytt: Excel, Kolada, Vården i siffror, FHIR och Prometheus."""
    from dagster_project.products.exports.product import PRODUCT, with_units, write_to
    from dagster_project.products.make import NOTE_FILE
    from dagster_project.products.reading import Reading
    from dagster_project.releases.store import standing_release

    settings = settings_with(None, data)
    require_data(settings.paths)
    found = standing_release(settings.paths, release)
    if folder is not None:
        files = write_to(folder, Reading(found), settings.paths, units)
    else:
        from dagster_project.operations.daily_run import session
        from dagster_project.operations.products import make_on_demand

        with session(settings.paths, settings):
            made = make_on_demand(settings, with_units() if units else PRODUCT, found.id)
        files = sorted(p for p in made.entry.parent.iterdir() if p.name != NOTE_FILE)
    say(f"{PRODUCT.title} av utgåva {found.id}:")
    for file in files:
        say(f"  {file}")
