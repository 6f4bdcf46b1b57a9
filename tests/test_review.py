"""The steward's page: complete, escaped, bounded, and usable by keyboard, mouse and screen reader from disk."""

from __future__ import annotations

import csv
import html
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project import review
from dagster_project.contracts import load_contracts
from dagster_project.expectations import Outcome
from dagster_project.gates import data_docs, decide
from dagster_project.history import RunRecord, check_records
from dagster_project.paths import DataPaths
from dagster_project.report import write_quarantine_csv
from dagster_project.review import local_time, reason_text, write_review
from dagster_project.settle import LEDGER_SCHEMA, QUARANTINE_SCHEMA
from dagster_project.waivers import Waiver, apply_waivers

AS_OF = date(2022, 9, 30)
RUN = "2022-09-30-0123456789ab"
FROZEN = "2022-08-31-abcdefabcdef"
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&amp;{{7*7}}"
RTL = "faktura\u202efdp.csv"
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def outcome(source: str, expectation: str, severity: str = "critical", success: bool = False, **more: Any) -> Outcome:
    gate = more.pop("gate", "leverans")
    values: dict[str, Any] = {
        "checked": 1200,
        "unexpected": 30,
        "share": 0.025,
        "observed": None,
        "titel": f"Titel {expectation}",
        "betydelse": f"Betyder {expectation}.",
        "atgard": f"Gör {expectation}.",
    }
    suite = more.pop("suite", f"{gate}/_alla")
    return Outcome(gate, suite, source, expectation, severity, success, **(values | more))


def waiver(source: str, expectation: str, last: date = AS_OF + timedelta(7), **more: Any) -> Waiver:
    return Waiver("leverans/_alla", expectation, source, "Känt fel i källsystemet", "Anna Ansvarig", last, 2, **more)


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
        "hsaid_enhet": [None] * count,
        "delivery": ["d"] * count,
    }
    return pl.DataFrame(rows | values, schema=QUARANTINE_SCHEMA)


def delivery(source: str, file: str, day: date | None, status: str = "accepterad", orsak: str | None = None) -> dict:
    rows = {"rows_read": 1200, "rows_accepted": 1170, "rows_quarantined": 29, "rows_duplicate": 1}
    return {"source": source, "file": file, "uttagsdatum": day, "status": status, "orsak": orsak, **rows}


def leave(data: DataPaths, rows: pl.DataFrame, ledger: Sequence[dict]) -> None:
    """What a run leaves for the page."""
    data.run.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(data.run / "karantan.parquet")
    pl.DataFrame(list(ledger), schema=LEDGER_SCHEMA).write_parquet(data.run / "leveranser.parquet")


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
        "checks": check_records(outcomes),
    }
    return RunRecord(**(values | more))


