"""The data docs as a product: what every gate of the latest run expected and found, for stewards."""

from __future__ import annotations

from dagster_project.products.base import Making, Product


def _make(making: Making) -> None:
    from dagster_project.products.data_docs.pages import write_data_docs
    from dagster_project.runs.folder import RunFolder

    if making.run.identity is not None and making.run.anew:
        write_data_docs(RunFolder(making.data), making.run.identity)


PRODUCT = Product(
    name="datadokumentation",
    title="Datadokumentationen",
    version="1",
    entry="datadokumentation/index.html",
    make=_make,
    reads_history=True,
    stewards_only=True,
)
