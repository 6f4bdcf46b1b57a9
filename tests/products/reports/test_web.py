"""Reports as one HTML file: the words of the Word document, readable by everybody, asking nothing of a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from dagster_project.products.board import site
from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.content import report
from dagster_project.products.reports.document import Figure
from dagster_project.products.reports.web import TEMPLATES, as_html, index_page
from dagster_project.products.reports.word import as_word
from dagster_project.releases.tables import PLAN_SCHEMA
from tests.products.reports import small
from tests.products.reports.test_word import W, body, style_names, text_of

ASKED = [Asked("delar", 2022), Asked("delar", 2022, "AA"), Asked("ar", 2022)]
asked_one = pytest.mark.parametrize("asked", ASKED, ids=lambda a: a.file_name)
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a page is made of: its elements, and its words without styles and charts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg", "title"} & set(self.open):
            self.texts.append(data)

    @property
    def words(self) -> list[str]:
        return " ".join(self.texts).split()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def html(asked: Asked) -> str:
    return as_html(report(small.plain(), asked))


@asked_one
def test_it_has_the_words_of_the_word_document_in_their_order(asked: Asked) -> None:
    content = as_word(report(small.plain(), asked))
    names = style_names(content)
    written: list[str] = []
    for paragraph in body(content).iter(f"{W}p"):
        style = names[paragraph.find(f"{W}pPr/{W}pStyle").get(f"{W}val")]
        if written or style == "heading 1":  # after the front and the table of contents
            written += text_of(paragraph).split()
    words = Page(html(asked).partition("<main")[2].partition(">")[2].partition("</main>")[0]).words
    assert len(words) > 300
    assert words == written


@asked_one
def test_headings_go_down_one_level_at_a_time(asked: Asked) -> None:
    page = Page(html(asked))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


@asked_one
def test_every_chart_has_its_sentence_and_every_table_its_headers(asked: Asked) -> None:
    page = Page(html(asked))
    figures = [b for b in report(small.plain(), asked).blocks if isinstance(b, Figure)]
    charts = [a for a in page.all("svg") if "role" in a]
    assert [(a["role"], a["aria-label"]) for a in charts] == [("img", f.alt) for f in figures] != []
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 0


@asked_one
def test_links_lead_to_what_is_there_and_nothing_is_fetched(asked: Asked) -> None:
    text = html(asked)
    page = Page(text)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(set(ids)) == len(ids)
    assert {a["href"] for a in page.all("a")} <= {f"#{i}" for i in ids}
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert not re.search(r"https?://(?!www\.w3\.org)|@import|url\(", text)
    assert "default-src 'none'" in text and '<html lang="sv">' in text


def test_markup_in_what_people_write_is_text() -> None:
    text = html(ASKED[0])
    assert "Barn &amp; &lt;unga&gt; har fått en egen ingång.<br>- Rutinen är klar<br>" in text
    assert "<unga>" not in text and "<rutin>" not in text


def test_whatever_somebody_writes_is_shown_as_it_is(tmp_path: Path) -> None:
    """Control signs are named, markup and template signs are text: in both files."""
    hostile = "]]> {{ 7*7 }} <script>x</script> \x1b[31m \u202efdp \x00 &amp; {% raw %}"
    shown = "]]> {{ 7*7 }} <script>x</script> ⟨U+001B⟩[31m ⟨U+202E⟩fdp ⟨U+0000⟩ &amp; {% raw %}"
    rows = [row | ({"kommentar": hostile} if row["verksamhet"] == "AA" else {}) for row in small.plan_rows()]
    document = report(
        small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA)), Asked("delar", 2022)
    )
    page = Page(as_html(document))
    assert shown in page.texts and page.all("script") == []
    assert shown in [text_of(p) for p in body(as_word(document)).iter(f"{W}p")]


def test_an_unfinished_report_says_so_first() -> None:
    text = html(Asked("ar", 2022))
    assert text.index("Perioden är inte slut.") < text.index("Innehåll</p>")
    assert "<title>Aktivitetsberättelse 2022 (preliminär) – Hela området</title>" in text


def test_its_colours_are_those_of_the_board() -> None:
    def palettes(path: Path) -> list[dict[str, str]]:
        blocks = re.findall(r":root \{(.*?)\}", path.read_text(encoding="utf-8"), re.DOTALL)[:2]
        return [dict(re.findall(r"(--[a-z-]+): ([^;]+);", block)) for block in blocks]

    board = palettes(Path(site.__file__).with_name("tavla.css"))
    for own, shared in zip(palettes(TEMPLATES / "report.css"), board, strict=True):
        assert own.items() <= shared.items()


def test_the_page_of_reports_names_each_and_escapes() -> None:
    reports = [("Delårsrapport 2022", "Barn & <unga>", "delarsrapport_2022_BB")]
    page = Page(index_page("Hela området", "r1", reports))
    assert [a["href"] for a in page.all("a")] == ["delarsrapport_2022_BB.docx", "delarsrapport_2022_BB.html"]
    assert "Barn & <unga>" in " ".join(page.words)
    assert "Ingen rapport är gjord." in index_page("Hela området", "r1", [])
