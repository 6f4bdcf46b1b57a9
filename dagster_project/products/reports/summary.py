"""What a report says first: how many items are met, what needs attention, what is not known.

The counts, sentences and their order are the board's (`products.telling`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields

from dagster_project.catalogue.vocabulary import (
    FROZEN,
    HIDDEN,
    NO_DATA,
    NOT_MET,
    NOT_REPORTED,
    PARTLY,
    PRELIMINARY,
    WARNED,
)
from dagster_project.core.printable import printable
from dagster_project.core.swedish import counted, joined
from dagster_project.products.change import FILLS_UP_WORDS
from dagster_project.products.reading import ItemInfo
from dagster_project.products.reports.asked import Followed, Row
from dagster_project.products.reports.document import Block, Bullets, Column, Heading, Paragraph, Table
from dagster_project.products.reports.items import FEW_WORDS, is_few, status_mark
from dagster_project.products.telling import Attention, Tally, attention, by_perspective, reported_words, tally_words


def summary(followed: Followed) -> Iterator[Block]:
    """The first chapter."""
    asked = followed.asked
    told = by_perspective(followed.reading, asked.occasion, asked.year, asked.verksamhet)
    whole = _sum([perspective.tally for perspective in told])
    yield Heading(1, "Sammanfattning", "sammanfattning")
    yield Paragraph(tally_words(whole), "lead")
    words = {code: status.ord for code, status in followed.reading.statuses.items()}
    if (reported := reported_words(whole.reported or {}, words, asked.verksamhet is not None)) is not None:
        yield Paragraph(reported)
    total = len(followed.items)
    scope = f"Planen har {counted(followed.planned, 'punkt', 'punkter')}"
    scope += f"; {total} av dem gäller {followed.place}." if total < followed.planned else "."
    yield Paragraph(f"{scope} En punkt som är en del av en annan räknas inte för sig i tabellen.", "note")
    columns = [Column("Perspektiv", 3.0)]
    columns += [Column(title, 1.2, number=True) for title in ("Uppnått", "Delvis uppnått", "Inte uppnått")]
    columns += [Column(title, 1.3, number=True) for title in ("Kan inte bedömas", "Utan mål här")]
    rows = [(perspective.name, *_counts(perspective.tally)) for perspective in told]
    rows.append(("Alla punkter", *_counts(whole)))
    about = "Antal punkter efter hur de står mot sina mål."
    yield Table("Planens punkter per perspektiv", tuple(columns), tuple(rows), about, whole=True)
    yield from _attention(followed, whole)
    yield from _silence(followed)
    yield from _quality(followed)


def _sum(tallies: Sequence[Tally]) -> Tally:
    numbers = {f.name: sum(getattr(t, f.name) for t in tallies) for f in fields(Tally) if f.name != "reported"}
    reported: Counter[str] = Counter()
    for found in tallies:
        reported.update(found.reported or {})
    return Tally(**numbers, reported=reported)


def _counts(found: Tally) -> tuple[str, ...]:
    return tuple(str(n) for n in (found.met, found.partly, found.not_met, found.untold, found.no_target))


# --- What needs attention -------------------------------------------------------------------------------------------


def _attention(followed: Followed, whole: Tally) -> Iterator[Block]:
    """Items that miss their target or get worse; those judged on few cases come last and say so."""
    yield Heading(2, "Det här behöver uppmärksamhet", "uppmarksamhet")
    asked = followed.asked
    entries = []
    for found in attention(followed.reading, asked.occasion, asked.year, asked.verksamhet):
        title, said = _parted(found.title, printable(found.sentence))
        told = _told(followed, found, said)
        parts = [text for part in found.parts if (text := _told(followed, part, printable(part.sentence)))]
        if told is None and not parts:
            continue
        symbol = status_mark(followed, found.row).symbol
        entries.append((f"{symbol} {title}".strip(), " ".join([told or said, *parts])))
    if followed.is_area:
        entries += [entry for item in followed.items if (entry := _missed_below(followed, item)) is not None]
    if entries:
        yield Bullets(tuple(entries))
    else:
        yield Paragraph("Alla mål som har bedömts är uppnådda." if whole.judged else "Inget mål kan bedömas än.")


def _told(followed: Followed, found: Attention, said: str) -> str | None:
    """What is said of something that needs attention; None where it began to get worse after the period. said: its
    sentence."""
    reading = followed.reading
    worse = followed.change(found.indicator_id) if found.worse and found.indicator_id is not None else None
    if found.status not in (NOT_MET, PARTLY) and worse is None:
        return None
    text = said if found.part_of is None else f"{said} En del av {found.part_of}."
    if found.few:
        text += f" ({FEW_WORDS.capitalize()}.)"
    if followed.is_area and (who := _who_miss(followed, reading.items[found.item_id])):
        text += f" Når inte målet: {joined(who)}."
    if found.filling:
        text += f" (Talet {FILLS_UP_WORDS}.)"
    if worse is not None:
        text += f" {worse.sentence}"
    return text


def _parted(title: str, sentence: str) -> tuple[str, str]:
    """A sentence that begins with what it is about, in two: its beginning is what an eye looks for."""
    start = f"{title}: "
    return (start.strip(), sentence.removeprefix(start)) if sentence.startswith(start) else (f"{title}.", sentence)


def _missed_below(followed: Followed, item: ItemInfo) -> tuple[str, str] | None:
    """An item whose target is each verksamhet's own, so that the area's number is not judged."""
    row, who = followed.row(item), _who_miss(followed, item)
    if row["malvarde"] is not None or row["indicator_id"] is None or row["mal_text"] is None or not who:
        return None
    return f"{printable(item.kort_titel)}:", f"målet {row['mal_text']} nås inte av {joined(who)}."


def _who_miss(followed: Followed, item: ItemInfo) -> list[str]:
    """The verksamheter that miss the item's target, but for those judged on few cases."""
    shown = [(name, row) for name, row in followed.rows(item) if row["verksamhet"] is not None]
    return [name for name, row in shown if row["malstatus"] == NOT_MET and not is_few(followed, row)]


