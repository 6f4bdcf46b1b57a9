"""What the steward's page tells to do, and how the sources have been over time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import DRIFT, RESULTS
from dagster_project.core.paths import DataPaths
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.waivers import COLUMNS, load_run_waivers
from dagster_project.ingestion.bronze import accepted_path
from dagster_project.products.names import unit_names, verksamhet_name, with_unit_names
from dagster_project.products.steward_page.charts import HEIGHT, WIDTH, chart
from dagster_project.products.steward_page.view_cards import cards_view
from dagster_project.products.steward_page.view_quarantine import quarantine_view
from dagster_project.products.steward_page.view_runs import run_labels
from dagster_project.products.steward_page.view_sources import sources_view
from dagster_project.runs.folder import LEDGER as LEDGER_TABLE
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.ledger import LEDGER_SCHEMA, Delivery, ledger_frame
from tests.products.test_steward_page import AS_OF, delivery, outcome, quarantine, record, section, words, write

MEASURED = {"checked": None, "unexpected": None, "share": None}
LATE = [
    outcome("kva", "alder_varning", "warning", observed="92", limit=35.0, **MEASURED),
    outcome("kva", "alder_stopp", observed="92", limit=70.0, **MEASURED),
]
REJECTED = outcome(
    "gas", "nyare_avvisad", "warning", suite="delivery/_delivered", observed="gas_2022-09-29.csv", unexpected=1
)


def cards(
    tmp_path: Path, *outcomes: Outcome, rows: pl.DataFrame | None = None, units: dict | None = None
) -> list[dict]:
    shown = quarantine_view(rows, AS_OF, units or {}) if rows is not None else None
    return cards_view(DataPaths(tmp_path), outcomes, {}, {}, shown, units or {})


def test_a_warning_and_a_stop_of_one_measure_are_one_card(tmp_path: Path) -> None:
    of_kva = outcome("kva", "karantan_varning", "warning", observed="0.3", limit=0.05, **MEASURED)
    of_gas = replace(LATE[0], source="gas", observed="40")
    found = cards(tmp_path, *LATE, of_kva, of_gas, replace(of_kva, source="enheter", success=True))
    assert [(c["source"], c["word"], c["heading"].replace("\u00a0", " ")) for c in found] == [
        ("kva", "Stopp", "92 dagar, gräns 70"),
        ("gas", "Varning", "40 dagar, gräns 35"),
        ("kva", "Varning", "30 % i karantän, gräns 5 %"),
    ]
    assert found[0]["also"] == [("Varning", "Titel alder_varning", "92 dagar, gräns 35")]
    assert found[1]["also"] == found[2]["also"] == []


def test_the_waiver_lines_are_refused_until_they_are_filled_in_and_then_hold(tmp_path: Path) -> None:
    (card,) = cards(tmp_path, *LATE)
    path = tmp_path / "waivers.csv"
    path.write_text("\n".join([",".join(COLUMNS), *card["waiver_lines"]]), encoding="utf-8")
    with pytest.raises(Exception, match="reason, approved_by, last_date saknas"):
        load_run_waivers(path)
    filled = [
        line.removesuffix(",,,") + ',"Uttag först i maj, sent",Verksamhetschef,2022-12-31'
        for line in card["waiver_lines"]
    ]
    path.write_text("\n".join([",".join(COLUMNS), *filled]), encoding="utf-8")
    assert [w.names for w in load_run_waivers(path)] == [
        ("delivery/_all", "alder_stopp", "kva"),
        ("delivery/_all", "alder_varning", "kva"),
    ]


def test_what_may_not_or_need_not_be_waived_has_no_line(tmp_path: Path) -> None:
    results = outcome("indicator_result", "dold_tom", gate=RESULTS, suite="results/indicator_result")
    note = outcome("kva", "helger", "info", suite="delivery/kva", observed="0.3")
    known = replace(LATE[1], undantag="till och med 2022-12-31: känt (A)")
    assert [c["waiver_lines"] for c in cards(tmp_path, results, note, known)] == [[], [], []]


def test_a_card_leads_to_its_quarantine_groups_and_the_page_has_them(tmp_path: Path) -> None:
    stop = outcome("kva", "karantan_stopp", observed="0.3176", limit=0.2, unexpected=1)
    rows = quarantine(
        7, source=["kva"] * 6 + ["gas"], reasons=["format:kva_kod"] * 3 + ["dubblett:konflikt"] * 2 + ["saknas:kon"] * 2
    )
    rows = rows.with_columns(
        values=pl.when(pl.col("reasons") == "dubblett:konflikt")
        .then(pl.lit("atgardsdatum=2022-01-01|yrkeskategori=kurator"))
        .otherwise("values")
    )
    page = write(tmp_path, [stop], rows=rows)
    card = section(page, "att-gora")
    assert "31,8 % i karantän, gräns 20 %" in words(card)
    links = re.findall(r'<a href="#(karantan-kva-\d)">(.*?)</a>', card)
    assert [text for _, text in links] == [
        "kva_kod kan inte läsas",
        "Samma nyckel förekommer med olika innehåll",
        "kon saknas",
    ]
    assert all(page.count(f'id="{target}"') == 1 for target, _ in links)
    assert "olika innehåll : atgardsdatum, yrkeskategori (2 rader)" in words(card)
    group = re.search(rf'<details data-grupp id="{links[1][0]}".*?</details>', page, re.DOTALL)
    assert group and "Kolumner som skiljer sig: atgardsdatum, yrkeskategori." in words(group[0])
    assert "Att göra: Låt källsystemet leverera nyckeln en gång" in words(group[0])
    # Of another source's group nothing leads there from the card.
    assert "karantan-gas" not in card


def test_a_rejected_file_says_why_and_what_counts_instead(tmp_path: Path) -> None:
    ledger = [
        delivery("gas", "gas/gas_2022-08-31.csv", date(2022, 8, 31)),
        delivery("gas", "gas/gas_2022-09-28.csv", date(2022, 9, 28)),
        delivery("gas", "gas/gas_2022-09-29.csv", None, "avvisad", "Filen gas_2022-09-29.csv avvisades: den är tom."),
        delivery("gas", "gas/gas_2022-09-01.csv", date(2022, 9, 1), "avvisad", "Gammal."),
    ]
    page = write(tmp_path, [REJECTED], ledger=ledger)
    card = words(section(page, "att-gora"))
    assert "GAS-planer och mål: Avvisad: gas_2022-09-29.csv" in card
    assert "Senast läst leverans: gas_2022-09-28.csv , 2022-09-28 , 1 200 rader." in card
    assert "Filen gas_2022-09-29.csv avvisades: den är tom." in card and "Gammal." not in card
    # Also at the top: a file that is newer than the run's day is no card.
    top = words(page[page.index("<main") : page.index('<section id="att-gora"')])
    assert "GAS-planer och mål: Senast läst leverans: gas_2022-09-28.csv , 2022-09-28 , 1 200 rader. Fråga:" in top
    row = next(r for r in re.findall(r"<tr>.*?</tr>", section(page, "kallor"), re.DOTALL) if ">gas<" in r)
    assert "gas_2022-09-28.csv 2022-09-28 , 1 200 rader 1 nyare fil avvisad" in words(row)
    contract = load_contracts()["gas"]
    assert contract.owner in words(row) and contract.contact in words(row)


# Names


def test_units_have_their_names_also_those_that_have_left_the_register(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    assert unit_names(data) == {}
    registers = {
        date(2022, 1, 1): [("SE2321000164-AA01", "Gamla namnet"), ("SE2321000164-AA02", "Stängd enhet")],
        date(2022, 6, 1): [("SE2321000164-AA01", "Nya namnet"), ("SE2321000164-AA03", None)],
    }
    ledger = []
    for position, (day, rows) in enumerate(registers.items()):
        d = Delivery(REGISTER_SOURCE, f"enheter/enheter_{day}.csv", f"{position}" * 64, day, position=position)
        path = accepted_path(data, d)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame(rows, schema=["hsaid_enhet", "enhetsnamn"], orient="row")
        frame.with_columns(giltig_fran=pl.lit(day)).write_parquet(path)
        ledger.append(d)
    RunFolder(data).write(LEDGER_TABLE, ledger_frame(ledger))
    names = unit_names(data)
    assert names == {"SE2321000164-AA01": "Nya namnet", "SE2321000164-AA02": "Stängd enhet"}
    text = "borta: SE2321000164-AA02; se2321000164-aa01; SE2321000164-AA03; SE2321000164-AA011"
    assert with_unit_names(text, names) == (
        "borta: SE2321000164-AA02 (Stängd enhet); se2321000164-aa01 (Nya namnet); SE2321000164-AA03; SE2321000164-AA011"
    )


def test_cards_name_units(tmp_path: Path) -> None:
    gone = outcome(
        "enheter",
        "register_enhet_borta",
        "warning",
        suite="delivery/_register",
        observed="SE2321000164-AA02",
        unexpected=1,
    )
    (card,) = cards(tmp_path, gone, units={"SE2321000164-AA02": "Stängd enhet"})
    assert card["heading"] == "Borta ur registret: SE2321000164-AA02 (Stängd enhet)"


def test_a_verksamhet_has_its_name() -> None:
    assert verksamhet_name("BUH") == "Barn- och ungdomshabiliteringen (BUH)" and verksamhet_name("X") == "X"


# Over time


def run(days_ago: int, rows: int, share: float, age: int, changes: int = 0, hour: int = 4) -> object:
    found = [
        outcome("kva", "har_rader", success=True, observed=str(rows), limit=1.0, **MEASURED),
        outcome("kva", "karantan_varning", "warning", True, observed=str(share), limit=0.05, **MEASURED),
        outcome("kva", "alder_varning", "warning", True, observed=str(age), limit=35.0, **MEASURED),
        outcome("kva", "alder_stopp", success=True, observed=str(age), limit=70.0, **MEASURED),
        *(outcome("kva", f"x{n}", "warning", gate=DRIFT, suite="drift/_all", observed="x") for n in range(changes)),
        outcome("kva", "nya_id", "warning", True, gate=DRIFT, suite="drift/_all"),
    ]
    return replace(record(found, days_ago), started=f"2022-10-01T{hour:02}:15:00+00:00")


def test_trends_are_the_records_numbers_oldest_first_and_the_tables_hold_the_same() -> None:
    runs = [run(0, 1200, 0.08, 2, 1), record([], 1), run(2, 1000, 0.01, 1), run(3, 900, 0.0, 30)]
    outcomes = [
        outcome(c.source, c.expectation, c.severity, c.success, gate=c.gate, suite=c.suite, observed=c.observed,
                limit=c.limit, **MEASURED)
        for c in runs[0].checks
    ]  # fmt: skip
    views = sources_view(runs, outcomes, pl.DataFrame(schema=LEDGER_SCHEMA))
    assert [v["source"] for v in views] == list(load_contracts())
    kva = next(v for v in views if v["source"] == "kva")
    rows, share, age, changes = kva["trends"]
    plain = [[t.replace("\u00a0", " ") for t in trend["texts"]] for trend in kva["trends"]]
    assert plain == [
        ["900", "1 000", "–", "1 200"],
        ["0 %", "1 %", "–", "8 %"],
        ["30", "1", "–", "2"],
        ["0", "0", "–", "1"],
    ]
    assert [(t["now"].replace("\u00a0", " ")) for t in kva["trends"]] == ["1 200", "8 %", "2", "1"]
    told = share["chart"].text.replace("\u00a0", " ")
    assert told == "Andel i karantän, 3 körningar: från 0 % till 8 %, lägst 0 %, högst 8 %, gräns 5 %"
    # The limit that warns is drawn; more rows are no better or worse than a limit of 1 would say.
    assert "gräns 35" in age["chart"].text and rows["chart"].limit is None and changes["chart"].limit is None
    assert kva["table"][0][1] == [t["texts"][-1] for t in kva["trends"]] and len(kva["table"]) == 4
    # A source that no run judged has no line.
    assert all(t["chart"] is None for v in views if v["source"] == "gas" for t in v["trends"])


def test_a_line_breaks_at_a_gap_and_stays_inside_its_picture() -> None:
    drawn = chart([1, 3, None, 2, None, 8], 4, "text")
    assert len(drawn.lines) == 1 and len(drawn.dots) == 2 and drawn.last == drawn.dots[-1]
    points = [tuple(map(float, p.split(","))) for p in drawn.lines[0].split()] + list(drawn.dots)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    (x1, y1), (x3, y3) = points[0], points[1]
    assert x1 < x3 and y1 > y3  # later is to the right, more is higher up
    assert drawn.limit is not None and drawn.last[1] < drawn.limit < y3
    assert chart([5, 5], None, "").last[1] == HEIGHT / 2  # nothing changes: a line in the middle


def test_runs_of_one_day_are_told_apart_by_their_time() -> None:
    records = [
        record([], 0, started="2022-10-01T12:30:00+00:00"),
        record([], 0, started="2022-10-01T04:15:00+00:00"),
        record([], 1),
        record([], 2, started="2022-10-03T04:15:00+00:00"),
        record([], 2, started="2022-09-29T04:15:00+00:00"),
        record([], 3, as_of=None),
    ]
    assert run_labels(records) == [
        "2022-09-30 kl. 14:30",
        "2022-09-30 kl. 06:15",
        "2022-09-29",
        "2022-09-28 körd 10-03 06:15",
        "2022-09-28 körd 09-29 06:15",
        "okänd dag",
    ]
