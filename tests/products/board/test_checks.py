"""The checks of a site find what they are for: each is given a page with one fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.products.board import checks

PAGE = """<!DOCTYPE html>
<html lang="sv"><head><meta charset="utf-8"><title>{title}</title></head><body><main id="innehall">
<h1>Rubrik</h1><h2>Del</h2><p><a href="{link}">länk</a> {text}</p></main></body></html>
"""


def site(folder: Path, link: str = "under/b.html#innehall", text: str = "", title: str = "A") -> Path:
    (folder / "under").mkdir()
    (folder / "a.html").write_text(PAGE.format(title=title, link=link, text=text), encoding="utf-8")
    (folder / "under" / "b.html").write_text(PAGE.format(title="B", link="../a.html", text=""), encoding="utf-8")
    return folder


def test_a_sound_site_has_no_fault(tmp_path: Path) -> None:
    assert checks.broken_links(site(tmp_path)) == [] and checks.structure_faults(tmp_path) == []


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("under/c.html", "leads nowhere"),
        ("under", "leads nowhere"),
        ("under/b.html#borta", "no such anchor"),
        ("#borta", "no such anchor"),
        ("/under/b.html", "no relative address"),
        ("http://example.org/", "no relative address"),
        ("file:///etc/hosts", "no relative address"),
        ("../../utanfor.html", "leads out"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str, told: str) -> None:
    (found,) = checks.broken_links(site(tmp_path, link))
    assert told in found


@pytest.mark.parametrize("link", ["https://www.digg.se/", "mailto:a@example.org"])
def test_an_address_elsewhere_may_be_followed_but_not_loaded(tmp_path: Path, link: str) -> None:
    assert checks.broken_links(site(tmp_path, link)) == []
    page = tmp_path / "a.html"
    page.write_text(page.read_text().replace("</main>", '<img alt="" src="https://x.se/a.png"></main>'))
    checks.parsed.cache_clear()
    assert len(checks.broken_links(tmp_path)) == 1


def test_an_id_that_stands_twice_is_found(tmp_path: Path) -> None:
    (found,) = checks.broken_links(site(tmp_path, text='<b id="x"></b><b id="x"></b>'))
    assert found.endswith("id x stands 2 times")


@pytest.mark.parametrize(
    ("text", "title", "told"),
    [
        ("<h1>En till</h1>", "A", "2 h1"),
        ("<h4>Hoppad</h4>", "A", "h4 after h2"),
        ("<h3> </h3>", "A", "an empty heading"),
        ("", "B", "the title is"),
        ("", "", "the title is"),
    ],
)
def test_a_fault_of_structure_is_found(tmp_path: Path, text: str, title: str, told: str) -> None:
    assert any(told in found for found in checks.structure_faults(site(tmp_path, text=text, title=title)))


@pytest.mark.java
def test_the_html_checker_finds_a_fault_and_passes_what_is_sound(tmp_path: Path) -> None:
    found = checks.html_messages(site(tmp_path, text="<ul><p>fel</p></ul><table><tr><td></table>"))
    assert found and all(message.startswith("/a.html:") for message in found)


def test_what_a_source_tells_is_text_and_attributes_without_styles_and_geometry() -> None:
    seen = checks.parse(
        '<p title="3 av 17">a<!-- 99 --></p><style>p{top:7px}</style><svg aria-label="4,5 procent"><text class="d-tal">'
        '25</text><circle cx="12.5"></circle><text>8</text></svg><td data-varde="93.7">x</td><br>slut'
    )
    assert seen.text == "3 av 17 a 99 4,5 procent 8 93.7 x slut"
