"""The data docs: whole without a network, styled, Swedish, free of row values, and swapped in when whole."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest

from dagster_project.core.paths import PROJECT
from dagster_project.gates.validate import GATES, Outcome, load_suite, run_suites
from dagster_project.products.data_docs import pages as datadocs
from dagster_project.products.data_docs.pages import DocsCollector, SuiteResult, build_data_docs
from tests import expectation_samples as samples
from tests.browser import ARGUMENTS, chromium_path

ROOT = PROJECT / "expectations"
FACTS = {"Uttagsdatum": samples.AS_OF, "Publicering": "2022-09-05-0123456789ab"}
BROKEN = [
    ("leverans/_alla", "alder_varning"),
    ("leverans/avvikelser", "allvarlighetsgrad_ifylld"),
    ("staging/kva", "enhet_satt"),
    ("resultat/indicator_result", "status_kand"),
]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> list[SuiteResult]:
    """The results of all three gates over data with one failure of each severity at least."""
    database = tmp_path_factory.mktemp("collected") / "broken.duckdb"
    samples.build(database)
    with duckdb.connect(str(database)) as connection:
        for key in BROKEN:
            connection.execute(samples.MUTATIONS[key])
    docs = DocsCollector()
    for gate in GATES:
        run_suites(database, gate, samples.tables(gate), ROOT, docs, {"*": {"as_of": samples.AS_OF}})
    return docs.results


@pytest.fixture(scope="module")
def docs(collected: list[SuiteResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs") / "docs"
    build_data_docs(collected, target, FACTS)
    return target


def _pages(docs: Path) -> list[Path]:
    return sorted(docs.rglob("*.html"))


def test_there_is_a_page_for_every_gate_and_source(docs: Path) -> None:
    expected = {f"{gate}/{source}.html" for gate in GATES for source in samples.tables(gate)} | {"index.html"}
    assert {page.relative_to(docs).as_posix() for page in _pages(docs)} == expected
    assert {path.suffix for path in docs.rglob("*") if path.is_file()} == {".html", ".css"}


def test_the_pages_are_the_return_value_and_render_without_complaint(
    collected: list[SuiteResult], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = build_data_docs(collected, tmp_path / "docs", FACTS)
    assert sorted(pages) == _pages(tmp_path / "docs")
    # Great Expectations logs what it could not render and goes on.
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_index_tells_status_and_what_failed(docs: Path) -> None:
    index = (docs / "index.html").read_text(encoding="utf-8")
    for text in ("Grind 1: leveranser", "Grind 2: bearbetade tabeller", "Grind 3: resultat", *FACTS.values()):
        assert text in index
    rows = {
        match[1]: " ".join(re.sub(r"<[^>]+>", " ", match[2]).split())
        for match in re.finditer(r'<a href="(\w+/\w+)\.html">(.*?)</tr>', index, re.DOTALL)
    }
    assert "Varning" in rows["leverans/kva"] and "Den nyaste leveransen är inom avtalad ålder" in rows["leverans/kva"]
    assert "Godkänd, med upplysning" in rows["leverans/avvikelser"]
    assert "Stoppad" in rows["staging/kva"] and "5 av 6" in rows["staging/kva"]
    assert "Publiceras inte" in rows["resultat/indicator_result"]
    assert rows["staging/gas"] == "gas Godkänd 6 av 6 –"


def test_a_page_explains_each_expectation(docs: Path, collected: list[SuiteResult]) -> None:
    page = (docs / "leverans" / "kva.html").read_text(encoding="utf-8")
    for suite in (result for result in collected if (result.gate, result.source) == ("leverans", "kva")):
        for result in suite.results:
            meta = result["expectation_config"]["meta"]
            assert meta["titel"] in page and meta["betydelse"] in page
            assert (meta["atgard"] in page) or result["success"]
    assert page.count("Att göra:") == 1


def test_a_waived_failure_is_shown_and_stops_no_longer(collected: list[SuiteResult], tmp_path: Path) -> None:
    # A copy: the other tests see none of it.
    collector = DocsCollector([SuiteResult(**r) for r in json.loads(json.dumps([asdict(r) for r in collected]))])
    outcome = Outcome(
        *("staging", "staging/kva", "kva", "enhet_satt", "critical", False, None, None, None, None),
        *("Titel", "Betyder", "Gör", "till och med 2022-12-31: registret byts (Anna Ansvarig)"),
    )
    collector.waive([outcome])
    build_data_docs(collector.results, tmp_path / "docs", FACTS)
    page = (tmp_path / "docs" / "staging" / "kva.html").read_text(encoding="utf-8")
    assert "registret byts" in page
    row = re.search(r'staging/kva\.html">.*?</tr>', (tmp_path / "docs" / "index.html").read_text("utf-8"), re.DOTALL)
    assert row is not None and "Varning" in row[0] and "Stoppad" not in row[0]


def test_nothing_english_or_foreign_is_left_of_the_vendors_pages(docs: Path) -> None:
    for page in _pages(docs):
        text = page.read_text(encoding="utf-8")
        assert "http" not in text and "<script" not in text and "<form" not in text and "<img" not in text, page
        visible = re.sub(r"<(details|code|pre)\b.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"Expectation Suite|Observed|unexpected|Succeeded|Show more|Table-Level", visible), page


def test_same_results_give_same_files(docs: Path, collected: list[SuiteResult], tmp_path: Path) -> None:
    DocsCollector(list(reversed(collected))).save(tmp_path / "results.json")
    again = DocsCollector.load(tmp_path / "results.json")
    build_data_docs(again.results, tmp_path / "docs", FACTS)
    for page in _pages(docs):
        assert (tmp_path / "docs" / page.relative_to(docs)).read_bytes() == page.read_bytes()


def test_an_old_build_is_replaced_whole_and_kept_when_the_new_one_fails(
    collected: list[SuiteResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "docs"
    build_data_docs(collected, target, FACTS)
    build_data_docs([result for result in collected if result.gate == "resultat"], target)
    assert {page.relative_to(target).as_posix() for page in _pages(target)} == {
        "index.html",
        "resultat/indicator_result.html",
        "resultat/register_population.html",
    }

    def fail(*_: object) -> None:
        raise RuntimeError("no page")

    monkeypatch.setattr(datadocs, "_document", fail)
    with pytest.raises(RuntimeError, match="no page"):
        build_data_docs(collected, target)
    assert (target / "resultat" / "indicator_result.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_row_values_in_a_result_do_not_reach_a_page(tmp_path: Path) -> None:
    """Also a result in a fuller format than ours (lists of failing values) is stripped before it is kept."""
    suite = load_suite(ROOT / "staging" / "_alla.json")
    secret = "19121212-1212"
    full = {
        "success": False,
        "expectation_config": {**suite.expectations[0], "kwargs": {"column": "verksamhet", "value_set": ["AUD"]}},
        "result": {
            "element_count": 3,
            "unexpected_count": 1,
            "observed_value": secret,
            "partial_unexpected_list": [secret],
            "partial_unexpected_counts": [{"value": secret, "count": 1}],
            "unexpected_index_query": f"select * from t where x = '{secret}'",
            "details": {"unexpected_rows": [{"x": secret}]},
        },
        "exception_info": {"raised_exception": False, "exception_message": secret},
        "meta": {"note": secret},
    }
    collector = DocsCollector()
    collector.add("staging", "kva", suite, "stg_kva", [full])
    assert secret not in json.dumps(collector.results[0].results)
    for page in build_data_docs(collector.results, tmp_path / "docs"):
        assert secret not in page.read_text(encoding="utf-8")


def test_texts_are_escaped(collected: list[SuiteResult], tmp_path: Path) -> None:
    text = '<b onclick="x">$titel</b>'
    first = json.loads(json.dumps(collected[0].results[0]))
    first["expectation_config"]["meta"] |= {"titel": text, "betydelse": text, "atgard": text}
    first["success"] = False
    result = SuiteResult("leverans", "kva", "leverans/_alla", text, "matt_kva", [first])
    for page in build_data_docs([result], tmp_path / "docs", {"<i>": "<i>"}):
        html = page.read_text(encoding="utf-8")
        assert "<b onclick" not in html and "<i>" not in html
        assert "&lt;b onclick" in html


@pytest.mark.browser
def test_every_page_is_whole_and_silent_in_a_browser(docs: Path) -> None:
    """Loaded from disk, no page asks for anything but its own files, and it is styled and readable."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    assert path is not None
    requests: list[str] = []
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("request", lambda request: requests.append(request.url))
            page.on("requestfailed", lambda request: troubles.append(request.url))
            page.on("console", lambda message: troubles.append(message.text))
            for file in _pages(docs):
                page.goto(file.as_uri())
                assert page.locator("h1").is_visible()
                body = page.locator("body")
                assert body.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(244, 246, 250)"
                assert "system-ui" in body.evaluate("e => getComputedStyle(e).fontFamily")
                # Nothing is cut off at the side, and every link leads to a page.
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                for link in page.locator("a").all():
                    assert (file.parent / str(link.get_attribute("href"))).exists()
            page.goto((docs / "leverans" / "kva.html").as_uri())
            icon = page.locator("i.fa-check-circle").first
            assert "✓" in icon.evaluate("e => getComputedStyle(e, '::before').content")
            rows = page.locator(".forvantningar tbody tr:visible")
            assert rows.count() == 10
            page.locator("#bara-underkanda").check()
            assert rows.count() == 1
            assert "36" in rows.first.inner_text()
        finally:
            browser.close()
    assert requests != []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert troubles == []
