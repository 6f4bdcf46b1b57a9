"""Which of some numbers stand in the files of a product: every file is opened and read, of whatever kind it is.

For audits of what must not be told: numbers that nothing else has are planted in hidden cells and looked for in what is
made of them, as they are or rounded, in every way in which we write numbers.
"""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

_MARKUP = {".html", ".svg", ".xml", ".rels"}
_PLAIN = {".csv", ".prom", ".css", ".js", ".txt", ".md"}
_ARCHIVES = {".xlsx", ".docx", ".zip"}
_PICTURES = {".png", ".jpeg", ".jpg"}
"""Made of charts, which are read as SVG where they stand on pages; a Word template's thumbnail."""
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile("(?<=\\d)[\u00a0\u202f\u2009 '](?=\\d{3}(?!\\d))")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMERAL = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.I)
_MOST_DECIMALS = 6
_FEWEST_DIGITS = 5
"""A rounded form with fewer could stand for anything; zeros before and after do not count."""


def numbers_in(folder: Path, numbers: Collection[float]) -> list[str]:
    """Where the numbers stand: `file: number`, sorted; empty where none does.

    numbers: such as nothing else in the files has, of at least five digits. Raises ValueError for a file of a kind that
    cannot be read: what is not read is not audited.
    """
    forms = {form: number for number in numbers for form in _forms(number)}
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        for text in _texts(path.name, path.read_bytes()):
            found |= {f"{path.relative_to(folder).as_posix()}: {forms[n]!r}" for n in _numerals(text) & forms.keys()}
    return sorted(found)


def _forms(number: float) -> Iterator[str]:
    """A number as it may be written, without sign: whole, with up to six decimals, in thousands and millions."""
    for scaled in (abs(number), abs(number) / 1e3, abs(number) / 1e6):
        for form in (*(f"{scaled:.{n}f}" for n in range(_MOST_DECIMALS + 1)), repr(scaled)):
            short = form.rstrip("0").rstrip(".") if "." in form else form
            if len(short.replace(".", "").lstrip("0")) >= _FEWEST_DIGITS:
                yield from (form, short)


def _numerals(text: str) -> set[str]:
    """All numerals of a text, with decimal points and without anything between thousands."""
    joined = _SPACES.sub("", text)
    return {n for t in (joined.replace(",", "."), _THOUSANDS.sub("", joined)) for n in _NUMERAL.findall(t)}


def _texts(name: str, content: bytes) -> Iterator[str]:
    """What a file says, in one or more readings of it."""
    kind = f".{name.rpartition('.')[2].lower()}"
    if kind in _PLAIN:
        yield content.decode("utf-8")
    elif kind in _MARKUP:
        text = content.decode("utf-8")
        yield html.unescape(text)
        # A number may be parted by markup, and two may stand beside each other with nothing but markup between.
        yield html.unescape(_TAG.sub("", text))
        yield html.unescape(_TAG.sub(" ", text))
    elif kind == ".json":
        yield _said(json.loads(content))
        yield content.decode("utf-8")
    elif kind in _ARCHIVES:
        from io import BytesIO

        with zipfile.ZipFile(BytesIO(content)) as archive:
            for member in archive.namelist():
                if not member.endswith("/"):
                    yield from _texts(member, archive.read(member))
    elif kind == ".parquet":
        import polars as pl

        yield pl.read_parquet(content).write_csv(float_scientific=False)
    elif kind not in _PICTURES:
        raise ValueError(f"{name}: a file of this kind cannot be audited")


def _said(value: object) -> str:
    """All values of a JSON document, a line each."""
    if isinstance(value, dict):
        return "\n".join(_said(v) for pair in value.items() for v in pair)
    if isinstance(value, list):
        return "\n".join(map(_said, value))
    return str(value)
