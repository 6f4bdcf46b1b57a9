"""Find deliveries below raw, read each once into bronze, and decide which of them count in a run.

A delivery is known by its SHA-256. Bronze holds per delivery `<id>.accepted.parquet`, `<id>.quarantine.parquet` and,
written last, `<id>.json` (what was read, by which contract and person key). A file whose contract, key and bytes are
unchanged is never parsed again; a delivery whose file has left raw still counts.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project import persons
from dagster_project.contracts import Contract, load_contracts
from dagster_project.errors import BusyError, RejectedFileError, ResultattavlaError, machine_error
from dagster_project.ingestion.readers import EXTENSIONS, read_delivery
from dagster_project.masking import display, mask_valid
from dagster_project.paths import DataPaths, replacing
from dagster_project.rows import parse_delivery, quarantine_schema, stored_schema

BRONZE_VERSION = 3
"""Raise when readers, cell types or rules change what a delivered file means: bronze is then read again."""

ACCEPTED, REJECTED, SAME_CONTENT, LATER = "accepterad", "avvisad", "samma_innehall", "senare"

log = logging.getLogger("resultattavla")


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

    @property
    def id(self) -> str:
        """What bronze rows carry: the extraction date is part of it, since dates are judged against it."""
        return f"{self.uttagsdatum}_{(self.sha256 or '')[:16]}"

    @property
    def name(self) -> str:
        return self.file.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class _Found:
    delivery: Delivery
    path: Path | None


Progress = Callable[[str], None]


def read_deliveries(
    raw: Path, data: DataPaths, as_of: date | None, today: date, progress: Progress = lambda text: None
) -> tuple[date | None, list[Delivery]]:
    """Read every delivery up to the as-of date into bronze.

    Returns the as-of date (given, else the newest extraction date among accepted deliveries not later than `today`;
    None when there is none) and the ledger, sorted by source and file, with counts of form (the unit register is not
    considered yet). Raises ResultattavlaError for a raw folder that cannot be read or a lost person key.
    """
    if not raw.is_dir():
        raise ResultattavlaError(f"Mappen med leveranser finns inte: {raw} (ange den med --raw).")
    try:
        folders = sorted(os.listdir(raw))
    except OSError as error:
        raise ResultattavlaError(
            f"Mappen med leveranser kan inte läsas: {raw} ({error.strerror}). Ge den som kör rätt att läsa den."
        ) from error
    key = persons.person_key(data.root)
    horizon = as_of or today
    ledger: list[Delivery] = []
    for contract in load_contracts().values():
        _anchor(data, contract)
        found = _found_in_raw(raw, contract.source)
        known = _found_in_bronze(data, contract.source, [f.delivery for f in found])
        try:
            ledger += _counted(found + known, data, contract, horizon, key, progress)
        finally:
            persons.forget()
    if as_of is None:
        dates = [d.uttagsdatum for d in ledger if d.status == ACCEPTED and d.uttagsdatum]
        as_of = max(dates, default=None)
    _log_unknown_folders(raw, folders)
    return as_of, sorted(ledger, key=lambda d: (d.source, d.file))


def _log_unknown_folders(raw: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in load_contracts() and not name.startswith(".") and (raw / name).is_dir():
            log.info("Mappen %s läses inte: det finns inget kontrakt för den.", _shown_name(name))


def _found_in_raw(raw: Path, source: str) -> list[_Found]:
    folder = raw / source
    try:
        if folder.is_symlink():
            raise RejectedFileError("källans mapp är en länk: leveranser måste ligga i en vanlig mapp")
        if folder.exists() and not folder.is_dir():
            raise RejectedFileError("källans mapp är en fil: leveranser ska ligga i en mapp")
        names = sorted(os.listdir(folder)) if folder.exists() else []
    except RejectedFileError as error:
        return [_Found(_rejected(Delivery(source, source), str(error)), None)]
    except OSError as error:
        return [_Found(_rejected(Delivery(source, source), f"mappen kan inte läsas ({error.strerror})"), None)]
    return [_examined(folder / n, source) for n in names if not n.startswith((".", "~$"))]


def _rejected(delivery: Delivery, cause: str) -> Delivery:
    return replace(delivery, status=REJECTED, orsak=f"Filen {delivery.file} avvisades: {cause}.")


def _shown_name(name: str) -> str:
    """A file name as the ledger shows it: personal numbers masked, bytes that are no UTF-8 made visible."""
    return mask_valid(name.encode("utf-8", "backslashreplace").decode("utf-8"))


def parse_name(source: str, name: str) -> tuple[date, str]:
    """Extraction date and extension of `<source>_<YYYY-MM-DD>[_anything].<ext>`; RejectedFileError otherwise."""
    extension = next((e for e in sorted(EXTENSIONS, key=len, reverse=True) if name.endswith("." + e)), None)
    if extension is None:
        raise RejectedFileError(f"filändelsen är inte någon av {', '.join(EXTENSIONS)}")
    match = re.fullmatch(rf"{source}_(\d{{4}}-\d{{2}}-\d{{2}})(?:_.*)?", name.removesuffix("." + extension), re.DOTALL)
    try:
        if match is None:
            raise ValueError
        return date.fromisoformat(match[1]), extension
    except ValueError:
        raise RejectedFileError(
            f"namnet har inget giltigt uttagsdatum (det ska vara {source}_ÅÅÅÅ-MM-DD.{extension})"
        ) from None


def _examined(path: Path, source: str) -> _Found:
    delivery = Delivery(source, f"{source}/{_shown_name(path.name)}")
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise RejectedFileError("den är en länk, inte en vanlig fil")
        if stat.S_ISDIR(mode):
            raise RejectedFileError("den är en mapp, inte en fil")
        if not stat.S_ISREG(mode):
            raise RejectedFileError("den är ingen vanlig fil")
        delivery = replace(delivery, sha256=_sha256(path))
        extraction, _ = parse_name(source, path.name)
        return _Found(replace(delivery, uttagsdatum=extraction), path)
    except RejectedFileError as error:
        return _Found(_rejected(delivery, str(error)), None)
    except OSError as error:
        return _Found(_rejected(delivery, f"den kan inte läsas ({error.strerror})"), None)


def _meta_path(data: DataPaths, delivery: Delivery) -> Path:
    return data.bronze / delivery.source / f"{delivery.id}.json"


def accepted_path(data: DataPaths, delivery: Delivery) -> Path:
    """Bronze rows that broke no rule of form."""
    return data.bronze / delivery.source / f"{delivery.id}.accepted.parquet"


def quarantine_path(data: DataPaths, delivery: Delivery) -> Path:
    """Bronze rows that broke a rule of form."""
    return data.bronze / delivery.source / f"{delivery.id}.quarantine.parquet"


def _anchor(data: DataPaths, contract: Contract) -> None:
    """An empty bronze file per source, so that dbt finds the columns also where nothing was delivered."""
    path = data.bronze / contract.source / "0.accepted.parquet"
    content = io.BytesIO()
    pl.DataFrame(schema=stored_schema(contract)).write_parquet(content)
    if not path.exists() or path.read_bytes() != content.getvalue():
        with replacing(path) as part:
            part.write_bytes(content.getvalue())


def _found_in_bronze(data: DataPaths, source: str, in_raw: Sequence[Delivery]) -> list[_Found]:
    """Deliveries that were read before and whose file has left raw. Rejected ones are forgotten with their file.

    Raises ResultattavlaError for rows whose note is damaged or missing and that cannot be read again.
    """
    seen, found = {d.file for d in in_raw}, []
    folder = data.bronze / source
    # A run that was killed while it read leaves rows without a note.
    stems = {path.name.split(".")[0] for pattern in ("*_*.json", "*_*.parquet") for path in folder.glob(pattern)}
    for stem in sorted(stems):
        meta = read_note(folder / f"{stem}.json")
        if meta is None:
            if stem in {d.id for d in in_raw}:
                continue  # the file is read again
            raise ResultattavlaError(
                f"Anteckningen {folder / stem}.json är skadad eller borta och leveransens fil finns inte i raw: lägg "
                f"tillbaka den eller ta bort {folder / stem}.* för att köra utan den."
            )
        if meta["file"] not in seen and meta["status"] == ACCEPTED:
            delivery = Delivery(source, meta["file"], meta["sha256"], date.fromisoformat(meta["uttagsdatum"]))
            found.append(_Found(delivery, None))
    return found


def _counted(
    found: list[_Found], data: DataPaths, contract: Contract, horizon: date, key: bytes, progress: Progress
) -> list[Delivery]:
    """Ledger lines of one source: which files count, which hold what another already held, which come later."""
    ledger = [f.delivery for f in found if f.delivery.status == REJECTED]
    valid = sorted(
        (f for f in found if f.delivery.status != REJECTED), key=lambda f: (f.delivery.uttagsdatum, f.delivery.name)
    )
    first: dict[str | None, Delivery] = {}
    counting: list[tuple[_Found, int]] = []
    # A file that was renamed still holds the bytes of the delivery that it was first read as.
    paths = {f.delivery.sha256: f.path for f in valid if f.path}
    for position, item in enumerate(valid):
        delivery = item.delivery
        original = first.setdefault(delivery.sha256, delivery)
        if delivery.uttagsdatum is not None and delivery.uttagsdatum > horizon:
            ledger.append(replace(delivery, status=LATER, orsak="Uttagsdatumet ligger efter körningens datum."))
        elif original is not delivery:
            ledger.append(replace(delivery, status=SAME_CONTENT, orsak=f"Samma innehåll som {original.file}."))
        else:
            counting.append((replace(item, path=item.path or paths.get(delivery.sha256)), position))
    # Two files at a time: much of the reading uses one core only. More would only take more memory.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return ledger + list(pool.map(lambda c: _ingested(c[0], data, contract, key, progress, c[1]), counting))


def _ingested(
    item: _Found, data: DataPaths, contract: Contract, key: bytes, progress: Progress, position: int
) -> Delivery:
    """The delivery as bronze has it, read now if it was not read before."""
    delivery = item.delivery
    uses_key = any(c.type == "personnummer" or (c.type == "text" and c.key_position) for c in contract.columns)
    expected: dict[str, Any] = {
        "version": BRONZE_VERSION,
        "contract": contract.fingerprint,
        "key": persons.key_fingerprint(key) if uses_key else None,
    }
    meta = read_note(_meta_path(data, delivery))
    if meta is None or any(meta[k] != v for k, v in expected.items()) or not _bronze_whole(data, delivery, meta):
        if item.path is None:
            if meta is not None:
                persons.require_same_key(meta["key"], expected["key"], delivery.source, delivery.name)
            raise ResultattavlaError(
                f"Leveransen {delivery.file} måste läsas om men filen finns inte längre i raw: lägg tillbaka den eller "
                f"ta bort {data.bronze / delivery.source / delivery.id}.* för att köra utan den."
            )
        progress(f"läser {delivery.file}")
        meta = _parse_into_bronze(item.path, delivery, data, contract, key, expected)
    if meta["status"] == REJECTED:
        return replace(delivery, status=REJECTED, orsak=meta["orsak"])
    return replace(
        delivery,
        position=position,
        **{k: meta[k] for k in ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")},
    )


def read_note(path: Path) -> dict | None:
    """A delivery's note; None when there is none or it is damaged (the file is then read again)."""
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.pop("note", None) == digest_of(meta) else None


