"""The delivery ledger: one line per delivered file, and what a delivery is known by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, WITHDRAWN

LEDGER_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "file": pl.String(),
    "sha256": pl.String(),
    "uttagsdatum": pl.Date(),
    "rows_read": pl.Int64(),
    "rows_accepted": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "status": pl.String(),
    "orsak": pl.String(),
    "delivery": pl.String(),
    "position": pl.Int64(),
    "kept": pl.Boolean(),
}
"""`orsak`: why a file does not count or, of an accepted one, what is remarkable about it. `delivery` (its id) and
`position` (the order of a source's deliveries) are set for accepted deliveries only. `kept`: its rows count as they
were read before, since the file can no longer be opened or was overwritten with what is rejected."""


def delivery_id(uttagsdatum: date | str | None, sha256: str | None) -> str:
    """What bronze rows carry: the extraction date is part of it, since dates are judged against it."""
    return f"{uttagsdatum}_{(sha256 or '')[:16]}"


@dataclass(frozen=True)
class Delivery:
    """One line of the delivery ledger. `file` is the path below raw; `position` orders a source's deliveries."""

    source: str
    file: str
    sha256: str | None = None
    uttagsdatum: date | None = None
    status: str = ACCEPTED
    orsak: str | None = None
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    position: int | None = None
    kept: bool = False

    @property
    def id(self) -> str:
        return delivery_id(self.uttagsdatum, self.sha256)

    @property
    def name(self) -> str:
        return self.file.rsplit("/", 1)[-1]

    @property
    def age_order(self) -> tuple[date, list[str | int], str]:
        """Sorts a source's deliveries, oldest first: by extraction date, then by name in natural order."""
        return self.uttagsdatum or date.min, natural_order(self.name), self.name


def natural_order(name: str) -> list[str | int]:
    """Sorts names as people count: digits are numbers, so that `_v10` comes after `_v2`."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def newest_day(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The day's delivery: all of a source's accepted deliveries that have its newest extraction date, oldest first.

    Every rule about "the newest delivery" (quarantined share, age, volume) judges these together.
    """
    newest = max((d.uttagsdatum for d in deliveries if d.uttagsdatum), default=None)
    return [d for d in deliveries if d.uttagsdatum == newest]


def accepted(ledger: Iterable[Delivery], source: str) -> list[Delivery]:
    """Accepted deliveries of a source, oldest first."""
    return sorted((d for d in ledger if d.source == source and d.status == ACCEPTED), key=lambda d: d.position or 0)


def published(ledger: Iterable[Delivery], as_of: date) -> list[Delivery]:
    """The part of a run's ledger that its release shows, and that identifies it.

    Files dated after the as-of date are in the run's own record only, so that a past day comes out the same. What is
    withdrawn is a decision of today, whatever its date.
    """
    return [
        d
        for d in ledger
        if d.status == WITHDRAWN or (d.status != LATER and (d.uttagsdatum is None or d.uttagsdatum <= as_of))
    ]


def inputs_of(ledger: Iterable[Delivery], as_of: date) -> list[dict[str, Any]]:
    """What of the ledger identifies a run."""
    return [
        {
            "source": d.source,
            "file": d.file,
            "sha256": d.sha256,
            "uttagsdatum": str(d.uttagsdatum) if d.uttagsdatum else None,
            "status": d.status,
            "orsak": d.orsak,
        }
        for d in published(ledger, as_of)
    ]


def ledger_frame(ledger: Sequence[Delivery]) -> pl.DataFrame:
    """The ledger as a table (LEDGER_SCHEMA)."""
    return pl.DataFrame(
        [
            {n: getattr(d, n) for n in LEDGER_SCHEMA if n != "delivery"}
            | {"delivery": d.id if d.status == ACCEPTED else None}
            for d in ledger
        ],
        schema=LEDGER_SCHEMA,
    )


def ledger_of(frame: pl.DataFrame) -> list[Delivery]:
    """The ledger of `ledger_frame`."""
    return [Delivery(**row) for row in frame.drop("delivery").iter_rows(named=True)]
