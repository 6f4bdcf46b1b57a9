"""The Excel file that a verksamhet fills in its report of the plan in (plan.md, "What a verksamhet fills in").

Its first sheet is the delivery that the source accepts: the contract's columns first, then helping ones, which are not
read. Everything but what is to be filled in is locked, without a password: against slips, not against anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import nodes, verksamhet_codes
from dagster_project.catalogue.plan import Item, followed_up, followed_up_items, goals, measures_of
from dagster_project.core.errors import ResultattavlaError, UsageError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths
from dagster_project.core.printable import printable
from dagster_project.core.swedish import day_in_words, month_in_words
from dagster_project.products.words import REPORT_STATUS_WORDS

COLUMNS = ("aktivitet_id", "verksamhet", "manad", "status", "antal", "kommentar")
"""The delivery's columns, in the sheet's order."""
FILLED_IN = ("status", "antal", "kommentar")
HEADERS: Mapping[str, str] = {
    "punkt": "Punkt",
    "mal_i_planen": "Mål i planen",
    "det_har_rapporteras": "Det här rapporteras",
    "forra_manad": "Förra månad",
    "forra_status": "Förra status",
    "forra_kommentar": "Förra kommentar",
}
"""The contract's helping columns as the sheet has them."""
_WIDTHS = (14, 12, 10, 15, 9, 60, 44, 44, 34, 13, 15, 50)
_EARLIER_COMMENT = 500
"""Characters of an earlier comment that are shown again."""
_NUMBER = "Status, kommentar och antal"
_NO_NUMBER = "Status och kommentar"


def form_sources() -> list[str]:
    """The sources that verksamheter report items of the plan in, in a form: their contracts have helping columns."""
    return [
        c.source
        for c in load_contracts().values()
        if c.helping_columns and any(column.plan_item for column in c.columns)
    ]


def form_source(source: str) -> str:
    """The source, where it has a form (`form_sources`). Raises UsageError for any other."""
    forms = form_sources()
    if source not in forms:
        raise UsageError(f"Det finns ingen mall för {source}: ange {' eller '.join(forms)}.")
    return source


@dataclass(frozen=True)
class Earlier:
    """What was last reported on an item."""

    month: date
    status: str
    comment: str | None


def asks_number(source: str, item: Item) -> bool:
    """Whether an indicator of the item is made of the numbers that verksamheter report."""
    of_reports = {i.id for i in load_catalogue() if i.report_source == source}
    return any(measure.indicator_id in of_reports for measure in measures_of(item.id))


def default_name(source: str, verksamhet: str, made: date) -> str:
    """The name under which the filled-in file is a delivery."""
    return f"{source}_{made}_{verksamhet}.xlsx"


def asked_of(verksamhet: str, month: date) -> tuple[Item, ...]:
    """The items that the verksamhet is asked to report on. Raises UsageError for a verksamhet or month that is none.

    month: any day of it.
    """
    codes = verksamhet_codes()
    if verksamhet not in codes:
        raise UsageError(f"Verksamheten {verksamhet} finns inte: ange en av {', '.join(codes)}.")
    plan = followed_up()
    if not (plan.valid_from.replace(day=1) <= month <= plan.valid_to):
        raise UsageError(
            f"Månaden {month:%Y-%m} hör inte till {plan.title}: ange en från {plan.valid_from:%Y-%m} till "
            f"{plan.valid_to:%Y-%m}."
        )
    return tuple(item for item in followed_up_items() if item.reported and verksamhet in item.scope)


def earlier_reports(data: DataPaths, source: str, verksamhet: str, month: date) -> dict[str, Earlier]:
    """What was last reported on each item up to the month, as the latest run read it; empty where there was no run.

    Raises ResultattavlaError where another program holds the data folder's database.
    """
    if not data.warehouse.exists():
        return {}
    import duckdb

    from dagster_project.engines.duckdb import database

    try:
        with database(data.warehouse) as connection:
            there = connection.execute(
                "select table_schema from information_schema.tables where table_name = ?", [f"stg_{source}"]
            ).fetchone()
            if there is None:
                return {}
            rows = connection.execute(
                f'select aktivitet_id, manad, status, kommentar from "{there[0]}".stg_{source} '
                "where verksamhet = ? and manad <= last_day(cast(? as date)) order by manad",
                [verksamhet, month],
            ).fetchall()
    except duckdb.Error as error:
        raise ResultattavlaError(
            f"Det som rapporterats förut kan inte läsas ur {data.warehouse}: en körning pågår eller databasen är "
            "skadad. Vänta tills körningen är klar, eller ange en annan mapp med --data."
        ) from error
    return {item: Earlier(when, status, comment) for item, when, status, comment in rows}


def write_form(
    path: Path,
    source: str,
    items: Sequence[Item],
    verksamhet: str,
    month: date,
    earlier: Mapping[str, Earlier],
    made: date,
) -> None:
    """Write the file. Raises UsageError where there is one of that name, ResultattavlaError where it cannot be."""
    if path.exists():
        raise UsageError(f"Filen {path} finns redan och skrivs inte över: flytta den eller ange en annan med --out.")
    try:
        with replacing(path) as part:
            _write(part, source, items, verksamhet, month, earlier, made)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {system_reason(error)}.") from error


