"""What a report says of one item of the plan: its sentence, numbers, chart, what was reported, and what to know of it.

No sentence about a number is made here: an item's own is the release's (`mening`), and the board shows the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dagster_project.catalogue.vocabulary import (
    BASE_YEAR,
    CROWNS,
    FROZEN,
    HIDDEN,
    ITEM_TYPES,
    JUDGED,
    MET,
    NOT_APPLICABLE,
    NOT_MET,
    PARTLY,
    PROPORTIONS,
    REPORT_STATUSES,
    TOTALS,
    WARNED,
)
from dagster_project.core.printable import printable
from dagster_project.core.swedish import fixed, joined
from dagster_project.products.change import FILLS_UP_WORDS, fills_up
from dagster_project.products.names import source_title
from dagster_project.products.reading import IndicatorInfo, ItemInfo
from dagster_project.products.reports.asked import Followed, Row
from dagster_project.products.reports.charts import Drawn, chart
from dagster_project.products.reports.document import (
    NOTHING,
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    Mark,
    Paragraph,
    Quote,
    Table,
)
from dagster_project.products.words import OPERATOR_SIGNS
from dagster_project.releases.sentence import LONGEST_COMMENT, deciding

HEAVY, PLAIN = (PARTLY, NOT_MET), (MET, *REPORT_STATUSES)
"""What needs somebody, and what is told like other text; the rest is muted. Nothing is red (docs/style.md)."""
TYPE_WORDS = dict(
    zip(ITEM_TYPES, ("Indikator", "Aktivitet", "Nyckeltal", "Uppdrag", "Delmål", "Arbetssätt"), strict=True)
)
FEW_WORDS = "få fall"


def item_blocks(followed: Followed, item: ItemInfo, level: int, drawn: Drawn) -> Iterator[Block]:
    """The item's part of the report, below a heading of this level. drawn: what charts the report has so far."""
    row = followed.row(item)
    yield Heading(level, printable(item.titel), anchor(item.item_id))
    yield Paragraph(_described(item), "note")
    mark = status_mark(followed, row)
    yield Paragraph(printable(row["mening"]), "lead", label=f"{mark}." if row["malstatus"] != NOT_APPLICABLE else "")
    indicator = followed.reading.indicators.get(row["indicator_id"])
    if row["malstatus"] == NOT_APPLICABLE:
        return
    if indicator is not None:
        yield from _numbers(followed, item, indicator)
        yield from _figure(followed, item, indicator, drawn)
    elif row["mal_text"] is not None:
        yield _parent_table(followed, item)
    yield from _reports(followed, item)
    yield from _quality(followed, row, indicator)


def anchor(item_id: str) -> str:
    """An item's place in a document."""
    return "punkt-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in item_id)


def status_mark(followed: Followed, row: Row) -> Mark:
    """How an item stands, in one mark: to its target where it has one, else as was reported."""
    judged = row["indicator_id"] is not None or row["mal_text"] is not None
    code = row["malstatus"] if judged or row["rapporterad_status"] is None else row["rapporterad_status"]
    return _mark(followed, code)


def _described(item: ItemInfo) -> str:
    """What kind of item it is, and whose."""
    parts = [f"{TYPE_WORDS[item.typ]} {item.item_id}."]
    if item.nr:
        parts.append(f"Uppdrag {item.nr} i planen.")
    if item.ansvarig:
        parts.append(f"Ansvarig: {item.ansvarig}.")
    return " ".join(parts)


# --- Numbers --------------------------------------------------------------------------------------------------------


