"""From delivered text to typed rows: cell rules, row rules and duplicates of one file, column by column.

What needs more than the file itself (the unit register, other deliveries) is settled later, in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.masking import MASK, display
from dagster_project.ingestion import cells
from dagster_project.ingestion.duplicates import find_duplicates
from dagster_project.ingestion.readers import RawTable
from dagster_project.ingestion.rules import apply_cell_rules, apply_row_rule
from dagster_project.ingestion.table import Table, keep_where


@dataclass(frozen=True)
class ParsedDelivery:
    """One delivery's rows.

    accepted: `stored_schema` columns, one row per row that breaks no rule of form.
    quarantined: the same columns (null where unreadable) plus `reasons` (sorted list), `values` (list of
    `column=value`, masked), `key` (text, personnummer as ***; null when unreadable).
    remarks: sentences on how it was read, for the ledger.
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    rows_read: int
    rows_duplicate: int
    remarks: tuple[str, ...] = ()


def stored_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Columns and types of a bronze file; personnummer is stored as person_id, kon and fodelsear.

    Where people write free texts, `masked` says of which rows something in one was masked.
    """
    schema: dict[str, pl.DataType] = {}
    for column in contract.columns:
        if column.type == "personnummer":
            schema |= {"person_id": pl.String(), "kon": pl.String(), "fodelsear": pl.Int64()}
        else:
            schema[column.name] = cells.DTYPES[column.type]
    if contract.event:
        schema["event_date"] = pl.Date()
    if contract.free_texts:
        schema["masked"] = pl.Boolean()
    return schema | {"delivery": pl.String(), "line": pl.Int64()}


def quarantine_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Columns and types of a bronze quarantine file."""
    return stored_schema(contract) | {
        "reasons": pl.List(pl.String()),
        "values": pl.List(pl.String()),
        "key": pl.String(),
    }


def parse_delivery(raw: RawTable, contract: Contract, extraction: date, delivery: str, key: bytes) -> ParsedDelivery:
    """Apply the contract to one delivered table.

    `delivery` is the id stored with every row; `extraction` the file's extraction date; `key` the person key.
    Every row ends as accepted, quarantined or duplicate: the counts add up to `rows_read`.
    """
    table = Table(raw, contract, extraction, key)
    for column in contract.columns:
        apply_cell_rules(table, column)
    duplicate = find_duplicates(table)
    for rule in contract.rules:
        apply_row_rule(table, rule, duplicate)

    stored = _stored(table, delivery)
    bad = table.bad()
    quarantined = bad & ~duplicate
    return ParsedDelivery(
        accepted=stored.filter(~(bad | duplicate)),
        quarantined=_quarantine(table, stored, quarantined),
        rows_read=table.height,
        rows_duplicate=int(duplicate.sum()),
        remarks=tuple(table.remarks),
    )


def _stored(table: Table, delivery: str) -> pl.DataFrame:
    contract = table.contract
    columns: dict[str, pl.Series] = {}
    for column in table.cells.values():
        columns |= column.stored
    columns["makulerad"] = columns["makulerad"].fill_null(False)
    if isinstance(contract.event, str):
        columns["event_date"] = columns[contract.event]
    elif contract.event:
        by, events = contract.event
        frame = pl.DataFrame({n: columns[n] for n in (by, *events.values())})
        event = pl.lit(None, dtype=pl.Date)
        for value, name in events.items():
            event = pl.when(pl.col(by) == value).then(pl.col(name)).otherwise(event)
        columns["event_date"] = frame.select(event.alias("e")).to_series()
    if contract.free_texts:
        columns["masked"] = table.masked
    return (
        pl.DataFrame(columns)
        .with_columns(delivery=pl.lit(delivery), line=table.line)
        .select(pl.col(n).cast(t) for n, t in stored_schema(contract).items())
    )


def key_text(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """The business key as people read it: parts (`display`) joined by `|`, months as YYYY-MM, personnummer as `***`."""
    parts = []
    for column in contract.key:
        text = pl.col(column.stored)
        if column.type == "personnummer":
            text = pl.lit(MASK)
        elif column.type == "month":
            text = text.dt.strftime("%Y-%m")
        else:
            named = frame[column.stored].cast(pl.String)
            shown = {t: d for t in named.unique().drop_nulls() if (d := display(t)) != t}
            text = text.cast(pl.String).replace(shown) if shown else text.cast(pl.String)
        if column.key_when:
            text = pl.when(pl.col(column.key_when[0]) == column.key_when[1]).then(text)
        parts.append(text)
    return frame.select(pl.concat_str(parts, separator="|", ignore_nulls=True).alias("key")).to_series()


def _quarantine(table: Table, stored: pl.DataFrame, quarantined: pl.Series) -> pl.DataFrame:
    schema = quarantine_schema(table.contract)
    rows = quarantined.arg_true()
    if rows.len() == 0:
        return pl.DataFrame(schema=schema)
    frame = stored[rows].with_columns(row=rows.cast(pl.Int64))
    readable = table.readable.gather(rows)
    frame = frame.with_columns(key=keep_where(readable, key_text(frame, table.contract)))
    reasons = pl.concat(
        pl.DataFrame({"row": (mask & quarantined).arg_true().cast(pl.Int64)}).with_columns(reasons=pl.lit(reason))
        for reason, _, mask in table.broken
    )
    offending: dict[str, pl.Series] = {}
    for _, columns, mask in table.broken:
        for name in columns:
            offending[name] = offending[name] | mask if name in offending else mask
    values = [pl.DataFrame(schema={"row": pl.Int64, "values": pl.String})]
    for column in table.contract.columns:
        if column.name in offending:
            where = (offending[column.name] & quarantined).arg_true()
            texts = table.text(column.name).gather(where).fill_null("")
            hide = column.type == "personnummer"
            shown = {t: f"{column.name}=" + (MASK if hide and t else display(t)) for t in texts.unique()}
            values.append(
                pl.DataFrame(
                    {"row": where.cast(pl.Int64), "values": texts.replace_strict(shown, return_dtype=pl.String)}
                )
            )
    return (
        frame.join(reasons.group_by("row").agg(pl.col("reasons").sort().unique(maintain_order=True)), on="row")
        .join(pl.concat(values).group_by("row", maintain_order=True).agg("values"), on="row", how="left")
        .sort("line")
        .with_columns(pl.col("values").fill_null([]))
        .select(pl.col(n).cast(t) for n, t in schema.items())
    )
