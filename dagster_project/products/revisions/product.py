"""Revisions as a product: what changed since the release before, as Parquet and, for spreadsheets, CSV."""

from __future__ import annotations

from dagster_project.products.base import Making, Product

NAME = "revideringar"


def _make(making: Making) -> None:
    """The CSV has final numbers of the area and its verksamheter, in the columns that the Parquet has for all cells."""
    import polars as pl

    from dagster_project.catalogue.vocabulary import UNIT
    from dagster_project.core.tables import write_swedish_csv
    from dagster_project.products.reading import Reading
    from dagster_project.products.revisions.compare import REVISION_SCHEMA, release_before, revisions

    before = release_before(making.data, making.reading.release.id)
    rows = revisions(making.reading, Reading(before)) if before is not None else pl.DataFrame(schema=REVISION_SCHEMA)
    rows.rechunk().write_parquet(making.folder / f"{NAME}.parquet", compression="zstd")
    write_swedish_csv(rows.filter("slutlig", pl.col("niva") != UNIT), making.folder / f"{NAME}.csv")


PRODUCT = Product(
    name=NAME,
    title="Revideringar",
    version="2",
    entry=f"{NAME}.csv",
    make=_make,
    reads_history=True,
)
