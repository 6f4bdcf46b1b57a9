"""What has changed since a source's earlier deliveries: seen in small ones, judged by the suites' own queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, DRIFT, REJECTED
from dagster_project.engines.duckdb import database
from dagster_project.gates.parameters import SQL_KWARG, filled, suite_parameters
from dagster_project.gates.suites import SUITES, suites_for
from dagster_project.ingestion.drift import may_vanish
from dagster_project.ingestion.measures import newer_rejected, rejected_newer
from dagster_project.runs.folder import MEASURES, SIGNS, RunFolder
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.parameters import Parameters
from tests.extracts import OTHER_UNIT, TWO_UNITS, UNIT, WAITING, Pipeline, Row, base, number

CASE = {"utredning_begard_datum": "", "utredning_besvarad_datum": "", "handelsedatum": "", "avslutad_datum": ""}


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A register with a unit of BUH and one of AUD."""
    made = Pipeline(tmp_path)
    made.deliver("enheter", "2020-01-01", *TWO_UNITS)
    return made


def cases(count: int, day: str, first: int = 0, **changes: str) -> list[Row]:
    """Deviation reports with ids of their own, registered and begun on one day."""
    common = {**CASE, "registreringsdatum": day, "paborjad_datum": day, **changes}
    return [base("avvikelser", avvikelse_id=f"A{first + i}", **common) for i in range(count)]


def told(pipeline: Pipeline, source: str = "avvikelser", as_of: date | None = None) -> dict[str, list[str]]:
    """What the tier drift says of a source: expectation -> the names of what failed."""
    pipeline.run(as_of)
    signs = RunFolder(pipeline.data).read(SIGNS).filter(pl.col("source") == source)
    values = suite_parameters([source], date(2022, 10, 1), asdict(Parameters()))[source]
    found: dict[str, list[str]] = {}
    with database() as connection:
        connection.register("signs", signs)
        for suite in suites_for(SUITES, DRIFT, source):
            for e in filled(suite, source, {**values}):
                query = e["kwargs"][SQL_KWARG].replace("{batch}", "signs")
                names = connection.execute(f"select distinct {e['meta']['names']} from ({query}) order by 1").fetchall()
                if names:
                    found[e["meta"]["id"]] = [name for (name,) in names]
    return found


def measures(pipeline: Pipeline, source: str = "avvikelser") -> dict:
    pipeline.run()
    return RunFolder(pipeline.data).read(MEASURES).filter(pl.col("source") == source).row(0, named=True)


# --- Columns ------------------------------------------------------------------------------------------------------


def without(rows: Iterable[Row], column: str, renamed: str | None = None) -> list[Row]:
    return [{renamed or k if k == column else k: v for k, v in r.items() if renamed or k != column} for r in rows]


def test_a_renamed_column_is_named_with_the_unknown_one_beside_it(pipeline: Pipeline) -> None:
    """Ten cases delivered again, `Påbörjat datum` instead of `paborjad_datum`: every start date would be lost."""
    pipeline.deliver("avvikelser", "2022-05-10", *cases(10, "2022-05-02"))
    assert told(pipeline) == {}
    pipeline.deliver("avvikelser", "2022-06-10", *without(cases(10, "2022-05-02"), "paborjad_datum", "Påbörjat datum"))
    assert told(pipeline) == {"kolumn_borta": ["paborjad_datum (ny okänd kolumn: Påbörjat datum)"]}


