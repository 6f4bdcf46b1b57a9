"""The whole board of the sample, as the run leaves it: read from disk as people do, by browser, checker and audit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.board.standing import occasions
from dagster_project.products.reading import Reading
from dagster_project.releases.store import current_release
from tests.products.board.checks import (
    broken_links,
    html_messages,
    pages_of,
    parse,
    parsed,
    structure_faults,
)
from tests.products.board.facts import Facts

MOST_BYTES = 15_000_000
"""Of the board of the sample (products.md)."""
MOST_OF_A_PAGE = 1_000_000
KINDS = ("index", "indikator/vg_forsta_besok_90", "verksamhet/BUH", "plan/HH-2022", "kvalitet", "om")
"""A page of each kind."""


@pytest.fixture(scope="module")
def data(kept_sample: tuple[DataPaths, subprocess.CompletedProcess[str]]) -> DataPaths:
    return kept_sample[0]


@pytest.fixture(scope="module")
def site(data: DataPaths) -> Path:
    """The board's folder."""
    folder = (data.published / "tavla").resolve()
    assert (folder / "index.html").is_file()
    return folder


@pytest.fixture(scope="module")
def reading(data: DataPaths) -> Reading:
    return Reading(current_release(data))


@pytest.fixture(scope="module")
def facts(reading: Reading, data: DataPaths) -> Facts:
    return Facts(reading, data)


# --- From disk -------------------------------------------------------------------------------------------------------


def test_there_is_a_page_for_everything(site: Path, reading: Reading) -> None:
    there = {page.relative_to(site).as_posix() for page in pages_of(site)}
    assert {"index.html", "kvalitet.html", "om.html"} <= there
    assert {f"indikator/{i}.html" for i in reading.indicators} <= there
    assert {f"verksamhet/{code}{o.slug}.html" for code in reading.verksamheter for o in occasions(reading)} <= there
    assert {f"plan/{p}{o.slug}.html" for p in reading.plan["plan_id"].unique() for o in occasions(reading)} <= there


def test_every_link_leads_somewhere(site: Path) -> None:
    assert broken_links(site) == []