def digest_of(meta: dict) -> str:
    """What a note says of itself, so that a changed count or name in it is seen."""
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _bronze_whole(data: DataPaths, delivery: Delivery, meta: dict) -> bool:
    if meta["status"] == REJECTED:
        return True
    try:
        return _checksums(data, delivery) == meta["checksums"]
    except FileNotFoundError:
        return False


def _checksums(data: DataPaths, delivery: Delivery) -> list[str]:
    """SHA-256 of the delivery's two bronze files: a damaged one must never be counted."""
    return [_sha256(path(data, delivery)) for path in (accepted_path, quarantine_path)]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse_into_bronze(
    path: Path, delivery: Delivery, data: DataPaths, contract: Contract, key: bytes, expected: dict
) -> dict:
    assert delivery.uttagsdatum is not None
    meta = {**expected, **asdict(delivery), "uttagsdatum": delivery.uttagsdatum.isoformat()}
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != delivery.sha256:
            raise BusyError(f"Filen {delivery.file} ändrades medan den lästes: kör igen när den är färdig.")
        extension = parse_name(delivery.source, path.name)[1]
        raw = read_delivery(content, extension, contract)
        del content
        if raw.unknown:
            log.info("%s: okända kolumner läses inte: %s", delivery.file, ", ".join(raw.unknown))
        parsed = parse_delivery(raw, contract, delivery.uttagsdatum, delivery.id, key)
        del raw
        for target, frame, schema in (
            (accepted_path(data, delivery), parsed.accepted, stored_schema(contract)),
            (quarantine_path(data, delivery), parsed.quarantined, quarantine_schema(contract)),
        ):
            assert dict(frame.schema) == schema
            with replacing(target) as part:
                frame.write_parquet(part, compression="zstd", compression_level=1, statistics=True)
        meta |= {
            "status": ACCEPTED,
            "rows_read": parsed.rows_read,
            "rows_accepted": parsed.accepted.height,
            "rows_quarantined": parsed.quarantined.height,
            "rows_duplicate": parsed.rows_duplicate,
            "checksums": _checksums(data, delivery),
        }
    except pl.exceptions.PolarsError as error:
        # Its text can quote cells; it must reach neither log nor Dagster's storage as it is.
        raise machine_error(error, data.root) or ResultattavlaError(
            f"Filen {delivery.file} kunde inte behandlas ({type(error).__name__}: {display(str(error))}). Felanmäl."
        ) from None
    except RejectedFileError as error:
        refused = _rejected(delivery, str(error))
        meta |= {"status": REJECTED, "orsak": refused.orsak}
    with replacing(_meta_path(data, delivery)) as part:
        note = {**meta, "note": digest_of(meta)}
        part.write_text(json.dumps(note, ensure_ascii=False, indent=1), encoding="utf-8")
    return meta
