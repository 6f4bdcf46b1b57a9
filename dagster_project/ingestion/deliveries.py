"""Which deliveries count in a run, and their rows in bronze."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dagster_project.catalogue.contracts import Contract, load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, REJECTED, SAME_CONTENT, WITHDRAWN
from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import counted, listed
from dagster_project.ingestion import persons
from dagster_project.ingestion.bronze import (
    expected_note,
    found_in_bronze,
    known_note,
    mark_replaced,
    parse_into_bronze,
    refuse_lost_file,
    replaces,
    write_anchor,
)
from dagster_project.ingestion.discover import Found, first_day_in_raw, found_in_raw, log_unknown_folders
from dagster_project.ingestion.readers import DEFAULT, Limits
from dagster_project.ingestion.remembered import Remembered, remembered
from dagster_project.ingestion.withdrawals import Withdrawals, withdrawal_of
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.log import INGESTION, step

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Counting:
    """A delivery that counts, its place among its source's, and how it is read.

    replaces: what bronze holds of earlier contents of its file, which count no more when this one is accepted.
    unreadable: of a delivery in bronze whose file can no longer be opened, the ledger line of that file.
    """

    found: Found
    position: int
    contract: Contract
    replaces: tuple[Delivery, ...] = ()
    unreadable: Delivery | None = None


@dataclass(frozen=True)
class _SortedOut:
    """One source's deliveries: lines of what does not count, what does, and what does where its file is rejected."""

    ledger: list[Delivery]
    counting: list[_Counting]
    earlier: list[_Counting]


def require_raw(raw: Path) -> list[str]:
    """Names of the folders below raw. Raises ResultattavlaError for a folder that is not there or cannot be read."""
    if not raw.is_dir():
        raise ResultattavlaError(f"Mappen med leveranser finns inte: {raw} (ange den med --raw).")
    try:
        return sorted(os.listdir(raw))
    except OSError as error:
        raise ResultattavlaError(
            f"Mappen med leveranser kan inte läsas: {raw} ({system_reason(error)}). Ge den som kör rätt att läsa den."
        ) from error


def first_day(raw: Path, data: DataPaths) -> date | None:
    """The first extraction date of what is in raw or was read before, by names alone; None where there is nothing."""
    read = [date.fromisoformat(note.name[:10]) for note in data.bronze.glob("*/[0-9]*_*.json")]
    return min(filter(None, [first_day_in_raw(raw), *read]), default=None)


def read_deliveries(
    raw: Path,
    data: DataPaths,
    as_of: date | None,
    today: date,
    withdrawals: Withdrawals = MappingProxyType({}),
    progress: Progress = lambda text: None,
    limits: Limits = DEFAULT,
) -> tuple[date | None, list[Delivery]]:
    """Read every delivery up to the as-of date into bronze.

    Returns the as-of date (given, else the newest extraction date among accepted deliveries not later than `today`;
    None when there is none) and the ledger, sorted by source and file, with counts of form (the unit register is not
    considered yet). Raises ResultattavlaError for a raw folder that cannot be read or a lost person key.
    """
    folders = require_raw(raw)
    key = persons.person_key(data.root)
    ledger: list[Delivery] = []
    seen = remembered(data)
    seen.look_again()
    sources = [
        (contract, _sorted_out(raw, data, contract, as_of or today, withdrawals, seen))
        for contract in load_contracts().values()
    ]
    _require_files(data, key, limits, [item for _, files in sources for item in files.counting], seen)
    for contract, files in sources:
        write_anchor(data, contract)
        progress(f"{contract.source}, {counted(len(files.counting), 'fil', 'filer')}")
        try:
            expected = expected_note(contract, key)

            def ingested(item: _Counting, expected: dict[str, Any] = expected) -> Delivery:
                return _ingested(item, data, key, expected, progress, limits)

            notes = [
                known_note(data, item.found.delivery, expected, limits, item.found.path is not None, seen)
                for item in files.counting
            ]
            # Two files at a time: much of the reading uses one core only. More would only take more memory.
            with ThreadPoolExecutor(max_workers=2) as pool:
                new = pool.map(ingested, [i for i, note in zip(files.counting, notes, strict=True) if note is None])
                read = [
                    next(new) if note is None else _counted(item, data, note)
                    for item, note in zip(files.counting, notes, strict=True)
                ]
            for old in _forgotten(files):
                mark_replaced(data, old)
            ledger += [*files.ledger, *read, *_kept(files, read, data, key, limits, seen)]
        finally:
            persons.forget()
    log_unknown_folders(raw, folders)
    seen.save(data)
    return _as_of(as_of, ledger), _in_order(ledger)


