"""Settling what changed comes to the same as settling everything: any history of deliveries, withdrawals, registers,
other days and killed runs, both ways, table for table and row for row."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import database
from dagster_project.ingestion import deliveries as reading
from dagster_project.ingestion import newest, quarantine, store
from dagster_project.ingestion import settle as settling
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.rows import stored_schema
from dagster_project.ingestion.settle import settle
from dagster_project.runs.folder import MEASURES, PARTIAL_MONTHS, SCHEMAS, RunFolder
from dagster_project.runs.ledger import Delivery
from tests.jobs import deliver

SOURCES = {"enheter", "kva", "vantetider", "aktiviteter"}
CONTRACTS = {name: contract for name, contract in load_contracts().items() if name in SOURCES}
UNITS = ("SE2321000164-AUD1", "SE2321000164-BUH1", "SE2321000164-SC01")
LATEST = date(2022, 9, 30)
DAYS = [date(2022, 6, 30), date(2022, 7, 31), date(2022, 8, 31), LATEST]
HEADERS = {
    "enheter": "hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran;giltig_till;makulerad",
    "kva": "vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum;yrkeskategori;makulerad",
    "vantetider": "vardkontakt_id;status;matperiod;fas;vardgaranti;avvikelsekod;beslut_datum;start_datum;"
    "medicinskt_maldatum;hsaid_enhet;kon;fodelsear;lkf;flode;makulerad",
    "aktiviteter": "aktivitet_id;verksamhet;manad;status;antal;kommentar;makulerad",
}

register_rows = st.lists(
    st.tuples(
        st.sampled_from(UNITS),
        st.sampled_from(["AUD", "BUH", "SC"]),
        st.sampled_from(["2010-01-01", "2022-07-01"]),
        st.sampled_from(["", "2022-06-30", "2022-08-15"]),
        st.sampled_from(["", "", "", "Ja"]),
    ).map(lambda r: f"{r[0]};Enheten;{r[1]};Örebro;{r[2]};{r[3]};{r[4]}"),
    min_size=1,
    max_size=4,
)
days_before = st.integers(0, 100)
withdrawing = st.sampled_from(["", "Ja"])


def measures(day: date) -> st.SearchStrategy[list[str]]:
    row = st.tuples(
        st.integers(1, 6),
        st.sampled_from(["DV111", "DV112", "fel"]),
        st.sampled_from(UNITS),
        days_before,
        st.sampled_from(["", "dietist"]),
        st.sampled_from(["", "", "Ja"]),
    )
    return st.lists(row, min_size=1, max_size=6).map(
        lambda rows: [f"V{i};{c};19800101-9804;{u};{day - timedelta(b)};{y};{m}" for i, c, u, b, y, m in rows]
    )


def waits(day: date) -> st.SearchStrategy[list[str]]:
    def text(row: tuple[int, bool, int, str, str]) -> str:
        number, waiting, before, unit, withdrawn = row
        status, start = ("VANTANDE", "") if waiting else ("GENOMFORD", f"{day - timedelta(before % 28)}")
        month = (day if waiting else day - timedelta(before % 28)).strftime("%Y-%m")
        return f"W{number};{status};{month};1;Ja;;2022-01-10;{start};;{unit};K;1980;1880;;{withdrawn}"

    row = st.tuples(
        st.integers(1, 6), st.booleans(), days_before, st.sampled_from(UNITS), st.sampled_from(["", "", "Ja"])
    )
    return st.lists(row, min_size=1, max_size=6).map(lambda rows: [text(r) for r in rows])


def activities(day: date) -> st.SearchStrategy[list[str]]:
    row = st.tuples(
        st.sampled_from(["AUD", "BUH"]), st.sampled_from(["pagar", "genomford"]), st.sampled_from(["", "Ja"])
    )
    return st.lists(row, min_size=1, max_size=2).map(
        lambda rows: [f"HH-2022-I01;{v};{day:%Y-%m};{s};;19800101-9804;{m}" for v, s, m in rows]
    )


@st.composite
def delivered(draw: st.DrawFn) -> tuple[Any, ...]:
    source = draw(st.sampled_from(["kva", "kva", "vantetider", "vantetider", "aktiviteter", "enheter"]))
    day = draw(st.sampled_from(DAYS))
    rows = {"kva": measures, "vantetider": waits, "aktiviteter": activities}.get(source, lambda _: register_rows)
    return ("deliver", source, day, draw(st.sampled_from(["", "_a", "_b"])), draw(rows(day)))


step = st.one_of(
    delivered(),
    delivered(),
    delivered(),
    st.tuples(st.just("withdraw"), st.integers(0, 20)),
    st.tuples(st.just("take back"), st.just(None)),
    st.tuples(st.just("as of"), st.sampled_from(DAYS)),
    st.tuples(st.just("again"), st.just(None)),
    st.tuples(st.just("killed"), st.just(None)),
)
histories = st.lists(st.lists(step, min_size=1, max_size=3), min_size=2, max_size=4)


@dataclass
class World:
    """A data folder that goes on from run to run, and beside it one that is always made anew from the same bronze."""

    folder: Path
    withdrawn: set[str] = field(default_factory=set)
    as_of: date = LATEST
    counted: dict[str, dict[str, Counter]] = field(default_factory=dict)
    seen: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(CONTRACTS, False))
    judged: dict[str, Counter] = field(default_factory=dict)
    followed: int = 0

    def __post_init__(self) -> None:
        self.data = DataPaths(self.folder / "data")
        self.data.run.mkdir(parents=True)
        rows = [
            f"{unit};Enheten;{place};Örebro;2010-01-01;;"
            for unit, place in zip(UNITS, ("AUD", "BUH", "SC"), strict=True)
        ]
        self.deliver("enheter", DAYS[0], "", rows)
        self.runs = 0

    def deliver(self, source: str, day: date, name: str, rows: Sequence[str]) -> None:
        deliver(self.folder / "raw", f"{source}_{day}{name}.csv", HEADERS[source], *rows)

    def ledger(self) -> list[Delivery]:
        with patch.object(reading, "load_contracts", lambda: CONTRACTS):
            _, ledger = read_deliveries(self.folder / "raw", self.data, self.as_of, LATEST)
        return [d for d in ledger if d.file not in self.withdrawn]

    def do(self, what: str, *how: Any) -> None:
        if what == "deliver":
            self.deliver(*how)
        elif what == "withdraw":
            files = sorted(str(p.relative_to(self.folder / "raw")) for p in (self.folder / "raw").rglob("*.csv"))
            self.withdrawn.add(files[how[0] % len(files)])
        elif what == "take back":
            self.withdrawn.clear()
        elif what == "as of":
            self.as_of = how[0]
        elif what == "killed":
            warehouse.let_go(self.data)

    def settle(self) -> None:
        """Both ways; the same tables and rows, and no month that changed without being told."""
        ledger = self.ledger()
        with patch.object(settling, "load_contracts", lambda: CONTRACTS):
            settle(self.as_of, ledger, self.data)
            self.runs += 1
            anew = DataPaths(self.folder / f"anew{self.runs}")
            anew.run.mkdir(parents=True)
            (anew.root / "bronze").symlink_to(self.data.bronze)
            settle(self.as_of, ledger, anew)
        for table in SCHEMAS.keys() - {PARTIAL_MONTHS}:
            ours, theirs = (RunFolder(d).read(table) for d in (self.data, anew))
            assert sorted(ours.rows(), key=repr) == sorted(theirs.rows(), key=repr), table
        for source in CONTRACTS:
            ours, theirs = (rows_of(d, source) for d in (self.data, anew))
            assert ours.rows() == theirs.rows(), source
        self.require_followed()
        self.require_told()

    def require_followed(self) -> None:
        """The rows that count are those that were judged last, but for those that are noted as changed since."""
        made = warehouse.made(self.data)
        assert made is not None
        with database(self.data.warehouse) as connection:
            whole = {s for (s,) in connection.execute("select source from settled.judged_whole").fetchall()}
            for source in CONTRACTS:
                columns = "* exclude (_refused, _replaced, _counts)"
                now = Counter(connection.execute(f"select {columns} from settled.{source} where _counts").fetchall())
                changed = connection.execute(f"select {columns} from settled.changed_{source}").fetchall()
                if source not in whole and made.settled > 1:
                    was = Counter(self.judged[source])
                    for *row, sign in changed:
                        was[tuple(row)] += sign
                    assert {r: n for r, n in was.items() if n} == dict(now), source
                    self.followed += len(changed)
                if self.runs % 2:
                    self.judged[source] = now

    def require_told(self) -> None:
        """The rows that count of every month that no run has told of since are as they were."""
        made = warehouse.made(self.data)
        assert made is not None
        with database(self.data.warehouse) as connection:
            told = set(connection.execute("select source, month from settled.touched").fetchall())
        for source, contract in CONTRACTS.items():
            dates = [n for n, t in stored_schema(contract).items() if t == pl.Date()]
            rows = rows_of(self.data, source).filter("_counts").drop("_replaced")
            now = {
                name: {
                    month[0]: Counter(map(repr, part.drop("month").rows()))
                    for month, part in rows.with_columns(month=pl.col(name).dt.truncate("1mo")).group_by("month")
                }
                for name in dates
            }
            before = self.counted.get(source)
            # In a store that was made anew there are no sums yet.
            if before is not None and made.settled > 1 and (source, None) not in told:
                for name in dates:
                    for month in (before[name].keys() | now[name].keys()) - {None}:
                        same = before[name].get(month) == now[name].get(month)
                        assert same or (source, month) in told, (source, name, month)
            self.counted[source] = now
            self.seen[source] |= bool(rows.height)
        # The models have summed what was told of.
        judged_of = made.settled if self.runs % 2 else made.judged_of
        warehouse.keep_note(self.data, warehouse.Made(made.by, made.settled, made.settled, judged_of=judged_of))


@pytest.fixture(autouse=True, scope="module")
def follow_all() -> Iterator[None]:
    with patch.object(store, "FOLLOWED_ROWS", 0), patch.object(store, "MOST_FOLLOWED", 1000):
        yield


def rows_of(data: DataPaths, source: str) -> pl.DataFrame:
    with database(data.warehouse) as connection:
        return connection.execute(f"select * from settled.{source} order by delivery, line").pl()


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(histories)
def test_the_delta_comes_to_the_same_as_everything(history: list[list[tuple[Any, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for run in history:
            for what in run:
                world.do(*what)
            world.settle()


def test_a_register_that_came_back_judges_again(tmp_path: Path) -> None:
    """Also where the one between came on a day with a delivery of the source itself."""
    world = World(tmp_path)

    def kva(number: int) -> list[str]:
        return [f"V{number};DV111;19800101-9804;{UNITS[0]};2022-05-01;;"]

    world.deliver("kva", DAYS[0], "", kva(1))
    world.settle()
    world.deliver("aktiviteter", DAYS[0], "", ["HH-2022-I01;AUD;2022-05;pagar;;;"])
    world.settle()
    register = [f"{u};Enheten;{p};Örebro;2010-01-01;;" for u, p in zip(UNITS, ("BUH", "BUH", "SC"), strict=True)]
    world.deliver("enheter", DAYS[1], "", register)
    world.deliver("kva", DAYS[1], "", kva(2))
    world.settle()
    world.withdrawn.add(f"enheter/enheter_{DAYS[1]}.csv")
    world.settle()


def test_keys_whose_hashes_meet_are_told_apart(tmp_path: Path) -> None:
    """Keys are found by their hashes and compared as wholes: with two hashes for all keys it comes to the same."""
    world = World(tmp_path)

    def kva(number: int, unit: str = UNITS[0], withdrawn: str = "") -> str:
        return f"V{number};DV111;19800101-9804;{unit};2022-05-01;;{withdrawn}"

    def waits(number: int, unit: str = UNITS[0], withdrawn: str = "") -> str:
        return f"W{number};VANTANDE;2022-06;1;Ja;;2022-01-10;;;{unit};K;1980;1880;;{withdrawn}"

    world.deliver("kva", DAYS[0], "", [kva(n) for n in range(9)])
    world.deliver("kva", DAYS[1], "", [kva(1, UNITS[1]), kva(2, withdrawn="Ja"), kva(3, "SE2321000164-FEL1")])
    world.deliver("vantetider", DAYS[0], "", [*(waits(n) for n in range(9)), waits(10, withdrawn="Ja")])
    world.deliver("vantetider", DAYS[1], "", [waits(1), waits(2, withdrawn="Ja"), waits(3, "SE2321000164-FEL1")])
    world.settle()
    ledger = world.ledger()
    meeting = DataPaths(tmp_path / "meeting")
    meeting.run.mkdir(parents=True)
    (meeting.root / "bronze").symlink_to(world.data.bronze)

    def two(parts: Iterable[str]) -> str:
        return f"cast(hash({', '.join(parts)}) % 2 as ubigint)"

    with (
        patch.object(settling, "load_contracts", lambda: CONTRACTS),
        patch.object(newest, "hash_of", two),
        patch.object(quarantine, "hash_of", two),
    ):
        settle(LATEST, ledger, meeting)
    for table in SCHEMAS.keys() - {PARTIAL_MONTHS, MEASURES}:  # how many keys are new is counted by hashes
        told, met = (RunFolder(d).read(table) for d in (world.data, meeting))
        assert sorted(told.rows(), key=repr) == sorted(met.rows(), key=repr), table
    for source in ("kva", "vantetider"):
        told, met = (rows_of(d, source).drop("_key") for d in (world.data, meeting))
        assert told.rows() == met.rows(), source
    counts = rows_of(meeting, "vantetider").filter("_counts").select("vardkontakt_id", "delivery")
    assert rows_of(meeting, "kva").filter("_counts").height == 8 and counts.height == 2
    assert rows_of(meeting, "kva")["_key"].n_unique() == 2


def test_a_store_that_a_disk_damaged_is_made_anew_in_the_same_run(tmp_path: Path) -> None:
    """Its size and times are as they were: only reading it tells."""
    world = World(tmp_path)
    many = [f"V{n};DV111;19800101-9804;{UNITS[0]};2022-05-01;;" for n in range(500)]
    world.deliver("kva", DAYS[0], "", many)
    world.settle()
    path, content = world.data.warehouse, bytearray(world.data.warehouse.read_bytes())
    times = path.stat()
    for place in range(12_288 + 4096, len(content) - 64, 262_144):
        content[place : place + 64] = b"\xff" * 64
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    world.deliver("kva", DAYS[1], "", many[:1])
    world.settle()


def test_what_is_in_doubt_is_made_anew_and_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.deliver("kva", LATEST, "", [f"V1;DV111;19800101-9804;{UNITS[0]};2022-09-01;;"])
    told: list[str] = []

    def run(by: str = "a") -> list[str]:
        told.clear()
        with patch.object(settling, "load_contracts", lambda: CONTRACTS):
            settle(LATEST, world.ledger(), world.data, by, told.append)
        return list(told)

    assert run() == []
    assert run() == []
    (sentence,) = run("b")
    assert "räknar om allt från början" in sentence and "andra än när lagret gjordes" in sentence
    warehouse.let_go(world.data)
    (sentence,) = run("b")
    assert "inte som den senaste körningen lämnade det" in sentence
    world.data.warehouse.write_bytes(b"skadad" * 1000)
    (sentence,) = run("b")
    assert "skadat" in sentence
    assert rows_of(world.data, "kva").height == 1
    assert run("b") == []


def test_a_delivery_touches_only_its_months(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.deliver("kva", DAYS[0], "", [f"V{i};DV111;19800101-9804;{UNITS[0]};2022-0{i}-01;;" for i in range(1, 7)])
    world.settle()
    corrected = [
        f"V3;DV111;19800101-9804;{UNITS[0]};2022-03-02;dietist;",
        f"V9;DV111;19800101-9804;{UNITS[0]};2022-07-02;;",
    ]
    world.deliver("kva", DAYS[1], "", corrected)
    world.settle()
    with database(world.data.warehouse) as connection:
        months = connection.execute("select month from settled.touched where source = 'kva' order by 1").fetchall()
    assert months == [(date(2022, 3, 1),), (date(2022, 7, 1),)]
    assert world.followed == 3  # one that came, one that was corrected: gone as it was, there as it is


@pytest.mark.parametrize("column", ["_counts", "_refused"])
def test_another_program_in_the_warehouse_is_seen(tmp_path: Path, column: str) -> None:
    """Whoever changes a row that was settled changes no result: the store is made anew."""
    world = World(tmp_path)
    world.deliver("kva", LATEST, "", [f"V1;DV111;19800101-9804;{UNITS[0]};2022-09-01;;"])
    world.settle()
    with database(world.data.warehouse, write=True) as connection:
        connection.execute(f"update settled.kva set {column} = not {column}")
    assert warehouse.made(world.data) is None
    world.settle()
