"""Rows of one file with the same business key: identical ones count once, different ones are in conflict."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.contracts import Condition
from dagster_project.catalogue.vocabulary import CONFLICT
from dagster_project.ingestion.table import Table, keep_where


def key_values(table: Table) -> tuple[pl.DataFrame, pl.Series]:
    """The stored key (a column that is key only for some rows is null for the others) and where it is readable."""
    values, readable = {}, pl.Series([True]).new_from_index(0, table.height)
    for column in table.contract.key:
        value = table.value(column.name)
        present = value.is_not_null()
        if column.key_when:
            holds = table.holds(Condition(*column.key_when))
            assert holds is not None
            value, present = keep_where(holds, value), present | ~holds
        elif not column.required:
            present = ~table.unreadable(column.name)
        values[column.stored] = value
        readable = readable & present
    return pl.DataFrame(values), readable


def find_duplicates(table: Table) -> pl.Series:
    """Rows identical to an earlier row; rows with the same key and other content break `dubblett:konflikt`, which names
    the columns that differ within the key.
    """
    key, readable = key_values(table)
    table.readable = readable
    # Hashes find the few candidates quickly; what they hold is then compared exactly.
    hashed = key.hash_rows()
    suspects = (hashed.is_duplicated() & readable).arg_true()
    none = pl.Series([False]).new_from_index(0, table.height)
    if suspects.len() == 0:
        return none
    content = pl.DataFrame(
        {
            column.name: pl.DataFrame(
                {
                    "v": table.value(column.name).gather(suspects).cast(pl.String),
                    "t": table.text(column.name).gather(suspects),
                }
            )
            .select(pl.coalesce(pl.col("v"), "text:" + pl.col("t")).alias(column.name))
            .to_series()
            for column in table.contract.columns
        }
    ).with_columns(pl.col("makulerad").fill_null("false"))
    rows = content.with_columns(row=suspects.cast(pl.Int64), key=key[suspects].select(pl.struct(pl.all())).to_series())
    # Of identical rows the one without superfluous cells is kept, then the first.
    rows = rows.with_columns(ragged=table.ragged.gather(suspects)).sort("ragged", "row")
    columns = [c.name for c in table.contract.columns]
    rows = rows.with_columns(first=pl.struct(columns).is_first_distinct())
    conflicts = rows.filter("first").filter(pl.col("key").is_duplicated())
    index = pl.int_range(table.height, eager=True)
    table.breaks(CONFLICT, (), index.is_in(conflicts["row"].implode()))
    differs = conflicts.select("row", *(pl.col(c).n_unique().over("key") > 1 for c in columns))
    for name in columns:
        table.breaks(CONFLICT, (name,), index.is_in(differs.filter(name)["row"].implode()))
    return index.is_in(rows.filter(~pl.col("first"))["row"].implode())
