"""From delivered text to typed rows: cell rules, row rules and duplicates of one file, column by column.

What needs more than the file itself (the unit register, other deliveries) is settled later, in `settle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.masking import MASK, display
from dagster_project.core.parallel import in_order
from dagster_project.ingestion import cells
from dagster_project.ingestion.duplicates import find_duplicates, key_values
from dagster_project.ingestion.readers import RawParts, RawTable
from dagster_project.ingestion.rules import apply_cell_rules, apply_row_rule
from dagster_project.ingestion.table import Table, keep_where

WORKERS = 2
"""Parts of a file that are judged at a time: more would only take more memory."""


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


@dataclass(frozen=True)
class _Judged:
    """A part of a delivery: the rows that break no rule of their own, the others as they were delivered (`bad`).

    keys: a hash of every row's business key, null where it is unreadable.
    """

    stored: pl.DataFrame
    bad: pl.DataFrame
    keys: pl.Series


class InParts:
    """A large delivery, judged part by part: no more of it is in memory than a few parts.

    Gives the same as `parse_delivery`. What a row breaks by itself is known with its part; the few rows that break
    something, or share their key with another row, are then judged together as a delivery of their own.
    """

    def __init__(
        self,
        parts: RawParts,
        contract: Contract,
        extraction: date,
        delivery: str,
        key: bytes,
        counted: Callable[[pl.DataFrame], pl.DataFrame] = lambda frame: frame,
    ) -> None:
        """counted: the rows of a part (`RawTable.frame`) that are read at all."""
        self._parts, self._contract, self._counted = parts, contract, counted
        self._extraction, self._delivery, self._key = extraction, delivery, key
        self._bad: list[pl.DataFrame] = []
        self._keys: list[pl.Series] = []
        self.rows_left_out = 0

    def stored(self) -> Iterator[pl.DataFrame]:
        """Typed rows (`stored_schema`) that break no rule of their own, in order.

        Raises IrregularError where the file cannot be read in parts.
        """
        for left_out, judged in in_order(self._judge, range(self._parts.count), WORKERS):
            self.rows_left_out += left_out
            self._bad.append(judged.bad)
            self._keys.append(judged.keys)
            yield judged.stored

    def rest(self) -> tuple[ParsedDelivery, pl.Series]:
        """After `stored`: the counts and the quarantine (`accepted` is empty), and the lines that `stored` gave too
        many: of rows whose key another row has.
        """
        keys = pl.concat(self._keys)
        heights = [k.len() for k in self._keys]
        troubled = pl.concat(self._troubled(heights, _shared(keys)))
        empty = pl.DataFrame(schema=stored_schema(self._contract))
        read = sum(heights)
        if troubled.height == 0:
            nobody = pl.DataFrame(schema=quarantine_schema(self._contract))
            return ParsedDelivery(empty, nobody, read, 0), troubled["line"]
        raw = RawTable(troubled, self._parts.unknown)
        found = parse_delivery(raw, self._contract, self._extraction, self._delivery, self._key)
        broken = pl.concat([b["line"] for b in self._bad])
        kept = pl.concat([broken, found.accepted["line"]])
        too_many = troubled["line"].filter(~troubled["line"].is_in(kept.implode()))
        return ParsedDelivery(empty, found.quarantined, read, found.rows_duplicate, found.remarks), too_many

    def _judge(self, number: int) -> tuple[int, _Judged]:
        read = self._parts.read(number)
        frame = self._counted(read)
        table = _judged_rows(RawTable(frame, self._parts.unknown), self._contract, self._extraction, self._key)
        bad = table.bad()
        key, readable = key_values(table)
        judged = _Judged(
            _stored(table, self._delivery).filter(~bad) if bad.any() else _stored(table, self._delivery),
            frame.filter(bad),
            keep_where(readable, key.hash_rows()),
        )
        return read.height - frame.height, judged

    def _troubled(self, heights: Sequence[int], shared: pl.Series) -> Iterator[pl.DataFrame]:
        """The delivered rows that broke something or are at a place in `shared`, by part; a part is read again for the
        latter.
        """
        begin = 0
        for number, (height, bad) in enumerate(zip(heights, self._bad, strict=True)):
            places = shared.filter(shared.is_between(begin, begin + height - 1)) - begin
            begin += height
            if places.len() == 0:
                yield bad
            else:
                frame = self._counted(self._parts.read(number))
                yield pl.concat([bad, frame[places]]).unique("line").sort("line")


def _shared(keys: pl.Series) -> pl.Series:
    """The places of keys that more than one row has."""
    known = keys.drop_nulls()
    if known.n_unique() == known.len():
        return pl.Series([], dtype=pl.UInt32)
    return (keys.is_duplicated() & keys.is_not_null()).arg_true()


def _judged_rows(raw: RawTable, contract: Contract, extraction: date, key: bytes) -> Table:
    """The rows with what each breaks by itself."""
    table = Table(raw, contract, extraction, key)
    for column in contract.columns:
        apply_cell_rules(table, column)
    for rule in contract.rules:
        apply_row_rule(table, rule, table.no_rows())
    return table


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
