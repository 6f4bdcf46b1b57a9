"""A year of ordinary deliveries, monthly or weekly, July's dip in it, raises no alarm at any of its days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project import samples
from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database
from dagster_project.gates.parameters import suite_parameters
from dagster_project.gates.suites import SUITES, gate_tables
from dagster_project.gates.validate import run_suites
from dagster_project.ingestion import deliveries
from dagster_project.ingestion import settle as settling
from dagster_project.runs.folder import FINDINGS, MEASURES, SIGNS, RunFolder
from dagster_project.runs.parameters import Parameters
from dagster_project.samples.deliveries import ordinary_days

LAST = date(2022, 8, 31)


Year = dict[str, pl.DataFrame]


def measured(folder: Path, every: str, sources: Collection[str], days: Sequence[date]) -> Year:
    """What the gate would judge on each of these days of a year with a delivery every week or month."""
    contracts = {source: c for source, c in load_contracts().items() if source in sources}
    with pytest.MonkeyPatch.context() as patch:
        for module in (samples, deliveries, settling):
            patch.setattr(module, "load_contracts", lambda: contracts)
        samples.write_demo(folder / "raw", as_of=LAST, every=every)
        data = DataPaths(folder / "data")
        _, ledger = deliveries.read_deliveries(folder / "raw", data, None, LAST)
        found: dict[str, list[pl.DataFrame]] = {MEASURES: [], SIGNS: [], FINDINGS: []}
        for day in days:
            settling.settle(day, [d for d in ledger if d.uttagsdatum is not None and d.uttagsdatum <= day], data)
            for table, frames in found.items():
                frames.append(RunFolder(data).read(table).with_columns(day=pl.lit(day)))
    return {table: pl.concat(frames) for table, frames in found.items()}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """All sources, a delivery at the end of every month."""
    return measured(tmp_path_factory.mktemp("year"), "manad", load_contracts(), ordinary_days(LAST, "manad"))


WEEKLY = (REGISTER_SOURCE, "avvikelser", "vantetider")
"""Reports that add up, and waiting lists of which every week has the month's whole list."""


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """A delivery every week; looked at around turns of months, July in them, and where small lists emptied."""
    turns = [d for d in ordinary_days(LAST, "vecka") if d >= date(2022, 6, 1) and (d.day <= 7 or d.day > 24)]
    days = [date(2022, 4, 20), date(2022, 4, 27), date(2022, 7, 13), *turns]
    return measured(tmp_path_factory.mktemp("weeks"), "vecka", WEEKLY, days)


def test_the_year_holds_what_an_ordinary_one_does(year: Year) -> None:
    measures, signs = year[MEASURES], year[SIGNS]
    assert measures["day"].unique().sort().to_list() == list(ordinary_days(LAST, "manad"))
    assert (measures.group_by("source").len()["len"] == 13).all()
    assert signs["sign"].n_unique() == 4
    july = signs.filter(
        (pl.col("sign") == "month_volume") & (pl.col("month") == date(2022, 7, 1)) & (pl.col("base") > 50)
    )
    # The dip is there: some fall below half of a usual month, which the season explains.
    assert july.filter(pl.col("value") < pl.col("base") / 2).height > 3


def test_no_day_of_an_ordinary_year_raises_an_alarm(year: Year, tmp_path: Path) -> None:
    assert alarms(year, tmp_path) == []


def test_no_week_of_an_ordinary_year_raises_an_alarm(weeks: Year, tmp_path: Path) -> None:
    signs = weeks[SIGNS]
    assert weeks[MEASURES].group_by("source").len()["len"].unique().to_list() == [9]
    assert signs.filter(sign="day_volume").height > 0 and signs.filter(sign="month_volume").height > 0
    assert alarms(weeks, tmp_path) == []


def alarms(year: Year, folder: Path) -> list[tuple]:
    """What the shared suites find. All days are judged at once: the worst decides, a query counts all that fail."""
    sources = [s for s in load_contracts() if s in set(year[MEASURES]["source"])]
    path = folder / "year.duckdb"
    with database(path, write=True) as connection:
        for table, frame in year.items():
            connection.register(f"all_{table}", frame)
        for source in sources:
            for name in year:
                connection.execute(
                    f"create table {name}_{source} as select * from all_{name} where source = '{source}'"
                )
            connection.execute(f"create table rows_{source} as select 1 as line")
    parameters = suite_parameters(sources, LAST, asdict(Parameters()))
    outcomes = [
        o
        for tier in (DELIVERY, DRIFT)
        # Without suites of a source's own, which look at rows.
        for o in run_suites(path, tier, {s: gate_tables()[tier][s] for s in sources}, shared(folder, tier), parameters)
    ]
    assert {o.source for o in outcomes} == set(sources) >= {REGISTER_SOURCE}
    return [(o.source, o.expectation, o.observed, o.unexpected) for o in outcomes if not o.success]


def shared(folder: Path, tier: str) -> Path:
    """A folder with the suites that look at measures and signs only."""
    target = folder / "suites" / tier
    target.mkdir(parents=True, exist_ok=True)
    for path in (SUITES / tier).glob("_*.json"):
        (target / path.name).write_bytes(path.read_bytes())
    return target.parent
