"""`resultattavla report`: delårsrapport and aktivitetsberättelse, as Word and HTML."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.catalogue.vocabulary import DELAR, YEAR
from dagster_project.cli.output import DataOption, err, require_data, say, settings_with


class Occasion(Enum):
    """When the plan is reported on."""

    DELAR = DELAR
    YEAR = YEAR


def report(
    occasion: Annotated[
        Occasion, typer.Option("--occasion", metavar="delar|ar", help="delar: delårsrapport; ar: aktivitetsberättelse.")
    ],
    year: Annotated[int, typer.Option("--year", metavar="ÅÅÅÅ", help="Året som rapporten gäller.")],
    verksamhet: Annotated[
        str | None, typer.Option("--verksamhet", metavar="KOD", help="Verksamhetens kod; utelämnad: hela området.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="MAPP", help="Mapp att skriva i.", show_default="bland utgåvans rapporter i datamappen"
        ),
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", metavar="FIL.docx", help="Regionens egen Wordmall.")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="ID", help="En sparad utgåva; utelämnad: den aktuella.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Skriv delårsrapporten eller aktivitetsberättelsen som Word och webbsida, ur en utgåva."""
    from dagster_project.products.reading import Reading
    from dagster_project.products.reports.asked import Asked
    from dagster_project.products.reports.product import PRODUCT, rendered, with_report, write_to
    from dagster_project.releases.store import standing_release

    settings = settings_with(None, data)
    require_data(settings.paths)
    found = standing_release(settings.paths, release)
    asked = Asked(occasion.value, year, verksamhet.strip().upper() if verksamhet is not None else None)
    made = rendered(Reading(found), asked, template)
    if to is not None:
        files = write_to(to, made.files)
    else:
        from dagster_project.operations.daily_run import session
        from dagster_project.operations.products import make_on_demand

        with session(settings.paths, settings):
            folder = make_on_demand(settings, with_report(made.files), found.id).entry.parent
        files = [folder / name for name in made.files]
    say(f"{made.title}, av utgåva {found.id}:")
    for file in files:
        say(f"  {file}")
    if to is None:
        say(f"Alla rapporter: {settings.paths.published / PRODUCT.name}")
    if made.alert:
        err.print(f"OBS! {made.alert}", style="bold yellow", soft_wrap=True, markup=False)
