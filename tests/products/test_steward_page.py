"""The steward's page: complete, escaped, bounded, and usable by keyboard, mouse and screen reader from disk."""

from __future__ import annotations

import csv
import html
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT, RESULTS, STAGING
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import SUITES, load_suite
from dagster_project.gates.waivers import Waiver, apply_waivers
from dagster_project.ingestion.quarantine import write_quarantine_csv
from dagster_project.products.data_docs.pages import build_data_docs, data_docs_folder, page_of
from dagster_project.products.steward_page import page as steward_page
from dagster_project.products.steward_page.page import write_page
from dagster_project.products.steward_page.view_runs import local_time
from dagster_project.runs.folder import LEDGER as LEDGER_TABLE
from dagster_project.runs.folder import QUARANTINE, QUARANTINE_SCHEMA, RunFolder
from dagster_project.runs.history import RunRecord
from dagster_project.runs.ledger import LEDGER_SCHEMA
from tests.products.simulated import NOTED, STOPPED, WARNED, findings, outcomes_of

AS_OF = date(2022, 9, 30)
RUN = "2022-09-30-0123456789ab"
FROZEN = "2022-08-31-abcdefabcdef"
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&amp;{{7*7}}"
RTL = "faktura\u202efdp.csv"
# Without preloading: axe would ask for stylesheets by script, which no page from disk may.
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "preload": False}


def outcome(source: str, expectation: str, severity: str = "critical", success: bool = False, **more: Any) -> Outcome:
    gate = more.pop("gate", DELIVERY)
    values: dict[str, Any] = {
        "checked": 1200,
        "unexpected": 30,
        "share": 0.025,
        "observed": None,
        "titel": f"Titel {expectation}",
        "betydelse": f"Betyder {expectation}.",
        "atgard": f"Gör {expectation}.",
    }
    suite = more.pop("suite", f"{gate}/_all")
    return Outcome(gate, suite, source, expectation, severity, success, **(values | more))


def waiver(source: str, expectation: str, last: date = AS_OF + timedelta(7), **more: Any) -> Waiver:
    return Waiver("delivery/_all", expectation, source, "Känt fel i källsystemet", "Anna Ansvarig", last, 2, **more)


def quarantine(count: int = 3, **values: Any) -> pl.DataFrame:
    """`count` rows of kva with one reason; `values` replaces whole columns."""
    rows: dict[str, Any] = {
        "source": ["kva"] * count,
        "file": [f"kva/kva_2022-09-{i % 28 + 1:02}.csv" for i in range(count)],
        "line": list(range(2, count + 2)),
        "reasons": ["format:kva_kod"] * count,
        "key": [f"K{i}" for i in range(count)],
        "values": [f"kva_kod=XX{i}" for i in range(count)],
        "state": ["open"] * count,
        "first_seen": [date(2022, 9, i % 28 + 1) for i in range(count)],
        "unit": [None] * count,
        "delivery": ["d"] * count,
        "followed_by": ["kva/kva_2022-10-02.csv" if i == 0 else None for i in range(count)],
        "settled_by": [None] * count,
        "settled_note": [None] * count,
    }
    return pl.DataFrame(rows | values, schema=QUARANTINE_SCHEMA)


def delivery(source: str, file: str, day: date | None, status: str = "accepterad", orsak: str | None = None) -> dict:
    rows = {"rows_read": 1200, "rows_accepted": 1170, "rows_quarantined": 29, "rows_duplicate": 1}
    return {"source": source, "file": file, "uttagsdatum": day, "status": status, "orsak": orsak, **rows}


def leave(data: DataPaths, rows: pl.DataFrame, ledger: Sequence[dict]) -> None:
    """What a run leaves for the page."""
    folder = RunFolder(data)
    folder.write(QUARANTINE, rows)
    folder.write(LEDGER_TABLE, pl.DataFrame(list(ledger), schema=LEDGER_SCHEMA))


def record(outcomes: Sequence[Outcome] = (), days_ago: int = 0, **more: Any) -> RunRecord:
    day = AS_OF - timedelta(days_ago)
    held = decide(outcomes).held_back
    values: dict[str, Any] = {
        "started": f"{day + timedelta(1)}T04:15:00+00:00",
        "exit_code": 2 if held else 0,
        "run_id": f"{day}-0123456789ab",
        "as_of": str(day),
        "release_id": f"{day}-0123456789ab",
        "held_back": held,
        "frozen": dict.fromkeys(held, FROZEN),
        "checks": tuple(o.record() for o in outcomes),
    }
    return RunRecord(**(values | more))


