"""Where a row is refused for its form: the contract's rules of cells and rows, each marking whole columns at once."""

from __future__ import annotations

from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import Column, RowRule
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import may_report
from dagster_project.catalogue.vocabulary import OVERLAP
from dagster_project.core.masking import display
from dagster_project.ingestion.table import Table, allowed_codes

FAR_FUTURE = date(9999, 12, 31)


def apply_cell_rules(table: Table, column: Column) -> None:
    """Mark the rows whose cell is missing, cannot be parsed, or is outside what the column allows."""
    name, cells, allowed = column.name, table.cells[column.name], allowed_codes(column)

    def refused(text: pl.Series, value: pl.Series) -> pl.Series:
        mask = pl.Series([False]).new_from_index(0, value.len())
        if column.minimum is not None:
            mask = mask | (value < column.minimum)
        if column.maximum is not None:
            mask = mask | (value > column.maximum)
        if column.maximum_extraction_year:
            mask = mask | (value > table.extraction.year)
        if column.max_length is not None:
            mask = mask | (text.str.len_chars() > column.max_length)
        if column.pattern:
            mask = mask | ~value.str.contains(column.pattern)
        if allowed is not None:
            mask = mask | ~value.is_in(list(allowed))
        return mask

    if column.required:
        table.breaks(f"saknas:{name}", (name,), cells.breaks(lambda text, _: text.is_null()))
    table.breaks(f"format:{name}", (name,), cells.breaks(lambda text, value: text.is_not_null() & value.is_null()))
    table.breaks(f"varde:{name}", (name,), cells.breaks(refused))
    if column.type == "date" and not column.plan:
        table.breaks(f"framtid:{name}", (name,), cells.breaks(lambda _, value: value > table.extraction))


def apply_row_rule(table: Table, rule: RowRule, duplicate: pl.Series) -> None:
    """Mark the rows that break one rule of the contract; duplicates take no part in overlaps."""
    applies = table.holds(rule.when)
    if rule.kind in ("required", "empty"):
        (name,) = rule.columns
        wanted = rule.kind == "required"
        mask = ~table.filled(name) if wanted else table.filled(name)
        assert applies is not None, "required and empty always carry a condition"
        table.breaks(f"{'saknas' if wanted else 'varde'}:{name}", rule.columns, applies & mask)
        return
    first, second = rule.columns
    a, b = table.value(first), table.value(second)
    if rule.kind == "order":
        mask = a > b
        table.breaks(f"ordning:{first}>{second}", rule.columns, mask if applies is None else mask & applies)
    elif rule.kind == "in_month":
        mask = table.cells[first].judged(lambda _, value: value.dt.month_end()) != b
        table.breaks(f"varde:{second}", (second,), mask if applies is None else mask & applies)
    elif rule.kind == "in_plan":
        # A verksamhet that there is not has broken a rule of its own.
        mask = b.is_in(list(verksamhet_codes())) & ~_in_plan(a, b)
        table.breaks(f"varde:{first}", rule.columns, mask if applies is None else mask & applies)
    elif rule.kind == "overlap":
        table.breaks(OVERLAP, rule.columns, _overlaps(table, rule, duplicate))


def _in_plan(item: pl.Series, verksamhet: pl.Series) -> pl.Series:
    """Whether a plan has the item, with the verksamhet in its scope; null where either is missing."""
    pairs = pl.DataFrame({"i": item, "v": verksamhet}).select(pl.concat_str("i", "v", separator="|")).to_series()
    return pairs.is_in([f"{i}|{v}" for i, v in may_report()])


def _overlaps(table: Table, rule: RowRule, duplicate: pl.Series) -> pl.Series:
    """Rows whose period shares a day with another row's of the same `rule.per`; withdrawing rows are no periods.

    A period that ends on the day that the next one begins (an exclusive end, as many systems write) is first read as
    ending the day before, in the table's values too; a remark names whose it is.
    """
    start, end = rule.columns
    assert rule.per is not None
    periods = (
        pl.DataFrame(
            {
                "row": pl.int_range(table.height, eager=True),
                "per": table.value(rule.per),
                "start": table.value(start),
                "end": table.value(end).fill_null(FAR_FUTURE),
                "skip": duplicate | table.unreadable(end) | table.value("makulerad").fill_null(False),
            }
        )
        .filter(~pl.col("skip") & pl.col("per").is_not_null() & (pl.col("start") <= pl.col("end")))
        .drop("skip")
    )
    starts = periods.select("per", pl.col("start").alias("end")).unique()
    touching = periods.filter(pl.col("start") < pl.col("end")).join(starts, on=["per", "end"], how="semi")
    if touching.height:
        earlier = pl.col("row").is_in(touching["row"].implode())
        day_before = pl.when(earlier).then(pl.col("end").dt.offset_by("-1d")).otherwise(pl.col("end"))
        periods = periods.with_columns(day_before)
        delivered = pl.DataFrame({"row": pl.int_range(table.height, eager=True), "end": table.value(end)})
        table.cells[end].become(delivered.select(day_before).to_series())
        names = ", ".join(display(name) for name in touching["per"].unique().sort())
        table.remarks.append(f"{end} är samma dag som nästa {start} och läses som dagen före för {names}.")
    pairs = periods.join(periods, on="per", suffix="_2").filter(
        (pl.col("row") != pl.col("row_2")) & (pl.col("start") <= pl.col("end_2")) & (pl.col("start_2") <= pl.col("end"))
    )
    return pl.int_range(table.height, eager=True).is_in(pairs["row"].unique().implode())