def _numbers(followed: Followed, item: ItemInfo, indicator: IndicatorInfo) -> Iterator[Block]:
    """The item's table: a row per verksamhet and one for the area."""
    everyone = followed.rows(item)
    shown = [(name, row) for name, row in everyone if row["malstatus"] != NOT_APPLICABLE]
    outside = [name for name, row in everyone if row["malstatus"] == NOT_APPLICABLE]
    words = Words(followed, indicator, [row for _, row in shown])
    columns = [Column("Verksamhet", 3.7)]
    if indicator.art in PROPORTIONS:
        columns += [Column("Täljare", 1.0, number=True), Column("Nämnare", 1.3, number=True)]
    elif indicator.art not in TOTALS:
        columns.append(Column("Antal", 1.0, number=True))
    before = "Basåret" if indicator.jamforelse == BASE_YEAR else "Året innan"
    unit = f" ({words.unit})" if words.unit else ""
    wide = 1.7 if indicator.art in TOTALS else 1.3
    columns += [Column(f"Värde{unit}", wide, number=True), Column("Mål", wide, number=True)]
    columns += [Column("Status", 2.3), Column(before, wide, number=True)]
    rows = [_number_row(followed, name, row, indicator, words) for name, row in shown]
    caption = f"{printable(item.kort_titel)}, {followed.label}"
    about = f"Per verksamhet: {', '.join(column.title.lower() for column in columns[1:])}."
    yield Table(caption, tuple(columns), tuple(rows), about, whole=True)
    if fills_up(indicator):
        yield Paragraph(f"Talet {FILLS_UP_WORDS}: de senaste månaderna stiger när fler hinner registreras.", "note")
    if outside:
        yield Paragraph(f"Måttet gäller inte {joined(outside)}.", "note")


def _number_row(followed: Followed, name: str, row: Row, indicator: IndicatorInfo, words: Words) -> tuple[Cell, ...]:
    cells: list[Cell] = [name]
    if indicator.art in PROPORTIONS:
        cells += [_whole(row["taljare"]), _whole(row["namnare"])]
    elif indicator.art not in TOTALS:
        cells.append(_whole(row["namnare"]))
    mark = _mark(followed, row["malstatus"])
    if is_few(followed, row):  # it may be chance: nobody is called
        mark = Mark(mark.symbol, f"{mark.word} ({FEW_WORDS})", "muted")
    return (*cells, words.value(row), words.target(row), mark, words.before(row))


def _whole(number: float | None) -> str:
    return NOTHING if number is None else fixed(number, 0)


class Words:
    """The numbers of one table in words, with the unit said once where all of them end with it."""

    def __init__(self, followed: Followed, indicator: IndicatorInfo, rows: Sequence[Row]) -> None:
        self.reading, self.indicator = followed.reading, indicator
        told = [self._told(row, row[name]) for row in rows for name in ("varde", "jamforelse_varde")]
        unit = f" {indicator.mattenhet}"
        said = [text for text in told if text != NOTHING]
        self.unit = indicator.mattenhet if said and all(text.endswith(unit) for text in said) else ""

    def value(self, row: Row) -> str:
        return self._short(self._told(row, row["varde"]))

    def before(self, row: Row) -> str:
        return self._short(self._told(row, row["jamforelse_varde"]))

    def target(self, row: Row) -> str:
        """The target that applies at the row, with its sign and without decimals that say nothing."""
        if row["malvarde"] is None:
            return NOTHING
        target = deciding(self.indicator.measured, row["mal_operator"], row["malvarde"])
        exact = re.sub(r",0+(?!\d)", "", self._short(self._told(row, target)))
        return f"{OPERATOR_SIGNS[row['mal_operator']]} {exact}"

    def _told(self, row: Row, number: float | None) -> str:
        if number is None:
            return NOTHING
        target = row["malvarde"]
        if self.indicator.mattenhet == CROWNS and (target in (None, number) or round(target) != round(number)):
            return f"{fixed(number, 0)} {CROWNS}"  # millions beside thousands cannot be compared down a column
        return self.reading.value_words(self.indicator.indicator_id, number, target)

    def _short(self, text: str) -> str:
        return text.removesuffix(f" {self.unit}") if self.unit else text


def is_few(followed: Followed, row: Row) -> bool:
    """Whether the row was judged on so few that no alarm is raised (`markering` of its cell)."""
    if row["indicator_id"] is None or row["malstatus"] not in JUDGED:
        return False
    return (row["indicator_id"], row["verksamhet"]) in followed.few


def _parent_table(followed: Followed, item: ItemInfo) -> Table:
    """An item that is judged over its parts: how each verksamhet stands."""
    rows = [(name, _mark(followed, row["malstatus"])) for name, row in followed.rows(item)]
    columns = (Column("Verksamhet", 3.0), Column("Status", 2.0))
    return Table(
        f"{printable(item.kort_titel)}, {followed.label}", columns, tuple(rows), "Status per verksamhet.", True
    )


