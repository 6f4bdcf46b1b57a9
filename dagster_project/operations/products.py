"""What people open, made after a run and on demand; who calls this holds the data folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import Settings
from dagster_project.operations.stages import STAGES, detail
from dagster_project.products.base import Product
from dagster_project.products.make import Made, link_products, make_products
from dagster_project.products.registry import products
from dagster_project.releases.store import Release, current_id, read_release, standing_release
from dagster_project.runs.log import PRODUCTS, step


@dataclass(frozen=True)
class AfterRun:
    """What came of the products after a run. made: those of its release that are there. failed: a sentence for each of
    them, and each link, that could not be made. beside: the same of the current release, where that is another one: it
    may be of older code, which is no fault of the run. behind: titles of those that lie outside the data folder
    and may show what they showed before."""

    made: tuple[Made, ...] = ()
    failed: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


def for_stewards() -> list[Product]:
    """The products that only stewards see, in the order in which they are made."""
    return [product for product in products() if product.stewards_only]


def products_after_run(
    data: DataPaths,
    wanted: Sequence[Product],
    release: Release | None,
    progress: Callable[[str], None] = lambda text: None,
) -> AfterRun:
    """Make these products of a run's release and of the one that `current` names, where they are not there; link all.

    release: None where nothing was published; what the run came to is then shown beside the current one.
    """
    progress(STAGES[PRODUCTS])
    came = AfterRun()
    with step(PRODUCTS):
        for one in _shown(data, release):
            made, not_made = make_products(
                data, one, wanted, telling=lambda what: progress(detail(STAGES[PRODUCTS], what))
            )
            if release is not None and one.id == release.id:
                came = AfterRun(tuple(made), tuple(not_made))
            else:
                came = replace(came, beside=tuple(not_made))
        came = replace(came, failed=(*came.failed, *link_products(data, wanted)))
        return _followed(data, wanted, came)


def _followed(data: DataPaths, wanted: Sequence[Product], came: AfterRun) -> AfterRun:
    """Bring what lies outside the data folder in line with `current`, and tell of each that could not be.

    What refused to take the release just now most likely refuses this too: its cause is told once.
    """
    for product in wanted:
        if product.follow is None:
            continue
        try:
            product.follow(data)
        except ResultattavlaError as error:
            came = replace(came, behind=(*came.behind, product.title))
            if not any(str(error) in told for told in (*came.failed, *came.beside)):
                came = replace(came, failed=(*came.failed, f"{product.title} är inte i ordning: {error}"))
    return came


def _shown(data: DataPaths, release: Release | None) -> list[Release]:
    """The run's release and the current one, where they are whole."""
    shown = [release] if release is not None else []
    if current_id(data) not in {None, *(one.id for one in shown)}:
        current = read_release(data.current.resolve())
        shown += [current] if current is not None else []
    return shown


def make_on_demand(settings: Settings, wanted: Product, release_id: str | None = None) -> Made:
    """Make a product again, of the current release or a kept one. Raises ResultattavlaError where it cannot be made, or
    the release was retracted."""
    data = settings.paths
    made, failed = make_products(data, standing_release(data, release_id), [wanted], again=True)
    failed += link_products(data, settings.made_in_every_run)
    if not made or failed:
        raise ResultattavlaError(failed[0])
    return made[0]
