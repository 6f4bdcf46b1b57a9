"""History that shrinks by a file that was there already is told, with source, file, months and counts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from dagster_project.cli.summary import delivery_rows
from dagster_project.core.errors import ResultattavlaError
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.settle import Settled, settle
from dagster_project.ingestion.withdrawals import load_withdrawals, withdraw
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.operations.ingest import ingest
from dagster_project.operations.settings import Notify
from dagster_project.operations.shrunk import current_months, shrunk
from dagster_project.runs.history import RunRecord, read_records
from tests.conftest import Run
from tests.extracts import TODAY, TWO_UNITS, UNIT, WAITING, Pipeline, Row, base
from tests.jobs import DAY, cases, deliver_cases, said

MONTHS = ("2022-01-10", "2022-02-10", "2022-04-10")


def reports(counts: Iterable[int], first: int = 0) -> list[Row]:
    """So many deviation reports in each of the months, with ids of their own."""
    dates = {"handelsedatum": "", "utredning_begard_datum": "", "utredning_besvarad_datum": "", "avslutad_datum": ""}
    return [
        base("avvikelser", avvikelse_id=f"A{n}-{i}", registreringsdatum=day, paborjad_datum=day, **dates)
        for n, (day, count) in enumerate(zip(MONTHS, counts, strict=True), first)
        for i in range(count)
    ]


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    made = Pipeline(tmp_path)
    made.deliver("enheter", "2020-01-01", *TWO_UNITS)
    made.deliver("avvikelser", "2022-05-01", *reports([20, 20, 20]))
    made.deliver("avvikelser", "2022-06-01", *reports([5, 5, 5], first=10))
    return made


def kept(pipeline: Pipeline, settled: Settled) -> RunRecord:
    """The record of a run that published."""
    rows = current_months(pipeline.data)
    return RunRecord("2022-06-02T04:00:00+00:00", 0, "x", str(settled.as_of), "2022-06-01-abc", rows=rows)


def told(pipeline: Pipeline, before: RunRecord, first: Settled, settled: Settled | None = None) -> list[str]:
    """What a run now says beside the one before."""
    now = settled or pipeline.run()
    return shrunk(before, first.ledger, current_months(pipeline.data), now.ledger, 0.05, 5)


def test_an_old_file_overwritten_with_half_its_rows_is_told(pipeline: Pipeline) -> None:
    first = pipeline.run()
    before = kept(pipeline, first)
    assert before.rows["avvikelser"] == {"2022-01": 25, "2022-02": 25, "2022-04": 25}
    pipeline.deliver("avvikelser", "2022-05-01", *reports([5, 5, 20]))
    assert told(pipeline, before, first) == [
        "avvikelser: historiken har krympt sedan utgåva 2022-06-01-abc: i 2022-01 till 2022-02 finns 20 rader som "
        "räknas, då 50. avvikelser_2022-05-01.csv har skrivits över (30 godkända rader, då 60). Är det inte avsett: "
        "be den som levererar om hela filen igen."
    ]


def test_small_numbers_are_not_told(pipeline: Pipeline) -> None:
    first = pipeline.run()
    before = kept(pipeline, first)
    pipeline.deliver("avvikelser", "2022-05-01", *reports([1, 1, 1]))
    pipeline.deliver("avvikelser", "2022-06-01", *reports([0, 0, 1], first=10))
    (sentence,) = told(pipeline, before, first)
    assert "2022-01 till 2022-02, 2022-04 finns färre än 5 rader som räknas, då 75." in sentence


def test_a_new_delivery_and_a_correction_that_adds_rows_are_silent(pipeline: Pipeline) -> None:
    first = pipeline.run()
    before = kept(pipeline, first)
    pipeline.deliver("avvikelser", "2022-07-01", *reports([1, 1, 30], first=20))
    pipeline.deliver("avvikelser", "2022-05-01", *reports([20, 20, 25]))
    assert told(pipeline, before, first) == []
    # What a newer delivery withdraws is another expectation's matter (rader_minskar).
    pipeline.deliver("avvikelser", "2022-07-02", *[{**r, "makulerad": "Ja"} for r in reports([20, 20, 20])])
    assert told(pipeline, before, first) == []


def test_rows_that_another_file_holds_too_are_not_lost(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", *reports([20, 20, 20]), suffix="_all")
    first = pipeline.run()
    before = kept(pipeline, first)
    pipeline.deliver("avvikelser", "2022-05-01", *reports([1, 1, 1]))
    assert told(pipeline, before, first) == []


def test_a_withdrawn_file_is_told_and_a_renamed_one_is_the_same(pipeline: Pipeline, tmp_path: Path) -> None:
    first = pipeline.run()
    before = kept(pipeline, first)
    file = pipeline.raw / "avvikelser" / "avvikelser_2022-05-01.csv"
    file.rename(file.with_name("avvikelser_2022-05-01_om.csv"))
    assert told(pipeline, before, first) == []
    lines = tmp_path / "aterkallade.csv"
    withdraw(lines, pipeline.raw, pipeline.data, "avvikelser_2022-06-01.csv", "fel", "A", TODAY)
    as_of, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, load_withdrawals(lines))
    assert as_of is not None
    (sentence,) = told(pipeline, before, first, settle(as_of, ledger, pipeline.data))
    assert "2022-01 till 2022-02, 2022-04 finns 60 rader som räknas, då 75." in sentence
    assert "avvikelser_2022-06-01.csv är återkallad (15 godkända rader)" in sentence


def test_rows_that_the_register_sets_aside_later_are_told(pipeline: Pipeline) -> None:
    first = pipeline.run()
    before = kept(pipeline, first)
    closed = {**TWO_UNITS[0], "giltig_till": "2022-03-31"}
    pipeline.deliver("enheter", "2022-06-02", closed, TWO_UNITS[1])
    (sentence,) = told(pipeline, before, first)
    assert "i 2022-04 finns 0 rader som räknas, då 25." in sentence
    assert "avvikelser_2022-05-01.csv har fler rader i karantän nu (40 godkända rader, då 60)" in sentence


def test_a_list_that_was_replaced_anyway_may_shrink(pipeline: Pipeline) -> None:
    def waiting(count: int) -> list[Row]:
        return [{**WAITING, "vardkontakt_id": f"W{i}", "hsaid_enhet": UNIT} for i in range(count)]

    pipeline.deliver("vantetider", "2022-06-01", *waiting(40))
    pipeline.deliver("vantetider", "2022-06-08", *waiting(40))
    first = pipeline.run()
    before = kept(pipeline, first)
    pipeline.deliver("vantetider", "2022-06-01", *waiting(10))
    assert told(pipeline, before, first) == []
    pipeline.deliver("vantetider", "2022-06-08", *waiting(10))
    (sentence,) = told(pipeline, before, first)
    assert "vantetider_2022-06-08.csv har skrivits över (10 godkända rader, då 40)" in sentence


def test_people_see_it(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    """On the page, from the command and in the notification, once; the release is what it would be anyway."""
    deliver_cases(tmp_path / "raw", DAY, *cases(20))
    note = tmp_path / "note.json"
    again = run(tmp_path / "raw", tmp_path / "data", date(2022, 8, 31), notify=Notify(command=("tee", str(note))))
    (sentence,) = again.shrunk
    assert "2022-03 finns 20 rader som räknas, då 40. avvikelser_2022-08-31.csv har skrivits över" in sentence
    assert json.loads(note.read_text("utf-8"))["krympt_historik"] == [sentence]
    assert sentence in (again.data.docs / "index.html").read_text("utf-8")
    assert f"Varning {sentence}" in said("status", "--data", again.data.root).stdout
    assert again.release is not None and again.release.id == again.identity.run_id  # type: ignore[union-attr]
    # Nothing new: what the latest run found is said again.
    same = run(tmp_path / "raw", tmp_path / "data", date(2022, 8, 31))
    assert same.nothing_new and same.shrunk == again.shrunk
    assert len(read_records(again.data, 9)) == 2


def test_where_all_is_withdrawn_it_says_so(pipeline: Pipeline, tmp_path: Path) -> None:
    """Neither "never delivered" nor "there are no deliveries"."""
    settings = pipeline.settings.model_copy(update={"withdrawals": tmp_path / "aterkallade.csv"})
    pipeline.ledger()
    for path in sorted(pipeline.raw.glob("*/*.csv")):
        withdraw(settings.withdrawals, pipeline.raw, pipeline.data, path.name, "fel uttag", "A", TODAY)
    with pytest.raises(ResultattavlaError, match="3 leveranser är återkallade: leverera igen, eller ta bort rader ur"):
        ingest(settings, None, TODAY)
    _, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, load_withdrawals(settings.withdrawals))
    told = {row[0]: row[-1] for row in delivery_rows(ledger)}
    assert (told["avvikelser"], told["kva"]) == ("allt återkallat", "aldrig levererad")
