"""What holds for every product, on a small real release: it can be made, and the same release gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.core.files import PUBLISHED_FILE
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.products.base import Product
from dagster_project.products.make import folder_of, make_products, read_note
from dagster_project.products.postgres.product import PRODUCT as POSTGRES
from dagster_project.products.registry import products

PUBLISHED = [p for p in products() if not p.stewards_only and p.name != POSTGRES.name]
"""PostgreSQL needs a server, and is held to the same by tests/products/postgres."""


@pytest.mark.parametrize("product", PUBLISHED, ids=lambda p: p.name)
def test_it_is_made_of_any_release_and_twice_the_same(product: Product, first: RunOutcome) -> None:
    """Most sources of this release delivered nothing: its pages and files have gaps with their reasons."""
    assert first.release is not None
    folder = folder_of(first.data, first.release.id, product.name)
    seen: list[dict[str, bytes]] = []
    for _ in range(2):
        made, trouble = make_products(first.data, first.release, [product], again=True)
        assert trouble == [] and made[0].entry.is_file()
        seen.append({p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    assert [name for name in seen[0] if seen[0][name] != seen[1].get(name)] == [] and seen[0].keys() == seen[1].keys()
    note = read_note(folder)
    assert note is not None and {*note.files, "produkt.json"} == seen[0].keys()
    assert {p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_file()} == {PUBLISHED_FILE}


def test_nothing_below_the_data_folder_but_the_product_is_touched(first: RunOutcome) -> None:
    assert first.release is not None

    def listing() -> dict[Path, float]:
        return {p: p.lstat().st_mtime for p in first.data.root.rglob("*") if first.data.products not in (p, *p.parents)}

    before = listing()
    make_products(first.data, first.release, PUBLISHED, again=True)
    after = listing()
    assert after.keys() == before.keys()
    changed = {p for p in after if after[p] != before[p]} - {first.data.published}
    assert changed == set()