def _silence(followed: Followed) -> Iterator[Block]:
    """Items that somebody is asked to report on and has not."""
    found = []
    for item in followed.items:
        row = followed.row(item)
        short = row["rapporterade"] is not None and row["rapporterade"] < row["i_omfattning"]
        if row["rapporterad_status"] != NOT_REPORTED and not short:
            continue
        silent = [n for n, r in followed.rows(item) if r["verksamhet"] and r["rapporterad_status"] == NOT_REPORTED]
        text = f"ingen rapport från {joined(silent)}." if followed.is_area else "verksamheten har inte rapporterat."
        found.append((f"{printable(item.kort_titel)}:", text))
    if found:
        yield Heading(2, "Det här är inte rapporterat", "inte-rapporterat")
        yield Bullets(tuple(found))


# --- Can it be trusted ----------------------------------------------------------------------------------------------


def _quality(followed: Followed) -> Iterator[Block]:
    yield Heading(2, "Går det att lita på uppgifterna?", "tillit")
    rows: list[Row] = [followed.row(item) for item in followed.items]
    marks = [{row["kvalitet"], row["rapport_kvalitet"]} for row in rows]
    status = Counter(row["malstatus"] for row in rows)
    found = (
        ("Äldre uppgifter:", sum(FROZEN in m for m in marks), "senare leveranser är inte godkända"),
        ("Anmärkning:", sum(WARNED in m for m in marks), "kvalitetskontrollen har anmärkt på en källa"),
        ("Preliminärt:", status[PRELIMINARY], "uppgifterna för perioden är inte fullständiga och kan ändras"),
        ("Skyddat:", status[HIDDEN], "talen är för små för att visas"),
        ("Okänt:", status[NO_DATA], "det saknas uppgifter för perioden, för jämförelsen eller för delarna"),
    )
    told = [(label, f"{why} ({counted(n, 'punkt', 'punkter')}).") for label, n, why in found if n]
    if told:
        yield Bullets(tuple(told))
        yield Paragraph("Vid varje punkt står vad som gäller för den; källornas anmärkningar står i bilagan.")
    else:
        yield Paragraph("Ja: alla källor är godkända och täcker hela perioden.")
