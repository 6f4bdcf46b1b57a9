"""The board as a product."""

from __future__ import annotations

from dagster_project.products.base import Making, Product


def _make(making: Making) -> None:
    from dagster_project.products.board.site import Site

    Site(making.reading, making.data).write(making.folder)


PRODUCT = Product(
    name="tavla",
    title="Resultattavlan",
    version="2",
    entry="index.html",
    make=_make,
    reads_history=True,
)
