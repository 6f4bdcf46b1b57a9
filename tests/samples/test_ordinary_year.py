"""A year of ordinary deliveries, July's dip in it, raises no alarm at any of its days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database
from dagster_project.gates.parameters import suite_parameters
from dagster_project.gates.suites import SUITES, gate_tables
from dagster_project.gates.validate import run_suites
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.settle import settle
from dagster_project.runs.folder import FINDINGS, MEASURES, SIGNS, RunFolder
from dagster_project.runs.parameters import Parameters
from dagster_project.samples import write_demo
from dagster_project.samples.deliveries import ordinary_days

LAST = date(2022, 8, 31)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pl.DataFrame]]:
    """What every day's gate would judge: the measured tables of all sources on all days."""
    folder = tmp_path_factory.mktemp("year")
    write_demo(folder / "raw", as_of=LAST, every="manad")
    data = DataPaths(folder / "data")
    _, ledger = read_deliveries(folder / "raw", data, None, LAST)
    found: dict[str, list[pl.DataFrame]] = {MEASURES: [], SIGNS: [], FINDINGS: []}
    for day in ordinary_days(LAST, "manad"):
        settle(day, [d for d in ledger if d.uttagsdatum is not None and d.uttagsdatum <= day], data)
        for table, frames in found.items():
            frames.append(RunFolder(data).read(table).with_columns(day=pl.lit(day)))
    yield {table: pl.concat(frames) for table, frames in found.items()}


def test_the_year_holds_what_an_ordinary_one_does(year: dict[str, pl.DataFrame]) -> None:
    measures, signs = year[MEASURES], year[SIGNS]
    assert measures["day"].unique().sort().to_list() == list(ordinary_days(LAST, "manad"))
    assert (measures.group_by("source").len()["len"] == 13).all()
    assert signs["sign"].n_unique() == 4
    july = signs.filter(
        (pl.col("sign") == "month_volume") & (pl.col("month") == date(2022, 7, 1)) & (pl.col("base") > 50)
    )
    # The dip is there: some fall below half of a usual month, which the season explains.
    assert july.filter(pl.col("value") < pl.col("base") / 2).height > 3


def test_no_day_of_an_ordinary_year_raises_an_alarm(year: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """All days are judged at once: the worst of them decides, and a query counts every one that fails."""
    path = tmp_path / "year.duckdb"
    with database(path, write=True) as connection:
        for table, frame in year.items():
            connection.register(f"all_{table}", frame)
        for source in load_contracts():
            for name in year:
                connection.execute(
                    f"create table {name}_{source} as select * from all_{name} where source = '{source}'"
                )
            connection.execute(f"create table rows_{source} as select 1 as line")
    parameters = suite_parameters(load_contracts(), LAST, asdict(Parameters()))
    outcomes = [
        o
        for tier in (DELIVERY, DRIFT)
        # Without suites of a source's own, which look at rows.
        for o in run_suites(path, tier, gate_tables()[tier], shared(tmp_path, tier), parameters)
    ]
    assert [(o.source, o.expectation, o.observed, o.unexpected) for o in outcomes if not o.success] == []
    assert {o.source for o in outcomes} == set(load_contracts()) >= {REGISTER_SOURCE}


def shared(folder: Path, tier: str) -> Path:
    """A folder with the suites that look at measures and signs only."""
    target = folder / "suites" / tier
    target.mkdir(parents=True, exist_ok=True)
    for path in (SUITES / tier).glob("_*.json"):
        (target / path.name).write_bytes(path.read_bytes())
    return target.parent