OUTCOMES = [
    outcome("vantetider", "har_rader", success=True),
    outcome(
        "vantetider", "alder_varning", "warning", observed="41.0", limit=35.0, checked=None, unexpected=None, share=None
    ),
    outcome("gas", "enheter_kanda"),
    outcome(
        "kva",
        "karantan_varning",
        "warning",
        observed="0.0802675585",
        limit=0.05,
        checked=None,
        unexpected=None,
        share=None,
    ),
    outcome("kva", "helger", "info", suite="delivery/kva", observed="0.202", limit=0.2),
    outcome("avvikelser", "alder_stopp", observed="80", limit=70.0, checked=None, unexpected=None, share=None),
    outcome("indicator_result", "har_rader", success=True, gate=RESULTS, suite="results/indicator_result"),
]
WAIVERS = [
    waiver("avvikelser", "alder_stopp"),
    waiver("vantetider", "har_rader", AS_OF + timedelta(90)),
    waiver("enheter", "har_rader", AS_OF - timedelta(1)),
]
LEDGER = [
    delivery("kva", "kva/kva_2022-09-30.csv", AS_OF),
    delivery("vantetider", "vantetider/vantetider_2022-08-20.csv", date(2022, 8, 20)),
    delivery("gas", "gas/gas.csv", None, "avvisad", "Filen gas/gas.csv avvisades: namnet har inget datum."),
    delivery("gas", "gas/gas_2022-10-04.csv", date(2022, 10, 4), "senare", "Uttagsdatumet ligger efter."),
]


def section(page: str, name: str) -> str:
    """One section's HTML."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def words(markup: str) -> str:
    """The text of some HTML, blanks folded."""
    return " ".join(
        html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", "", markup, flags=re.DOTALL))).split()
    )


def write(
    folder: Path,
    outcomes: Sequence[Outcome] = (),
    records: Sequence[RunRecord] | None = None,
    waivers: Sequence[Waiver] = (),
    rows: pl.DataFrame | None = None,
    ledger: Sequence[dict] = LEDGER,
) -> str:
    data = DataPaths(folder)
    leave(data, quarantine() if rows is None else rows, ledger)
    path = write_page(data, [record(outcomes)] if records is None else records, outcomes, waivers)
    assert path == data.docs / "index.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with failures of all kinds."""
    outcomes = apply_waivers(OUTCOMES, WAIVERS)
    return write(tmp_path_factory.mktemp("full"), outcomes, waivers=WAIVERS)


def test_the_top_tells_the_run_and_what_is_held_back(full: str) -> None:
    top = words(full[full.index("<main") : full.index('<section id="att-gora"')])
    held = decide(apply_waivers(OUTCOMES, WAIVERS)).held_back
    assert held and f"Publicerad, {len(held)} indikatorer hålls tillbaka" in top
    assert all(html.escape(i.titel) in full for i in load_catalogue() if i.id in held)
    assert "Gäller per 2022-09-30" in top and "Kördes 2022-10-01 06:15" in top and f"Utgåva {RUN}" in top
    assert f"Frysta rader från 2022-08-31 (utgåva {FROZEN})" in top
    assert "2 av 7 kontroller uppfyllda" in top and "5 att göra" in top
    assert "3 rader i öppen karantän" in top and "1 avvisad fil, 2 försenade källor" in top
    assert "3 undantag, 1 används" in top


def test_held_back_indicators_have_titles_and_may_lack_rows(tmp_path: Path) -> None:
    held = {"vg_forsta_besok_90": ["vantetider"], "behandling_90": ["vantetider", "kva"]}
    page = write(tmp_path, records=[record(held_back=held, frozen={"behandling_90": FROZEN}, exit_code=2)])
    top = words(page[: page.index('<section id="att-gora"')])
    assert "Publicerad, 2 indikatorer hålls tillbaka" in top
    assert "vantetider (Väntetider och vårdkontakter) ”Första besök inom vårdgarantins 90 dagar” Inga rader" in top
    both = "kva (KVÅ-registrerade åtgärder), vantetider (Väntetider och vårdkontakter)"
    assert f"{both} ”Behandling inom 90 dagar” Frysta rader från 2022-08-31" in top
    assert "vg_forsta_besok_90" not in page


def test_failed_expectations_are_explained(full: str) -> None:
    articles = [words(a) for a in re.findall(r"<article.*?</article>", section(full, "att-gora"), re.DOTALL)]
    assert [a.split(" ✗")[0].split(" !")[0].split(" i Upp")[0] for a in articles] == [
        "GAS-planer och mål: 30 rader med enheter som saknas i registret",
        "KVÅ-registrerade åtgärder: 8 % i karantän, gräns 5 %",
        "Väntetider och vårdkontakter: 41 dagar, gräns 35",
        "Avvikelser ur Platina: 80 dagar, gräns 70",
        "KVÅ-registrerade åtgärder: 20,2 % av åtgärderna på en helg, gräns 20 %",
    ]
    stop, quarantined, late, waived, note = articles
    assert "✗ Stopp gas · Leveranser Följd Håller tillbaka" in stop and "Att göra Gör enheter_kanda." in stop
    assert "Om regeln Titel enheter_kanda. Betyder enheter_kanda." in stop
    owner, contact = (getattr(load_contracts()["gas"], name) for name in ("owner", "contact"))
    assert f"Fråga {owner}, {contact}" in stop and f'href="mailto:{contact}"' in section(full, "att-gora")
    assert "! Varning" in quarantined and "Märker med varning" in quarantined
    assert "Leverans Senast läst leverans: vantetider_2022-08-20.csv , 2022-08-20 , 1 200 rader." in late
    assert "✗ Stopp Undantag: räknas som varning" in waived
    assert "Undantag till och med 2022-10-07: Känt fel i källsystemet (Anna Ansvarig)" in waived
    assert "i Upplysning" in note and "Ändrar inget i publiceringen." in note
    # No data docs page was made, so nothing leads there.
    assert "datadokumentation" not in full


