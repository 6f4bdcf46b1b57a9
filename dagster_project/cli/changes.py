"""`resultattavla changes`: which published numbers changed between two releases, and what may be the cause."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.cli.output import DataOption, data_paths, out, say, table
from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.swedish import counted

if TYPE_CHECKING:
    from dagster_project.products.reading import Reading

SHOWN = 40
"""Changed cells that are listed without --all."""


def changes(
    before: Annotated[
        str | None,
        typer.Argument(metavar="FRÅN", help="Utgåvan att jämföra med.", show_default="den före TILL"),
    ] = None,
    release: Annotated[
        str | None, typer.Argument(metavar="TILL", help="Utgåvan som jämförs.", show_default="den aktuella")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Visa alla, även preliminära tal, kön och enheter.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv alla till en CSV-fil.")] = None,
    data: DataOption = None,
) -> None:
    """Visa vilka publicerade tal som har ändrats mellan två utgåvor, med möjliga orsaker."""
    import polars as pl

    from dagster_project.catalogue.vocabulary import ALL_SEXES, UNIT
    from dagster_project.core.tables import write_swedish_csv
    from dagster_project.products.reading import Reading
    from dagster_project.products.revisions.compare import release_before, revisions
    from dagster_project.releases.store import standing_release

    paths = data_paths(data)
    this = standing_release(paths, release)
    that = standing_release(paths, before) if before is not None else release_before(paths, this.id)
    if that is None:
        say(f"Det finns ingen utgåva före {this.id} att jämföra med.")
        return
    now = Reading(this)
    found = revisions(now, Reading(that))
    final = found.filter("slutlig", pl.col("niva") != UNIT, pl.col("kon") == ALL_SEXES)
    shown = found if every else final
    out.print(f"[bold]Utgåva {that.id} → {this.id}[/bold]", soft_wrap=True)
    say(
        f"{counted(found.height, 'tal', 'tal')} har ändrats, {final.height} av dem slutliga för området eller en "
        "verksamhet."
    )
    if csv is not None:
        try:
            with replacing(csv) as part:
                write_swedish_csv(found, part)
        except OSError as error:
            raise ResultattavlaError(f"Filen {csv} kan inte skrivas: {system_reason(error)}.") from error
        say(f"Alla skrevs till {csv}.")
    if shown.is_empty():
        return
    listed = shown if every else shown.head(SHOWN)
    columns = ["indikator", "plats", "period", "före", "efter", "möjlig orsak"]
    table("", columns, [_row(now, row) for row in listed.iter_rows(named=True)])
    if listed.height < shown.height:
        say(f"… och {shown.height - listed.height} till: visa alla med --all eller skriv dem med --csv FIL.")


def _row(now: Reading, row: dict[str, Any]) -> tuple[str, ...]:
    from dagster_project.catalogue.vocabulary import ALL_SEXES
    from dagster_project.products.revisions.compare import cause_words

    place = row["enhet"] or row["verksamhet"] or now.area.namn
    return (
        now.indicators[row["indicator_id"]].titel,
        place if row["kon"] == ALL_SEXES else f"{place} ({row['kon']})",
        now.period_label(row["period_typ"], row["period_start"]),
        _side(now, row, "fore"),
        _side(now, row, "efter"),
        cause_words(row["orsaker"], row["kallor"]),
    )


def _side(now: Reading, row: dict[str, Any], side: str) -> str:
    """A cell's status in one of the releases, and its number where both show it."""
    from dagster_project.products.revisions.compare import status_word

    word = status_word(row, side, now.statuses)
    value = row[f"{side}_varde"]
    return word if value is None else f"{now.value_words(row['indicator_id'], value)} ({word.lower()})"
