"""Erase one person on request: no row, pseudonym or observation of theirs stays, and none comes back from raw."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import remove, replacing
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import require_said
from dagster_project.ingestion import persons
from dagster_project.ingestion.bronze import carries, read_note, without_rows
from dagster_project.ingestion.deliveries import require_raw
from dagster_project.ingestion.discover import found_in_raw
from dagster_project.ingestion.erasures import Erasures, asked_person, load_erasures, save_erasures
from dagster_project.ingestion.raw_search import Search, numbers_of, search
from dagster_project.operations.settings import Settings
from dagster_project.releases import evidence

log = logging.getLogger("resultattavla")


@dataclass(frozen=True)
class Erased:
    """What came of it. rows: taken out of bronze; evidence: files that they were taken out of; raw: what still has the
    person."""

    rows: int
    evidence: int
    raw: Search


def erase(settings: Settings, texts: Sequence[str], reason: str, by: str) -> Erased:
    """Erase the persons of these numbers (12 digits) or pseudonyms, within a session of the data folder.

    The list is written first: whatever is killed after that is ended by the next run. What the latest run left goes
    whole; a new run makes it again, and a new release. Raises ResultattavlaError, with nothing changed, for a text that
    is neither, an empty reason or name, or a raw folder that cannot be read.
    """
    data, today = settings.paths, today_in_sweden()
    require_said(reason, by)
    asked = [asked_person(text, today) for text in texts if text.strip()]
    if not asked:
        raise ResultattavlaError("Inget personnummer angavs: ingenting raderades.")
    require_raw(settings.raw)
    key = persons.person_key(data.root)
    erasures = load_erasures(data) or Erasures()
    found: list[Search] = []
    for number, pseudonym in asked:
        normal = number or numbers_of(settings.raw, {pseudonym or ""}, key, settings.limits).get(pseudonym or "")
        person = pseudonym or persons.person_id(normal or "", key)
        erasures = erasures.with_person(normal, person, key, reason, by, today)
        if normal is not None:
            found.append(search(settings.raw, normal, settings.limits))
    save_erasures(data, erasures)
    named = tuple(n for s in found for n in s.named)
    rows, files = _erase_stored(settings, erasures, key, _rows((n.delivery, n.lines) for n in named))
    return Erased(rows, files, Search(named, found[-1].unread if found else ()))


def finish_erasures(settings: Settings) -> None:
    """Take erased persons out of what is stored, where it was not compared with the list as it is.

    After a killed erasure, and in a folder that was restored from an older copy. Run it only under the run lock.
    """
    data = settings.paths
    erasures = load_erasures(data)
    if erasures is not None and erasures.persons and not _compared(data, erasures):
        _erase_stored(settings, erasures, persons.person_key(data.root))


def _compared(data: DataPaths, erasures: Erasures) -> bool:
    try:
        return _marker(data).read_text(encoding="utf-8") == erasures.digest
    except OSError:
        return False


def _marker(data: DataPaths) -> Path:
    return data.bronze / ".erased"


def _rows(found: Iterable[tuple[str, Sequence[int]]]) -> pl.DataFrame:
    pairs = [(delivery, line) for delivery, lines in found for line in lines]
    return pl.DataFrame(pairs, schema={"delivery": pl.String(), "line": pl.Int64()}, orient="row")


def _erase_stored(
    settings: Settings, erasures: Erasures, key: bytes, named: pl.DataFrame | None = None
) -> tuple[int, int]:
    """Erase from evidence, bronze and what the latest run left; how many rows of bronze, how many files of evidence."""
    data, ids = settings.paths, erasures.ids_of(key)
    stored = _stored_rows(data, ids)
    files = evidence.erase(data, pl.concat([stored, named]).unique() if named is not None else stored)
    theirs, count = set(stored["delivery"]), 0
    for source in load_contracts():
        notes = sorted((data.bronze / source).glob("*_*.json"))
        in_raw: set[str] | None = None
        for note in notes:
            meta = read_note(note)
            if meta is None or not (meta.get("erasing") or note.stem in theirs):
                continue
            if in_raw is None:
                in_raw = {f.delivery.id for f in found_in_raw(settings.raw, source) if f.path is not None}
            count += len(without_rows(data, note, ids, again=note.stem in in_raw))
    forget_latest_run(data)
    with replacing(_marker(data)) as part:
        part.write_text(erasures.digest, encoding="utf-8")
    return count, files


def forget_latest_run(data: DataPaths) -> None:
    """Remove what the latest run left for people and for the next steps, rows of persons among it."""
    wal = data.warehouse.with_name(f"{data.warehouse.name}.wal")
    for path in (data.warehouse, wal, data.spark, data.run, data.docs, data.dbt_target):
        if path.exists():
            remove(path)


def _stored_rows(data: DataPaths, ids: frozenset[str]) -> pl.DataFrame:
    """Delivery and line of all rows in bronze that carry one of these pseudonyms."""
    found = [_rows(())]
    if ids:
        for path in sorted(data.bronze.glob("*/*_*.parquet")):
            try:
                theirs = carries(pl.read_parquet_schema(path), ids)
                found.append(pl.scan_parquet(path).filter(theirs).select("delivery", "line").collect())
            except pl.exceptions.PolarsError:  # damaged: the next run reads the file again, or refuses
                log.warning("%s kan inte läsas", path)
    return pl.concat(found).unique()
