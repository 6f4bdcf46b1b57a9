"""`resultattavla quarantine`: rows that were set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, data_paths, out, table


def quarantine(
    data: DataOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Bara den här källan.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Även åtgärdade rader.")] = False,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="ORSAK", help="Bara den här orsaken, t.ex. format:kva_kod eller enhet."),
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="HSAID", help="Bara den här enheten.")] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", metavar="DAGAR", help="Bara rader som väntat längre än så.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="Utan öppna rader som kommit igen i en nyare leverans.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv listan till en CSV-fil.")] = None,
) -> None:
    """Visa rader i karantän: källa, fil, rad, orsaker och maskade värden."""
    import polars as pl

    from dagster_project.catalogue.contracts import load_contracts
    from dagster_project.cli.summary import quarantine_states
    from dagster_project.ingestion.quarantine import LISTED, select_quarantine, write_quarantine_csv
    from dagster_project.runs.folder import RunFolder

    if source is not None and source not in load_contracts():
        raise typer.BadParameter(f"källan {source} finns inte: {', '.join(load_contracts())}.", param_hint="--source")
    rows = select_quarantine(RunFolder(data_paths(data)), source, every, reason, unit, older_than, not newest)
    if csv is not None:
        write_quarantine_csv(rows, csv)
        out.print(f"{rows.height} rader skrevs till {csv}.", soft_wrap=True)
        return
    if rows.height == 0:
        out.print("Karantänen är tom.")
        return
    shown = rows.select(LISTED).with_columns(state=pl.Series(quarantine_states(rows), dtype=pl.String))
    table(
        f"{rows.height} rader i karantän",
        ["källa", "fil", "rad", "orsaker", "nyckel", "värden", "läge", "sedan"],
        [tuple("" if cell is None else cell for cell in row) for row in shown.iter_rows()],
        numbers=[2],
    )
