"""A report's content: the release's rows of one occasion and place as a document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby

from dagster_project.core.printable import printable
from dagster_project.core.swedish import day_in_words
from dagster_project.products.reading import ItemInfo, Reading
from dagster_project.products.reports.appendix import appendix
from dagster_project.products.reports.asked import TITLES, Asked, Followed
from dagster_project.products.reports.charts import Drawn
from dagster_project.products.reports.document import NOTHING, Block, Document, Heading, Paragraph
from dagster_project.products.reports.items import anchor, item_blocks
from dagster_project.products.reports.summary import summary
from dagster_project.products.words import PERSPECTIVE_WORDS


def report(reading: Reading, asked: Asked) -> Document:
    """The report, whole: front, summary, the plan's chapters, appendix. Raises UsageError (`Followed`)."""
    followed = Followed(reading, asked)
    alert = unfinished(followed)
    release = reading.release
    first, last = followed.period
    facts = [
        ("Plan", followed.plan_title),
        ("Period", f"{first.day} {day_in_words(first).split()[1]}–{day_in_words(last)}"),
        ("Gäller", followed.place if followed.is_area else f"{followed.place}, {reading.area.namn}"),
        ("Uppgifter till och med", day_in_words(date.fromisoformat(release.as_of))),
        ("Utgåva", release.id),
    ]
    blocks = [*summary(followed), *_chapters(followed), *appendix(followed)]
    return Document(
        title=f"{TITLES[asked.occasion]} {asked.year}{' (preliminär)' if alert else ''}",
        subtitle=followed.place,
        subject=f"Uppföljning av {followed.plan_title}, {followed.label}",
        author=reading.area.namn,
        day=release.as_of,
        facts=tuple(facts),
        alert=alert,
        blocks=tuple(blocks),
    )


def unfinished(followed: Followed) -> str:
    """What is said loudly of a report whose period is not complete; empty where it is."""
    as_of = day_in_words(date.fromisoformat(followed.reading.release.as_of))
    if not followed.ended:
        return (
            f"Perioden är inte slut. Rapporten visar vad som var känt den {as_of}: siffrorna ändras, och mål för hela "
            "perioden kan inte bedömas ännu. Den ska inte lämnas som slutlig rapport."
        )
    if followed.preliminary:
        number, total = len(followed.preliminary), len(followed.items)
        return (
            f"Perioden är inte fullständigt levererad: {number} av {total} punkter är preliminära i uppgifterna från "
            f"den {as_of}, och kan ändras."
        )
    return ""


def _chapters(followed: Followed) -> Iterator[Block]:
    """The plan's own order: a chapter per perspective, a part per goal, a heading per item and per part of one."""
    drawn: Drawn = {}
    known = {item.item_id for item in followed.items}
    for perspective, items in groupby(followed.items, key=lambda i: i.perspektiv):
        title = "Utan perspektiv" if perspective is None else PERSPECTIVE_WORDS[perspective]
        yield Heading(1, title, f"perspektiv-{perspective or 'utan'}".replace("_", "-"))
        yield Paragraph(f"{NOTHING} i en tabell betyder att uppgiften inte finns eller inte får visas.", "note")
        for goal, members in groupby(items, key=lambda i: i.mal_id):
            found = list(members)
            yield Heading(2, printable(found[0].mal_titel or "Utan mål"), f"mal-{anchor(goal or 'utan')[6:]}")
            for item in found:
                yield from item_blocks(followed, item, _level(item, known), drawn)


def _level(item: ItemInfo, known: set[str]) -> int:
    """A part stands below what it is a part of."""
    return 4 if item.overordnad_item in known else 3