def _mark(followed: Followed, code: str) -> Mark:
    status = followed.reading.statuses[code]
    return Mark(status.symbol or "", status.ord, "heavy" if code in HEAVY else "plain" if code in PLAIN else "muted")


# --- Charts ---------------------------------------------------------------------------------------------------------


def _figure(followed: Followed, item: ItemInfo, indicator: IndicatorInfo, drawn: Drawn) -> Iterator[Block]:
    """The indicator's series, once in a report: another item with the same number says where it is."""
    if (earlier := drawn.get(indicator.indicator_id)) is not None:
        yield Paragraph(f"Utvecklingen visas under ”{printable(earlier.titel)}”.", "note")
        return
    figure: Figure | None = chart(followed, item, indicator)
    if figure is not None:
        drawn[indicator.indicator_id] = item
        yield figure
        yield from _change(followed, item, indicator)


def _change(followed: Followed, item: ItemInfo, indicator: IndicatorInfo) -> Iterator[Block]:
    """Whether the months say more than chance, and whether a missed target can be met as things work now."""
    told = []
    if (change := followed.change(indicator.indicator_id)) is not None:
        told.append(change.sentence)
    if followed.row(item)["malstatus"] in HEAVY and (able := followed.capability(indicator.indicator_id)) is not None:
        told.append(able)
    if told:
        yield Paragraph(" ".join(told))


# --- What was reported ----------------------------------------------------------------------------------------------


def _reports(followed: Followed, item: ItemInfo) -> Iterator[Block]:
    """What the verksamheter have reported themselves, with their comments whole and in their own words."""
    if not followed.is_area:
        comment = _comment(followed.row(item))
        if len(comment) > LONGEST_COMMENT:  # the sentence has the beginning of it only
            yield Paragraph("Hela kommentaren:", label="")
            yield Quote(comment)
        return
    shown = [(name, row) for name, row in followed.rows(item) if row["verksamhet"] is not None]
    shown = [(name, row) for name, row in shown if row["rapporterad_status"] is not None]
    if not shown:
        return
    counted = any(row["antal"] is not None for _, row in shown)
    columns = [Column("Verksamhet", 2.9), Column("Läge", 1.6)]
    columns += [Column("Antal", 0.8, number=True)] if counted else []
    columns.append(Column("Verksamhetens kommentar", 4.2))
    rows = []
    for name, row in shown:
        cells: list[Cell] = [name, _mark(followed, row["rapporterad_status"])]
        cells += [_plain(row["antal"])] if counted else []
        rows.append((*cells, _comment(row) or "Ingen kommentar"))
    caption = f"Verksamheternas egna rapporter: {printable(item.kort_titel)}"
    yield Table(caption, tuple(columns), tuple(rows), "Läge och kommentar per verksamhet.")


def _plain(number: float | None) -> str:
    return NOTHING if number is None else fixed(number, 0 if number == round(number) else 1)


def _comment(row: Row) -> str:
    """A comment in its own lines, without empty ones."""
    lines = (" ".join(line.split()) for line in (row["kommentar"] or "").splitlines())
    return printable("\n".join(line for line in lines if line))


# --- Quality --------------------------------------------------------------------------------------------------------


def _quality(followed: Followed, row: Row, indicator: IndicatorInfo | None) -> Iterator[Block]:
    """What to know before the numbers are used. From which day frozen ones are is in the sentence already."""
    if row["kvalitet"] == WARNED and indicator is not None:
        sources = [s for s in indicator.kallor if followed.warned.get(s)]
        told = joined([source_title(s) for s in sources]) or "underlaget"
        text = f"kvalitetskontrollen har anmärkt på {told}. Läs siffrorna med försiktighet; orsaken står i bilagan."
        yield Paragraph(text[0].upper() + text[1:], "note", label="Kvalitet:")
    if FROZEN in (row["kvalitet"], row["rapport_kvalitet"]):
        text = "Senare leveranser är inte godkända, så att äldre uppgifter visas."
        yield Paragraph(text, "note", label="Kvalitet:")
    if row["malstatus"] == HIDDEN:
        yield Paragraph("Talet är så litet att det inte får visas (se bilagan).", "note", label="Skyddat:")
