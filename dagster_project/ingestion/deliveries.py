"""Which deliveries count in a run, and their rows in bronze."""

from __future__ import annotations

import os
import time
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
from dagster_project.core.second import shared
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
from dagster_project.ingestion.discover import Found, first_day_in_raw, found_in_raw, log_unknown_folders, parse_name
from dagster_project.ingestion.readers import DEFAULT, Limits, large
from dagster_project.ingestion.remembered import Remembered, remembered
from dagster_project.ingestion.withdrawals import Withdrawals, withdrawal_of
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.log import INGESTION, note, step

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
    asked = [_asked(contract, files, data, key, limits, seen) for contract, files in sources]
    by_two = _read_by_two(asked, progress)
    for (contract, files), of_source in zip(sources, asked, strict=True):
        write_anchor(data, contract)
        progress(f"{contract.source}, {counted(len(files.counting), 'fil', 'filer')}")
        came = by_two[contract.source] if contract.source in by_two else _read(of_source, progress)
        new = iter(came)
        read = [
            _counted(item, data, next(new).meta if found is None else found)
            for item, found in zip(files.counting, of_source.notes, strict=True)
        ]
        for old in _forgotten(files):
            mark_replaced(data, old)
        ledger += [*files.ledger, *read, *_kept(files, read, data, key, limits, seen)]
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


@dataclass(frozen=True)
class _Asked:
    """A source's files that are to be read: those of `counting` that bronze has no note of (`notes`) that holds."""

    counting: tuple[_Counting, ...]
    notes: tuple[dict[str, Any] | None, ...]
    expected: dict[str, Any]
    data: DataPaths
    key: bytes
    limits: Limits

    @property
    def new(self) -> list[_Counting]:
        return [item for item, found in zip(self.counting, self.notes, strict=True) if found is None]

    @property
    def sizes(self) -> list[tuple[int, str]]:
        """Bytes and extension of each; of a file that is gone or cannot be opened its reader says so."""
        found = []
        for item in self.new:
            path = item.found.path
            if path is not None and path.is_file():
                extension = parse_name(item.found.delivery.source, path.name)[1]
                found.append((path.stat().st_size, extension))
        return found


@dataclass(frozen=True)
class _Came:
    """A file as it was read: its note; by which process, and how long that took."""

    meta: dict[str, Any]
    process: int
    seconds: float


_WORTH_TWO = 500_000
"""So many bytes take longer to read than to ask another process."""


def _asked(
    contract: Contract, files: _SortedOut, data: DataPaths, key: bytes, limits: Limits, seen: Remembered
) -> _Asked:
    expected = expected_note(contract, key)
    notes = [
        known_note(data, item.found.delivery, expected, limits, item.found.path is not None, seen)
        for item in files.counting
    ]
    return _Asked(tuple(files.counting), tuple(notes), expected, data, key, limits)


def _read_by_two(asked: Sequence[_Asked], progress: Progress) -> dict[str, list[_Came]]:
    """By source, what two processes read side by side: sources of small files, of which there are several. Large files
    are read in parts, which is work for two as it is, and one at a time, for the sake of memory."""
    small = []
    for of_source in asked:
        sizes = of_source.sizes
        if sizes and not any(large(*file) for file in sizes):
            small.append((sum(size for size, _ in sizes), of_source))
    if len(small) < 2 or sum(size for size, _ in small) < _WORTH_TWO:
        return {}
    progress(f"läser {counted(sum(len(s.new) for _, s in small), 'fil', 'filer')} från {len(small)} källor")
    small.sort(key=lambda found: -found[0])
    for _, of_source in small:
        write_anchor(of_source.data, of_source.counting[0].contract)
    by_source = {}
    for (_, of_source), came in zip(small, shared(_read, [s for _, s in small]), strict=True):
        for item, one in zip(of_source.new, came, strict=True):
            if one.process != os.getpid():
                delivery = item.found.delivery
                note(INGESTION, delivery.id, one.seconds, one.meta.get("rows_read"), delivery.source)
        by_source[of_source.counting[0].contract.source] = came
    return by_source


def _read(asked: _Asked, progress: Progress = lambda text: None) -> list[_Came]:
    """Read a source's files into bronze, two at a time: much of the reading uses one core only, and more would only
    take more memory."""
    try:
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(lambda item: _ingested(item, asked, progress), asked.new))
    finally:
        persons.forget()


def _ingested(item: _Counting, asked: _Asked, progress: Progress) -> _Came:
    """A delivery that bronze does not hold as it would be read now, read."""
    delivery, path, began = item.found.delivery, item.found.path, time.perf_counter()
    if path is None:
        refuse_lost_file(asked.data, delivery, asked.expected)
    progress(f"läser {delivery.file}")
    with step(INGESTION, delivery.source, delivery.id) as told:
        meta = parse_into_bronze(path, delivery, asked.data, item.contract, asked.key, asked.expected, asked.limits)
        told.rows = meta.get("rows_read")
    return _Came(meta, os.getpid(), time.perf_counter() - began)


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
