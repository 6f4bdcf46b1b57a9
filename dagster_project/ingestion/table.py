"""One delivery's columns while rules are applied to them: text, typed value, and which rows broke what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import EMPTY, FILLED, Column, Condition, Contract
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import items, may_report
from dagster_project.ingestion import cells, persons
from dagster_project.ingestion.readers import RawTable

LONGEST_NUMBER = 100
"""Characters that a personal number takes in a text, however it is spelled: few have more."""
FEW_ROWS = 2000
"""In a table with no more rows than this, finding the distinct texts costs more than it saves."""


class Cells:
    """One column of a delivery: the text and the typed value of every row.

    Texts repeat (days, units, codes): each distinct one is judged once, and a row only says which one it has. Ids that
    the source system issues do not: they are judged row by row.
    """

    def __init__(self, column: Column, delivered: pl.Series | None, height: int, extraction: date, key: bytes) -> None:
        """delivered: the column's texts; None where the file has no such column."""
        self.column = column
        self._place, texts = _distinct(column, delivered, height)
        self._masked: pl.Series | None = None
        self._person: pl.DataFrame | None = None
        self._text, self._value = self._read(texts, extraction, key)
        self._values: pl.Series | None = None

    @property
    def texts(self) -> pl.Series:
        """The trimmed text of every row; null where it is missing."""
        return self.of_rows(self._text)

    @property
    def values(self) -> pl.Series:
        """The typed value of every row; null where the text is missing or cannot be read."""
        if self._values is None:
            self._values = self.of_rows(self._value)
        return self._values

    def become(self, values: pl.Series) -> None:
        """Take other values, one per row."""
        self._values = values

    @property
    def filled(self) -> pl.Series:
        return self.of_rows(self._text.is_not_null())

    @property
    def unreadable(self) -> pl.Series:
        return self.of_rows(self._text.is_not_null() & self._value.is_null())

    @property
    def masked(self) -> pl.Series | None:
        """Where something was masked in a free text; None where nothing was, or the column is none."""
        return self.of_rows(self._masked) if self._masked is not None and self._masked.any() else None

    @property
    def stored(self) -> dict[str, pl.Series]:
        """The columns that are stored: a personal number is three."""
        if self._person is None:
            return {self.column.name: self.values}
        return {name: self.of_rows(self._person[name]) for name in ("person_id", "kon", "fodelsear")}

    def judged(self, judge: Callable[[pl.Series, pl.Series], pl.Series]) -> pl.Series:
        """What a function of text and value (column by column, the same for the same text) says of every row."""
        return self.of_rows(judge(self._text, self._value))

    def breaks(self, judge: Callable[[pl.Series, pl.Series], pl.Series]) -> pl.Series | None:
        """The rows of which `judge` is true; None, without looking at them, where it is true of no text."""
        mask = judge(self._text, self._value)
        return self.of_rows(mask) if mask.any() else None

    def of_rows(self, of_texts: pl.Series) -> pl.Series:
        """What is said of each distinct text, for every row."""
        return of_texts if self._place is None else of_texts.gather(self._place)

    def _read(self, texts: pl.Series, extraction: date, key: bytes) -> tuple[pl.Series, pl.Series]:
        column = self.column
        if not (self._place is None and column.issued and not column.any_case):
            return self._parsed(cells.trimmed(texts), extraction, key)
        odd = (~texts.str.contains(cells.PLAIN_ID)).fill_null(True).arg_true()
        if 2 * odd.len() >= texts.len():
            return self._parsed(cells.trimmed(texts), extraction, key)
        if odd.len() == 0:
            return texts, texts
        text, value = self._parsed(cells.trimmed(texts.gather(odd)), extraction, key)
        return texts.clone().scatter(odd, text), texts.clone().scatter(odd, value)

    def _parsed(self, text: pl.Series, extraction: date, key: bytes) -> tuple[pl.Series, pl.Series]:
        """Text and typed value of trimmed texts (a text that means "missing" becomes none)."""
        column = self.column
        if column.type == "personnummer":
            self._person = persons.identified(text, extraction, key)
            return text, self._person["person_id"]
        if column.type in ("text", "code"):
            return text, self._worded(text, key)
        value = cells.PARSERS[column.type](text)
        if column.type == "hsaid":
            return text, persons.pseudonymise_in_units(value, key)
        if column.type in ("int", "number"):
            # A personal number is no amount: as a number it would be stored in clear.
            hidden = persons.hold_number(text, column.type == "number")
            if hidden.any():
                value = keep_where(~hidden, value)
        if value.dtype == pl.Date:
            no_date = cells.is_no_date(value)
            if no_date.any():
                # 1900-01-01 and 9999-12-31 mean missing: neither text nor value is left.
                text, value = keep_where(~no_date, text), keep_where(~no_date, value)
        return text, value

    def _worded(self, text: pl.Series, key: bytes) -> pl.Series:
        column = self.column
        if column.any_case:
            text = text.str.to_lowercase()
        refused = cells.is_sheet_error(text.str.to_uppercase() if column.any_case else text)
        if column.type == "text" and (column.key_position or column.pattern):
            refused |= cells.is_damaged(text)
        readable = keep_where(~refused, text) if refused.any() else text
        if column.type == "code":
            codes = cells.parse_code(readable, allowed_codes(column), column.spellings)
            if column.default is not None:
                codes = pl.DataFrame({"code": codes, "text": text}).select(
                    pl.when(pl.col("text").is_null()).then(pl.lit(column.default)).otherwise("code").alias("code")
                )["code"]
            return persons.mask_in_texts(codes)
        if column.key_position:
            return persons.pseudonymise_in_keys(readable, key)
        return persons.mask_in_texts(readable) if column.max_length is None else self._free_text(readable)

    def _free_text(self, text: pl.Series) -> pl.Series:
        """The text, masked; of one that is too long (and refused) no more than may be there."""
        length = self.column.max_length
        assert length is not None
        # Cut first: masking is slow on long texts. A little more than is kept, so that no number is cut in two.
        readable = text.str.slice(0, length + LONGEST_NUMBER)
        masked = persons.mask_in_texts(readable)
        self._masked = (masked != readable).fill_null(False)
        return masked.str.slice(0, length)


