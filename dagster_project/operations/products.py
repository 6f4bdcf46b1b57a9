"""What people open, made after a run and on demand; who calls this holds the data folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.stages import PRODUCTS, detail
from dagster_project.products.base import Product
from dagster_project.products.make import Made, link_products, make_products
from dagster_project.products.registry import products
from dagster_project.releases.store import Release, current_id, published_release, read_release


def for_stewards() -> list[Product]:
    """The products that only stewards see, in the order in which they are made."""
    return [product for product in products() if product.stewards_only]


def products_after_run(
    data: DataPaths,
    wanted: Sequence[Product],
    release: Release | None,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[list[Made], list[str]]:
    """Make these products of a run's release and of the one that `current` names, where they are not there; link all.

    release: None where nothing was published; what the run came to is then shown beside the current one. Returns what
    the run's release has, and one sentence for each product or link that failed.
    """
    progress(PRODUCTS)
    made, failed = list[Made](), list[str]()
    for one in _shown(data, release):
        there, not_made = make_products(data, one, wanted, telling=lambda what: progress(detail(PRODUCTS, what)))
        failed += not_made
        made += there if release is not None and one.id == release.id else []
    return made, [*failed, *link_products(data)]


def _shown(data: DataPaths, release: Release | None) -> list[Release]:
    """The run's release and the current one, where they are whole."""
    shown = [release] if release is not None else []
    if current_id(data) not in {None, *(one.id for one in shown)}:
        current = read_release(data.current.resolve())
        shown += [current] if current is not None else []
    return shown


def make_on_demand(data: DataPaths, wanted: Product, release_id: str | None = None) -> Made:
    """Make a product again, of the current release or a kept one. Raises ResultattavlaError where it cannot be made."""
    made, failed = make_products(data, published_release(data, release_id), [wanted], again=True)
    failed += link_products(data)
    if not made or failed:
        raise ResultattavlaError(failed[0])
    return made[0]
