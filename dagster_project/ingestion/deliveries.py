"""Which deliveries count in a run, and their rows in bronze."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.catalogue.contracts import Contract, load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, REJECTED, SAME_CONTENT
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import persons
from dagster_project.ingestion.bronze import (
    expected_note,
    found_in_bronze,
    known_note,
    parse_into_bronze,
    refuse_lost_file,
    write_anchor,
)
from dagster_project.ingestion.discover import Found, found_in_raw, log_unknown_folders
from dagster_project.runs.ledger import Delivery

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Counting:
    """A delivery that counts, its place among its source's, and how it is read."""

    found: Found
    position: int
    contract: Contract


def require_raw(raw: Path) -> list[str]:
    """Names of the folders below raw. Raises ResultattavlaError for a folder that is not there or cannot be read."""
    if not raw.is_dir():
        raise ResultattavlaError(f"Mappen med leveranser finns inte: {raw} (ange den med --raw).")
    try:
        return sorted(os.listdir(raw))
    except OSError as error:
        raise ResultattavlaError(
            f"Mappen med leveranser kan inte läsas: {raw} ({error.strerror}). Ge den som kör rätt att läsa den."
        ) from error


def read_deliveries(
    raw: Path, data: DataPaths, as_of: date | None, today: date, progress: Progress = lambda text: None
) -> tuple[date | None, list[Delivery]]:
    """Read every delivery up to the as-of date into bronze.

    Returns the as-of date (given, else the newest extraction date among accepted deliveries not later than `today`;
    None when there is none) and the ledger, sorted by source and file, with counts of form (the unit register is not
    considered yet). Raises ResultattavlaError for a raw folder that cannot be read or a lost person key.
    """
    folders = require_raw(raw)
    key = persons.person_key(data.root)
    ledger: list[Delivery] = []
    for contract in load_contracts().values():
        write_anchor(data, contract)
        others, counting = _sorted_out(raw, data, contract, as_of or today)
        try:
            # Two files at a time: much of the reading uses one core only. More would only take more memory.
            with ThreadPoolExecutor(max_workers=2) as pool:
                ledger += others
                ledger += pool.map(lambda item: _ingested(item, data, key, progress), counting)
        finally:
            persons.forget()
    log_unknown_folders(raw, folders)
    return _as_of(as_of, ledger), _in_order(ledger)


def known_deliveries(
    raw: Path, data: DataPaths, as_of: date | None, today: date
) -> tuple[date | None, list[Delivery]] | None:
    """What `read_deliveries` would return, where nothing has to be read for it; else None. Writes nothing.

    Raises ResultattavlaError as `read_deliveries` does.
    """
    require_raw(raw)
    if not persons.has_key(data.root):
        return None
    key = persons.person_key(data.root)
    ledger: list[Delivery] = []
    for contract in load_contracts().values():
        others, counting = _sorted_out(raw, data, contract, as_of or today)
        ledger += others
        for item in counting:
            meta = known_note(data, item.found.delivery, expected_note(contract, key))
            if meta is None:
                return None
            ledger.append(_as_noted(item, meta))
    return _as_of(as_of, ledger), _in_order(ledger)


def _as_of(given: date | None, ledger: list[Delivery]) -> date | None:
    dates = [d.uttagsdatum for d in ledger if d.status == ACCEPTED and d.uttagsdatum]
    return given or max(dates, default=None)


def _in_order(ledger: list[Delivery]) -> list[Delivery]:
    return sorted(ledger, key=lambda d: (d.source, d.file))


def _sorted_out(
    raw: Path, data: DataPaths, contract: Contract, horizon: date
) -> tuple[list[Delivery], list[_Counting]]:
    """Ledger lines of one source's files that do not count, with the reason, and the deliveries that do."""
    in_raw = found_in_raw(raw, contract.source)
    found = in_raw + found_in_bronze(data, contract.source, [f.delivery for f in in_raw])
    ledger = [f.delivery for f in found if f.delivery.status == REJECTED]
    valid = sorted((f for f in found if f.delivery.status != REJECTED), key=lambda f: f.delivery.age_order)
    # The same bytes are the same delivery on one date only: under a later date they are one of their own.
    first: dict[str, Delivery] = {}
    counting: list[_Counting] = []
    # A file that was renamed still holds the bytes of the delivery that it was first read as.
    paths = {f.delivery.sha256: f.path for f in valid if f.path}
    for position, item in enumerate(valid):
        delivery = item.delivery
        original = first.setdefault(delivery.id, delivery)
        if delivery.uttagsdatum is not None and delivery.uttagsdatum > horizon:
            ledger.append(replace(delivery, status=LATER, orsak="Uttagsdatumet ligger efter körningens datum."))
        elif original is not delivery:
            ledger.append(replace(delivery, status=SAME_CONTENT, orsak=f"Samma innehåll som {original.file}."))
        else:
            path = item.path or paths.get(delivery.sha256)
            counting.append(_Counting(replace(item, path=path), position, contract))
    return ledger, counting


def _ingested(item: _Counting, data: DataPaths, key: bytes, progress: Progress) -> Delivery:
    """The delivery as bronze has it, read now if it was not read before."""
    delivery, path = item.found.delivery, item.found.path
    expected = expected_note(item.contract, key)
    meta = known_note(data, delivery, expected)
    if meta is None:
        if path is None:
            refuse_lost_file(data, delivery, expected)
        progress(f"läser {delivery.file}")
        meta = parse_into_bronze(path, delivery, data, item.contract, key, expected)
    return _as_noted(item, meta)


def _as_noted(item: _Counting, meta: dict) -> Delivery:
    """The ledger line of a delivery as its note says."""
    delivery = item.found.delivery
    if meta["status"] == REJECTED:
        return replace(delivery, status=REJECTED, orsak=meta["orsak"])
    return replace(
        delivery,
        position=item.position,
        orsak=meta["orsak"],
        **{k: meta[k] for k in ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")},
    )