def _write(
    path: Path,
    source: str,
    items: Sequence[Item],
    verksamhet: str,
    month: date,
    earlier: Mapping[str, Earlier],
    made: date,
) -> None:
    import xlsxwriter

    # A text is a text, whatever it begins with.
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    name = next(node.name for node in nodes() if node.code == verksamhet)
    goal_titles = {(goal.plan_id, goal.id): goal.title for goal in goals()}
    longest = load_contracts()[source].column("kommentar").max_length
    statuses = list(REPORT_STATUS_WORDS.values())
    with xlsxwriter.Workbook(str(path), plain) as book:
        book.set_properties({"title": f"{followed_up().title}: {name}, {month_in_words(month)}", "author": ""})
        top = {"valign": "top", "text_wrap": True}
        header = book.add_format({"bold": True, "bottom": 1, "bg_color": "#DDE7EE", **top})
        locked = book.add_format({"font_color": "#444444", **top})
        open_ = book.add_format({"locked": False, "bg_color": "#FFF9DB", "border": 1, "border_color": "#BBBBBB", **top})
        sheet = book.add_worksheet("Rapport")
        sheet.write_row(0, 0, [*COLUMNS, *HEADERS.values()], header)
        for place, width in enumerate(_WIDTHS):
            sheet.set_column(place, place, width)
        for row, item in enumerate(items, start=1):
            counted = asks_number(source, item)
            before = earlier.get(item.id)
            helping = [
                item.title,
                goal_titles.get((item.plan_id, item.goal_id or ""), ""),
                _NUMBER if counted else _NO_NUMBER,
                f"{before.month:%Y-%m}" if before else "",
                REPORT_STATUS_WORDS[before.status] if before else "",
                printable(before.comment or "")[:_EARLIER_COMMENT] if before else "",
            ]
            for place, text in enumerate((item.id, verksamhet, f"{month:%Y-%m}")):
                sheet.write_string(row, place, text, locked)
            for place in (3, 4, 5):
                sheet.write_blank(row, place, None, locked if place == 4 and not counted else open_)
            for place, text in enumerate(helping, start=len(COLUMNS)):
                sheet.write_string(row, place, text, locked)
            told = item.title if len(item.title) <= 250 else item.title[:249] + "…"
            sheet.data_validation(
                row,
                3,
                row,
                3,
                {
                    "validate": "list",
                    "source": statuses,
                    "input_title": item.id,
                    "input_message": told,
                    "error_title": "Status",
                    "error_message": f"Välj {', '.join(statuses[:-1])} eller {statuses[-1]}, eller lämna cellen tom.",
                },
            )
            if counted:
                sheet.data_validation(
                    row,
                    4,
                    row,
                    4,
                    {
                        "validate": "decimal",
                        "criteria": ">=",
                        "value": 0,
                        "input_title": "Antal",
                        "input_message": "Hur många det är hittills, till exempel 3.",
                        "error_title": "Antal",
                        "error_message": "Skriv ett tal, till exempel 3.",
                    },
                )
            sheet.data_validation(
                row,
                5,
                row,
                5,
                {
                    "validate": "length",
                    "criteria": "<=",
                    "value": longest,
                    "input_title": "Kommentar",
                    "input_message": f"Högst {longest} tecken. Skriv inga personuppgifter, inga personnummer.",
                    "error_title": "Kommentar",
                    "error_message": f"Texten är längre än {longest} tecken: korta den.",
                },
            )
        sheet.freeze_panes(1, 1)
        sheet.protect("", {"format_rows": True, "format_columns": True, "sort": True, "autofilter": True})
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer(f"&L{name}, {month_in_words(month)}&RSida &P av &N")
        _instructions(book, source, name, month, made)


def _instructions(book: Any, source: str, name: str, month: date, made: date) -> None:
    sheet = book.add_worksheet("Så fyller du i")
    sheet.set_column(0, 0, 100)
    title = book.add_format({"bold": True, "font_size": 14})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    lines = (
        f"{name}: rapport för {month_in_words(month)}",
        "Fyll i de gula cellerna på bladet Rapport: en status för varje punkt, och en kommentar där det finns "
        "något att berätta. Antal fylls i där cellen är gul.",
        "En rad som du inte fyller i räknas inte: den förra rapporten om punkten gäller. Statusen är det enda som "
        "krävs på en rad som fylls i.",
        "Ej påbörjad: arbetet har inte börjat. Pågår: det har börjat. Genomförd: det är klart. Utgår: punkten ska inte "
        "göras, skriv varför.",
        "Skriv inga personuppgifter. Något som ser ut som ett personnummer tas bort innan texten sparas.",
        "Ändra inte de grå cellerna och inte bladens ordning. Kolumnerna till höger om kommentaren är till hjälp och "
        "läses inte.",
        f"Spara filen under sitt namn ({source}, dagens datum och verksamheten) och skicka den till den som lägger den "
        f"i mappen {source}. Rättar du senare: skicka filen igen med ett senare datum i namnet, då gäller de rader som "
        "är ifyllda i den.",
        f"Mallen gjordes {day_in_words(made)}.",
    )
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line, text if row else title)
    sheet.protect()
    sheet.fit_to_pages(1, 0)
    sheet.set_paper(9)
