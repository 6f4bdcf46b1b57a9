"""The product `export`."""

from __future__ import annotations

from dagster_project.products.base import Making, Product


def _make(making: Making) -> None:
    from dagster_project.products.exports.files import write_exports

    write_exports(making.reading, making.data, making.folder)


PRODUCT = Product(
    name="export",
    title="Exporterna",
    version="1",
    entry="resultat.xlsx",
    make=_make,
    reads_history=True,
)
