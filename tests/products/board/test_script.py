"""What the script adds to the overview: filters and a menu that closes. Without it everything is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_project.products.board.pages import index
from tests.products.board.test_index import release

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = release(tmp_path_factory.mktemp("data"))
    out = tmp_path_factory.mktemp("tavla")
    site.write(out, index.pages(site))
    return out


@pytest.fixture
def tab(browser: Any, folder: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="sv-SE")
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "manad.html").as_uri())
    yield page
    context.close()
    assert errors == []


def rows(tab: Any) -> list[str]:
    found = tab.locator("#alla tbody tr:not(.grupp):visible th").all_inner_texts()
    return [text.split("\n")[0].strip() for text in found]


def test_rows_by_text_and_status_and_all_again(tab: Any) -> None:
    assert len(rows(tab)) == 2
    tab.get_by_label("Sök indikator").fill("väntat")
    assert len(rows(tab)) == 1 and "Väntat kort" in rows(tab)[0]
    assert tab.locator(".verktyg [role=status]").inner_text() == "Visar 1 av 2 indikatorer."
    tab.locator("select[name=status]").select_option("uppfyllt")
    assert rows(tab) == []
    tab.get_by_role("button", name="Visa alla").click()
    tab.wait_for_function("document.querySelector('.verktyg [role=status]').textContent === ''")
    assert len(rows(tab)) == 2


def test_one_verksamhet_shows_its_column_beside_the_area_and_status_is_asked_there(tab: Any) -> None:
    tab.locator("select[name=verksamhet]").select_option("BB")
    assert tab.locator("#alla thead th:visible").all_inner_texts() == ["Indikator", "Området", "BB"]
    tab.locator("select[name=status]").select_option("ej_uppfyllt")  # the area's and AA's, not BB's
    assert rows(tab) == []
    tab.locator("select[name=status]").select_option("dold")
    assert len(rows(tab)) == 1


def test_the_menu_closes_by_escape_and_gives_focus_back(tab: Any) -> None:
    menu = tab.locator(".undermeny")
    menu.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert menu.get_attribute("open") is not None
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_without_the_script_all_is_there_and_no_filter(browser: Any, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "manad.html").as_uri())
    assert not page.locator(".verktyg").is_visible() and len(rows(page)) == 2
    context.close()