def _require_files(
    data: DataPaths, key: bytes, limits: Limits, counting: Sequence[_Counting], seen: Remembered
) -> None:
    """Raise ResultattavlaError, before anything is read, that names all deliveries that must be read and cannot be."""
    lost = [
        item
        for item in counting
        if item.found.path is None
        and known_note(data, item.found.delivery, expected_note(item.contract, key), limits, False, seen) is None
    ]
    if len(lost) == 1:
        refuse_lost_file(data, lost[0].found.delivery, expected_note(lost[0].contract, key))
    if lost:
        names = [item.found.delivery.file for item in lost]
        raise ResultattavlaError(
            f"{len(lost)} leveranser måste läsas om (systemet eller personnyckeln har ändrats) men deras filer finns "
            f"inte längre i raw: {listed(names, 20)}. Lägg tillbaka dem, eller kör `resultattavla run "
            "--rebuild` för att gå vidare utan dem."
        )


def known_deliveries(
    raw: Path,
    data: DataPaths,
    as_of: date | None,
    today: date,
    withdrawals: Withdrawals = MappingProxyType({}),
    limits: Limits = DEFAULT,
) -> tuple[date | None, list[Delivery]] | None:
    """What `read_deliveries` would return, where nothing has to be read for it; else None. Writes nothing.

    Raises ResultattavlaError as `read_deliveries` does.
    """
    require_raw(raw)
    if not persons.has_key(data.root):
        return None
    key = persons.person_key(data.root)
    ledger: list[Delivery] = []
    seen = remembered(data)
    for contract in load_contracts().values():
        files = _sorted_out(raw, data, contract, as_of or today, withdrawals, seen)
        expected = expected_note(contract, key)
        if _forgotten(files):
            return None
        read = []
        for item in files.counting:
            meta = known_note(data, item.found.delivery, expected, limits, bool(item.found.path), seen)
            if meta is None or (meta["status"] == ACCEPTED and (meta.get("replaced", False) or item.replaces)):
                return None
            read.append(_as_noted(item, meta))
        ledger += [*files.ledger, *read, *_kept(files, read, data, key, limits, seen)]
    return _as_of(as_of, ledger), _in_order(ledger)


def _as_of(given: date | None, ledger: list[Delivery]) -> date | None:
    """The given as-of date, else the newest extraction date among accepted deliveries.

    Raises ResultattavlaError where one source alone set it, more than FAR_AHEAD_DAYS after every other one's newest: it
    is more likely that a file has a wrong date than that all others are late.
    """
    newest: dict[str, Delivery] = {}
    for d in ledger:
        if d.status == ACCEPTED and d.uttagsdatum:
            newest[d.source] = max(newest.get(d.source, d), d, key=lambda n: n.age_order)
    dates = sorted((d.uttagsdatum for d in newest.values() if d.uttagsdatum), reverse=True)
    if given is not None or not dates:
        return given
    if len(dates) >= FEWEST_SOURCES and (dates[0] - dates[1]).days > FAR_AHEAD_DAYS:
        (first,) = (d for d in newest.values() if d.uttagsdatum == dates[0])
        raise ResultattavlaError(
            f"Filen {first.file} är daterad {dates[0]}, {(dates[0] - dates[1]).days} dagar efter alla andra källors "
            f"nyaste leverans ({dates[1]}), och skulle ensam bestämma körningens datum. Är datumet fel: återkalla den "
            f'med `resultattavla withdraw {first.file} --reason "..." --by "..."`. Är det rätt eller ska den vänta: '
            f"ange körningens datum med --as-of, till exempel --as-of {dates[1]}."
        )
    return dates[0]


FAR_AHEAD_DAYS = 60
FEWEST_SOURCES = 3
"""With fewer sources than this nothing can be said of who is right."""


def _in_order(ledger: list[Delivery]) -> list[Delivery]:
    return sorted(ledger, key=lambda d: (d.source, d.file))