def _distinct(column: Column, delivered: pl.Series | None, height: int) -> tuple[pl.Series | None, pl.Series]:
    """Which of the distinct texts each row has, and these; (None, the rows' texts) where they are not made distinct."""
    if delivered is None:
        return pl.Series([0], dtype=pl.UInt32).new_from_index(0, height), pl.Series([None], dtype=pl.String)
    if height <= FEW_ROWS or column.issued:
        return None, delivered
    if column.type == "personnummer":
        return _by_join(delivered)  # many distinct ones
    if delivered.head(FEW_ROWS).n_unique() > FEW_ROWS // 2:
        return None, delivered
    categories = pl.Categories.random()  # a mapping of its own: polars lets go of it with the column
    coded = delivered.cast(pl.Categorical(categories))
    place = coded.to_physical()
    highest = place.max()
    numbers = pl.Series(range(highest + 1 if isinstance(highest, int) else 0), dtype=pl.UInt32)
    texts = numbers.cat.to(pl.Categorical(categories)).cast(pl.String)
    if place.null_count():
        place = place.fill_null(texts.len())
        texts = texts.extend(pl.Series([None], dtype=pl.String))
    return place, texts


def _by_join(delivered: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The same for personal numbers, of which many are distinct. Nearly all are twelve digits: as whole numbers they
    are found sooner.
    """
    rows = pl.DataFrame({"text": delivered}).select(
        pl.when(pl.col("text").str.contains("^[0-9]{12}$")).then("text").cast(pl.Int64).alias("number"), "text"
    )
    numbers = rows["number"].drop_nulls().unique()
    texts = numbers.cast(pl.String).str.zfill(12)
    numbered = pl.DataFrame({"number": numbers, "place": pl.int_range(numbers.len(), dtype=pl.UInt32, eager=True)})
    place = rows.select("number").join(numbered, on="number", how="left", maintain_order="left")["place"]
    others = place.is_null().arg_true()
    if others.len():
        spelled = delivered.gather(others)
        distinct = spelled.unique()
        texts = pl.concat([texts, distinct])
        found = pl.DataFrame({"text": distinct, "place": pl.int_range(numbers.len(), texts.len(), eager=True)})
        their = pl.DataFrame({"text": spelled}).join(
            found, on="text", how="left", maintain_order="left", nulls_equal=True
        )["place"]
        place = place.scatter(others, their.cast(pl.UInt32))
    return place, texts


class Table:
    """The columns of one delivery while rules are applied: trimmed text, typed value, filled or not.

    remarks: what the delivery's line in the ledger says of how it was read, one Swedish sentence each. masked: rows in
    one of whose free texts something that looks like a personal number was masked.
    """

    def __init__(self, raw: RawTable, contract: Contract, extraction: date, key: bytes) -> None:
        self.contract, self.extraction = contract, extraction
        self.height = raw.frame.height
        self.line = raw.frame["line"]
        self.readable = pl.Series([], dtype=pl.Boolean)
        self.broken: list[tuple[str, tuple[str, ...], pl.Series]] = []
        self.remarks: list[str] = list(raw.remarks)
        self.cells = {
            column.name: Cells(
                column,
                raw.frame[column.name] if column.name in raw.frame.columns else None,
                self.height,
                extraction,
                key,
            )
            for column in contract.columns
        }
        self.masked = self.no_rows()
        for column in self.cells.values():
            if (masked := column.masked) is not None:
                self.masked = self.masked | masked
        self.ragged = raw.frame["ragged"]
        self.breaks("format:rad", (), self.ragged)

    def no_rows(self) -> pl.Series:
        """A mask that is true nowhere."""
        return pl.Series([False]).new_from_index(0, self.height)

    def text(self, name: str) -> pl.Series:
        return self.cells[name].texts

    def value(self, name: str) -> pl.Series:
        return self.cells[name].values

    def filled(self, name: str) -> pl.Series:
        return self.cells[name].filled

    def unreadable(self, name: str) -> pl.Series:
        return self.cells[name].unreadable

    def breaks(self, reason: str, columns: tuple[str, ...], mask: pl.Series | None) -> None:
        if mask is not None and mask.any():
            self.broken.append((reason, columns, mask.fill_null(False)))

    def bad(self) -> pl.Series:
        """The rows that broke anything."""
        bad = self.no_rows()
        for _, _, mask in self.broken:
            bad = bad | mask
        return bad

    def holds(self, condition: Condition | None) -> pl.Series | None:
        if condition is None:
            return None
        column, wanted = self.cells[condition.column], condition.value
        if wanted == FILLED:
            return column.filled
        if wanted == EMPTY:
            return ~column.filled
        return column.judged(lambda _, value: (value == wanted).fill_null(False))


def keep_where(mask: pl.Series, values: pl.Series) -> pl.Series:
    return pl.DataFrame({"m": mask, "v": values}).select(pl.when("m").then("v").alias(values.name)).to_series()


def allowed_codes(column: Column) -> tuple[str, ...] | None:
    if column.organisation:
        return verksamhet_codes()
    if column.plan_item:
        return tuple(item.id for item in items())
    return column.values


def lists_fingerprint(contract: Contract) -> str | None:
    """Changes with what the seeds allow in a delivered row (`allowed_codes`, the plan); None where they say nothing."""
    said: list[object] = [allowed_codes(c) for c in contract.columns if c.organisation or c.plan_item]
    if any(rule.kind == "in_plan" for rule in contract.rules):
        said.append(sorted(may_report()))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12] if said else None
