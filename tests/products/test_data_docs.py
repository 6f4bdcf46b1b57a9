"""The data docs: whole without a network, styled, Swedish, free of row values, and swapped in when whole."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.catalogue.vocabulary import DELIVERY, RESULTS, STAGING, TIERS
from dagster_project.core.paths import DataPaths
from dagster_project.gates.findings import Findings, SuiteResult
from dagster_project.gates.outcomes import outcome_frame
from dagster_project.gates.suites import SUITES, load_suite
from dagster_project.gates.validate import run_suites
from dagster_project.products.data_docs import pages
from dagster_project.products.data_docs.pages import build_data_docs, data_docs_folder, page_of, write_data_docs
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity
from tests.products.simulated import (
    NOTED,
    NOTHING_PUBLISHED,
    STOPPED,
    TOO_OLD,
    WARNED,
    findings,
    judged,
    outcomes_of,
)
from tests.programs import BROWSER, BROWSER_ARGUMENTS

FACTS = {"Uttagsdatum": "2022-09-05", "Publicering": "2022-09-05-0123456789ab"}


@pytest.fixture(scope="module")
def found() -> list[SuiteResult]:
    """The results of all tiers with one failure of each severity at least."""
    return findings((WARNED, NOTED, STOPPED, NOTHING_PUBLISHED), TIERS).results


@pytest.fixture(scope="module")
def docs(found: list[SuiteResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs") / "docs"
    build_data_docs(found, target, FACTS)
    return target


def copied(results: list[SuiteResult]) -> Findings:
    """Findings that can be changed: the other tests see none of it."""
    return Findings([SuiteResult(**r) for r in json.loads(json.dumps([asdict(r) for r in results]))])


def count(results: list[SuiteResult], gate: str, source: str) -> int:
    """How many expectations a page has."""
    return sum(len(r.results) for r in results if (r.gate, r.source) == (gate, source))


def _pages(docs: Path) -> list[Path]:
    return sorted(docs.rglob("*.html"))


def test_there_is_a_page_for_every_gate_and_source(docs: Path) -> None:
    expected = {f"{gate}/{source}.html" for gate in TIERS for source in judged(gate)} | {"index.html"}
    assert {page.relative_to(docs).as_posix() for page in _pages(docs)} == expected
    assert {path.suffix for path in docs.rglob("*") if path.is_file()} == {".html", ".css"}


def test_the_pages_are_the_return_value_and_render_without_complaint(
    found: list[SuiteResult], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = build_data_docs(found, tmp_path / "docs", FACTS)
    assert sorted(written) == _pages(tmp_path / "docs")
    # Great Expectations logs what it could not render and goes on.
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_index_tells_status_and_what_failed(docs: Path, found: list[SuiteResult]) -> None:
    index = (docs / "index.html").read_text(encoding="utf-8")
    for text in ("Grind 1: leveranser", "Grind 2: bearbetade tabeller", "Grind 3: resultat", *FACTS.values()):
        assert text in index
    rows = {
        match[1]: " ".join(re.sub(r"<[^>]+>", " ", match[2]).split())
        for match in re.finditer(r'<a href="(\w+/\w+)\.html">(.*?)</tr>', index, re.DOTALL)
    }
    assert "Varning" in rows["delivery/kva"] and "inom avtalad ålder (36 dagar, gräns 35)" in rows["delivery/kva"]
    assert "Godkänd, med upplysning" in rows["delivery/avvikelser"]
    of_kva, of_gas = (count(found, STAGING, source) for source in ("kva", "gas"))
    assert "Stoppad" in rows["staging/kva"] and f"{of_kva - 1} av {of_kva}" in rows["staging/kva"]
    assert "Publiceras inte" in rows["results/indicator_result"]
    assert rows["staging/gas"] == f"gas GAS-planer och mål Godkänd {of_gas} av {of_gas} –"


def test_a_page_explains_each_expectation(docs: Path, found: list[SuiteResult]) -> None:
    page = (docs / "delivery" / "kva.html").read_text(encoding="utf-8")
    assert count(found, DELIVERY, "kva") > 5
    for suite in (result for result in found if (result.gate, result.source) == (DELIVERY, "kva")):
        for result in suite.results:
            meta = result["expectation_config"]["meta"]
            assert meta["titel"] in page and meta["betydelse"] in page
            assert (meta["atgard"] in page) or result["success"]
    assert page.count("Att göra:") == 1


def test_a_waived_failure_is_shown_and_stops_no_longer(found: list[SuiteResult], tmp_path: Path) -> None:
    changed = copied(found)
    failure = next(o for o in outcomes_of(found) if (o.gate, o.source, o.expectation) == STOPPED)
    changed.tell([replace(failure, undantag="till och med 2022-12-31: registret byts (Anna Ansvarig)")])
    build_data_docs(changed.results, tmp_path / "docs", FACTS)
    page = (tmp_path / "docs" / "staging" / "kva.html").read_text(encoding="utf-8")
    assert "registret byts" in page
    row = re.search(r'staging/kva\.html">.*?</tr>', (tmp_path / "docs" / "index.html").read_text("utf-8"), re.DOTALL)
    assert row is not None and "Varning" in row[0] and "Stoppad" not in row[0]


def test_real_results_are_of_the_shapes_that_are_shown(tmp_path: Path) -> None:
    """Great Expectations itself, on one table: a column's values, rows of a query, and one measured number."""
    told = {"one": "rad", "many": "rader"}
    suite = {
        "name": "staging/kva",
        "meta": {"titel": "Svit"},
        "expectations": [
            {
                "type": kind,
                "kwargs": kwargs,
                "severity": "critical",
                "meta": {
                    "id": kind,
                    "titel": f"Titel {kind}",
                    "betydelse": "Betyder.",
                    "atgard": "Gör.",
                    "measured": told,
                },
            }
            for kind, kwargs in (
                ("expect_column_values_to_be_in_set", {"column": "verksamhet", "value_set": ["AUD"]}),
                ("unexpected_rows_expectation", {"unexpected_rows_query": "select * from {batch} where n > 1"}),
                ("expect_column_max_to_be_between", {"column": "n", "max_value": 2}),
            )
        ],
    }
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "kva.json").write_text(json.dumps(suite), encoding="utf-8")
    with duckdb.connect(str(tmp_path / "data.duckdb")) as connection:
        connection.execute(
            "create table t as select * from (values ('AUD', 1), ('BUH', 2), (null, 3)) v (verksamhet, n)"
        )
    kept = Findings()
    outcomes = run_suites(
        tmp_path / "data.duckdb",
        STAGING,
        {"kva": "t"},
        tmp_path,
        parameters={"kva": {"suppression_limit": 5}},
        found=kept,
    )
    assert [o.success for o in outcomes] == [False, False, False]
    kept.tell(outcomes)
    build_data_docs(kept.results, tmp_path / "docs")
    page = (tmp_path / "docs" / "staging" / "kva.html").read_text(encoding="utf-8")
    cells = [" ".join(re.sub(r"<[^>]+>", " ", c).split()) for c in re.findall(r"<td.*?</td>", page, re.DOTALL)]
    assert cells[2::3] == ["1 fel av 2", "2 fel av 3", "3"]
    shapes = {r["expectation_config"]["type"]: r["result"].keys() for r in kept.results[0].results}
    simulated = {
        r["expectation_config"]["type"]: r["result"].keys() for s in findings((), TIERS).results for r in s.results
    }
    assert {kind: simulated[kind] for kind in shapes} == shapes


