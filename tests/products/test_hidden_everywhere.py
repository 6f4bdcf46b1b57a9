"""No product tells a number of a hidden cell, even where a release holds it against its rules; and if one did, the
audit would see it: the same numbers in cells that are shown are found."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.base import Making, Product
from dagster_project.products.numbers import numbers_in
from dagster_project.products.postgres.product import PRODUCT as POSTGRES
from dagster_project.products.reading import Reading
from dagster_project.products.registry import products
from dagster_project.releases.tables import NUMBERS, PLAN_NUMBERS
from tests.products.exports.small import exported_release, plan, planted, results

PUBLISHED = [product for product in products() if not product.stewards_only and product.name != POSTGRES.name]
"""PostgreSQL needs a server, and is held to the same by tests/products/postgres."""


def _release(data: DataPaths, shown: bool) -> tuple[Reading, list[float]]:
    """Two releases whose hidden cells hold numbers that nothing else has, the newer one read, and the numbers.

    shown: the cells are not hidden.
    """
    cells, numbers = planted(results(), "status", NUMBERS, 731_000)
    followed, of_plan = planted(plan(), "malstatus", PLAN_NUMBERS, 912_000)
    if shown:
        cells = cells.with_columns(pl.col("status").replace({"dold": "uppfyllt"}), markering=pl.lit(None, pl.String))
        followed = followed.with_columns(pl.col("malstatus").replace({"dold": "uppfyllt"}))
    tables = {"indicator_result": cells, "plan_uppfoljning": followed}
    before = {**tables, "indicator_result": cells.with_columns(pl.col(n) + 11 for n in NUMBERS)}
    exported_release(data, before, day=29)
    earlier = [number + 11 for number in numbers]
    return exported_release(data, tables), [*numbers, *earlier, *of_plan]


@pytest.mark.parametrize("product", PUBLISHED, ids=lambda p: p.name)
@pytest.mark.parametrize("shown", [False, True], ids=["hidden", "shown"])
def test_hidden_numbers_are_told_by_no_product_and_shown_ones_are_found(
    tmp_path: Path, product: Product, shown: bool
) -> None:
    data = DataPaths(tmp_path / "data")
    reading, numbers = _release(data, shown)
    folder = tmp_path / "ut"
    folder.mkdir()
    product.make(Making(reading, data, folder))
    assert any(folder.rglob("*"))
    assert bool(numbers_in(folder, numbers)) is shown, numbers_in(folder, numbers)[:5]
