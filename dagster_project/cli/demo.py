"""`resultattavla demo`: a synthetic set of extracts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import day_of, out
from dagster_project.core.errors import ResultattavlaError, system_reason


class Rhythm(StrEnum):
    """How often a year's ordinary deliveries come."""

    WEEK = "vecka"
    MONTH = "manad"


def demo(
    raw: Annotated[Path, typer.Option("--raw", metavar="MAPP", help="Mapp att skriva uttagen till.")],
    seed: Annotated[int, typer.Option("--seed", help="Samma frö ger samma filer.")] = 2022,
    scale: Annotated[float, typer.Option("--scale", min=0.01, help="Volym; 1 är exempelmängden.")] = 1.0,
    every: Annotated[
        Rhythm | None, typer.Option("--year", help="Skriv ett år av ordinära leveranser, en i veckan eller månaden.")
    ] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Nyaste uttagsdatum.")] = "2022-09-30",
) -> None:
    """Skriv en påhittad men trolig uppsättning uttag (bara testpersonnummer)."""
    from dagster_project.samples import write_demo

    day = day_of(as_of, "--as-of")
    assert day is not None
    try:
        files = write_demo(raw, seed, scale, day, every.value if every else None)
    except OSError as error:
        raise ResultattavlaError(
            f"Uttagen kunde inte skrivas till {raw}: {system_reason(error)}. Ange en annan mapp."
        ) from error
    out.print(f"{len(files)} filer skrevs till {raw}.", soft_wrap=True)