def test_a_column_that_is_there_but_empty_is_told_where_it_should_be_filled(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-05-10", *cases(20, "2022-05-02"))
    # Four new cases that nobody has begun yet are no drift; twenty are.
    pipeline.deliver("avvikelser", "2022-06-10", *cases(4, "2022-06-09", 100, paborjad_datum=""))
    assert told(pipeline) == {}
    pipeline.deliver("avvikelser", "2022-06-11", *cases(20, "2022-06-10", 200, paborjad_datum=""))
    assert told(pipeline) == {"kolumn_borta": ["paborjad_datum"]}


def test_a_column_that_seldom_was_filled_or_is_in_the_days_other_file_is_not_gone(pipeline: Pipeline) -> None:
    filled_in = cases(9, "2022-05-02", handelsedatum="2022-05-01")
    pipeline.deliver("avvikelser", "2022-05-10", *filled_in, *cases(10, "2022-05-02", 50))
    pipeline.deliver("avvikelser", "2022-06-10", *without(cases(10, "2022-06-02", 100), "handelsedatum"), suffix="_a")
    pipeline.deliver("avvikelser", "2022-06-10", *cases(10, "2022-06-03", 200), suffix="_b")
    assert told(pipeline) == {}


def test_a_renamed_column_of_the_key_is_told(pipeline: Pipeline) -> None:
    """The forms of a registration: without them the same registrations count again under other keys."""
    rows = [base("register_registreringar", registreringsdatum=f"2020-05-{day:02}") for day in range(1, 21)]
    pipeline.deliver("register_registreringar", "2022-06-01", *rows)
    pipeline.deliver("register_registreringar", "2022-07-01", *without(rows, "formular", "Formulär namn"))
    told_names = told(pipeline, "register_registreringar")["kolumn_borta"]
    assert told_names == ["formular (ny okänd kolumn: Formulär namn)"]


def test_columns_that_some_rows_must_have_set_those_rows_aside_instead() -> None:
    contracts = load_contracts()
    assert {c.name for c in may_vanish(contracts["vantetider"])} == {"avvikelsekod", "fodelsear", "lkf", "flode"}
    # One without the other is refused, both gone is silent.
    assert {"viktighet", "svarighet", "utfall"} <= {c.name for c in may_vanish(contracts["gas"])}
    for contract in contracts.values():
        assert not [c for c in may_vanish(contract) if c.required or c.name == "makulerad"]


# --- Volume of a day ----------------------------------------------------------------------------------------------


def weekly(pipeline: Pipeline, counts: Iterable[int]) -> None:
    """A delivery a week, each with so many new cases."""
    start = date(2022, 3, 7)
    for week, count in enumerate(counts):
        day = date.fromordinal(start.toordinal() + 7 * week)
        pipeline.deliver("avvikelser", day, *cases(count, str(day), 1000 * week))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([60] * 6 + [20], []),
        ([60] * 6 + [19], ["19 rader per 2022-04-18, de sex leveransdagarna före: median 60"]),
        ([60] * 6 + [181], ["181 rader per 2022-04-18, de sex leveransdagarna före: median 60"]),
        ([60] * 5 + [19], []),  # only five before
        ([10, 20, 60, 60, 60, 60, 60, 19], ["19 rader per 2022-04-25, de sex leveransdagarna före: median 60"]),
    ],
)
def test_a_days_rows_are_held_against_the_six_days_before(
    pipeline: Pipeline, counts: list[int], expected: list[str]
) -> None:
    weekly(pipeline, counts)
    assert told(pipeline).get("dagens_rader", []) == expected


def test_a_days_files_are_one_delivery_and_a_week_after_a_year_is_no_fall(pipeline: Pipeline) -> None:
    weekly(pipeline, [60] * 5)
    pipeline.deliver("avvikelser", "2022-04-11", *cases(19, "2022-04-11", 90_000), suffix="_a")
    pipeline.deliver("avvikelser", "2022-04-11", *cases(41, "2022-04-11", 91_000), suffix="_b")
    pipeline.deliver("avvikelser", "2022-04-12", *cases(9, "2022-04-12", 92_000))  # a day's: 9, as 60 a week
    assert told(pipeline) == {}


# --- Growth, rejected files ---------------------------------------------------------------------------------------


def test_growth_counts_keys_that_no_earlier_day_had(pipeline: Pipeline) -> None:
    weekly(pipeline, [60, 20, 20, 20, 20, 20])
    assert (measures(pipeline)["rows_grown"], measures(pipeline)["rows_grown_before"]) == (20, None)
    weekly(pipeline, [60, 20, 20, 20, 20, 20, 200])
    assert (measures(pipeline)["rows_grown"], measures(pipeline)["rows_grown_before"]) == (200, 60)
    # The next one delivers the same again, and withdraws: nothing grew.
    again = cases(200, "2022-04-18", 6000, makulerad="Ja")
    pipeline.deliver("avvikelser", "2022-04-25", *again, *cases(30, "2022-04-24", 50_000))
    found = measures(pipeline)
    assert (found["rows_grown"], found["rows_grown_before"]) == (-170, 200)


