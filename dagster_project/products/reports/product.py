"""The reports of a release as a product: made on demand, one beside the other, with a page that lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.catalogue.vocabulary import AREA, LATEST
from dagster_project.core.errors import UsageError, system_reason
from dagster_project.products.base import Making, Product

if TYPE_CHECKING:
    from dagster_project.products.reading import Reading
    from dagster_project.products.reports.asked import Asked

INDEX = "index.html"
_REPORT = re.compile(r"(?P<kind>[a-z]+)_(?P<year>[0-9]{4})(?:_(?P<code>\w+))?\.(?:docx|html)")


@dataclass(frozen=True)
class Rendered:
    """A report, written. files: name -> content. alert: what is said loudly of it, empty where nothing."""

    title: str
    alert: str
    files: Mapping[str, bytes]


def rendered(reading: Reading, asked: Asked, template: Path | None = None) -> Rendered:
    """The report as Word and as HTML. Raises UsageError where there is none such, or the template cannot be used."""
    from dagster_project.products.reports.content import report
    from dagster_project.products.reports.web import as_html
    from dagster_project.products.reports.word import as_word

    document = report(reading, asked)
    files = {
        f"{asked.file_name}.docx": as_word(document, template),
        f"{asked.file_name}.html": as_html(document).encode(),
    }
    return Rendered(document.running_title, document.alert, files)


def write_to(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder of the user's. Raises UsageError where that cannot be done."""
    from dagster_project.core.files import replacing

    try:
        for name, content in files.items():
            with replacing(folder / name) as part:
                part.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"Rapporten kan inte skrivas i {folder}: {system_reason(error)}. Ange en annan mapp."
        ) from error
    return [folder / name for name in files]


def with_report(files: Mapping[str, bytes]) -> Product:
    """The product with one more report in it."""
    return replace(PRODUCT, make=partial(_make, files=files))


def _make(making: Making, files: Mapping[str, bytes] | None = None) -> None:
    """The reports that the release has already, and a new one; without one, the area's of every period that is over."""
    if files is None:
        made = [rendered(making.reading, asked).files for asked in _finished(making.reading)]
        files = {name: content for found in made for name, content in found.items()}
    everything = {**_earlier(making), **files}
    for name, content in everything.items():
        (making.folder / name).write_bytes(content)
    (making.folder / INDEX).write_text(_index(making.reading, sorted(everything)), encoding="utf-8")


def _earlier(making: Making) -> dict[str, bytes]:
    """Reports of the release that were made before by this code; what another version wrote is left out."""
    from dagster_project.products.make import code_of_products, folder_of, read_note

    folder = folder_of(making.data, making.reading.release.id, PRODUCT.name)
    note = read_note(folder)
    if note is None or note.code != code_of_products():
        return {}
    return {name: (folder / name).read_bytes() for name in note.files if _REPORT.fullmatch(name)}


def _finished(reading: Reading) -> list[Asked]:
    from dagster_project.products.reports.asked import Asked

    plan = reading.plan.select("tillfalle", "ar", "niva", "period_slut").unique().sort("ar", "tillfalle")
    return [
        Asked(row["tillfalle"], row["ar"])
        for row in plan.iter_rows(named=True)
        if row["niva"] == AREA and row["tillfalle"] != LATEST and f"{row['period_slut']}" <= reading.release.as_of
    ]


def _index(reading: Reading, names: list[str]) -> str:
    """The page that lists the reports: in the order of years, occasions and verksamheter."""
    from dagster_project.products.reports.asked import FILES, TITLES
    from dagster_project.products.reports.web import index_page

    occasions = {name: occasion for occasion, name in FILES.items()}
    found: dict[tuple[str, str], str] = {}
    for name in names:
        parts = _REPORT.fullmatch(name)
        assert parts is not None, name
        place = reading.verksamheter[parts["code"]].namn if parts["code"] else reading.area.namn
        title = f"{TITLES[occasions[parts['kind']]]} {parts['year']}"
        found[name.rpartition(".")[0], title] = place
    reports = [(title, place, stem) for (stem, title), place in found.items()]
    return index_page(reading.area.namn, reading.release.id, reports)


PRODUCT = Product(
    name="rapporter",
    title="Rapporterna",
    version="1",
    entry=INDEX,
    make=_make,
    in_every_run=False,
)