def _sorted_out(
    raw: Path, data: DataPaths, contract: Contract, horizon: date, withdrawals: Withdrawals, seen: Remembered
) -> _SortedOut:
    """One source's files and what bronze holds of others: which count, and why the others do not."""
    in_raw = found_in_raw(raw, contract.source, seen.sha256)
    found = in_raw + found_in_bronze(data, contract.source, [f.delivery for f in in_raw], seen)
    unreadable = {f.delivery.file: f.delivery for f in in_raw if f.unreadable}
    kept = {f.delivery.file for f in found if f.earlier}
    ledger = [
        f.delivery
        for f in found
        if f.delivery.status == REJECTED and not (f.delivery.file in unreadable and f.delivery.file in kept)
    ]
    valid = sorted((f for f in found if f.delivery.status != REJECTED), key=lambda f: f.delivery.age_order)
    # The same bytes are the same delivery on one date only: under a later date they are one of their own.
    first: dict[str, Delivery] = {}
    counting: list[_Counting] = []
    earlier: list[_Counting] = []
    # A file that was renamed still holds the bytes of the delivery that it was first read as.
    paths = {f.delivery.sha256: f.path for f in valid if f.path}
    for position, item in enumerate(valid):
        delivery = item.delivery
        late = delivery.uttagsdatum is not None and delivery.uttagsdatum > horizon
        if item.earlier and delivery.file not in unreadable:
            if not late and withdrawal_of(delivery, withdrawals) is None:
                earlier.append(_Counting(item, position, contract))
            continue
        original = first.setdefault(delivery.id, delivery)
        if withdrawal := withdrawal_of(delivery, withdrawals):
            ledger.append(replace(delivery, status=WITHDRAWN, orsak=withdrawal.text))
        elif late:
            ledger.append(replace(delivery, status=LATER, orsak="Uttagsdatumet ligger efter körningens datum."))
        elif original is not delivery:
            ledger.append(replace(delivery, status=SAME_CONTENT, orsak=f"Samma innehåll som {original.file}."))
        else:
            path = item.path or paths.get(delivery.sha256)
            of_file = unreadable.get(delivery.file)
            counting.append(_Counting(replace(item, path=path), position, contract, unreadable=of_file))
    replaced: dict[str, tuple[Delivery, ...]] = {}
    for old in earlier:
        file = old.found.delivery.file
        replaced[file] = (*replaced.get(file, ()), old.found.delivery)
    counting = [
        replace(item, replaces=replaced.get(item.found.delivery.file, ())) if item.found.path else item
        for item in counting
    ]
    return _SortedOut(ledger, counting, earlier)


def _forgotten(files: _SortedOut) -> list[Delivery]:
    """What bronze holds of files whose content now is withdrawn or that of another: it must not come back with them."""
    now = {d.file for d in files.ledger if d.status in (SAME_CONTENT, WITHDRAWN)}
    return [item.found.delivery for item in files.earlier if item.found.delivery.file in now]


def _kept(
    files: _SortedOut, read: list[Delivery], data: DataPaths, key: bytes, limits: Limits, seen: Remembered
) -> list[Delivery]:
    """Ledger lines of what bronze holds of files that were overwritten with something that is rejected."""
    rejected_files = {d.file for d in [*files.ledger, *read] if d.status == REJECTED}
    lines = []
    for item in files.earlier:
        delivery = item.found.delivery
        note = known_note(data, delivery, expected_note(item.contract, key), limits, False, seen)
        if delivery.file in rejected_files and note is not None:
            told = "Filen har skrivits över med ett innehåll som avvisades: raderna från den tidigare läsningen räknas."
            lines.append(replace(_as_noted(item, note), orsak=told, kept=True))
    return lines


def _ingested(
    item: _Counting, data: DataPaths, key: bytes, expected: dict[str, Any], progress: Progress, limits: Limits
) -> Delivery:
    """A delivery that bronze does not hold as it would be read now, read."""
    delivery, path = item.found.delivery, item.found.path
    if path is None:
        refuse_lost_file(data, delivery, expected)
    progress(f"läser {delivery.file}")
    with step(INGESTION, delivery.source, delivery.id) as told:
        meta = parse_into_bronze(path, delivery, data, item.contract, key, expected, limits)
        told.rows = meta.get("rows_read")
    return _counted(item, data, meta)


def _counted(item: _Counting, data: DataPaths, meta: dict[str, Any]) -> Delivery:
    """The ledger line of a delivery as bronze has it; its note says which earlier contents it replaces."""
    if meta["status"] == ACCEPTED and (item.replaces or meta.get("replaced", False)):
        meta = replaces(data, item.found.delivery, meta, item.replaces)
    return _as_noted(item, meta)


def _as_noted(item: _Counting, meta: dict) -> Delivery:
    """The ledger line of a delivery as its note says."""
    delivery = item.found.delivery
    if meta["status"] == REJECTED:
        return replace(delivery, status=REJECTED, orsak=meta["orsak"])
    kept = item.unreadable is not None
    told = f"{item.unreadable.orsak} Raderna från den tidigare läsningen räknas." if item.unreadable else None
    return replace(
        delivery,
        position=item.position,
        orsak=" ".join(filter(None, [meta["orsak"], told])) or None,
        kept=kept,
        **{k: meta[k] for k in ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")},
    )
