"""Withdrawn deliveries: each one line of `expectations/aterkallade.csv`, with a reason and who decided.

A line takes a delivery (source, extraction date and SHA-256; the file's name is there for who reads it) out of the run
and all later ones, whether its file lies in raw or its rows in bronze only. A file that is delivered again with other
bytes, or the same under another date, is another delivery.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import RejectedFileError, ResultattavlaError
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import append_lines, checked_lines, is_date, one_line, require_said
from dagster_project.ingestion.bronze import found_in_bronze
from dagster_project.ingestion.discover import found_in_raw, parse_name
from dagster_project.runs.ledger import Delivery

COLUMNS = ("source", "file", "uttagsdatum", "sha256", "reason", "withdrawn_by", "withdrawn_on")


@dataclass(frozen=True)
class Withdrawal:
    """One line: what is withdrawn, why, by whom (name or role) and when. `file` is the path below raw."""

    source: str
    file: str
    uttagsdatum: date
    sha256: str
    reason: str
    withdrawn_by: str
    withdrawn_on: date

    @property
    def names(self) -> tuple[str, date, str]:
        """The delivery, as `delivery_names` gives it."""
        return self.source, self.uttagsdatum, self.sha256

    @property
    def text(self) -> str:
        """The withdrawal as the ledger tells it."""
        return f"Återkallad {self.withdrawn_on} av {self.withdrawn_by}: {self.reason}"


Withdrawals = Mapping[tuple[str, date, str], Withdrawal]


def withdrawal_of(delivery: Delivery, withdrawals: Withdrawals) -> Withdrawal | None:
    """The line that takes a delivery out, or None."""
    if delivery.uttagsdatum is None or delivery.sha256 is None:
        return None
    return withdrawals.get((delivery.source, delivery.uttagsdatum, delivery.sha256))


def load_withdrawals(path: Path) -> Withdrawals:
    """Read and check the file, by delivery. A missing file is an empty one.

    Raises ReviewedListError with every fault found, one sentence each: wrong columns, an empty cell, an unknown source,
    a name that is no delivery of the source and date, no SHA-256, no date, the same delivery twice.
    """
    found: dict[tuple[str, date, str], Withdrawal] = {}
    for _, cells in checked_lines(path, COLUMNS, _fault, "leverans", ("source", "uttagsdatum", "sha256")):
        source, file, day, sha256, reason, by, on = cells
        days = date.fromisoformat(day), date.fromisoformat(on)
        made = Withdrawal(source, file, days[0], sha256, mask(reason), mask(by), days[1])
        found[made.names] = made
    return found


def _fault(cells: Sequence[str]) -> str | None:
    """What is wrong with one line, or None."""
    source, file, day, sha256, _, _, on = cells
    if not is_date(on):
        return f"withdrawn_on {on} är inget datum (ÅÅÅÅ-MM-DD)"
    return fault_of_delivery(source, file, day, sha256)


def fault_of_delivery(source: str, file: str, day: str, sha256: str) -> str | None:
    """What is wrong with the cells of a reviewed list that name a delivery, or None."""
    if source not in load_contracts():
        return f"källan {source} finns inte ({', '.join(load_contracts())})"
    if not is_date(day):
        return f"uttagsdatum {day} är inget datum (ÅÅÅÅ-MM-DD)"
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        return "sha256 ska vara 64 tecken 0-9 a-f, som leveransliggaren har den"
    try:
        fits = file == f"{source}/{Path(file).name}" and str(parse_name(source, Path(file).name)[0]) == day
    except RejectedFileError:
        fits = False
    return None if fits else f"filen {file} är ingen leverans från {source} med uttagsdatum {day}"


def withdraw(path: Path, raw: Path, data: DataPaths, file: str, reason: str, by: str, today: date) -> list[Withdrawal]:
    """Write the reviewed line that takes a delivery out; returns what was written.

    file: the path below raw as the ledger has it, or the name alone; it may have left raw, when bronze holds its rows.
    Raises ResultattavlaError where there is no such delivery, it is withdrawn already, or reason or name are empty.
    """
    require_said(reason, by)
    withdrawals = load_withdrawals(path)
    deliveries = _named(raw, data, file)
    if known := next((w for d in deliveries if (w := withdrawal_of(d, withdrawals))), None):
        raise ResultattavlaError(f"Leveransen {known.file} är redan återkallad: {known.text} (se {path}).")
    made = [
        Withdrawal(d.source, d.file, d.uttagsdatum, d.sha256, one_line(reason), one_line(by), today)
        for d in deliveries
        if d.uttagsdatum and d.sha256
    ]
    append_lines(path, COLUMNS, map(astuple, made))
    return made


def _named(raw: Path, data: DataPaths, file: str) -> list[Delivery]:
    """The deliveries of a file: what lies in raw under its name, else what bronze holds of it."""
    parts = Path(file).parts
    name = parts[-1] if parts else ""
    sources = [s for s in load_contracts() if parts[-2:-1] == (s,) or (len(parts) == 1 and name.startswith(s))]
    for source in sources:
        in_raw = [f.delivery for f in found_in_raw(raw, source)]
        there = [d for d in in_raw if d.name == name]
        if there and there[0].uttagsdatum is None:
            raise ResultattavlaError(f"{there[0].orsak} Den är ingen leverans som kan återkallas: flytta den ur {raw}.")
        stored = [f.delivery for f in found_in_bronze(data, source, in_raw) if f.delivery.name == name]
        if there or stored:
            return there or stored
    raise ResultattavlaError(
        f"Det finns ingen leverans {file}, varken i {raw} eller bland dem som har lästs: ange den som den står i "
        "leveransliggaren (källa/filnamn)."
    )
