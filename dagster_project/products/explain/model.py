"""What an explanation consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.periods import months_of, period_name
from dagster_project.catalogue.vocabulary import PATHS_OF_KIND
from dagster_project.disclosure.split import Address
from dagster_project.releases.evidence import Reading
from dagster_project.runs.ledger import delivery_id

UNDATED = "utan_datum:"
"""Prefix of a reason whose observations have no event date and so belong to no period."""


@dataclass(frozen=True)
class Definition:
    """The indicator as its release has it: what it meant then.

    kind, path: as in `vocabulary`. window_months, base_year: as in `catalogue.indicators`.
    """

    id: str
    version: str
    title: str
    text: str
    numerator: str | None
    denominator: str | None
    kind: str
    stock: bool
    patient: bool
    sources: tuple[str, ...]
    scope: tuple[str, ...]
    target: float | None
    target_base: str | None
    path: str
    window_months: int | None
    base_year: int | None

    @staticmethod
    def of(row: Mapping[str, Any], reading: Reading) -> Definition:
        """The definition in a row of the published table of indicators, and what the evidence says beside it."""
        return Definition(
            id=row["indicator_id"],
            version=row["version"],
            title=row["titel"],
            text=row["definition"],
            numerator=row["taljare_text"],
            denominator=row["namnare_text"],
            kind=row["art"],
            stock=bool(row["bestand"]),
            patient=bool(row["patient"]),
            sources=tuple(row["kallor"].split("|")),
            scope=tuple(row["omfattning"].split("|")),
            target=row["mal_varde"],
            target_base=row["mal_jamforelse"],
            path=reading.path or PATHS_OF_KIND[row["art"]][0],
            window_months=reading.window_months,
            base_year=reading.base_year,
        )


@dataclass(frozen=True)
class Period:
    """A period by its type (`vocabulary.PERIOD_TYPES`), first and last day."""

    type: str
    start: date
    end: date

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return period_name(self.type, self.start, self.end)

    def months(self, indicator: Definition) -> list[date]:
        """First days of the months whose observations the indicator's cell counts."""
        return months_of(self.start, self.end, indicator.stock, indicator.window_months)

    def same(self) -> pl.Expr:
        """Published rows of exactly this period."""
        return (pl.col("period_typ") == self.type) & (pl.col("period_start") == self.start)


@dataclass(frozen=True)
class Calculation:
    """A cell computed from its evidence. middle: the one or two values in the middle of a median."""

    taljare: float | None = None
    namnare: float | None = None
    varde: float | None = None
    middle: tuple[float, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """Observations that do not count, by reason. count None: there are `at_least`, or it is not told."""

    reason: str
    count: int | None
    at_least: int | None = None


@dataclass(frozen=True)
class Line:
    """One observation where it was delivered; reason: why it does not count, None when it does."""

    file: str
    line: int
    reason: str | None = None


@dataclass(frozen=True)
class DeliveryRef:
    """One accepted delivery of a source that the indicator reads."""

    source: str
    file: str
    uttagsdatum: str
    sha256: str

    @property
    def id(self) -> str:
        """What its observations are known by."""
        return delivery_id(self.uttagsdatum, self.sha256)


@dataclass(frozen=True)
class FileCount:
    """Observations of one delivery, or of several together (`rest`)."""

    files: tuple[str, ...]
    count: int
    rest: bool = False


@dataclass(frozen=True)
class Check:
    """A failed expectation of a gate that judged the indicator's sources."""

    suite: str
    source: str
    severity: str
    title: str
    found: str
    waived: str | None


@dataclass(frozen=True)
class Told:
    """What may be told of a cell's observations; a note says why something is None.

    undelivered: how many have no delivered row, since nobody has reported them.
    """

    exclusions: tuple[Exclusion, ...] = ()
    files: tuple[FileCount, ...] | None = None
    files_note: str | None = None
    undelivered: int = 0
    lines: tuple[Line, ...] | None = None
    lines_note: str | None = None


@dataclass(frozen=True)
class Change:
    """The same cell in the release before. `hidden`: it is hidden there, so nothing about amounts is told.

    before: taljare, namnare, varde there. definition, code_version, catalogue_version: there and here, where they
    differ. added, gone: observations that came and went (None: not told, `note` says
    why); by_file: (file, added, gone), not about patients only.
    """

    release_id: str
    as_of: str
    hidden: bool
    before: tuple[float | None, float | None, float | None] = (None, None, None)
    status: str = ""
    definition: tuple[str, str] | None = None
    code_version: tuple[str, str] | None = None
    catalogue_version: tuple[str, str] | None = None
    parameters: tuple[str, ...] = ()
    new_files: tuple[str, ...] = ()
    gone_files: tuple[str, ...] = ()
    added: int | None = None
    gone: int | None = None
    changed: int | None = None
    by_file: tuple[tuple[str, int, int], ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything that may be told of one cell. A refused one has its definition and the refusal only.

    cell: the published row. lacking: the column that nobody has filled in. exclusions to lines_note: as `Told`.
    frozen_from: the release that computed a frozen row.
    """

    release_id: str
    as_of: str
    indicator: Definition
    address: Address
    period: Period
    refusal: str | None = None
    cell: dict[str, Any] = field(default_factory=dict)
    calculation: Calculation = Calculation()
    evidence_as_of: date | None = None
    data_start: date | None = None
    lacking: str | None = None
    exclusions: tuple[Exclusion, ...] = ()
    files: tuple[FileCount, ...] | None = None
    files_note: str | None = None
    undelivered: int = 0
    lines: tuple[Line, ...] | None = None
    lines_note: str | None = None
    deliveries: tuple[DeliveryRef, ...] = ()
    checks_passed: int = 0
    checks: tuple[Check, ...] = ()
    code_version: str = ""
    catalogue_version: str = ""
    frozen_from: str | None = None
    change: Change | None = None
