"""From delivered text to typed rows: cell rules, row rules and duplicates of one file, column by column.

What needs more than the file itself (the unit register, other deliveries) is settled later, in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import EMPTY, FILLED, Column, Condition, Contract, RowRule
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.core.masking import MASK, display
from dagster_project.ingestion import cells, persons
from dagster_project.ingestion.readers import RawTable

FAR_FUTURE = date(9999, 12, 31)


@dataclass(frozen=True)
class ParsedDelivery:
    """One delivery's rows.

    accepted: `stored_schema` columns, one row per row that breaks no rule of form.
    quarantined: the same columns (null where unreadable) plus `reasons` (sorted list), `values` (list of
    `column=value`, masked), `key` (text, personnummer as ***; null when unreadable).
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    rows_read: int
    rows_duplicate: int


def stored_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Columns and types of a bronze file; personnummer is stored as person_id, kon and fodelsear."""
    schema: dict[str, pl.DataType] = {}
    for column in contract.columns:
        if column.type == "personnummer":
            schema |= {"person_id": pl.String(), "kon": pl.String(), "fodelsear": pl.Int64()}
        else:
            schema[column.name] = cells.DTYPES[column.type]
    if contract.event:
        schema["event_date"] = pl.Date()
    return schema | {"delivery": pl.String(), "line": pl.Int64()}


def quarantine_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Columns and types of a bronze quarantine file."""
    return stored_schema(contract) | {
        "reasons": pl.List(pl.String()),
        "values": pl.List(pl.String()),
        "key": pl.String(),
    }


class _Table:
    """The columns of one delivery while rules are applied: trimmed text, typed value, filled or not."""

    def __init__(self, raw: RawTable, contract: Contract, extraction: date, key: bytes) -> None:
        self.contract, self.extraction = contract, extraction
        self.height = raw.frame.height
        self.raw: dict[str, pl.Series] = {}
        self.value: dict[str, pl.Series] = {}
        self.person: pl.DataFrame | None = None
        self.line = raw.frame["line"]
        self.readable = pl.Series([], dtype=pl.Boolean)
        self.broken: list[tuple[str, tuple[str, ...], pl.Series]] = []
        for column in contract.columns:
            text = (
                cells.trim(raw.frame[column.name])
                if column.name in raw.frame.columns
                else pl.Series([None], dtype=pl.String).new_from_index(0, self.height)
            )
            self.raw[column.name] = text
            self.value[column.name] = self._parse(column, text, key)
        self.ragged = raw.frame["ragged"]
        self.breaks("format:rad", (), self.ragged)

    def _parse(self, column: Column, text: pl.Series, key: bytes) -> pl.Series:
        if column.type == "personnummer":
            self.person = persons.identify(text, self.extraction, key)
            return self.person["person_id"]
        if column.type == "text":
            return persons.pseudonymise_in_keys(text, key) if column.key_position else persons.mask_in_texts(text)
        if column.type == "code":
            return persons.mask_in_texts(cells.parse_code(text, _allowed(column)))
        value = cells.PARSERS[column.type](text)
        if column.type in ("int", "number"):
            # A personal number is no amount: as a number it would be stored in clear.
            long = text.filter((text.str.len_bytes() >= 10).fill_null(False)).unique()
            digits = long.str.replace_all(cells.GROUP, "")
            persons_numbers = long.filter(digits != persons.mask_in_texts(digits))
            if persons_numbers.len():
                value = _where(~text.is_in(persons_numbers.implode()), value)
        if value.dtype == pl.Date:
            no_date = cells.is_no_date(value)
            if no_date.any():
                # 1900-01-01 and 9999-12-31 mean missing: neither text nor value is left.
                self.raw[column.name] = text = _where(~no_date, text)
                value = _where(~no_date, value)
        return value

    def filled(self, name: str) -> pl.Series:
        return self.raw[name].is_not_null()

    def unreadable(self, name: str) -> pl.Series:
        return self.filled(name) & self.value[name].is_null()

    def breaks(self, reason: str, columns: tuple[str, ...], mask: pl.Series) -> None:
        if mask.any():
            self.broken.append((reason, columns, mask.fill_null(False)))

    def holds(self, condition: Condition | None) -> pl.Series | None:
        if condition is None:
            return None
        if condition.value == FILLED:
            return self.filled(condition.column)
        if condition.value == EMPTY:
            return ~self.filled(condition.column)
        return (self.value[condition.column] == condition.value).fill_null(False)


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    return pl.DataFrame({"m": mask, "v": values}).select(pl.when("m").then("v").alias(values.name)).to_series()