def leave(folder: RunFolder, gate: str, run_id: str, *failing: tuple[str, str, str]) -> None:
    """What a gate leaves in the run folder."""
    kept = findings(failing, [gate])
    folder.write_outcomes(gate, run_id, outcome_frame(outcomes_of(kept.results)), kept.as_list())


def test_a_run_shows_the_gates_that_judged_exactly_its_inputs(tmp_path: Path) -> None:
    folder = RunFolder(DataPaths(tmp_path))
    run = RunIdentity(date(2022, 9, 5), "2022-09-05-0123456789ab", [], "", "", {}, {}, [])
    leave(folder, RESULTS, "2022-09-04-aaaaaaaaaaaa")
    assert write_data_docs(folder, run) is None
    assert not data_docs_folder(folder.data).exists()
    leave(folder, DELIVERY, run.run_id)
    leave(folder, STAGING, run.run_id, STOPPED)
    index = write_data_docs(folder, run)
    assert index == data_docs_folder(folder.data) / "index.html"
    text = index.read_text(encoding="utf-8")
    assert "<dt>Körningens datum</dt><dd>2022-09-05</dd>" in text
    assert "<dt>Körning</dt><dd>2022-09-05-0123456789ab</dd>" in text
    assert text.count("Inga kontroller kördes vid den här grinden.") == 2  # results, and drift
    assert {p for p in _pages(index.parent) if p != index} == {
        page_of(folder.data, gate, source) for gate in (DELIVERY, STAGING) for source in judged(gate)
    }
    assert "Att göra:" in page_of(folder.data, STAGING, "kva").read_text(encoding="utf-8")


