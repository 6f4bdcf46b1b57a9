"""Where delivered files still name a person: files and lines, for who owns them. Nothing else of a row is told."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.catalogue.contracts import Contract, load_contracts
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion import cells, persons
from dagster_project.ingestion.discover import Found, found_in_raw, parse_name
from dagster_project.ingestion.readers import Limits, read_delivery


@dataclass(frozen=True)
class Named:
    """A delivered file that names the person: the id of its rows in bronze, and their lines in the file."""

    source: str
    file: str
    delivery: str
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Search:
    """What a search through raw found; unread: files that could not be looked through."""

    named: tuple[Named, ...]
    unread: tuple[str, ...]


def search(raw: Path, normal: str, limits: Limits) -> Search:
    """Lines with a person's number, however it is written and in whatever column that a contract knows."""
    # The century is left out: most lists do. Letters of a reserve number count in any case.
    tail = normal[2:].upper()
    named: list[Named] = []
    unread: list[str] = []
    for source, contract in load_contracts().items():
        for found in found_in_raw(raw, source):
            frame = _frame(found, contract, limits)
            if frame is None:
                unread.append(found.delivery.file)
                continue
            texts = [pl.col(c.name) for c in contract.columns if c.name in frame.columns]
            plain = [t.str.replace_all(r"[^0-9A-Za-z]", "").str.to_uppercase() for t in texts]
            there = pl.any_horizontal(t.str.contains(tail, literal=True) for t in plain).fill_null(False)
            if lines := frame.filter(there)["line"].to_list():
                named.append(Named(source, found.delivery.file, found.delivery.id, tuple(lines)))
    return Search(tuple(named), tuple(unread))


def numbers_of(raw: Path, person_ids: Set[str], key: bytes, limits: Limits) -> dict[str, str]:
    """The normal forms that give these pseudonyms under this key, for those that a file in raw has."""
    known: dict[str, str] = {}
    for source, contract in load_contracts().items():
        columns = [c.name for c in contract.columns if c.type == "personnummer"]
        for found in found_in_raw(raw, source) if columns and person_ids else ():
            frame = _frame(found, contract, limits)
            if frame is not None and found.delivery.uttagsdatum is not None:
                for texts in _there(frame, columns):
                    for normal in persons.normal_forms(texts, found.delivery.uttagsdatum)["normal"].drop_nulls():
                        if (person_id := persons.person_id(normal, key)) in person_ids:
                            known[person_id] = str(normal)
            if len(known) == len(person_ids):
                return known
    return known


def _there(frame: pl.DataFrame, columns: list[str]) -> Iterator[pl.Series]:
    for name in columns:
        if name in frame.columns:
            yield cells.trim(frame[name]).unique().drop_nulls()


def _frame(found: Found, contract: Contract, limits: Limits) -> pl.DataFrame | None:
    if found.path is None:
        return None
    try:
        limits.require_file(found.path.stat().st_size)
        extension = parse_name(contract.source, found.path.name)[1]
        return read_delivery(found.path.read_bytes(), extension, contract, limits).frame
    except (RejectedFileError, OSError):
        return None


def shown_lines(lines: tuple[int, ...]) -> str:
    """Lines as people read them: `3-5, 9`."""
    ranges: list[list[int]] = []
    for line in sorted(lines):
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)