def _allowed(column: Column) -> tuple[str, ...] | None:
    if column.organisation:
        return verksamhet_codes()
    return column.values


def parse_delivery(raw: RawTable, contract: Contract, extraction: date, delivery: str, key: bytes) -> ParsedDelivery:
    """Apply the contract to one delivered table.

    `delivery` is the id stored with every row; `extraction` the file's extraction date; `key` the person key.
    Every row ends as accepted, quarantined or duplicate: the counts add up to `rows_read`.
    """
    table = _Table(raw, contract, extraction, key)
    for column in contract.columns:
        _cell_rules(table, column)
    duplicate = _duplicates(table)
    for rule in contract.rules:
        _row_rule(table, rule, duplicate)

    stored = _stored(table, delivery)
    bad = pl.Series([False]).new_from_index(0, table.height)
    for _, _, mask in table.broken:
        bad = bad | mask
    quarantined = bad & ~duplicate
    return ParsedDelivery(
        accepted=stored.filter(~(bad | duplicate)),
        quarantined=_quarantine(table, stored, quarantined),
        rows_read=table.height,
        rows_duplicate=int(duplicate.sum()),
    )


def _cell_rules(table: _Table, column: Column) -> None:
    name, value = column.name, table.value[column.name]
    if column.required:
        table.breaks(f"saknas:{name}", (name,), ~table.filled(name))
    table.breaks(f"format:{name}", (name,), table.unreadable(name))
    refused = pl.Series([False]).new_from_index(0, table.height)
    if column.minimum is not None:
        refused = refused | (value < column.minimum)
    if column.maximum is not None:
        refused = refused | (value > column.maximum)
    if column.maximum_extraction_year:
        refused = refused | (value > table.extraction.year)
    if column.pattern:
        refused = refused | ~value.str.contains(column.pattern)
    allowed = _allowed(column)
    if allowed is not None:
        refused = refused | ~value.is_in(list(allowed))
    table.breaks(f"varde:{name}", (name,), refused)
    if column.type == "date" and not column.plan:
        table.breaks(f"framtid:{name}", (name,), value > table.extraction)


def _row_rule(table: _Table, rule: RowRule, duplicate: pl.Series) -> None:
    applies = table.holds(rule.when)
    if rule.kind in ("required", "empty"):
        (name,) = rule.columns
        wanted = rule.kind == "required"
        mask = ~table.filled(name) if wanted else table.filled(name)
        assert applies is not None, "required and empty always carry a condition"
        table.breaks(f"{'saknas' if wanted else 'varde'}:{name}", rule.columns, applies & mask)
        return
    first, second = rule.columns
    a, b = table.value[first], table.value[second]
    if rule.kind == "order":
        mask = a > b
        table.breaks(f"ordning:{first}>{second}", rule.columns, mask if applies is None else mask & applies)
    elif rule.kind == "in_month":
        mask = a.dt.month_end() != b
        table.breaks(f"varde:{second}", (second,), mask if applies is None else mask & applies)
    elif rule.kind == "overlap":
        table.breaks("overlapp:giltighet", rule.columns, _overlaps(table, rule, duplicate))


