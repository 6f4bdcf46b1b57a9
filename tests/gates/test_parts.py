"""What a gate finds by going on from what it found before is what it finds in the whole table."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import database
from dagster_project.gates.findings import Findings
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.parameters import suite_parameters
from dagster_project.gates.parts import Kept
from dagster_project.gates.suites import SUITES, gate_tables
from dagster_project.gates.validate import _Judge, run_suites
from dagster_project.ingestion import store
from dagster_project.runs.parameters import Parameters

TABLES = {source: gate_tables()["staging"][source] for source in ("kva", "vantetider")}
COLUMNS = {
    "kva": "vardkontakt_id varchar, kva_kod varchar, person_id varchar, hsaid_enhet varchar, atgardsdatum date",
    "vantetider": "vardkontakt_id varchar, matperiod date, start_datum date, hsaid_enhet varchar, event_date date",
}
MORE = "_key ubigint, _verksamhet varchar, _refused boolean, _replaced boolean, _counts boolean"
KEYS = {"kva": "hash(vardkontakt_id, kva_kod)", "vantetider": "hash(vardkontakt_id, status)"}


class Table:
    """A warehouse with settled rows of two sources, good and bad ones, that change from run to run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.data, self.random = DataPaths(folder / "data"), random.Random(seed)
        self.data.run.mkdir(parents=True)
        self.line = 0
        with database(self.data.warehouse, write=True) as connection:
            connection.execute("create schema settled; create table settled.judged_whole (source varchar)")
            for source, columns in COLUMNS.items():
                columns = f"{columns}, status varchar, delivery varchar, line bigint, {MORE}"
                connection.execute(f"create table settled.{source} ({columns})")
                connection.execute(f"create table settled.changed_{source} ({columns}, _sign integer)")
                connection.execute(
                    f"create view stg_{source} as select * exclude (_key, _verksamhet, _refused, _replaced, _counts) "
                    f"from (select r.*{', r.atgardsdatum as event_date' if source == 'kva' else ''}, "
                    f"r._verksamhet as verksamhet from settled.{source} as r where r._counts) as s"
                )
        warehouse.keep_note(self.data, warehouse.Made("code"))
        self.change(60, 0)

    def rows(self, source: str, number: int) -> Iterator[tuple[Any, ...]]:
        pick = self.random.choice
        for _ in range(number):
            self.line += 1
            contact, unit = pick(["V1", "V2", "V3", "V4", "V5", None]), pick(["E1", "E1", "E1", None])
            day = pick([date(2022, 1, 3), date(2022, 2, 1), date(2022, 3, 9), date(2031, 1, 1), None])
            own = (
                (pick(["A", "B", "C", "D", "E", "F"]), pick(["P1", "P1", "P2"]))
                if source == "kva"
                else (pick([date(2022, 1, 31), date(2022, 2, 28)]), pick([None, date(2022, 1, 20)]))
            )
            place = pick(["AUD", "AUD", "AUD", "OKÄND", None])
            yield (contact, *own, unit, day, pick(["a", "b"]), "one", self.line, 0, place, False, False, True)

    def change(self, came: int, went: int) -> None:
        """Rows that come, and others that no longer count; noted as settling does."""
        before = warehouse.made(self.data)
        assert before is not None
        warehouse.let_go(self.data)
        with database(self.data.warehouse, write=True) as connection:
            for source in COLUMNS:
                if before.judged_of == before.settled:
                    connection.execute(f"delete from settled.changed_{source}")
                new = list(self.rows(source, came))
                marks = ", ".join("?" for _ in new[0]) if new else ""
                if new:
                    connection.executemany(f"insert into settled.{source} values ({marks})", new)
                    connection.execute(f"update settled.{source} set _key = {KEYS[source]}")
                lines = connection.execute(f"select line from settled.{source} where _counts order by line").fetchall()
                gone = [line for (line,) in self.random.sample(lines, went)]
                came_from = self.line - came
                noted = f"insert into settled.changed_{source} select *"
                told = "(select unnest(?::bigint[]))"
                if went:
                    connection.execute(f"{noted}, -1 from settled.{source} where line in {told}", [gone])
                    connection.execute(f"update settled.{source} set _counts = false where line in {told}", [gone])
                connection.execute(f"{noted}, 1 from settled.{source} where line in {told}", [[row[-6] for row in new]])
                if went and new:  # one that came and went at once was noted as gone: it never counted before
                    connection.execute(
                        f"delete from settled.changed_{source} where line > ? and line in {told}", [came_from, gone]
                    )
        warehouse.keep_note(self.data, warehouse.Made(**{**vars(before), "settled": before.settled + 1}))

    def judge(self, as_of: date = date(2022, 9, 30), keep: bool = True) -> tuple[list[Outcome], list[dict], Kept]:
        kept = Kept.of(self.data)
        found = judged(self.data, as_of, kept)
        if keep:
            kept.keep()
        return *found, kept


