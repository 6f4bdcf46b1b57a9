"""One delivery's columns while rules are applied to them: text, typed value, and which rows broke what."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import EMPTY, FILLED, Column, Condition, Contract
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import items, may_report
from dagster_project.ingestion import cells, persons
from dagster_project.ingestion.readers import RawTable

LONGEST_NUMBER = 100
"""Characters that a personal number takes in a text, however it is spelled: few have more."""


class Table:
    """The columns of one delivery while rules are applied: trimmed text, typed value, filled or not.

    remarks: what the delivery's line in the ledger says of how it was read, one Swedish sentence each. masked: rows in
    one of whose free texts something that looks like a personal number was masked.
    """

    def __init__(self, raw: RawTable, contract: Contract, extraction: date, key: bytes) -> None:
        self.contract, self.extraction = contract, extraction
        self.height = raw.frame.height
        self.raw: dict[str, pl.Series] = {}
        self.value: dict[str, pl.Series] = {}
        self.person: pl.DataFrame | None = None
        self.line = raw.frame["line"]
        self.masked = pl.Series([False]).new_from_index(0, self.height)
        self.readable = pl.Series([], dtype=pl.Boolean)
        self.broken: list[tuple[str, tuple[str, ...], pl.Series]] = []
        self.remarks: list[str] = list(raw.remarks)
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
        if column.type in ("text", "code"):
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
            return persons.mask_in_texts(readable) if column.max_length is None else self._free_text(column, readable)
        value = cells.PARSERS[column.type](text)
        if column.type == "hsaid":
            return persons.pseudonymise_in_units(value, key)
        if column.type in ("int", "number"):
            # A personal number is no amount: as a number it would be stored in clear.
            hidden = persons.hold_number(text, column.type == "number")
            if hidden.any():
                value = keep_where(~hidden, value)
        if value.dtype == pl.Date:
            no_date = cells.is_no_date(value)
            if no_date.any():
                # 1900-01-01 and 9999-12-31 mean missing: neither text nor value is left.
                self.raw[column.name] = text = keep_where(~no_date, text)
                value = keep_where(~no_date, value)
        return value

    def _free_text(self, column: Column, text: pl.Series) -> pl.Series:
        """The text, masked; of one that is too long (and refused) no more than may be there."""
        assert column.max_length is not None
        # Cut first: masking is slow on long texts. A little more than is kept, so that no number is cut in two.
        readable = text.str.slice(0, column.max_length + LONGEST_NUMBER)
        masked = persons.mask_in_texts(readable)
        self.masked = self.masked | (masked != readable).fill_null(False)
        return masked.str.slice(0, column.max_length)

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