def _overlaps(table: _Table, rule: RowRule, duplicate: pl.Series) -> pl.Series:
    """Rows whose period shares a day with another row's of the same `rule.per`; withdrawing rows are no periods."""
    start, end = rule.columns
    assert rule.per is not None
    periods = (
        pl.DataFrame(
            {
                "row": pl.int_range(table.height, eager=True),
                "per": table.value[rule.per],
                "start": table.value[start],
                "end": table.value[end].fill_null(FAR_FUTURE),
                "skip": duplicate | table.unreadable(end) | table.value["makulerad"].fill_null(False),
            }
        )
        .filter(~pl.col("skip") & pl.col("per").is_not_null() & (pl.col("start") <= pl.col("end")))
        .drop("skip")
    )
    pairs = periods.join(periods, on="per", suffix="_2").filter(
        (pl.col("row") != pl.col("row_2")) & (pl.col("start") <= pl.col("end_2")) & (pl.col("start_2") <= pl.col("end"))
    )
    return pl.int_range(table.height, eager=True).is_in(pairs["row"].unique().implode())


def _key_values(table: _Table) -> tuple[pl.DataFrame, pl.Series]:
    """The stored key (a column that is key only for some rows is null for the others) and where it is readable."""
    values, readable = {}, pl.Series([True]).new_from_index(0, table.height)
    for column in table.contract.key:
        value = table.value[column.name]
        present = value.is_not_null()
        if column.key_when:
            holds = table.holds(Condition(*column.key_when))
            assert holds is not None
            value, present = _where(holds, value), present | ~holds
        elif not column.required:
            present = ~table.unreadable(column.name)
        values[column.stored] = value
        readable = readable & present
    return pl.DataFrame(values), readable


def _duplicates(table: _Table) -> pl.Series:
    """Rows identical to an earlier row; rows with the same key and other content break `dubblett:konflikt`."""
    key, readable = _key_values(table)
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
                    "v": table.value[column.name].gather(suspects).cast(pl.String),
                    "t": table.raw[column.name].gather(suspects),
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
    table.breaks("dubblett:konflikt", (), index.is_in(conflicts["row"].implode()))
    return index.is_in(rows.filter(~pl.col("first"))["row"].implode())


def _stored(table: _Table, delivery: str) -> pl.DataFrame:
    contract = table.contract
    columns: dict[str, pl.Series] = {}
    for column in contract.columns:
        if column.type == "personnummer":
            assert table.person is not None
            columns |= {name: table.person[name] for name in ("person_id", "kon", "fodelsear")}
        else:
            columns[column.name] = table.value[column.name]
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
    return (
        pl.DataFrame(columns)
        .with_columns(delivery=pl.lit(delivery), line=table.line)
        .select(pl.col(n).cast(t) for n, t in stored_schema(contract).items())
    )


def key_text(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """The business key as people read it: parts joined by `|`, months as YYYY-MM, personnummer as `***`."""
    parts = []
    for column in contract.key:
        text = pl.col(column.stored)
        if column.type == "personnummer":
            text = pl.lit(MASK)
        elif column.type == "month":
            text = text.dt.strftime("%Y-%m")
        else:
            text = text.cast(pl.String)
        if column.key_when:
            text = pl.when(pl.col(column.key_when[0]) == column.key_when[1]).then(text)
        parts.append(text)
    joined = frame.select(pl.concat_str(parts, separator="|", ignore_nulls=True).alias("key")).to_series()
    unique = joined.unique().drop_nulls()
    return joined.replace({t: d for t in unique if (d := display(t)) != t})


def _quarantine(table: _Table, stored: pl.DataFrame, quarantined: pl.Series) -> pl.DataFrame:
    schema = quarantine_schema(table.contract)
    rows = quarantined.arg_true()
    if rows.len() == 0:
        return pl.DataFrame(schema=schema)
    frame = stored[rows].with_columns(row=rows.cast(pl.Int64))
    readable = table.readable.gather(rows)
    frame = frame.with_columns(key=_where(readable, key_text(frame, table.contract)))
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
            texts = table.raw[column.name].gather(where).fill_null("")
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