OUTCOMES = [
    outcome("vantetider", "har_rader", success=True),
    outcome("vantetider", "alder_varning", "warning", observed="41.0", checked=None, unexpected=None, share=None),
    outcome("gas", "enheter_kanda"),
    outcome("kva", "karantan_varning", "warning", observed="0.0802675585", checked=None, unexpected=None, share=None),
    outcome("kva", "helger", "info", suite="leverans/kva"),
    outcome("avvikelser", "alder_stopp", observed="80", checked=None, unexpected=None, share=None),
    outcome("indicator_result", "har_rader", success=True, gate="resultat", suite="resultat/indicator_result"),
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
    path = write_review(data, [record(outcomes)] if records is None else records, outcomes, waivers)
    assert path == data.docs / "index.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with failures of all kinds."""
    outcomes = apply_waivers(OUTCOMES, WAIVERS)
    return write(tmp_path_factory.mktemp("full"), outcomes, waivers=WAIVERS)


def test_the_top_tells_the_run_and_what_is_held_back(full: str) -> None:
    top = words(full[full.index("<main") : full.index('<section id="grindar"')])
    held = decide(apply_waivers(OUTCOMES, WAIVERS)).held_back
    assert held and f"Publicerad, {len(held)} indikatorer hålls tillbaka" in top
    assert all(html.escape(review.indicator_titles()[i]) in full for i in held)
    assert "Gäller per 2022-09-30" in top and "Kördes 2022-10-01 06:15" in top and f"Utgåva {RUN}" in top
    assert f"Frysta rader från 2022-08-31 (utgåva {FROZEN})" in top
    assert "2 av 7 kontroller uppfyllda" in top and "5 underkända förväntningar" in top
    assert "3 rader i öppen karantän" in top and "1 avvisad fil, 2 försenade källor" in top
    assert "3 undantag, 1 används" in top


def test_held_back_indicators_have_titles_and_may_lack_rows(tmp_path: Path) -> None:
    held = {"vg_forsta_besok_90": ["vantetider"], "behandling_90": ["vantetider", "kva"]}
    page = write(tmp_path, records=[record(held_back=held, frozen={"behandling_90": FROZEN}, exit_code=2)])
    top = words(page[: page.index('<section id="grindar"')])
    assert "Publicerad, 2 indikatorer hålls tillbaka" in top
    assert "vantetider ”Första besök inom vårdgarantins 90 dagar” Inga rader" in top
    assert "kva, vantetider ”Behandling inom 90 dagar” Frysta rader från 2022-08-31" in top
    assert "vg_forsta_besok_90" not in page


def test_failed_expectations_are_explained(full: str) -> None:
    articles = [words(a) for a in re.findall(r"<article.*?</article>", section(full, "underkanda"), re.DOTALL)]
    assert [a.split(" ✗")[0].split(" !")[0].split(" i ")[0] for a in articles] == [
        "Titel enheter_kanda",
        "Titel karantan_varning",
        "Titel alder_varning",
        "Titel alder_stopp",
        "Titel helger",
    ]
    stop, quarantined, late, waived, note = articles
    assert "✗ Stopp gas · Leveranser" in stop and "Uppmätt 30 fel av 1 200 (2,5 %)" in stop
    assert "Håller tillbaka" in stop and "Betyder enheter_kanda." in stop and "Att göra Gör enheter_kanda." in stop
    assert "! Varning" in quarantined and "Uppmätt 0,0803" in quarantined and "Märker med varning" in quarantined
    assert "Uppmätt 41" in late
    assert "✗ Stopp Undantag: räknas som varning" in waived
    assert "Undantag till och med 2022-10-07: Känt fel i källsystemet (Anna Ansvarig)" in waived
    assert "i Upplysning" in note and "Ändrar inget i publiceringen." in note
    # No data docs page was made, so nothing leads there.
    assert "datadokumentation" not in full


def test_a_failure_leads_to_its_data_docs_page_where_there_is_one(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    for name in ("index", "leverans/kva"):
        page = data_docs(data) / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("", encoding="utf-8")
    text = write(tmp_path, OUTCOMES)
    assert (
        re.findall(r'href="(datadokumentation[^"]*)"', section(text, "underkanda"))
        == ["datadokumentation/leverans/kva.html"] * 2
    )
    assert 'href="datadokumentation/index.html"' in section(text, "grindar")


def test_a_failed_results_gate_says_that_nothing_is_published(tmp_path: Path) -> None:
    failed = outcome("indicator_result", "dold_tom", gate="resultat", suite="resultat/indicator_result")
    run = record([failed], exit_code=1, release_id=None, error="Resultatgrinden underkände dold_tom.")
    page = write(tmp_path, [failed], [run])
    top = words(page[: page.index('<section id="grindar"')])
    assert "Ingenting publicerades Resultatgrinden underkände dold_tom." in top
    assert "Den utgåva som gällde före körningen ligger kvar oförändrad." in top
    assert "Följd Ingenting publiceras." in words(section(page, "underkanda"))


def test_the_grid_shows_thirty_runs_newest_first_and_failures_on_top(tmp_path: Path) -> None:
    failing = [outcome("kva", "helger", "info", suite="leverans/kva")]
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
    assert all(row.count("<td") == 30 and row.count('<th scope="row">') == 1 for row in rows)
    helger = next(row for row in rows if "Titel helger" in row)
    cells = re.findall(r'<td class="(\w+)"', helger)
    assert cells[:3] == ["upplysning", "upplysning", "oprovad"]
    # Never colour alone: a sign or word in every cell.
    assert all(re.search(r"\w", words(cell)) for row in rows for cell in re.findall(r"<td.*?</td>", row))
    assert section(page, "korningar").count("<tr>") == 31


def test_checks_of_earlier_runs_keep_their_title(tmp_path: Path) -> None:
    """A run that a gate stopped has fewer outcomes: the rest is told to be untested, by the suite's own title."""
    staged = outcome("kva", "verksamhet_kand", gate="staging")
    gone = outcome("kva", "finns_inte_mer", gate="staging")
    page = write(tmp_path, OUTCOMES, [record(OUTCOMES), record([staged, gone], 1)])
    rows = {
        words(r).split(" kva ")[0]: r
        for r in re.findall(r"<tr data-kalla.*?</tr>", section(page, "grindar"), re.DOTALL)
    }
    row = rows["Verksamheten är en av de kända"]
    assert re.findall(r'<td class="(\w+)"', row) == ["oprovad", "stopp"]
    assert "finns_inte_mer" in rows


def test_waived_failures_have_a_sign_of_their_own(full: str) -> None:
    rows = re.findall(r"<tr data-kalla.*?</tr>", section(full, "grindar"), re.DOTALL)
    waived = next(row for row in rows if "Titel alder_stopp" in row)
    assert '<td class="varning" title="Varning genom undantag: 80"><span aria-hidden="true">u</span>' in waived


def test_waivers_say_what_they_do_now(full: str) -> None:
    rows = [words(r) for r in re.findall(r"<tr>.*?</tr>", section(full, "undantag"), re.DOTALL)][1:]
    assert rows == [
        "Titel alder_stopp avvikelser · Leveranser Känt fel i källsystemet Anna Ansvarig 2022-10-07 7 snart slut "
        "Används i den här körningen",
        "Titel har_rader vantetider · Leveranser Känt fel i källsystemet Anna Ansvarig 2022-12-29 90 "
        "Behövs inte längre: förväntan är uppfylld",
        "Titel har_rader enheter · Leveranser Känt fel i källsystemet Anna Ansvarig 2022-09-29 −1 "
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
    assert rows[0].startswith("gas gas/gas.csv Filen gas/gas.csv avvisades: namnet har inget datum. – Avvisad 1 200")
    assert "Väntar: uttagen efter körningens datum" in rows[1] and "kva_2022-09-30.csv" in rows[2]
    assert "Varning vantetider är försenad: den nyaste leveransen är från 2022-08-20 och är 41 dagar gammal." in words(
        text
    )
    assert "Varning avvikelser är försenad: den nyaste leveransen är 80 dagar gammal (undantag)." in words(text)


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
    page = write_review(DataPaths(tmp_path), [run, record(OUTCOMES)], [], [waiver("kva", "har_rader")]).read_text()
    assert "Körningen 2022-10-02 06:15" in words(page) and "Ingenting publicerades" in words(page)
    assert "Ingenting att publicera:" in page and "&lt;script&gt;window.hacked=1" in page
    assert "Inga grindar prövades i den här körningen." in words(section(page, "grindar"))
    assert "<table" not in section(page, "grindar")
    assert "Karantänen avgjordes inte i den här körningen." in words(section(page, "karantan"))
    assert "Leveransliggaren avgjordes inte" in words(section(page, "leveranser"))
    assert "Inte prövat i den här körningen" in words(section(page, "undantag"))
    assert section(page, "korningar").count("<tr>") == 3
    assert [p.name for p in sorted((tmp_path / "docs").iterdir())] == ["index.html"]


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
        write_review(DataPaths(tmp_path), [], [], [])


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
    sources = sorted(load_contracts())
    rows = quarantine(
        count,
        source=[sources[i % len(sources)] for i in range(count)],
        reasons=[("format:kva_kod", "saknas:kon|enhet:okand")[i % 2] for i in range(count)],
    )
    begun = time.perf_counter()
    page = write(tmp_path, OUTCOMES, rows=rows)
    assert time.perf_counter() - begun < 5
    assert page.count("<tr data-kalla") < 6500 and len(page) < 4_000_000
    groups = re.findall(r"<details data-grupp>.*?</details>", page, re.DOTALL)
    assert len(groups) == 3 * len(sources)
    assert all(group.count("<tr data-kalla") == 200 for group in groups)
    assert "Här visas 200 av 1 429 rader." in words(groups[0])
    with (tmp_path / "docs" / "karantan.csv").open() as file:
        assert len(list(csv.reader(file))) == count + 1


def test_very_many_groups_show_fewer_rows_each(tmp_path: Path) -> None:
    rows = quarantine(20_000, reasons=[f"format:kolumn{i % 400}" for i in range(20_000)])
    page = write(tmp_path, OUTCOMES, rows=rows)
    groups = re.findall(r"<details data-grupp>.*?</details>", page, re.DOTALL)
    assert len(groups) == 400 and all(group.count("<tr data-kalla") == 15 for group in groups)


def test_same_inputs_give_the_same_files(tmp_path: Path, full: str) -> None:
    outcomes = apply_waivers(OUTCOMES, WAIVERS)
    assert write(tmp_path, outcomes, waivers=WAIVERS) == full


def test_the_old_page_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write(tmp_path, OUTCOMES)

    def fail(*_: object) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(review, "_render", fail)
    with pytest.raises(RuntimeError, match="no page"):
        write_review(DataPaths(tmp_path), [record(OUTCOMES)], OUTCOMES, [])
    assert (tmp_path / "docs" / "index.html").read_text(encoding="utf-8") == page
    assert {p.name for p in (tmp_path / "docs").iterdir()} == {"index.html", "karantan.csv", "karantan_alla.csv"}


def test_heavy_packages_are_not_imported() -> None:
    code = "import sys, dagster_project.review, dagster_project.release; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"great_expectations", "dagster", "dbt"} & set(loaded)


def test_headings_are_in_order(full: str) -> None:
    levels = [int(n) for n in re.findall(r"<h([1-6])\b", full)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("saknas:kon", "kon saknas"),
        ("format:rad", "Raden har fler celler än det finns rubriker"),
        ("ordning:beslut_datum>start_datum", "beslut_datum är senare än start_datum"),
        ("varde:fas", "fas har ett värde som inte är tillåtet"),
        ("nytt:x", "nytt:x"),
        ("ord", "ord"),
    ],
)
def test_reasons_in_words(reason: str, text: str) -> None:
    assert reason_text(reason) == text


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
