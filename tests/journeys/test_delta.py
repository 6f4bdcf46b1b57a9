"""A run that goes on from what is there publishes what one that computes everything anew does, row for row: random
histories of deliveries that come in any order, withdrawals, erasures, replaced files, other days and killed runs.

`RESULTATTAVLA_HISTORIES=20` tries so many random ones; without it one history of two sources is tried.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import GATES
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import database
from dagster_project.ingestion import settle as settling
from dagster_project.ingestion import store
from dagster_project.ingestion.withdrawals import withdraw
from dagster_project.operations.daily_run import RunOutcome, run_daily, session
from dagster_project.operations.erase import erase
from dagster_project.operations.settings import Settings
from dagster_project.releases import evidence
from dagster_project.runs.folder import SCHEMAS, RunFolder
from tests.conftest import Run
from tests.jobs import plain_steps
from tests.oracle.deliveries import write_deliveries

EXAMPLES = int(os.environ.get("RESULTATTAVLA_HISTORIES", "0"))
SOURCES = sorted(load_contracts().keys() - {REGISTER_SOURCE})
STARTS = (date(2021, 11, 1), date(2022, 1, 1))
"""Little more than a year, so that a run is quick."""
STEPS = 10
SETTLED = 14

event = st.one_of(
    st.tuples(st.just("deliver"), st.integers(1, 30)),
    st.tuples(st.just("deliver"), st.integers(1, 30)),
    st.tuples(st.just("withdraw"), st.integers(0, 1000)),
    st.tuples(st.just("take back"), st.just(0)),
    st.tuples(st.just("replace"), st.integers(0, 1000)),
    st.tuples(st.just("erase"), st.integers(0, 1000)),
    st.tuples(st.just("day"), st.sampled_from([0, 0, 3, 40])),
    st.tuples(st.just("killed"), st.integers(0, STEPS + SETTLED - 1)),
)
runs = st.lists(st.lists(event, min_size=1, max_size=3), min_size=1, max_size=5)
some = st.frozensets(st.sampled_from(SOURCES), min_size=1)
TAKEN_OUT = [[("withdraw", 2), ("erase", 3), ("deliver", 9)]]
LATE = [[("deliver", 20), ("killed", STEPS + 3), ("replace", 5), ("day", 3)]]


class Killed(BaseException):
    """Nothing that a run does when something fails is done."""


@contextmanager
def killed_at(point: int) -> Iterator[None]:
    """A process that ends in the middle of settling, after so many sources."""
    left, take_in = [point], settling.take_in

    def once(*arguments: Any) -> None:
        take_in(*arguments)
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    with patch.object(settling, "take_in", once):
        yield


@dataclass
class History:
    """Folders of deliveries: what is still to come, in some order, and what has come; and the system's data."""

    folder: Path
    seed: int
    sources: frozenset[str]
    run: Run
    day: date = field(init=False)
    ago: int = 0
    overwritten: bool = False

    def __post_init__(self) -> None:
        self.raw, self.data = self.folder / "raw", DataPaths(self.folder / "data")
        self.lines = self.folder / "aterkallade.csv"
        coming = self.folder / "coming"
        self.day = write_deliveries(coming, self.seed, hostile=self.seed % 2 == 1, starts=STARTS)
        files = sorted(p.relative_to(coming) for p in coming.glob("*/*"))
        self.coming = [f for f in files if f.parts[0] in {*self.sources, REGISTER_SOURCE}]
        random.Random(self.seed).shuffle(self.coming)
        self.raw.mkdir()

    @property
    def as_of(self) -> date:
        return self.day - timedelta(days=self.ago)

    def deliver(self, number: int) -> None:
        for _ in range(min(number, len(self.coming))):
            file = self.coming.pop()
            (self.raw / file).parent.mkdir(exist_ok=True)
            (self.folder / "coming" / file).rename(self.raw / file)

    def files(self, suffix: str = "") -> list[Path]:
        return sorted(p for p in self.raw.glob(f"*/*{suffix}") if p.is_file() and not p.is_symlink())

    def do(self, what: str, how: int) -> None:
        if what == "deliver":
            self.deliver(how)
        elif what == "withdraw":
            counted = [r["file"] for r in self.ledger() if r["delivery"] and r["status"] == "accepterad"]
            if counted:
                withdraw(self.lines, self.raw, self.data, counted[how % len(counted)], "fel", "A", self.day)
        elif what == "take back":
            self.lines.unlink(missing_ok=True)
        elif what == "replace" and (files := self.files(".csv")):
            file = files[how % len(files)]
            file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
            self.overwritten = True
        elif what == "erase" and (persons := self.persons()):
            with session(self.data, self.settings()):
                erase(self.settings(), [persons[how % len(persons)]], "begäran", "A")
        elif what == "day":
            self.ago = how
        elif what == "killed":
            self.killed(how)

    def ledger(self) -> list[dict[str, Any]]:
        folder = RunFolder(self.data)
        return folder.read("ledger").rows(named=True) if folder.path("ledger").exists() else []

    def persons(self) -> list[str]:
        files = sorted(self.data.bronze.glob("kva/2*.accepted.parquet"))
        return (
            sorted(set(pl.concat(pl.read_parquet(f, columns=["person_id"]) for f in files)["person_id"].drop_nulls()))
            if files
            else []
        )

    def settings(self, data: Path | None = None) -> Settings:
        return Settings(raw=self.raw, data=data or self.data.root, withdrawals=self.lines, products=())

    def killed(self, point: int) -> None:
        def job(day: date | None, progress: Any) -> Any:
            with killed_at(point - STEPS if point >= STEPS else 1000):
                for number, step in enumerate(plain_steps(self.settings(), day, progress).values()):
                    if number == point:
                        raise Killed
                    step()
            raise Killed

        with pytest.raises(Killed):
            run_daily(self.settings(), job, self.as_of)
            raise Killed  # nothing was new

    def go_on(self, data: Path | None = None, rebuild: bool = False) -> RunOutcome:
        return self.run(self.raw, data or self.data.root, self.as_of, rebuild=rebuild, withdrawals=self.lines)

    def compare(self) -> None:
        """Run both ways from here."""
        anew = DataPaths(self.folder / "anew")
        shutil.copytree(self.data.root, anew.root, symlinks=True)
        warehouse.remove(anew)
        # Of a file that was overwritten what was read first counts, until a rebuilding reads what lies there now.
        outcome, other = self.go_on(), self.go_on(anew.root, rebuild=not self.overwritten)
        assert str(outcome.error) == str(other.error).replace(str(anew.root), str(self.data.root))
        for table in SCHEMAS:
            if RunFolder(self.data).path(table).exists():
                require_same(RunFolder(self.data).read(table), RunFolder(anew).read(table), table)
        for gate in GATES:
            ours, theirs = ((d.run / f"results_{gate}.json") for d in (self.data, anew))
            assert ours.exists() == theirs.exists()
            if ours.exists():
                assert json.loads(ours.read_bytes()) == json.loads(theirs.read_bytes()), gate
        if outcome.release is None or other.release is None:
            assert outcome.release is other.release
            return
        assert outcome.release.id == other.release.id
        for path in sorted(outcome.release.folder.glob("*.parquet")):
            require_same(pl.read_parquet(path), pl.read_parquet(other.release.folder / path.name), path.name)
        for indicator in pl.read_parquet(outcome.release.folder / "indicator.parquet")["indicator_id"]:
            ours, theirs = (observations(p, o, indicator) for p, o in ((self.data, outcome), (anew, other)))
            require_same(ours, theirs, indicator)
        # What a release of this id was already published is not written again: what the models made says more.
        with database(self.data.warehouse) as one, database(anew.warehouse) as two:
            tables = one.execute(
                "select table_name from duckdb_tables() where schema_name = 'main' order by 1"
            ).fetchall()
            assert (
                tables
                == two.execute(
                    "select table_name from duckdb_tables() where schema_name = 'main' order by 1"
                ).fetchall()
            )
            for (table,) in tables:
                require_same(*(c.execute(f'select * from "{table}"').pl() for c in (one, two)), table)