def test_a_rejected_file_that_is_newer_is_named(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-05-10", *cases(3, "2022-05-02"))
    pipeline.deliver("enheter", "2022-05-12", *TWO_UNITS)  # the as-of date: what lies after it is of another day
    pipeline.put("avvikelser", "avvikelser_2022-05-13.csv", b"x\n0\n")
    pipeline.put("avvikelser", "avvikelser_2022-05-09.csv", b"x\n1\n")
    assert measures(pipeline)["rejected_newer"] is None
    pipeline.put("avvikelser", "avvikelser_2022-05-10_b.csv", b"x\n2\n")
    pipeline.put("avvikelser", "avvikelser_2022-05-11.csv", b"x\n3\n")
    (pipeline.raw / "avvikelser" / "avvikelser_2022-05-12.csv").symlink_to("/etc/hostname")
    expected = "avvikelser_2022-05-10_b.csv; avvikelser_2022-05-11.csv; avvikelser_2022-05-12.csv"
    assert measures(pipeline)["rejected_newer"] == expected
    assert measures(pipeline)["deliveries"] == 1


def test_of_a_source_without_any_accepted_file_every_rejected_one_is_newer() -> None:
    rejected = [
        Delivery("kva", f"kva/{name}", status=REJECTED) for name in ("kva_2022-05-01.csv", "kva_utan_datum.csv")
    ]
    assert rejected_newer([], rejected, date(2022, 5, 1)) == "kva_2022-05-01.csv"
    assert rejected_newer([], rejected, date(2022, 4, 30)) is rejected_newer([], [], date.max) is None
    # To people it is told whatever its date: with the default as-of date it is later than that as a rule.
    assert [d.name for d in newer_rejected(rejected)] == ["kva_2022-05-01.csv"]
    later = replace(rejected[0], status=ACCEPTED, uttagsdatum=date(2022, 5, 2))
    assert newer_rejected([*rejected, later]) == []
    # One of the day's two files is rejected: the name says nothing of which is the correction of which.
    part = Delivery("kva", "kva/kva_2022-05-02_a.csv", uttagsdatum=date(2022, 5, 2), status=REJECTED)
    other = replace(later, file="kva/kva_2022-05-02_b.csv")
    assert newer_rejected([part, other]) == [part] and rejected_newer([other], [part], date.max) is None


# --- The register is at fault -------------------------------------------------------------------------------------


def test_what_the_register_keeps_away_is_no_fault_of_a_source(pipeline: Pipeline) -> None:
    """A unit gone from the register, or no register at all: the rows are set aside, and the source is not blamed."""
    pipeline.deliver("avvikelser", "2022-05-10", *cases(60, "2022-05-02"))
    pipeline.deliver("enheter", "2022-05-11", TWO_UNITS[1])
    found = measures(pipeline)
    assert (found["rows_current"], found["rows_held"], found["rows_quarantined_newest"]) == (0, 60, 60)
    assert found["quarantined_share_newest"] == 0 and found["rows_fallen_share"] == 0
    assert told(pipeline) == {}


def test_an_unknown_unit_is_the_sources_own_matter(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-05-10", *cases(60, "2022-05-02", hsaid_enhet="SE2321000164-OKAND"))
    found = measures(pipeline)
    assert (found["rows_held"], found["quarantined_share_newest"]) == (0, 1)


def test_without_a_register_the_sources_have_their_rows(tmp_path: Path) -> None:
    alone = Pipeline(tmp_path)
    alone.deliver("avvikelser", "2022-05-10", *cases(60, "2022-05-02"))
    found = measures(alone)
    assert (found["rows_current"], found["rows_held"], found["quarantined_share_newest"]) == (0, 60, 0)


# --- Months -------------------------------------------------------------------------------------------------------


def a_year(monthly: int = 20, until: int = 5, unit: str = UNIT) -> list[Row]:
    """So many cases a month from May 2021 on, so many months."""
    days = [date(2021 + m // 12, m % 12 + 1, 15) for m in range(4, 4 + 8 + until - 1)]
    prefix = 0 if unit == UNIT else 500_000
    return [r for n, d in enumerate(days) for r in cases(monthly, str(d), prefix + 1000 * n, hsaid_enhet=unit)]


@pytest.mark.parametrize(("count", "partial"), [(10, []), (9, ["BUH 2022-05"]), (0, ["BUH 2022-05"])])
def test_a_month_under_half_of_the_twelve_before_is_partial(pipeline: Pipeline, count: int, partial: list[str]) -> None:
    may = cases(count, "2022-05-20", 900_000)
    other = a_year(unit=OTHER_UNIT), cases(20, "2022-05-20", 950_000, hsaid_enhet=OTHER_UNIT)
    pipeline.deliver("avvikelser", "2022-05-31", *a_year(), *may, *other[0], *other[1])
    assert told(pipeline).get("manad_ofullstandig", []) == partial


def test_a_month_that_has_not_ended_and_a_few_events_are_not_judged(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-05-30", *a_year())
    assert told(pipeline) == {}  # April is the newest whole month, and it has its 20
    pipeline.deliver("avvikelser", "2022-05-31", *a_year(19))
    assert told(pipeline, as_of=date(2022, 5, 31)).get("manad_ofullstandig") == ["BUH 2022-05"]
    pipeline.deliver("avvikelser", "2022-06-01", *[{**r, "makulerad": "Ja"} for r in a_year()[:15]])
    # A year earlier was weak, too, but that is where the source begins: no season.
    assert told(pipeline).get("manad_ofullstandig") == ["BUH 2022-05"]


def months_of(counts: Mapping[tuple[int, int], int], first: date, last: date, usual: int = 100) -> list[Row]:
    """So many cases in each month, but for those that `counts` names (year, month)."""
    rows: list[Row] = []
    for index in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        year, month = index // 12, index % 12 + 1
        rows += cases(counts.get((year, month), usual), f"{year}-{month:02}-15", 1000 * index)
    return rows


JULY = {(2020, 7): 45, (2021, 7): 40}


def test_a_month_that_is_weak_every_year_is_a_season(pipeline: Pipeline) -> None:
    """July has 40-45 % of a usual month: again is no loss; half of the better one is."""
    rows = months_of({**JULY, (2022, 7): 23}, date(2020, 5, 1), date(2022, 7, 31))
    pipeline.deliver("avvikelser", "2022-07-31", *rows)
    assert told(pipeline) == {}
    pipeline.deliver("avvikelser", "2022-08-01", *[{**r, "makulerad": "Ja"} for r in rows[-1:]])
    assert told(pipeline)["manad_ofullstandig"] == ["BUH 2022-07"]


@pytest.mark.parametrize(
    "weak",
    [
        {(2021, 7): 45},  # a year ago only: that may have been a loss
        {(2020, 7): 80, (2021, 7): 45},
        {(2020, 7): 10, (2021, 7): 10},  # never less than the floor, 30
    ],
)
def test_a_month_that_was_lost_is_no_season(pipeline: Pipeline, weak: dict[tuple[int, int], int]) -> None:
    rows = months_of({**weak, (2022, 7): 14}, date(2020, 5, 1), date(2022, 7, 31))
    pipeline.deliver("avvikelser", "2022-07-31", *rows)
    assert told(pipeline)["manad_ofullstandig"] == ["BUH 2022-07"]


@pytest.mark.parametrize("left", [0, 5, 40])
def test_a_september_lost_two_years_running_alarms_twice(pipeline: Pipeline, left: int) -> None:
    rows = months_of({**JULY, (2021, 9): left, (2022, 9): left}, date(2019, 5, 1), date(2022, 9, 30))
    pipeline.deliver("avvikelser", "2021-09-30", *[r for r in rows if r["registreringsdatum"] < "2021-10-01"])
    assert told(pipeline)["manad_ofullstandig"] == ["BUH 2021-09"]
    pipeline.deliver("avvikelser", "2022-09-30", *rows)
    assert told(pipeline)["manad_ofullstandig"] == ["BUH 2022-09"]


def test_a_waiting_list_that_is_cut_is_seen_beside_visits_as_ever(pipeline: Pipeline) -> None:
    """A stock of 40 that falls to 10 when the visits are as many as always: half a list, not a shorter queue."""
    visits, waits = [], []
    for m in range(4, 17):
        month, day = f"{2021 + m // 12}-{m % 12 + 1:02}", f"{2021 + m // 12}-{m % 12 + 1:02}-10"
        event = {"matperiod": month, "beslut_datum": "2021-01-01"}
        visits += [base("vantetider", vardkontakt_id=f"V{m}-{i}", start_datum=day, **event) for i in range(60)]
        count = 10 if month == "2022-05" else 40
        waits += [{**WAITING, "vardkontakt_id": f"W{m}-{i}", **event} for i in range(count)]
    pipeline.deliver("vantetider", "2022-05-31", *visits, *waits)
    assert told(pipeline, "vantetider") == {"manad_ofullstandig": ["BUH 2022-05"]}


def test_a_reorganisation_is_no_loss(pipeline: Pipeline) -> None:
    """The unit of AUD belongs to SC from May on: neither verksamhet has lost anything."""
    moved = {**TWO_UNITS[1], "giltig_till": "2022-04-30"}, {**TWO_UNITS[1], "verksamhet": "SC"}
    pipeline.deliver("enheter", "2022-05-01", TWO_UNITS[0], moved[0], {**moved[1], "giltig_fran": "2022-05-01"})
    rows = a_year(until=6, unit=OTHER_UNIT), a_year(until=6)
    pipeline.deliver("avvikelser", "2022-05-31", *rows[0], *rows[1])
    assert told(pipeline) == {}


# --- New ids ------------------------------------------------------------------------------------------------------


def test_the_same_cases_under_new_ids_are_told(pipeline: Pipeline) -> None:
    days = [f"2022-05-{d:02}" for d in range(1, 26)]
    old = [r for n, day in enumerate(days) for r in cases(1, day, n)]
    pipeline.deliver("avvikelser", "2022-05-30", *old)
    pipeline.deliver("avvikelser", "2022-06-06", *old)
    assert told(pipeline) == {}  # the same ids: delivered again
    renamed = [{**r, "avvikelse_id": f"NY{n}"} for n, r in enumerate(old[:20])]
    pipeline.deliver("avvikelser", "2022-06-13", *renamed, *cases(80, "2022-06-10", 500))
    assert told(pipeline) == {"nya_id": ["20 av 100 rader är lika en äldre rad i allt utom avvikelse_id"]}


def test_nineteen_or_less_than_a_fifth_are_chance(pipeline: Pipeline) -> None:
    days = [f"2022-05-{d:02}" for d in range(1, 26)]
    old = [r for n, day in enumerate(days) for r in cases(1, day, n)]
    pipeline.deliver("avvikelser", "2022-05-30", *old)
    pipeline.deliver("avvikelser", "2022-06-06", *[{**r, "avvikelse_id": f"NY{n}"} for n, r in enumerate(old[:19])])
    assert told(pipeline) == {}
    renamed = [{**r, "avvikelse_id": f"X{n}"} for n, r in enumerate(old[:20])]
    pipeline.deliver("avvikelser", "2022-06-13", *renamed, *cases(81, "2022-06-10", 500))
    assert told(pipeline) == {}


def test_a_day_that_is_in_quarantine_as_a_whole_has_no_ids_to_tell_of(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-05-10", *cases(10, "2022-05-02"))
    pipeline.deliver("avvikelser", "2022-06-10", *cases(10, "2022-06-02", 100, hsaid_enhet="x"))
    assert told(pipeline) == {}


def test_a_list_that_comes_every_month_has_its_ids_and_a_migrated_one_has_not(pipeline: Pipeline) -> None:
    """Months are no part of likeness: who still waits in June is the row of May, unless the id is new."""
    waiting = [
        {**WAITING, "vardkontakt_id": f"W{d}", "beslut_datum": f"2022-03-{d:02}", "matperiod": "2022-05"}
        for d in range(1, 26)
    ]
    june = [{**r, "matperiod": "2022-06"} for r in waiting]
    pipeline.deliver("vantetider", "2022-05-31", *waiting)
    pipeline.deliver("vantetider", "2022-06-30", *june)
    assert told(pipeline, "vantetider") == {}
    pipeline.deliver("vantetider", "2022-06-30", *[{**r, "vardkontakt_id": f"N{n}"} for n, r in enumerate(june)])
    assert list(told(pipeline, "vantetider")) == ["nya_id"]


def test_persons_are_part_of_likeness(pipeline: Pipeline) -> None:
    """Measures of other persons on the same day are no repetition."""
    persons = [number(date(1980, 1, d)) for d in range(1, 26)]
    first = [base("kva", vardkontakt_id=f"K{n}", personnummer=p) for n, p in enumerate(persons)]
    pipeline.deliver("kva", "2022-05-31", *first)
    others = [number(date(1981, 1, d)) for d in range(1, 26)]
    pipeline.deliver("kva", "2022-06-30", *[{**r, "personnummer": p} for r, p in zip(first, others, strict=True)])
    assert told(pipeline, "kva") == {}
    pipeline.deliver("kva", "2022-07-01", *[{**r, "vardkontakt_id": f"N{n}"} for n, r in enumerate(first)])
    assert told(pipeline, "kva") == {"nya_id": ["25 av 25 rader är lika en äldre rad i allt utom vardkontakt_id"]}
