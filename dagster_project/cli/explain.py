"""`resultattavla explain`: how a published number came about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, data_paths, out, say, table
from dagster_project.core.errors import ResultattavlaError


def explain(
    indicator: Annotated[str, typer.Argument(metavar="INDIKATOR", help="Indikatorns id i katalogen.")],
    period: Annotated[
        str,
        typer.Option("--period", metavar="PERIOD", help="2022-08 (månad), 2022-T2, 2022-D (delår) eller 2022 (år)."),
    ],
    period_type: Annotated[
        str | None,
        typer.Option("--period-typ", metavar="TYP", help="manad, tertial, delar, ar eller r12 (12 mån. till PERIOD)."),
    ] = None,
    verksamhet: Annotated[
        str | None, typer.Option("--verksamhet", metavar="KOD", help="Verksamhetens kod; utelämnad: hela området.")
    ] = None,
    unit: Annotated[str | None, typer.Option("--enhet", metavar="HSAID", help="Enhetens HSA-id.")] = None,
    sex: Annotated[str | None, typer.Option("--kon", metavar="T|K|M", help="Utelämnat: alla (T).")] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="ID", help="En sparad utgåva; utelämnad: den aktuella.")
    ] = None,
    lines: Annotated[
        bool, typer.Option("--rader", "--lines", help="Visa fil och rad även för indikatorer om patienter.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv alla rader till en CSV-fil.")] = None,
    whole_hashes: Annotated[
        bool, typer.Option("--sha256", help="Visa leveransernas hela kontrollsummor, inte bara början.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Förklara ett publicerat tal: definition, formel, uteslutna, leveranser, grindar och vad som ändrats."""
    from dagster_project.products.explain.explain import Query
    from dagster_project.products.explain.explain import explain as explain_cell
    from dagster_project.products.explain.text import sections, write_lines_csv
    from dagster_project.products.names import unit_names
    from dagster_project.releases.retractions import retractions

    query = Query(indicator, period, period_type, verksamhet, unit, sex, release, lines)
    paths = data_paths(data)
    explanation = explain_cell(paths, query)
    if retraction := retractions(paths).get(explanation.release_id):
        say(f"Utgåva {explanation.release_id} gäller inte. {retraction.text}.")
    for section in sections(explanation, csv is not None, whole_hashes, unit_names(paths)):
        if section.title:
            out.print(f"\n{section.title}", style="bold", markup=False)
        for sentence in section.sentences:
            out.print(sentence, markup=False)
        if section.columns:
            table("", list(section.columns), list(section.rows), numbers=list(section.numbers))
    if explanation.refusal:
        raise ResultattavlaError(explanation.refusal)
    if csv is not None:
        if explanation.lines is None:
            raise ResultattavlaError(
                explanation.lines_note or "Be om rader med --rader för att skriva dem till en fil."
            )
        write_lines_csv(explanation.lines, csv)
        out.print(f"\n{len(explanation.lines)} rader skrevs till {csv}.", markup=False)
