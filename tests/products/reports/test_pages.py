"""Reports as their readers see them: Word documents as printed pages, web pages in a browser."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest

from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.content import report
from dagster_project.products.reports.document import Column, Document, Figure, Heading, Table
from dagster_project.products.reports.product import rendered
from dagster_project.products.reports.web import index_page
from dagster_project.products.reports.word import as_word
from tests.products.board.checks import html_messages
from tests.products.reports import small
from tests.products.reports.test_word import region_template, told
from tests.programs import BROWSER, BROWSER_ARGUMENTS, OFFICE

Print = Callable[[bytes], pypdfium2.PdfDocument]
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "preload": False}
MILLIMETRE = 72 / 25.4


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Print]:
    """A Word document as LibreOffice prints it."""
    folder = tmp_path_factory.mktemp("office")
    opened = []

    def convert(content: bytes) -> pypdfium2.PdfDocument:
        source = folder / f"{len(opened)}.docx"
        source.write_bytes(content)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        program = OFFICE.path()
        assert program is not None
        arguments = [program, profile, "--headless", "--convert-to", "pdf", "--outdir", folder, source]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=120)
        target = source.with_suffix(".pdf")
        assert target.exists(), done.stdout + done.stderr
        opened.append(pypdfium2.PdfDocument(target))
        return opened[-1]

    yield convert
    for document in opened:
        document.close()


def texts(document: pypdfium2.PdfDocument) -> list[str]:
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def ink(page: Any) -> np.ndarray:
    """Where a page is not white, in a pixel per point."""
    return page.render(scale=1, grayscale=True).to_numpy().squeeze() < 200


@pytest.mark.office
def test_a_report_is_printed_whole(printed: Print) -> None:
    asked = Asked("ar", 2022)
    document = told(asked)
    pdf = printed(as_word(document))
    found = texts(pdf)
    everything = " ".join(found)
    assert len(found) >= 4
    assert all(heading.text in everything for heading in document.headings)
    for number, text in enumerate(found, start=1):
        assert f"Sida {number} av {len(found)}" in text
        assert "PRELIMINÄR" in text and "Aktivitetsberättelse 2022" in text
    assert "Perioden är inte slut." in found[0] and "Innehåll" in found[0]
    pictures = [o for page in pdf for o in page.get_objects() if o.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
    assert len(pictures) == len([b for b in document.blocks if isinstance(b, Figure)])


@pytest.mark.office
def test_nothing_is_cut_off_and_no_page_is_empty(printed: Print) -> None:
    for page in printed(as_word(told(Asked("delar", 2022)))):
        marks = ink(page)
        assert [round(length / MILLIMETRE) for length in page.get_size()] == [210, 297]
        inner = marks[round(18 * MILLIMETRE) : round(-18 * MILLIMETRE)]
        assert inner.sum() > 200
        edge = round(16 * MILLIMETRE)
        assert not inner[:, :edge].any() and not inner[:, -edge:].any()


@pytest.mark.office
def test_a_long_table_has_its_header_on_every_page(printed: Print) -> None:
    rows = tuple((f"Rad {n}", "1") for n in range(150))
    table = Table("Lång", (Column("Verksamheten"), Column("Antalet", number=True)), rows)
    document = Document("T", "U", "S", "A", "2022-09-30", (), "", (Heading(1, "Ett", "ett"), table))
    found = [text for text in texts(printed(as_word(document))) if "Rad " in text]
    assert len(found) > 2 and all("Verksamheten" in text and "Antalet" in text for text in found)


@pytest.mark.office
def test_a_region_s_template_gives_its_pages(printed: Print, tmp_path: Path) -> None:
    found = texts(printed(as_word(told(Asked("delar", 2022)), region_template(tmp_path / "mall.docx"))))
    assert all("Region Mitt" in text and "Diarienummer" in text for text in found)
    assert "Rubrik i mallen" not in " ".join(found)


@pytest.mark.java
def test_the_pages_are_valid_html(tmp_path: Path) -> None:
    for asked in (Asked("delar", 2022), Asked("delar", 2022, "AA"), Asked("ar", 2022)):
        name = f"{asked.file_name}.html"
        (tmp_path / name).write_bytes(rendered(small.plain(), asked).files[name])
    reports = [("Delårsrapport 2022", "Barn & <unga>", "delarsrapport_2022_BB")]
    (tmp_path / "index.html").write_text(index_page("Hela området", "r1", reports), encoding="utf-8")
    assert html_messages(tmp_path) == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("asked", [Asked("delar", 2022), Asked("ar", 2022, None)], ids=["delar", "ar"])
def test_everybody_can_use_the_page(tmp_path: Path, scheme: str, asked: Asked) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    found = rendered(small.plain(), asked)
    path = tmp_path / f"{asked.file_name}.html"
    path.write_bytes(found.files[path.name])
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER.path(), args=BROWSER_ARGUMENTS)
        tab = browser.new_page(viewport={"width": 320, "height": 800}, color_scheme=scheme)
        asked_for: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: asked_for.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(path.as_uri())
        assert Axe().run(tab, options=AXE).response["violations"] == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320
        assert asked_for == [path.as_uri()] and said == []
        browser.close()
    assert report(small.plain(), asked).running_title in found.files[path.name].decode()