def observations(data: DataPaths, outcome: RunOutcome, indicator: str) -> pl.DataFrame:
    assert outcome.release is not None
    found = evidence.find(data, outcome.release.manifest, indicator)
    # Persons are numbered in one file only.
    return pl.concat([pl.read_parquet(p) for p in found.paths], how="vertical_relaxed").drop("person")


def require_same(one: pl.DataFrame, two: pl.DataFrame, what: str) -> None:
    assert one.schema == two.schema, what
    assert sorted(one.rows(), key=repr) == sorted(two.rows(), key=repr), what


@settings(
    max_examples=max(EXAMPLES, 1),
    deadline=None,
    phases=[Phase.explicit, *([Phase.generate] if EXAMPLES else [])],
    suppress_health_check=list(HealthCheck),
)
@example(seed=7, sources=frozenset({"kva", "vantetider"}), history=TAKEN_OUT)
@(example(seed=8, sources=frozenset({"gas", "register_population"}), history=LATE) if EXAMPLES else lambda test: test)
@given(seed=st.integers(0, 10_000), sources=some, history=runs)
def test_going_on_publishes_what_computing_all_anew_does(
    run: Run, seed: int, sources: frozenset[str], history: list[list[tuple[str, int]]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(store, "FOLLOWED_ROWS", 20),
        patch.object(store, "MOST_FOLLOWED", 10),
    ):
        world = History(Path(folder), seed, sources, run)
        world.deliver(round(0.7 * len(world.coming)))
        world.go_on()
        for number, events in enumerate(history, 1):
            for what in events:
                world.do(*what)
            if number < len(history):
                world.go_on()
        world.compare()