def judged(data: DataPaths, as_of: date, kept: Kept | None = None) -> tuple[list[Outcome], list[dict]]:
    found = Findings()
    parameters = suite_parameters(TABLES, as_of, asdict(Parameters()))
    outcomes = run_suites(data.warehouse, "staging", TABLES, SUITES, parameters, found, kept=kept)
    return outcomes, found.as_list()


@pytest.fixture(autouse=True)
def follow_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLLOWED_ROWS", 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(file, expectation) of whatever is asked."""
    told: list[tuple[str, str]] = []
    results = _Judge.results

    def noted(judge: _Judge, trial: Any, expectations: list[dict]) -> Any:
        told.extend((judge.database.stem, e["id"]) for e in expectations)
        return results(judge, trial, expectations)

    monkeypatch.setattr(_Judge, "results", noted)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_what_changed_is_enough(tmp_path: Path, asked: list[tuple[str, str]], seed: int) -> None:
    table = Table(tmp_path, seed)
    table.judge()
    assert {file for file, _ in asked} == {"warehouse"}
    for came, went, keep in ((3, 2, True), (0, 0, True), (4, 0, False), (0, 9, True), (1, 1, True)):
        table.change(came, went)
        asked.clear()
        *found, kept = table.judge(keep=keep)
        assert {file for file, _ in asked} == {"now", "before"}
        assert tuple(found) == judged(table.data, date(2022, 9, 30))
        assert not kept.folder.exists()
    assert any(not o.success for o in found[0]) and any(o.success for o in found[0])


def test_judging_again_what_was_judged_changes_nothing(tmp_path: Path) -> None:
    table = Table(tmp_path, 7)
    table.judge()
    table.change(5, 3)
    assert table.judge()[:2] == table.judge()[:2] == judged(table.data, date(2022, 9, 30))


def test_another_question_is_asked_of_all(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    """Of another day: the one expectation that the day is an argument of."""
    table = Table(tmp_path, 1)
    table.judge()
    table.change(2, 1)
    asked.clear()
    *found, _ = table.judge(date(2031, 1, 1))
    assert {e for file, e in asked if file == "warehouse"} == {"staging/_event_day datum_inom_intervall"}
    assert tuple(found) == judged(table.data, date(2031, 1, 1))


@pytest.mark.parametrize("doubt", ["whole", "small", "another table", "damaged", "let go"])
def test_what_is_in_doubt_is_judged_whole(tmp_path: Path, asked: list[tuple[str, str]], doubt: str) -> None:
    table = Table(tmp_path, 2)
    table.judge()
    table.change(2, 1)
    made = warehouse.made(table.data)
    assert made is not None and made.judged is not None
    with patch.object(store, "FOLLOWED_ROWS", 10_000 if doubt == "small" else 0):
        if doubt in ("whole", "another table"):
            with database(table.data.warehouse, write=True) as connection:
                connection.execute("insert into settled.judged_whole values ('kva'), ('vantetider')")
                if doubt == "another table":
                    connection.execute("delete from settled.judged_whole")
                    for source in TABLES:
                        connection.execute(f"create table copied as from stg_{source}; drop view stg_{source}")
                        connection.execute(f"alter table copied rename to stg_{source}")
            warehouse.keep_note(table.data, made)
        elif doubt == "damaged":
            for source in TABLES:
                made.judged[source]["rows"]["found"]["observed_value"] += 1
                for of in made.judged[source].values():
                    if "element_count" in of["found"]:
                        of["found"]["element_count"] += 1
            warehouse.keep_note(table.data, made)
        elif doubt == "let go":
            warehouse.let_go(table.data)
        asked.clear()
        *found, _ = table.judge()
    assert {e for file, e in asked if file == "warehouse"} >= {"staging/_all nyckel_unik", "rows"}
    assert tuple(found) == judged(table.data, date(2022, 9, 30))
