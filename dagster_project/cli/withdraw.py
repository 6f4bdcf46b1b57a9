"""`resultattavla withdraw`: take a delivery out of this run and all later ones."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, RawOption, say, settings_with


def withdraw(
    file: Annotated[str, typer.Argument(metavar="FIL", help="Leveransen som den står i liggaren: källa/filnamn.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Varför leveransen inte ska räknas.")],
    by: Annotated[str, typer.Option("--by", metavar="ROLL", help="Namn eller roll på den som beslutar.")],
    raw: RawOption = None,
    data: DataOption = None,
) -> None:
    """Återkalla en leverans: den räknas inte i nästa körning och ingen senare. Filen i raw rörs inte."""
    from dagster_project.core.clock import today_in_sweden
    from dagster_project.ingestion.withdrawals import withdraw as write_line

    settings = settings_with(raw, data)
    made = write_line(settings.withdrawals, settings.raw, settings.paths, file, reason, by, today_in_sweden())
    for w in made:
        say(f"{w.file} ({w.sha256[:12]}) är återkallad från nästa körning. {w.text}")
    say(f"Raden står i {settings.withdrawals}: låt någon granska den och checka in filen.")
