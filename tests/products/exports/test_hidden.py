"""Hidden numbers are in no export, even where a release holds them against its rules; and the audit would see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.exports import cells, sheets
from dagster_project.products.exports.files import write_exports
from dagster_project.products.numbers import numbers_in
from dagster_project.products.reading import Reading
from dagster_project.releases.tables import NUMBERS, PLAN_NUMBERS
from tests.products.exports.small import exported_release, plan, results


def planted(rows: pl.DataFrame, status: str, numbers: list[str], first: int) -> tuple[pl.DataFrame, list[float]]:
    """The rows with numbers in their hidden cells that nothing else has, and those numbers."""
    hidden = pl.col(status) == "dold"
    counted = hidden.cum_sum() - 1
    told = rows.with_columns(
        pl.when(hidden).then(first + 0.25 + (counted * len(numbers) + n) * 7).otherwise(pl.col(name)).alias(name)
        for n, name in enumerate(numbers)
    )
    found = told.filter(hidden).select(numbers).to_numpy().ravel().tolist()
    assert len(found) == len(set(found)) > 0
    return told, found


@pytest.fixture
def reading(tmp_path: Path) -> tuple[Reading, list[float]]:
    """A release whose hidden cells hold numbers, and those numbers."""
    told, numbers = planted(results(), "status", NUMBERS, 731_000)
    followed, of_plan = planted(plan(), "malstatus", PLAN_NUMBERS, 912_000)
    release = exported_release(DataPaths(tmp_path / "data"), {"indicator_result": told, "plan_uppfoljning": followed})
    return release, [*numbers, *of_plan]


def _found(reading: tuple[Reading, list[float]], folder: Path) -> list[str]:
    folder.mkdir()
    write_exports(reading[0], DataPaths(folder / "ingen"), folder, units=True)
    return numbers_in(folder, reading[1])


def test_no_export_tells_a_hidden_number(reading: tuple[Reading, list[float]], tmp_path: Path) -> None:
    assert _found(reading, tmp_path / "ut") == []


def _as_it_is(rows: pl.DataFrame, status: str, numbers: object) -> pl.DataFrame:
    return rows


def _shown(rows: pl.DataFrame, status: str, numbers: object) -> pl.DataFrame:
    """As if no cell were hidden."""
    return rows.with_columns(pl.col(status).replace({"dold": "uppfyllt"}))


@pytest.mark.parametrize(
    ("module", "mutated", "files"),
    [
        (cells, _as_it_is, {"resultat.xlsx"}),
        (sheets, _as_it_is, {"resultat.xlsx"}),
        (cells, _shown, {"resultat.xlsx", "varden_i_siffror.csv", "kolada.json", "measure_reports.json"}),
        (sheets, _shown, {"resultat.xlsx"}),
    ],
)
def test_the_audit_sees_an_export_that_does(
    reading: tuple[Reading, list[float]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    mutated: Callable[..., pl.DataFrame],
    files: set[str],
) -> None:
    """Each writer that looks at the status besides keeps a number back by itself; the workbook has one lock only."""
    monkeypatch.setattr(module, "emptied", mutated)
    assert {found.partition(":")[0] for found in _found(reading, tmp_path / "ut")} == files
