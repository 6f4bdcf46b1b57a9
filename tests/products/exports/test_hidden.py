"""A hidden number is kept back twice: where a release is read, and by each export that others receive.

That no product tells one, and that the audit would see it, is tested for all products in one place
(`tests/products/test_hidden_everywhere.py`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products import reading as reading_module
from dagster_project.products.exports.files import write_exports
from dagster_project.products.numbers import numbers_in
from dagster_project.releases.tables import NUMBERS
from tests.products.exports.small import exported_release, planted, results


def test_what_others_receive_looks_at_the_status_besides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the workbook shows whatever numbers it is given; the others never tell one of a hidden cell."""
    monkeypatch.setattr(reading_module, "_emptied", lambda name, rows: rows)
    told, numbers = planted(results(), "status", NUMBERS, 731_000)
    reading = exported_release(DataPaths(tmp_path / "data"), {"indicator_result": told})
    folder = tmp_path / "ut"
    folder.mkdir()
    write_exports(reading, DataPaths(tmp_path / "ingen"), folder, units=True)
    assert {found.partition(":")[0] for found in numbers_in(folder, numbers)} == {"resultat.xlsx"}


def test_a_hidden_row_is_read_without_numbers(tmp_path: Path) -> None:
    told, _ = planted(results(), "status", NUMBERS, 731_000)
    reading = exported_release(DataPaths(tmp_path / "data"), {"indicator_result": told})
    hidden = pl.col("status") == "dold"
    assert reading.results.filter(hidden).select(pl.all_horizontal(pl.col(NUMBERS).is_null()).all()).item()
    assert reading.results.filter(~hidden).equals(results().filter(~hidden))