def test_every_page_is_reached_from_the_first(site: Path) -> None:
    seen, waiting = set[Path](), [site / "index.html"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            addresses = [address.partition("#")[0] for name, address in parsed(page).links if name == "href"]
            waiting += [(page.parent / a).resolve() for a in addresses if a.endswith(".html") and "://" not in a]
    assert seen == set(pages_of(site))


def test_titles_headings_and_language(site: Path) -> None:
    assert structure_faults(site) == []


def test_the_board_is_light(site: Path) -> None:
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in site.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= MOST_BYTES
    assert [name for name, size in sizes.items() if name.endswith(".html") and size > MOST_OF_A_PAGE] == []


@pytest.mark.java
def test_the_html_checker_has_nothing_to_say(site: Path) -> None:
    assert html_messages(site) == []


# --- Numbers ---------------------------------------------------------------------------------------------------------


def test_every_number_of_every_page_stands_in_the_release(site: Path, facts: Facts) -> None:
    paths = [page.relative_to(site).as_posix() for page in pages_of(site)]
    found = {path: facts.told(path).unexplained(parsed(site / path)) for path in paths}
    assert {path: wrong[:5] for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "planted",
    [
        "<p>Dolt: 73,194 procent (1 av 997 319).</p>",
        '<td class="tal">997 319</td>',
        '<svg role="img" aria-label="senast 73,194 procent"></svg>',
        '<svg><text class="d-sist-text">73,194</text></svg>',
        '<td data-varde="73.194">x</td>',
        "<!-- 73,194 -->",
    ],
)
def test_a_number_of_no_shown_cell_is_found(site: Path, facts: Facts, kind: str, planted: str) -> None:
    html = (site / f"{kind}.html").read_text(encoding="utf-8").replace("</main>", f"{planted}</main>")
    assert facts.told(f"{kind}.html").unexplained(parse(html)) != []


# --- In a browser ----------------------------------------------------------------------------------------------------

TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
# Without preloading: axe would ask for stylesheets by script, which no page from disk may.
PLAIN = {"preload": False, "resultTypes": ["violations"], "elementRef": False}
CONTRAST = {**PLAIN, "runOnly": ["color-contrast"]}
REST = {**PLAIN, "runOnly": TAGS, "rules": {"color-contrast": {"enabled": False}}}
ASK = """options => axe.run(document, options).then(found => found.violations.flatMap(
    v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`)))"""
# What looks alike is judged once: of the children of one parent that differ in their texts only, the first stays.
ALIKE = """() => {
  const look = (e) => `${e.tagName}.${e.getAttribute('class') ?? ''}.${e.getAttribute('data-status') ?? ''}`
    + `(${[...e.children].map(look).join()})${e.children.length ? '' : e.textContent.trim() ? 't' : ''}`;
  for (const parent of document.querySelectorAll('tbody, tr, ul, ol, dl, section, svg, main, table')) {
    const seen = new Set();
    for (const child of [...parent.children]) {
      const key = look(child);
      if (seen.has(key)) child.remove(); else seen.add(key);
    }
  }
}"""


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that only ever asks for files and never complains."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="sv-SE")
    tab = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and asked
    assert complaints == []
    context.close()


def faults(tab: Any, page: Path) -> list[str]:
    """What axe says against a page in light and dark and on a narrow screen, and whether it is wider than that."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    tab.set_viewport_size({"width": 1400, "height": 900})
    tab.emulate_media(color_scheme="light")
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true })")
    tab.evaluate(axe)
    found = [f"light: {told}" for told in tab.evaluate(ASK, REST)]
    tab.set_viewport_size({"width": 320, "height": 900})
    if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("320: wider than the screen")
    tab.evaluate(ALIKE)
    found += [f"320: {told}" for told in tab.evaluate(ASK, REST)]
    tab.set_viewport_size({"width": 1400, "height": 900})
    found += [f"light: {told}" for told in tab.evaluate(ASK, CONTRAST)]
    tab.emulate_media(color_scheme="dark")
    return found + [f"dark: {told}" for told in tab.evaluate(ASK, CONTRAST)]


@pytest.mark.browser
@pytest.mark.parametrize("part", ["", "indikator", "verksamhet", "plan"])
def test_every_page_meets_wcag_in_light_and_dark_and_at_320(tab: Any, site: Path, part: str) -> None:
    pages = sorted((site / part).glob("*.html"))
    assert pages
    found = {page.relative_to(site).as_posix(): faults(tab, page) for page in pages}
    assert {page: told[:3] for page, told in found.items() if told} == {}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("--svag: #", "--svag: #f0f0f0; --x: #", "light: color-contrast"),
        ('<html lang="sv">', "<html>", "light: html-has-lang"),
        ("</main>", '<img src="data:,"></main>', "light: image-alt"),
        ("</main>", '<p class="matt">' + "x" * 400 + '</p><div class="bred"></div></main>', "320: wider"),
    ],
)
def test_a_fault_is_found(tab: Any, site: Path, tmp_path: Path, old: str, new: str, told: str) -> None:
    html = (site / "kvalitet.html").read_text(encoding="utf-8")
    html = html.replace("overflow-wrap: break-word;", "overflow-wrap: normal;") if told.startswith("320") else html
    assert old in html
    policy = html.index('<meta http-equiv="Content-Security-Policy"')
    html = html[:policy] + html[html.index(">", policy) + 1 :]  # else it would refuse the other styles
    (tmp_path / "sida.html").write_text(html.replace(old, new), encoding="utf-8")
    assert any(found.startswith(told) for found in faults(tab, tmp_path / "sida.html"))


@pytest.mark.browser
@pytest.mark.parametrize("width", [1400, 320])
@pytest.mark.parametrize("kind", KINDS)
def test_every_control_is_reached_by_keyboard_with_a_visible_focus(tab: Any, site: Path, kind: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto((site / f"{kind}.html").as_uri())
    tab.evaluate(ALIKE)  # of what is alike, one is enough
    tab.evaluate("document.body.tabIndex = -1; document.body.focus()")
    controls = tab.evaluate(
        """() => [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")]
            .filter(e => e.checkVisibility()).map((e, i) => { e.dataset.nummer = i; return i; })"""
    )
    assert controls
    for number in controls:
        tab.keyboard.press("Tab")
        focused = tab.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
                return [Number(e.dataset.nummer ?? -1), parseFloat(s.outlineWidth), s.outlineStyle,
                        b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth,
                        e.outerHTML.slice(0, 200)]; }"""
        )
        assert focused[0] == number and focused[1] >= 2 and focused[2] != "none" and focused[3], focused


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_the_skip_link_leads_to_the_content(tab: Any, site: Path, kind: str) -> None:
    tab.goto((site / f"{kind}.html").as_uri())
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Hoppa till innehållet"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "innehall"


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_complete_without_its_script(browser: Any, tab: Any, site: Path, kind: str) -> None:
    """All that is read with the script is read without; it adds controls, which are not there without it."""
    address = (site / f"{kind}.html").as_uri()
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1400, "height": 900})
    try:
        plain = context.new_page()
        plain.goto(address)
        without = plain.locator("main").inner_text()
        assert plain.locator("button:visible, select:visible, input:visible").count() == 0
        menu = plain.locator(".undermeny")
        menu.locator("summary").click()
        assert menu.locator("a:visible").count() == menu.locator("a").count() > 0
    finally:
        context.close()
    tab.goto(address)
    tab.evaluate("document.querySelectorAll('form').forEach(form => form.remove())")
    assert set(tab.locator("main").inner_text().split()) <= set(without.split())