def test_changes_in_deliveries_are_named_and_counted_at_the_top(tmp_path: Path) -> None:
    drift = {"severity": "warning", "gate": DRIFT, "suite": "drift/_all"}
    found = [
        outcome("avvikelser", "kolumn_borta", observed="paborjad_datum", marks=False, **drift),
        outcome("kva", "manad_ofullstandig", observed="BUH 2022-08", **drift),
        outcome("gas", "nya_id", observed="känd", undantag="till och med 2022-10-07: bytt system (A)", **drift),
    ]
    page = write(tmp_path, found)
    assert "2 förändringar i leveranserna" in words(page)
    column, month, known = [
        words(a) for a in re.findall(r"<article.*?</article>", section(page, "att-gora"), re.DOTALL)
    ]
    assert column.startswith(
        "Avvikelser ur Platina: Kolumn som har försvunnit: paborjad_datum ! Varning avvikelser · Förä"
    )
    assert "Ändrar inget i publiceringen: något att fråga om." in column
    assert "Troligen ofullständig månad: BUH 2022-08" in month
    assert "Månadens celler är preliminära. Märker med varning" in month
    assert "Undantag: räknas som upplysning" in known


def test_a_failure_leads_to_its_data_docs_page_where_there_is_one(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    for page in (data_docs_folder(data) / "index.html", page_of(data, DELIVERY, "kva")):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("", encoding="utf-8")
    text = write(tmp_path, OUTCOMES)
    assert (
        re.findall(r'href="(datadokumentation[^"]*)"', section(text, "att-gora"))
        == ["datadokumentation/delivery/kva.html"] * 2
    )
    assert 'href="datadokumentation/index.html"' in section(text, "grindar")


def test_a_failed_results_gate_says_that_nothing_is_published(tmp_path: Path) -> None:
    failed = outcome("indicator_result", "dold_tom", gate=RESULTS, suite="results/indicator_result")
    run = record([failed], exit_code=1, release_id=None, error="Resultatgrinden underkände dold_tom.")
    page = write(tmp_path, [failed], [run])
    top = words(page[: page.index('<section id="att-gora"')])
    assert "Ingenting publicerades Resultatgrinden underkände dold_tom." in top
    assert "Den utgåva som gällde före körningen ligger kvar oförändrad." in top
    assert "Följd Ingenting publiceras." in words(section(page, "att-gora"))


def test_the_grid_shows_thirty_runs_newest_first_and_failures_on_top(tmp_path: Path) -> None:
    failing = [outcome("kva", "helger", "info", suite="delivery/kva")]
    before = [record(failing if n % 2 else [], n) for n in range(1, 40)]
    now = [*OUTCOMES, outcome("kva", "rader_minskar", success=True)]
    page = write(tmp_path, now, [record(now), *before])
    grid = section(page, "grindar")
    heads = re.findall(r'<th scope="col" class="korning"[^>]*><span>([\d-]+)</span>', grid)
    assert heads == [str(AS_OF - timedelta(n)) for n in range(30)]
    assert "körd 2022-10-01 06:15" in grid
    rows = re.findall(r"<tr data-kalla.*?</tr>", grid, re.DOTALL)
    assert len(rows) == 8
    assert ["data-underkand" in row for row in rows] == [True] * 5 + [False] * 3
    assert all(row.count("<td") == 31 and row.count('<th scope="row">') == 1 for row in rows)
    helger = next(row for row in rows if "Titel helger" in row)
    cells = re.findall(r'<td class="(\w+)"', helger)
    assert cells[:4] == ["uppmatt", "upplysning", "upplysning", "oprovad"]
    assert "20,2 % av åtgärderna på en helg, gräns 20 %" in words(helger)
    # Never colour alone: a sign or word in every cell.
    assert all(re.search(r"\w", words(cell)) for row in rows for cell in re.findall(r"<td.*?</td>", row)[1:])
    assert section(page, "korningar").count("<tr>") == 31


def test_checks_of_earlier_runs_keep_their_title(tmp_path: Path) -> None:
    """A run that a gate stopped has fewer outcomes: the rest is told to be untested, by the suite's own title."""
    suite = load_suite(SUITES / "staging" / "_all.json")
    kept = suite.expectations[0]["meta"]
    staged = outcome("kva", kept["id"], gate=STAGING, suite=suite.name)
    gone = outcome("kva", "finns_inte_mer", gate=STAGING)
    no_gate = outcome("kva", "alder_stopp", gate="leverans")
    page = write(tmp_path, OUTCOMES, [record(OUTCOMES), record([staged, gone, no_gate], 1)])
    rows = {
        words(r).split(" kva (")[0]: r
        for r in re.findall(r"<tr data-kalla.*?</tr>", section(page, "grindar"), re.DOTALL)
    }
    row = rows[kept["titel"]]
    assert re.findall(r'<td class="(\w+)"', row) == ["uppmatt", "oprovad", "stopp"]
    assert "finns_inte_mer" in rows
    # Of a gate that is no more nothing is left to say.
    assert len(rows) == len(OUTCOMES) + 2


def test_waived_failures_have_a_sign_of_their_own(full: str) -> None:
    rows = re.findall(r"<tr data-kalla.*?</tr>", section(full, "grindar"), re.DOTALL)
    waived = next(row for row in rows if "Titel alder_stopp" in row)
    assert (
        '<td class="varning" title="Varning genom undantag: 80 dagar, gräns 70"><span aria-hidden="true">u</span>'
        in waived
    )


def test_waivers_say_what_they_do_now(full: str) -> None:
    rows = [words(r) for r in re.findall(r"<tr>.*?</tr>", section(full, "undantag"), re.DOTALL)][1:]
    known = " · Leveranser Känt fel i källsystemet Anna Ansvarig"
    assert rows == [
        f"Titel alder_stopp avvikelser (Avvikelser ur Platina){known} 2022-10-07 7 snart slut "
        "Används i den här körningen",
        f"Titel har_rader vantetider (Väntetider och vårdkontakter){known} 2022-12-29 90 "
        "Behövs inte längre: förväntan är uppfylld",
        f"Titel har_rader enheter (Enhetsregistret (HSA-katalogen)){known} 2022-09-29 −1 "
        "Har gått ut: ta bort raden eller låt den som ansvarar förnya den",
    ]


def test_quarantine_is_grouped_and_downloadable(tmp_path: Path) -> None:
    rows = quarantine(
        4,
        source=["gas", "kva", "kva", "kva"],
        reasons=["enhet:okand", "framtid:atgardsdatum|saknas:kon", "saknas:kon", "saknas:kon"],
        state=["open", "open", "open", "resolved"],
        key=["G1", None, "K2", "K3"],
    )
    page = write(tmp_path, OUTCOMES, rows=rows)
    text = section(page, "karantan")
    assert re.findall(r'class="orsak">(.*?)</span> <span class="antal">(.*?)</span> <code>(.*?)</code>', text) == [
        ("Enheten finns inte i enhetsregistret", "1 rad", "enhet:okand"),
        ("kon saknas", "2 rader", "saknas:kon"),
        ("atgardsdatum ligger efter uttagsdatumet", "1 rad", "framtid:atgardsdatum"),
    ]
    assert "kva/kva_2022-09-02.csv 3 kva_kod=XX1 kan inte läsas 28 2022-09-02 atgardsdatum ligger" in words(text)
    assert "3 rader väntar, den äldsta sedan 29 dagar" in words(text)
    for name, wanted in (("karantan.csv", rows.filter(pl.col("state") == "open")), ("karantan_alla.csv", rows)):
        assert f'href="{name}" download' in text
        write_quarantine_csv(wanted, tmp_path / "wanted.csv")
        assert (tmp_path / "docs" / name).read_bytes() == (tmp_path / "wanted.csv").read_bytes()


def test_deliveries_are_told_in_words_with_rejected_files_first(full: str) -> None:
    text = section(full, "leveranser")
    rows = [words(r) for r in re.findall(r"<tr data-kalla.*?</tr>", text, re.DOTALL)]
    assert rows[0].startswith(
        "GAS-planer och mål gas gas/gas.csv Filen gas/gas.csv avvisades: namnet har inget datum. – Avvisad 1 200"
    )
    assert "Väntar: uttagen efter körningens datum" in rows[1] and "kva_2022-09-30.csv" in rows[2]
    late = "vantetider (Väntetider och vårdkontakter) är försenad: den nyaste leveransen är från 2022-08-20, 41 dagar"
    assert f"Varning {late}, gräns 35." in words(text)
    assert "avvikelser (Avvikelser ur Platina) är försenad, 80 dagar, gräns 70 (undantag)." in words(text)


def test_old_deliveries_are_counted_but_not_listed(tmp_path: Path) -> None:
    ledger = [delivery("kva", f"kva/kva_{n}.csv", AS_OF - timedelta(n)) for n in range(250)]
    rejected = [delivery("kva", f"kva/fel_{n}.csv", None, "avvisad", "Fel.") for n in range(3)]
    text = section(write(tmp_path, OUTCOMES, ledger=[*ledger, *rejected]), "leveranser")
    assert text.count("<tr data-kalla") == 103
    assert "150 äldre leveranser visas inte här" in words(text)
    assert "kva/kva_99.csv" in text and "kva/kva_100.csv" not in text


def test_failed_ingestion_tells_why_and_shows_nothing_old(tmp_path: Path) -> None:
    write(tmp_path, OUTCOMES)
    run = RunRecord("2022-10-02T04:15:00+00:00", 1, error=f"Ingenting att publicera:\n{HOSTILE}")
    page = write_page(DataPaths(tmp_path), [run, record(OUTCOMES)], [], [waiver("kva", "har_rader")]).read_text()
    assert "Körningen 2022-10-02 06:15" in words(page) and "Ingenting publicerades" in words(page)
    assert "Ingenting att publicera:" in page and "&lt;script&gt;window.hacked=1" in page
    assert "– kontroller uppfyllda" in words(page) and "– att göra" in words(page)
    assert "Inga grindar prövades i den här körningen." in words(section(page, "grindar"))
    assert "<table" not in section(page, "grindar")
    assert "Karantänen avgjordes inte i den här körningen." in words(section(page, "karantan"))
    assert "Leveransliggaren avgjordes inte" in words(section(page, "leveranser"))
    assert "Inte prövat i den här körningen" in words(section(page, "undantag"))
    assert section(page, "korningar").count("<tr>") == 3
    assert [p.name for p in sorted((tmp_path / "docs").iterdir())] == ["index.html"]


def test_the_last_good_page_stays_with_a_banner(tmp_path: Path) -> None:
    before = write(tmp_path, OUTCOMES)
    failed = [RunRecord(f"2022-10-0{n}T04:15:00+00:00", 1, error=f"Fel {n}: {HOSTILE}") for n in (3, 2)]
    page = write_page(DataPaths(tmp_path), [record(OUTCOMES)], OUTCOMES, [], failed).read_text()
    assert "Körningen 2022-10-03 06:15 kunde inte läsa leveranserna" in words(page) and "Fel 3: &lt;script&gt;" in page
    assert "Fel 2" not in page[: page.index('<section id="att-gora"')]
    assert section(page, "karantan") == section(before, "karantan")
    assert section(page, "korningar").count("<tr>") == section(before, "korningar").count("<tr>") + 2
    assert (tmp_path / "docs" / "karantan.csv").exists()


def test_a_quiet_first_run(tmp_path: Path) -> None:
    passed = [replace(o, success=True) for o in OUTCOMES]
    page = write(tmp_path, passed, rows=quarantine(0), ledger=LEDGER[:2])
    text = words(page)
    assert "Publicerad Gäller per" in text
    assert "7 av 7 kontroller uppfyllda" in text and "Alla 7 förväntningar är uppfyllda." in text
    assert "Inga undantag gäller." in text and "Ingen rad väntar i karantän." in text
    assert "2 filer i leveransliggaren, ingen avvisad." in text
    with (tmp_path / "docs" / "karantan.csv").open() as file:
        assert len(list(csv.reader(file))) == 1


def test_there_is_no_page_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run"):
        write_page(DataPaths(tmp_path), [], [], [])


def hostile_page(folder: Path) -> str:
    """Every text that comes from outside is hostile or very long."""
    long = "x" * 5000
    outcomes = [replace(outcome("kva", HOSTILE), titel=HOSTILE, betydelse=long, atgard=HOSTILE, undantag=HOSTILE)]
    run = record(outcomes, error=HOSTILE + long, release_id=None, exit_code=1)
    rows = quarantine(
        3,
        file=[f"kva/{HOSTILE}.csv", f"kva/{RTL}", f"kva/{long}.csv"],
        key=[HOSTILE, RTL, long],
        values=[f"a={HOSTILE}", f"a={RTL}|b=\u0000\u0007", long],
        reasons=[f"format:{HOSTILE}", HOSTILE, "varde:kon"],
    )
    ledger = [delivery("kva", f"kva/{HOSTILE}", AS_OF, HOSTILE, RTL), delivery("kva", long, None, "avvisad", long)]
    waivers = [replace(waiver("kva", HOSTILE), reason=HOSTILE, approved_by=long)]
    return write(folder, outcomes, [run, run], waivers, rows, ledger)


def test_hostile_texts_are_shown_not_run(tmp_path: Path) -> None:
    page = hostile_page(tmp_path)
    body = re.sub(r"<script>\n?\"use strict\".*?</script>", "", page, flags=re.DOTALL)
    assert "<script" not in body and "<img" not in body
    assert "&lt;script&gt;window.hacked=1" in body and "{{7*7}}" in body
    # Characters that turn or end the text are named, not obeyed.
    assert "\u202e" not in page and "faktura⟨U+202E⟩fdp.csv" in page and "⟨U+0000⟩⟨U+0007⟩" in page


def test_nothing_comes_from_outside_and_only_the_own_script_may_run(full: str) -> None:
    assert "http:" not in full and "https:" not in full and "//" not in re.sub(r"(^|\s)//.*", "", full)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', full)
    assert policy and html.unescape(policy[1]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r"\s(style|on\w+)=", full)


def test_twenty_thousand_quarantined_rows_stay_in_the_csv(tmp_path: Path) -> None:
    count = 20_000
    sources = sorted(load_contracts())[:7]
    rows = quarantine(
        count,
        source=[sources[i % len(sources)] for i in range(count)],
        reasons=[("format:kva_kod", "saknas:kon|enhet:okand")[i % 2] for i in range(count)],
    )
    begun = time.perf_counter()
    page = write(tmp_path, OUTCOMES, rows=rows)
    assert time.perf_counter() - begun < 5
    assert page.count("<tr data-kalla") < 6500 and len(page) < 4_000_000
    groups = re.findall(r"<details data-grupp id=.*?</details>", page, re.DOTALL)
    assert len(groups) == 3 * len(sources)
    assert all(group.count("<tr data-kalla") == 200 for group in groups)
    assert "Här visas 200 av 1 429 rader." in words(groups[0])
    with (tmp_path / "docs" / "karantan.csv").open() as file:
        assert len(list(csv.reader(file))) == count + 1


def test_very_many_groups_show_fewer_rows_each(tmp_path: Path) -> None:
    rows = quarantine(20_000, reasons=[f"format:kolumn{i % 400}" for i in range(20_000)])
    page = write(tmp_path, OUTCOMES, rows=rows)
    groups = re.findall(r"<details data-grupp id=.*?</details>", page, re.DOTALL)
    assert len(groups) == 400 and all(group.count("<tr data-kalla") == 15 for group in groups)


def test_same_inputs_give_the_same_files(tmp_path: Path, full: str) -> None:
    outcomes = apply_waivers(OUTCOMES, WAIVERS)
    assert write(tmp_path, outcomes, waivers=WAIVERS) == full


def test_the_old_page_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write(tmp_path, OUTCOMES)

    def fail(**_: object) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(steward_page, "render", fail)
    with pytest.raises(RuntimeError, match="no page"):
        write_page(DataPaths(tmp_path), [record(OUTCOMES)], OUTCOMES, [])
    assert (tmp_path / "docs" / "index.html").read_text(encoding="utf-8") == page
    assert {p.name for p in (tmp_path / "docs").iterdir()} == {
        "index.html",
        *(f"karantan{which}{form}.csv" for which in ("", "_alla") for form in ("", "_excel")),
    }


def test_heavy_packages_are_not_imported() -> None:
    code = (
        "import sys, dagster_project.products.steward_page.page, dagster_project.releases.publish; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"great_expectations", "dagster", "dbt"} & set(loaded)


def test_headings_are_in_order(full: str) -> None:
    levels = [int(n) for n in re.findall(r"<h([1-6])\b", full)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize(
    ("started", "text"),
    [
        ("2022-10-01T04:15:00+00:00", "2022-10-01 06:15"),
        ("2022-12-31T23:30:00Z", "2023-01-01 00:30"),
        ("2022-12-01T05:00:00", "2022-12-01 06:00"),
    ],
)
def test_times_are_a_swedish_clocks(started: str, text: str) -> None:
    assert local_time(started) == text


# In a browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with many failures, with the data docs of the same run."""
    folder = tmp_path_factory.mktemp("site")
    data = DataPaths(folder)
    results = findings((WARNED, NOTED, STOPPED), (DELIVERY, STAGING)).results
    build_data_docs(results, data_docs_folder(data))
    outcomes = outcomes_of(results)
    waivers = [waiver("kva", "alder_varning"), waiver("gas", "har_rader")]
    outcomes = apply_waivers(outcomes, waivers)
    rows = pl.concat(
        [
            quarantine(250),
            quarantine(3, source=["gas"] * 3, reasons=["saknas:plan_id|saknas:kon"] * 3, line=[9, 10, 100]),
        ]
    )
    records = [record(outcomes), *(record(OUTCOMES if n % 3 else [], n) for n in range(1, 35))]
    write(folder, outcomes, records, waivers, rows)
    return data.docs


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quiet")
    write(folder, [replace(o, success=True) for o in OUTCOMES], rows=quarantine(0), ledger=LEDGER[:2])
    return folder / "docs"


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that only ever asks for files and never complains."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="sv-SE")
    tab = context.new_page()
    requests: list[str] = []
    troubles: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("requestfailed", lambda request: troubles.append(f"{request.url} {request.failure}"))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    yield tab
    context.close()
    assert requests and [url for url in requests if not url.startswith(("file:", "data:"))] == []
    # A download is a navigation that the page gives up.
    assert [text for text in troubles if "karantan.csv" not in text] == []


def opened(tab: Any, folder: Path) -> Any:
    tab.goto((folder / "index.html").as_uri())
    return tab


def reason_group(tab: Any, text: str) -> Any:
    return tab.locator(f"details:has(> summary > .orsak:text-is('{text}'))")


def column(table: Any, index: int) -> list[str]:
    return table.locator("tbody tr:visible").evaluate_all(f"rows => rows.map(r => r.cells[{index}].textContent.trim())")


@pytest.mark.browser
def test_a_column_is_sorted_by_keyboard(tab: Any, site: Path) -> None:
    opened(tab, site)
    group = reason_group(tab, "plan_id saknas")
    group.locator("summary").focus()
    tab.keyboard.press("Enter")
    table = group.locator("table")
    assert column(table, 1) == ["9", "10", "100"]
    tab.keyboard.press("Tab")  # the region that scrolls
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    line = table.locator("th").nth(1)
    assert tab.evaluate("document.activeElement.parentElement.textContent") == "Rad"
    assert line.get_attribute("aria-sort") is None
    tab.keyboard.press("Space")
    assert line.get_attribute("aria-sort") == "ascending" and column(table, 1) == ["9", "10", "100"]
    tab.keyboard.press("Enter")
    assert line.get_attribute("aria-sort") == "descending" and column(table, 1) == ["100", "10", "9"]
    assert tab.locator("#sorterat").text_content() == "Sorterad efter Rad, fallande."
    table.get_by_role("button", name="Fil").click()
    assert line.get_attribute("aria-sort") is None


@pytest.mark.browser
def test_the_grid_is_filtered(tab: Any, site: Path) -> None:
    opened(tab, site)
    gates = tab.locator("#grindar")
    rows, status = gates.locator("tbody tr:visible"), gates.get_by_role("status")
    everything = rows.count()
    assert status.text_content() == f"Visar {everything} av {everything} kontroller."
    only = gates.get_by_role("button", name="Bara underkända")
    only.press("Enter")
    assert only.get_attribute("aria-pressed") == "true"
    failed = int(tab.locator("article").count())
    assert 3 <= rows.count() == failed and status.text_content() == f"Visar {failed} av {everything} kontroller."
    gates.get_by_label("Källa").select_option("kva")
    assert {text.split(" ")[0] for text in gates.locator("tbody tr:visible th small").all_inner_texts()} == {"kva"}
    assert 1 <= rows.count() < failed
    only.press("Space")
    gates.get_by_label("Sök").fill("LEVERANSEN ÄR INOM")
    assert rows.count() == 1 and "inom avtalad ålder" in rows.first.inner_text()
    gates.get_by_label("Sök").fill("finns ingenstans")
    assert rows.count() == 0 and status.text_content() == f"Visar 0 av {everything} kontroller."


@pytest.mark.browser
def test_quarantine_is_opened_searched_and_downloaded(tab: Any, site: Path) -> None:
    opened(tab, site)
    part = tab.locator("#karantan")
    status = part.get_by_role("status")
    # 250 rows of kva, of which the page has 200, and 3 of gas that stand in two groups each.
    assert status.text_content() == "Visar 203 av 203 rader som sidan har."
    group = reason_group(part, "kva_kod kan inte läsas")
    assert group.locator("table").is_hidden()
    group.locator("summary").click()
    assert group.locator("table").is_visible() and "Här visas 200 av 250 rader." in group.inner_text()
    part.get_by_label("Sök").fill("kva_kod=xx77")
    assert status.text_content() == "Visar 1 av 203 rader som sidan har."
    assert part.locator("details:visible").count() == 1 and "1 träff" in group.inner_text()
    part.get_by_label("Sök").fill("")
    part.get_by_label("Källa").select_option("gas")
    assert part.locator("h3:visible").all_inner_texts() == ["GAS-planer och mål gas, 3 rader"]
    part.get_by_role("button", name="Öppna alla").click()
    assert part.locator("table:visible").count() == 2
    with tab.expect_download() as download:
        part.get_by_role("link", name="som CSV med komma").first.click()
    assert download.value.suggested_filename == "karantan.csv"
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 253 and rows[0]["reasons"] == "format:kva_kod" and rows[-1]["line"] == "100"


@pytest.mark.browser
def test_a_failure_leads_to_the_data_docs_and_back(tab: Any, site: Path) -> None:
    opened(tab, site)
    card = tab.locator("article").filter(has_text="Alla kontroller av kva i grinden Bearbetade").first
    card.locator("summary").first.click()
    card.get_by_role("link", name="Alla kontroller av kva").click()
    assert tab.url.endswith("datadokumentation/staging/kva.html")
    assert tab.locator("h1").inner_text() == "kva" and "Varje rad har en enhet" in tab.inner_text("main")
    tab.go_back()
    assert tab.locator("h1").inner_text() == "Körningen per 2022-09-30"
    for link in tab.locator("a").all():
        href = str(link.get_attribute("href"))
        if href.startswith("mailto:"):
            continue
        assert tab.locator(href).count() == 1 if href.startswith("#") else (site / href).exists(), href


@pytest.mark.browser
def test_a_waiver_line_is_copied_and_a_card_opens_its_rows(browser: Any, site: Path) -> None:
    context = browser.new_context(locale="sv-SE", permissions=["clipboard-read", "clipboard-write"])
    try:
        tab = opened(context.new_page(), site)
        card = tab.locator("article").filter(has_text="rader utan enhet").first
        card.locator("summary", has_text="Godta felet").focus()
        tab.keyboard.press("Enter")
        card.get_by_role("button", name="Kopiera").press("Enter")
        tab.wait_for_function("document.getElementById('sorterat').textContent")
        assert tab.locator("#sorterat").text_content() == "Kopierat."
        assert tab.evaluate("navigator.clipboard.readText()") == "staging/_unit,enhet_satt,kva,,,"
        # What a link leads to is open when the reader comes there.
        group = reason_group(tab, "kva_kod kan inte läsas")
        assert group.locator("table").is_hidden()
        tab.goto(f"{tab.url.partition('#')[0]}#{group.get_attribute('id')}")
        group.locator("table").wait_for(state="visible")
    finally:
        context.close()


@pytest.mark.browser
def test_deliveries_show_only_the_rejected_when_asked(tab: Any, site: Path) -> None:
    opened(tab, site)
    part = tab.locator("#leveranser")
    part.get_by_role("button", name="Bara avvisade").click()
    assert part.locator("tbody tr:visible").count() == 1
    assert part.get_by_role("status").text_content() == "Visar 1 av 4 filer."


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_every_control_is_reached_by_keyboard_with_a_visible_focus(tab: Any, site: Path, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    opened(tab, site)
    tab.get_by_role("button", name="Öppna alla").click()
    tab.evaluate("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus()")
    controls = tab.evaluate(
        """() => [...document.querySelectorAll("a, button, select, input, summary, [tabindex='0']")]
            .filter(e => e.checkVisibility()).map((e, i) => { e.dataset.nummer = i; return i; })"""
    )
    assert len(controls) > 40
    seen = []
    for number in controls:
        tab.keyboard.press("Tab")
        focused = tab.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
                return [Number(e.dataset.nummer ?? -1), parseFloat(s.outlineWidth), s.outlineStyle,
                        b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth, e.outerHTML]; }"""
        )
        assert focused[1] >= 2 and focused[2] != "none" and focused[3], focused
        seen.append(focused[0])
        assert focused[0] == number, focused
    assert seen == controls


@pytest.mark.browser
def test_the_skip_link_leads_to_the_content(tab: Any, site: Path) -> None:
    opened(tab, site)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Hoppa till innehållet"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "innehall"


@pytest.mark.browser
def test_it_can_be_read_without_its_script(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        tab = opened(context.new_page(), site)
        assert tab.locator("button:visible, select:visible, input:visible").count() == 0
        reason_group(tab, "plan_id saknas").locator("summary").click()
        assert reason_group(tab, "plan_id saknas").locator("tbody tr:visible").count() == 3
    finally:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_hostile_texts_neither_run_nor_break_the_layout(tab: Any, tmp_path: Path, width: int) -> None:
    hostile_page(tmp_path)
    tab.set_viewport_size({"width": width, "height": 800})
    opened(tab, tmp_path / "docs")
    tab.get_by_role("button", name="Öppna alla").click()
    assert tab.evaluate("window.hacked") is None
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_the_policy_stops_what_would_not_be_escaped(browser: Any, tmp_path: Path) -> None:
    page = write(tmp_path, OUTCOMES)
    injected = (
        "<script>window.hacked=1</script><img src=data:, onerror='window.hacked=1'><style>h1{color:red}</style></main>"
    )
    (tmp_path / "docs" / "index.html").write_text(page.replace("</main>", injected), encoding="utf-8")
    context = browser.new_context()
    try:
        tab = opened(context.new_page(), tmp_path / "docs")
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        tab.reload()
        tab.locator("[data-filter]").first.wait_for()
        assert tab.evaluate("window.hacked") is None
        assert tab.locator("h1").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
        assert len([text for text in refused if "Content Security Policy" in text]) == 3
    finally:
        context.close()


def violations(tab: Any) -> list[str]:
    """What axe says against WCAG 2.1 A and AA."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab, options=AXE).response
    assert found["passes"]
    return [
        f"{v['id']}: {node['html'][:200]} {node['failureSummary']}" for v in found["violations"] for node in v["nodes"]
    ]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("state", ["many failures", "quiet"])
def test_it_meets_wcag(tab: Any, site: Path, quiet: Path, state: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    opened(tab, quiet if state == "quiet" else site)
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if state != "quiet":
        tab.locator("#grindar").get_by_role("button", name="Bara underkända").click()
        tab.get_by_role("button", name="Öppna alla").click()
        tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert violations(tab) == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_the_data_docs_meet_wcag(tab: Any, site: Path, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    for page in ("index", "delivery/kva", "delivery/avvikelser", "staging/kva", "staging/register_registreringar"):
        tab.goto((site / "datadokumentation" / f"{page}.html").as_uri())
        assert violations(tab) == [], page
        tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert violations(tab) == [], page
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
