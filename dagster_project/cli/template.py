"""`resultattavla template`: the Excel file that a verksamhet reports in."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, data_paths, say
from dagster_project.core.errors import UsageError


def template(
    source: Annotated[str, typer.Argument(metavar="KÄLLA", help="Källan vars mall fylls i.")],
    verksamhet: Annotated[str, typer.Option("--verksamhet", metavar="KOD", help="Verksamheten som rapporterar.")],
    month: Annotated[str, typer.Option("--month", metavar="ÅÅÅÅ-MM", help="Månaden som rapporten gäller.")],
    to: Annotated[
        Path | None,
        typer.Option("--out", metavar="FIL", help="Filen att skriva.", show_default="leveransens namn, här"),
    ] = None,
    data: DataOption = None,
) -> None:
    """Skriv Excelfilen som en verksamhet fyller i och lämnar som leverans."""
    from dagster_project.core.clock import today_in_sweden
    from dagster_project.products.report_form import asked_of, default_name, earlier_reports, form_source, write_form

    source = form_source(source)
    code, day = verksamhet.strip().upper(), _month(month)
    items = asked_of(code, day)
    made = today_in_sweden()
    path = to or Path(default_name(source, code, made))
    earlier = earlier_reports(data_paths(data), source, code, day)
    write_form(path, source, items, code, day, earlier, made)
    say(f"{path} är skriven: {len(items)} punkter att fylla i. Lägg den ifyllda filen i raw/{source}/.")
    if path.name != default_name(source, code, made):
        say(f"Den ska då heta {default_name(source, code, made)}, med dagens datum.")


def _month(text: str) -> date:
    """The first day of a month as options give it."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text) is None:
            raise ValueError(text)
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise UsageError(f"{text} är ingen månad: skriv den som ÅÅÅÅ-MM, till exempel 2022-08.") from None
