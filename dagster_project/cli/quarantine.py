"""`resultattavla quarantine` and `acknowledge`: rows that were set aside, and those that nobody will correct."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.output import WIDE_COLUMNS, DataOption, err, hanging, out, say, settings_with, table
from dagster_project.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl


def quarantine(
    data: DataOption = None,
    source: Annotated[str | None, typer.Option("--source", metavar="KÄLLA", help="Bara den här källan.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Även åtgärdade rader.")] = False,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="ORSAK", help="Bara den här orsaken, t.ex. format:kva_kod eller enhet."),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="HSAID", help="Bara den här enheten, eller verksamheten där källan anger den."),
    ] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", metavar="DAGAR", help="Bara rader som väntat längre än så.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="Utan öppna rader som kommit igen i en nyare leverans.")
    ] = False,
    wide: Annotated[bool, typer.Option("--wide", help="En rad i taget, hur bred den än blir.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv listan till en CSV-fil.")] = None,
    excel: Annotated[
        bool, typer.Option("--excel", help="CSV-filen för svenska Excel: semikolon, decimalkomma och läget i ord.")
    ] = False,
) -> None:
    """Visa rader i karantän: källa, fil, rad, orsaker och maskade värden."""
    from dagster_project.catalogue.contracts import load_contracts
    from dagster_project.core.swedish import counted
    from dagster_project.ingestion.acknowledged import load_acknowledged, quarantine_now, without_rows
    from dagster_project.ingestion.quarantine import select_quarantine, write_quarantine_csv
    from dagster_project.products.words import quarantine_states
    from dagster_project.runs.folder import RunFolder

    if source is not None and source not in load_contracts():
        raise typer.BadParameter(f"källan {source} finns inte: {', '.join(load_contracts())}.", param_hint="--source")
    if excel and csv is None:
        raise UsageError("--excel gäller filen som --csv skriver: lägg till --csv FIL.")
    settings = settings_with(data=data)
    folder, acknowledged = RunFolder(settings.paths), load_acknowledged(settings.acknowledged)
    machines = csv is not None and not excel
    rows = select_quarantine(folder, source, every, reason, unit, older_than, not newest, acknowledged, machines)
    for sentence in without_rows(quarantine_now(folder, ()), acknowledged, settings.acknowledged):
        err.print(sentence, style="yellow", soft_wrap=True, markup=False)
    if csv is not None:
        write_quarantine_csv(rows, csv, quarantine_states(rows) if excel else None)
        say(f"{counted(rows.height, 'rad', 'rader')} skrevs till {csv}.")
        return
    if rows.height == 0:
        say("Ingen rad i karantän passar." if every or source or reason or unit or older_than else "Karantänen är tom.")
        return
    title = f"{counted(rows.height, 'rad', 'rader')} i karantän"
    states = quarantine_states(rows)
    if wide or out.width >= WIDE_COLUMNS:
        _as_table(title, rows, states, wide)
    else:
        _by_file(title, rows, states)


def _as_table(title: str, rows: pl.DataFrame, states: Sequence[str], wide: bool) -> None:
    columns = ("source", "file", "line", "reasons", "key", "values", "first_seen")
    cells = [
        tuple("" if cell is None else cell for cell in (*row[:-1], state, row[-1]))
        for row, state in zip(rows.select(columns).iter_rows(), states, strict=True)
    ]
    headings = ["källa", "fil", "rad", "orsaker", "nyckel", "värden", "läge", "sedan"]
    table(title, headings, cells, numbers=[2], wide=wide)


def _by_file(title: str, rows: pl.DataFrame, states: Sequence[str]) -> None:
    """The rows under their file, each with its reasons, values, key and state, on lines that fit the terminal."""
    from dagster_project.catalogue.vocabulary import OPEN
    from dagster_project.products.words import QUARANTINE_STATE_WORDS

    out.print(title, style="bold")
    shown = None
    digits = max(len(str(line)) for line in rows["line"])
    columns = ("file", "first_seen", "line", "reasons", "values", "key")
    for (file, first_seen, line, reasons, values, key), state in zip(
        rows.select(columns).iter_rows(), states, strict=True
    ):
        if file != shown:
            shown = file
            out.print(f"\n{file} (uttag {first_seen})", style="bold", overflow="fold", markup=False)
        parts = [*reasons.split("|"), *(values.split("|") if values else []), f"nyckel {key or 'kan inte läsas'}"]
        if state != QUARANTINE_STATE_WORDS[OPEN]:
            parts.append(state)
        hanging(f"  rad {line:>{digits}}  ", " · ".join(parts))


def acknowledge(
    file: Annotated[str, typer.Argument(metavar="FIL", help="Leveransen som listan har den: källa/filnamn.")],
    lines: Annotated[
        str, typer.Option("--lines", metavar="RADER", help="Radnummer i leveransen: 12, 12-40 eller 12,15-20.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Varför raderna inte kommer att rättas.")],
    by: Annotated[str, typer.Option("--by", metavar="ROLL", help="Namn eller roll på den som beslutar.")],
    data: DataOption = None,
) -> None:
    """Kvittera rader i karantän som ingen kommer att rätta: de är inte längre öppna, men räknas inte heller."""
    from dagster_project.core.clock import today_in_sweden
    from dagster_project.core.swedish import counted
    from dagster_project.ingestion.acknowledged import acknowledge as write_line
    from dagster_project.runs.folder import RunFolder

    settings = settings_with(data=data)
    folder = RunFolder(settings.paths)
    made, settled = write_line(settings.acknowledged, folder, file, lines, reason, by, today_in_sweden())
    rows = counted(settled, "öppen rad är kvitterad", "öppna rader är kvitterade")
    say(f"{made.file}: {rows} {made.text}")
    say(f"Raden står i {settings.acknowledged}: låt någon granska den och checka in filen.")
