"""Acknowledged rows: quarantined rows that nobody will correct, each a reviewed line of `expectations/kvitterade.csv`.

A line names a delivery (source, extraction date and SHA-256; the file's name is there for who reads it) and its rows
by their line numbers. It changes what stewards are shown, never what is counted: such a row is no longer open. So it is
no part of a run's identity and holds from when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.catalogue.vocabulary import BY_PERSON, OPEN, RESOLVED
from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.masking import mask
from dagster_project.core.reviewed import append_lines, checked_lines, is_date, one_line, require_said
from dagster_project.ingestion.withdrawals import fault_of_delivery
from dagster_project.runs.folder import QUARANTINE, RunFolder
from dagster_project.runs.ledger import delivery_id

COLUMNS = ("source", "file", "uttagsdatum", "sha256", "lines", "reason", "acknowledged_by", "acknowledged_on")
_LINES = re.compile(r"[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?(,[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?)*")


@dataclass(frozen=True)
class Acknowledgement:
    """One line: which rows of which delivery, why, by whom (name or role) and when. `file` is the path below raw.

    lines: `12`, `12-40` or `12,15-20`. line: its own place in the file.
    """

    source: str
    file: str
    uttagsdatum: date
    sha256: str
    lines: str
    reason: str
    acknowledged_by: str
    acknowledged_on: date
    line: int

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """First and last line of each part."""
        return _ranges(self.lines)

    @property
    def text(self) -> str:
        """The acknowledgement as people are told it."""
        return f"{self.acknowledged_on} av {self.acknowledged_by}: {self.reason}"


def _ranges(lines: str) -> list[tuple[int, int]]:
    parts = [part.split("-") for part in lines.split(",")]
    return [(int(p[0]), int(p[-1])) for p in parts]


def load_acknowledged(path: Path) -> list[Acknowledgement]:
    """Read and check the file. A missing file is an empty one.

    Raises ReviewedListError with every fault found, one sentence each: wrong columns, an empty cell, an unknown source,
    a name that is no delivery of the source and date, no SHA-256, no line numbers, no date.
    """
    found: list[Acknowledgement] = []
    for number, cells in checked_lines(path, COLUMNS, _fault):
        source, file, day, sha256, lines, reason, by, on = cells
        days = date.fromisoformat(day), date.fromisoformat(on)
        found.append(
            Acknowledgement(
                source, file, days[0], sha256, lines.replace(" ", ""), mask(reason), mask(by), days[1], number
            )
        )
    return found


def _fault(cells: Sequence[str]) -> str | None:
    """What is wrong with one line, or None."""
    source, file, day, sha256, lines, _, _, on = cells
    if fault := fault_of_lines(lines):
        return fault
    if not is_date(on):
        return f"acknowledged_on {on} är inget datum (ÅÅÅÅ-MM-DD)"
    return fault_of_delivery(source, file, day, sha256)


def fault_of_lines(lines: str) -> str | None:
    """What is wrong with line numbers as people write them, or None."""
    text = lines.replace(" ", "")
    if not _LINES.fullmatch(text) or any(first > last for first, last in _ranges(text)):
        return f"raderna {lines} ska skrivas som 12, 12-40 eller 12,15-20"
    return None


def quarantine_now(folder: RunFolder, acknowledged: Iterable[Acknowledgement]) -> pl.DataFrame:
    """The latest run's quarantine (QUARANTINE_SCHEMA), open rows that a reviewed line names resolved by it.

    Raises ResultattavlaError when nothing was run.
    """
    return with_acknowledged(folder.read(QUARANTINE), acknowledged)


def with_acknowledged(rows: pl.DataFrame, acknowledged: Iterable[Acknowledgement]) -> pl.DataFrame:
    """The rows (QUARANTINE_SCHEMA), open ones that a reviewed line names resolved by it; the first such line counts."""
    # The run folder of an older version has no columns for it.
    missing = [pl.lit(None, pl.String).alias(n) for n in ("settled_by", "settled_note") if n not in rows.columns]
    rows = rows.with_columns(missing)
    note = pl.lit(None, pl.String)
    for a in reversed(list(acknowledged)):
        note = pl.when(_named(a)).then(pl.lit(a.text)).otherwise(note)
    now = (pl.col("state") == OPEN) & note.is_not_null()
    return rows.with_columns(
        state=pl.when(now).then(pl.lit(RESOLVED)).otherwise("state"),
        settled_by=pl.when(now).then(pl.lit(BY_PERSON)).otherwise("settled_by"),
        settled_note=pl.when(now).then(note).otherwise("settled_note"),
    )


def _named(a: Acknowledgement) -> pl.Expr:
    """Whether a row of the quarantine is one that the line names."""
    lines = pl.any_horizontal(pl.col("line").is_between(first, last) for first, last in a.ranges)
    return (pl.col("source") == a.source) & (pl.col("delivery") == delivery_id(a.uttagsdatum, a.sha256)) & lines


def without_rows(rows: pl.DataFrame, acknowledged: Iterable[Acknowledgement], path: Path) -> list[str]:
    """A sentence per line that names no row in quarantine, resolved ones included: mistyped, or its delivery is gone.

    rows: the whole quarantine. path: the file of the lines.
    """
    return [
        f"{path}, rad {a.line}: ingen rad i karantän är rad {a.lines} av {a.file}; rätta raden eller ta bort den."
        for a in acknowledged
        if rows.filter(_named(a)).is_empty()
    ]


def acknowledge(
    path: Path, folder: RunFolder, file: str, lines: str, reason: str, by: str, today: date
) -> tuple[Acknowledgement, int]:
    """Write the reviewed line that acknowledges rows of a delivery; returns it and how many open rows it settles.

    file: the path below raw as the list of the quarantine has it, or the name alone. Raises ResultattavlaError where
    the latest run has no such delivery, none of the rows is open, or reason or name are empty.
    """
    require_said(reason, by)
    if fault := fault_of_lines(lines):
        raise UsageError(f"--lines: {fault}.")
    known = load_acknowledged(path)
    rows = quarantine_now(folder, known)
    name = file.rpartition("/")[2]
    found = [d for d in folder.ledger() if file in (d.file, d.name) and d.position is not None]
    if not found:
        raise ResultattavlaError(
            f"Det finns ingen leverans {file} med rader i karantän: ange den som listan har den (källa/filnamn)."
        )
    delivery = found[0]
    assert delivery.uttagsdatum and delivery.sha256, "an accepted delivery has both"
    made = Acknowledgement(
        delivery.source,
        delivery.file,
        delivery.uttagsdatum,
        delivery.sha256,
        lines.replace(" ", ""),
        one_line(reason),
        one_line(by),
        today,
        line=0,
    )
    settles = rows.filter(_named(made) & (pl.col("state") == OPEN)).height
    if settles == 0:
        there = rows.filter((pl.col("file") == delivery.file) & (pl.col("state") == OPEN))["line"]
        numbers = ", ".join(map(str, there.sort().head(10)))
        told = (
            f"Öppna rader i den: {numbers}{' ...' if there.len() > 10 else ''}."
            if numbers
            else "Ingen rad är öppen i den."
        )
        raise ResultattavlaError(f"Rad {lines} av {name} är ingen öppen rad i karantän. {told}")
    append_lines(path, COLUMNS, [[getattr(made, column) for column in COLUMNS]])
    return made, settles
