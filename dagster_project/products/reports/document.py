"""A report as a document: what it says, before anybody has decided how it looks.

Content (`content`) makes one, and every writer (`word`, `web`) shows all of it, in the same order and the same words.
Texts are plain: a writer escapes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

NOTHING = "–"
"""What stands in a table cell without a value: never an empty one. What it means is said below the table."""


@dataclass(frozen=True)
class Heading:
    """level: 1-4, one step down at a time. anchor: one within the document, letters, digits and hyphens."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    """kind: `lead` is the sentence that answers the heading; `note` is smaller print; `alert` cannot be overlooked.

    label: how it begins, in bold.
    """

    text: str
    kind: Literal["text", "lead", "note", "alert"] = "text"
    label: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list; each entry a bold beginning, which may be empty, and a text."""

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quote:
    """What somebody else has written, in its own lines."""

    text: str


@dataclass(frozen=True)
class Mark:
    """A status in a cell: symbol and word, so that no colour has to be seen. tone: heavy where it needs somebody."""

    symbol: str
    word: str
    tone: Literal["heavy", "plain", "muted"] = "plain"

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}".strip()


Cell = str | Mark


@dataclass(frozen=True)
class Column:
    """weight: its share of the table's width, relative to the others. number: set to the right."""

    title: str
    weight: float = 1.0
    number: bool = False


@dataclass(frozen=True)
class Table:
    """The first column names the row. about: what the table shows, for who does not see it. whole: the last row is of
    all that the others are parts of."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""
    whole: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns) or not all(str(cell).strip() for cell in row):
                raise ValueError(f"a row of {self.caption!r} is not {len(self.columns)} filled cells: {row}")


@dataclass(frozen=True)
class Figure:
    """svg: the chart with its colours in it. page: the same, coloured by the page's classes. alt: its sentence."""

    svg: str
    page: str
    alt: str
    caption: str


Block = Heading | Paragraph | Bullets | Quote | Table | Figure


@dataclass(frozen=True)
class Document:
    """facts: what stands under the title: label and text. alert: what every page should say; empty where nothing.

    day: ISO date that the file's properties bear; nothing in a document says when it was written to disk.
    """

    title: str
    subtitle: str
    subject: str
    author: str
    day: str
    facts: tuple[tuple[str, str], ...]
    alert: str
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> Iterator[Heading]:
        return (block for block in self.blocks if isinstance(block, Heading))

    @property
    def running_title(self) -> str:
        return f"{self.title} – {self.subtitle}"