def test_nothing_english_or_foreign_is_left_of_the_vendors_pages(docs: Path) -> None:
    for page in _pages(docs):
        text = page.read_text(encoding="utf-8")
        assert "http" not in text and "<script" not in text and "<form" not in text and "<img" not in text, page
        visible = re.sub(r"<(details|code|pre)\b.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"Expectation Suite|Observed|unexpected|Succeeded|Show more|Table-Level", visible), page


def test_same_results_give_same_files(docs: Path, found: list[SuiteResult], tmp_path: Path) -> None:
    build_data_docs(list(reversed(copied(found).results)), tmp_path / "docs", FACTS)
    for page in _pages(docs):
        assert (tmp_path / "docs" / page.relative_to(docs)).read_bytes() == page.read_bytes()


def test_an_old_build_is_replaced_whole_and_kept_when_the_new_one_fails(
    found: list[SuiteResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "docs"
    build_data_docs(found, target, FACTS)
    build_data_docs([result for result in found if result.gate == RESULTS], target)
    assert {page.relative_to(target).as_posix() for page in _pages(target)} == {
        "index.html",
        "results/indicator_result.html",
        "results/register_population.html",
    }

    def fail(*_: object) -> None:
        raise RuntimeError("no page")

    monkeypatch.setattr(pages, "_page", fail)
    with pytest.raises(RuntimeError, match="no page"):
        build_data_docs(found, target)
    assert (target / "results" / "indicator_result.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_row_values_in_a_result_do_not_reach_a_page(tmp_path: Path) -> None:
    """Also a result in a fuller format than ours (lists of failing values) is stripped before it is kept."""
    suite = load_suite(SUITES / "staging" / "_all.json")
    secret = "19121212-1212"
    full = {
        "success": False,
        "expectation_config": {
            **suite.expectations[0],
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "verksamhet", "value_set": ["AUD"]},
        },
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
    kept = Findings()
    kept.add("staging", "kva", suite, "stg_kva", [full])
    assert secret not in json.dumps(kept.results[0].results)
    for page in build_data_docs(kept.results, tmp_path / "docs"):
        assert secret not in page.read_text(encoding="utf-8")


def test_texts_are_escaped(found: list[SuiteResult], tmp_path: Path) -> None:
    text = '<b onclick="x">$titel</b>'
    first = json.loads(json.dumps(found[0].results[0]))
    first["expectation_config"]["meta"] |= {"titel": text, "betydelse": text, "atgard": text}
    first["success"] = False
    result = SuiteResult(DELIVERY, "kva", "delivery/_all", text, "measures_kva", [first])
    for page in build_data_docs([result], tmp_path / "docs", {"<i>": "<i>"}):
        html = page.read_text(encoding="utf-8")
        assert "<b onclick" not in html and "<i>" not in html
        assert "&lt;b onclick" in html


@pytest.mark.browser
def test_every_page_is_whole_and_silent_in_a_browser(docs: Path, found: list[SuiteResult]) -> None:
    """Loaded from disk, no page asks for anything but its own files, and it is styled and readable."""
    from playwright.sync_api import sync_playwright

    path = BROWSER.path()
    assert path is not None
    requests: list[str] = []
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
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
            page.goto((docs / "delivery" / "kva.html").as_uri())
            icon = page.locator("i.fa-check-circle").first
            assert "✓" in icon.evaluate("e => getComputedStyle(e, '::before').content")
            rows = page.locator(".forvantningar tbody tr:visible")
            assert rows.count() == count(found, DELIVERY, "kva")
            page.locator("#bara-underkanda").check()
            assert rows.count() == 1
            assert str(TOO_OLD) in rows.first.inner_text()
        finally:
            browser.close()
    assert requests != []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert troubles == []
