"""Bronze: typed rows per delivery, written once.

A delivery is known by its date and SHA-256. Bronze holds per delivery `<id>.accepted.parquet`,
`<id>.quarantine.parquet` and, written last, `<id>.json` (what was read, by which contract and person key). A file
whose contract, key and bytes are unchanged is never parsed again; a delivery whose file has left raw still counts.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED
from dagster_project.core.errors import BusyError, RejectedFileError, ResultattavlaError, machine_error
from dagster_project.core.files import replacing, sha256_of
from dagster_project.core.masking import display
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import persons
from dagster_project.ingestion.discover import Found, parse_name, rejected
from dagster_project.ingestion.drift import Headers
from dagster_project.ingestion.erasures import load_erasures, told, without_erased
from dagster_project.ingestion.readers import (
    IrregularError,
    Limits,
    RawParts,
    RawTable,
    large,
    read_delivery,
    read_in_parts,
    unpacked_size,
)
from dagster_project.ingestion.remembered import Remembered
from dagster_project.ingestion.rows import InParts, parse_delivery, quarantine_schema, stored_schema
from dagster_project.ingestion.table import lists_fingerprint
from dagster_project.runs.ledger import Delivery

BRONZE_VERSION = 12
"""Raise when readers, cell types or rules change what a delivered file means: bronze is then read again."""

log = logging.getLogger("resultattavla")


def _meta_path(data: DataPaths, delivery: Delivery) -> Path:
    return data.bronze / delivery.source / f"{delivery.id}.json"


def anchor_path(data: DataPaths, source: str) -> Path:
    """An empty bronze file per source, so that dbt finds the columns also where nothing was delivered."""
    return data.bronze / source / "0.accepted.parquet"


def accepted_path(data: DataPaths, delivery: Delivery) -> Path:
    """Bronze rows that broke no rule of form."""
    return data.bronze / delivery.source / f"{delivery.id}.accepted.parquet"


def quarantine_path(data: DataPaths, delivery: Delivery) -> Path:
    """Bronze rows that broke a rule of form."""
    return data.bronze / delivery.source / f"{delivery.id}.quarantine.parquet"


def write_anchor(data: DataPaths, contract: Contract) -> None:
    """Make the source's empty file (`anchor_path`) as its contract says."""
    path = anchor_path(data, contract.source)
    content = io.BytesIO()
    pl.DataFrame(schema=stored_schema(contract)).write_parquet(content)
    if not path.exists() or path.read_bytes() != content.getvalue():
        with replacing(path) as part:
            part.write_bytes(content.getvalue())


def found_in_bronze(
    data: DataPaths, source: str, in_raw: Sequence[Delivery], known: Remembered | None = None
) -> list[Found]:
    """Deliveries that were read before and whose file has left raw, or holds something else now (`Found.earlier`).

    Rejected ones are forgotten with their file; what was replaced by a newer content of its file counts no more.

    known: what is remembered of files that were not touched.

    Raises ResultattavlaError for rows whose note is damaged or missing and that cannot be read again.
    """
    seen, in_raw_ids, found = {d.file for d in in_raw}, {d.id for d in in_raw}, []
    folder = data.bronze / source
    # A run that was killed while it read leaves rows without a note.
    names = os.listdir(folder) if folder.is_dir() else []
    stems = {n.split(".")[0] for n in names if "_" in n and n.endswith((".json", ".parquet")) and n[0] != "."}
    known = known or Remembered()
    for stem in sorted(stems):
        meta = known.note(folder / f"{stem}.json", read_note)
        if meta is None:
            if stem in in_raw_ids:
                continue  # the file is read again
            raise ResultattavlaError(
                f"Anteckningen {folder / stem}.json är skadad eller borta och leveransens fil finns inte i raw: lägg "
                f"tillbaka den eller ta bort {folder / stem}.* för att köra utan den."
            )
        if counts(meta) and stem not in in_raw_ids:
            delivery = Delivery(source, meta["file"], meta["sha256"], date.fromisoformat(meta["uttagsdatum"]))
            found.append(Found(delivery, None, earlier=meta["file"] in seen))
    return found


def expected_note(contract: Contract, key: bytes) -> dict[str, Any]:
    """What the note of a delivery must say for its rows to count: reader version, contract, key, what lists allow."""
    uses_key = any(
        c.type in ("personnummer", "hsaid") or (c.type == "text" and c.key_position) for c in contract.columns
    )
    return {
        "version": BRONZE_VERSION,
        "contract": contract.fingerprint,
        "key": persons.key_fingerprint(key) if uses_key else None,
        "lists": lists_fingerprint(contract),
    }


def known_note(
    data: DataPaths,
    delivery: Delivery,
    expected: dict[str, Any],
    limits: Limits,
    in_raw: bool,
    seen: Remembered | None = None,
) -> dict[str, Any] | None:
    """The delivery's note where bronze holds it as it would be read now; None where it has to be read.

    in_raw: whether its file is there. What was read by older lists (a plan of last year) counts as it was read then
    where it cannot be read again. seen: what is remembered of files that were not touched.
    """
    seen = seen or Remembered()
    meta = seen.note(_meta_path(data, delivery), read_note)
    if meta is None or not _bronze_whole(data, delivery, meta, seen):
        return None
    if any(meta.get(k) != v for k, v in expected.items() if in_raw or k != "lists"):
        return None
    if meta["status"] == REJECTED and meta["limits"] != asdict(limits):
        return None
    return meta


def without_rows(data: DataPaths, note: Path, ids: frozenset[str], again: bool) -> list[int]:
    """Take a delivery's rows of erased persons out of bronze; returns their lines.

    note: the delivery's. ids: what such rows carry. again: the file is in raw and is read again by the next run, which
    counts what bronze does not tell apart. Killed in the middle it can be done again: the note says first that it is
    under way. Rows without a readable note are left to who reads deliveries.
    """
    meta = read_note(note)
    if meta is None or meta["status"] != ACCEPTED:
        return []
    files = [note.parent / f"{note.stem}.{kind}.parquet" for kind in ("accepted", "quarantine")]
    lines: list[int] = []
    kept: list[tuple[Path, pl.DataFrame, int]] = []
    for path in files:
        frame = pl.read_parquet(path)
        theirs = frame.select(carries(frame.schema, ids)).to_series()
        lines += frame.filter(theirs)["line"].to_list()
        kept.append((path, frame.filter(~theirs), int(theirs.sum())))
    if not lines and not meta.get("erasing"):
        return []
    before, taken = meta.get("erased", 0), [n for _, _, n in kept]
    if not meta.get("erasing"):
        meta |= {
            "erasing": True,
            "erased": before + len(lines),
            "rows_read": meta["rows_read"] - len(lines),
            "rows_accepted": meta["rows_accepted"] - taken[0],
            "rows_quarantined": meta["rows_quarantined"] - taken[1],
        }
        said = (meta["orsak"] or "").replace(told(before), "").strip()
        meta["orsak"] = " ".join(filter(None, [said, told(meta["erased"])]))
        _write_note(note, meta)
    for path, frame, count in kept:
        if count:
            with replacing(path) as part:
                frame.write_parquet(part, compression="zstd", compression_level=1, statistics=True)
    del meta["erasing"]
    _write_note(note, {**meta, "checksums": [sha256_of(p) for p in files], **({"version": 0} if again else {})})
    return lines


def headers_of(data: DataPaths, delivery: Delivery) -> Headers:
    """The headers that an accepted delivery's file lacks or has beside those of the contract."""
    meta = read_note(_meta_path(data, delivery))
    assert meta is not None, delivery.file
    return Headers(frozenset(meta["absent"]), tuple(meta["unknown"]))


def refuse_lost_file(data: DataPaths, delivery: Delivery, expected: dict[str, Any]) -> NoReturn:
    """Raise ResultattavlaError: the delivery has to be read again and its file has left raw."""
    meta = read_note(_meta_path(data, delivery))
    if meta is not None:
        persons.require_same_key(meta["key"], expected["key"], delivery.source, delivery.name)
    raise ResultattavlaError(
        f"Leveransen {delivery.file} måste läsas om men filen finns inte längre i raw: lägg tillbaka den eller "
        f"ta bort {data.bronze / delivery.source / delivery.id}.* för att köra utan den."
    )


def read_note(path: Path) -> dict | None:
    """A delivery's note; None when there is none or it is damaged (the file is then read again)."""
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.pop("note", None) == digest_of(meta) else None


def counts(note: dict) -> bool:
    """Whether the rows of a note's delivery count: accepted, and its file not replaced by a newer content."""
    return note["status"] == ACCEPTED and not note.get("replaced", False)


def carries(schema: Mapping[str, pl.DataType], ids: frozenset[str]) -> pl.Expr:
    """Which rows of a stored table hold one of these pseudonyms, in whatever column."""
    texts = [name for name, dtype in schema.items() if dtype == pl.String and name != "delivery"]
    return pl.any_horizontal(pl.col(texts).is_in(list(ids))).fill_null(False)


def digest_of(meta: dict) -> str:
    """What a note says of itself, so that a changed count or name in it is seen."""
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _bronze_whole(data: DataPaths, delivery: Delivery, meta: dict, seen: Remembered) -> bool:
    if meta["status"] == REJECTED:
        return True
    try:
        return _checksums(data, delivery, seen.sha256) == meta["checksums"]
    except FileNotFoundError:
        return False


def _checksums(data: DataPaths, delivery: Delivery, hashed: Callable[[Path], str] = sha256_of) -> list[str]:
    """SHA-256 of the delivery's two bronze files: a damaged one must never be counted."""
    return [hashed(path(data, delivery)) for path in (accepted_path, quarantine_path)]


def parse_into_bronze(
    path: Path, delivery: Delivery, data: DataPaths, contract: Contract, key: bytes, expected: dict, limits: Limits
) -> dict:
    """Read a file into bronze; its note. Raises BusyError for a file that changes, ResultattavlaError for a fault."""
    assert delivery.uttagsdatum is not None
    meta = {**expected, **asdict(delivery), "uttagsdatum": delivery.uttagsdatum.isoformat()}
    try:
        size, extension = path.stat().st_size, parse_name(delivery.source, path.name)[1]
        limits.require_file(size)  # before it is in memory
        with _LARGE.taken(unpacked_size(size, extension)) if large(size, extension) else nullcontext():
            meta |= _stored(_content(path, delivery), extension, delivery, data, contract, key, limits)
    except pl.exceptions.PolarsError as error:
        # Its text can quote cells; it must reach neither log nor Dagster's storage as it is.
        raise machine_error(error, data.root) or ResultattavlaError(
            f"Filen {delivery.file} kunde inte behandlas ({type(error).__name__}: {display(str(error))}). Felanmäl."
        ) from None
    except (RejectedFileError, pl.exceptions.PanicException) as error:
        # A panic is no Exception; what it says is for programmers.
        cause = str(error) if isinstance(error, RejectedFileError) else "den kan inte behandlas: filen är skadad"
        refused = rejected(delivery, cause)
        meta |= {"status": REJECTED, "orsak": refused.orsak, "limits": asdict(limits)}
    _write_note(_meta_path(data, delivery), meta)
    return meta


class _Room:
    """Bytes of text that are in memory at a time; what is larger than all of it comes alone."""

    def __init__(self, size: int) -> None:
        self._size, self._used, self._left = size, 0, threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Waits until there is room for so much."""
        with self._left:
            self._left.wait_for(lambda: not self._used or self._used + size <= self._size)
            self._used += size
        try:
            yield
        finally:
            with self._left:
                self._used -= size
                self._left.notify_all()


_LARGE = _Room(512 * 1024**2)
"""Taken while a large file is read: what is done once for a file uses one core only, so two are read at a time, but for
those that would take too much memory together."""
_WHOLE = threading.Lock()
"""Held while a large file is read that cannot be read in parts: that takes many times its size."""


def _content(path: Path, delivery: Delivery) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != delivery.sha256:
        raise BusyError(f"Filen {delivery.file} ändrades medan den lästes: kör igen när den är färdig.")
    return content


def _stored(
    content: bytes, extension: str, delivery: Delivery, data: DataPaths, contract: Contract, key: bytes, limits: Limits
) -> dict[str, Any]:
    """Write a delivery's bronze files; what its note says of them."""
    extraction = delivery.uttagsdatum
    assert extraction is not None
    erasures = load_erasures(data)

    def counted(frame: pl.DataFrame) -> pl.DataFrame:
        return without_erased(frame, contract, extraction, erasures, key)

    raw: RawTable | RawParts | None = read_in_parts(content, extension, contract, limits)
    accepted, quarantined = accepted_path(data, delivery), quarantine_path(data, delivery)
    if isinstance(raw, RawParts):
        judged = InParts(raw, contract, extraction, delivery.id, key, counted)
        columns: Collection[str] = raw.columns
        try:
            with replacing(accepted) as part:
                rows = _write_frames(part, judged.stored(), contract)
                parsed, too_many = judged.rest()
                if too_many.len():
                    _take_out(part, too_many)
            rows, erased = rows - too_many.len(), judged.rows_left_out
        except IrregularError:
            raw = None
    if not isinstance(raw, RawParts):
        with _WHOLE if large(len(content), extension) else nullcontext():
            raw = read_delivery(content, extension, contract, limits)
            del content
            columns, read = raw.frame.columns, raw.frame.height
            raw = replace(raw, frame=counted(raw.frame))
            parsed = parse_delivery(raw, contract, extraction, delivery.id, key)
        rows, erased = parsed.accepted.height, read - raw.frame.height
        _write(accepted, parsed.accepted, stored_schema(contract))
    if raw.unknown:
        log.info("%s: okända kolumner läses inte: %s", delivery.file, ", ".join(raw.unknown))
    if raw.footers:
        log.info("%s: rader efter den sista hela raden läses inte: %s", delivery.file, " · ".join(raw.footers))
    _write(quarantined, parsed.quarantined, quarantine_schema(contract))
    return {
        "status": ACCEPTED,
        "replaced": False,
        "orsak": " ".join([*parsed.remarks, *([told(erased)] if erased else [])]) or None,
        "rows_read": parsed.rows_read,
        "rows_accepted": rows,
        "rows_quarantined": parsed.quarantined.height,
        "rows_duplicate": parsed.rows_duplicate,
        "unknown": list(raw.unknown),
        "absent": [c.name for c in contract.columns if c.name not in columns],
        "checksums": _checksums(data, delivery),
        **({"erased": erased} if erased else {}),
    }


def _write(path: Path, frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> None:
    assert dict(frame.schema) == schema
    with replacing(path) as part:
        frame.write_parquet(part, compression="zstd", compression_level=1, statistics=True)


def _write_frames(path: Path, frames: Iterable[pl.DataFrame], contract: Contract) -> int:
    """Write frames of a delivery's rows one after the other as they come; how many rows they have."""
    import pyarrow.parquet as pq

    rows = 0
    schema = pl.DataFrame(schema=stored_schema(contract)).to_arrow().schema
    # What the source system issues, and the line, repeat so seldom that a dictionary of them is work for nothing.
    unlike = {"line", *(c.stored for c in contract.columns if c.issued)}
    repeated = [name for name in schema.names if name not in unlike]
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, use_dictionary=repeated) as writer:
        for frame in frames:
            assert dict(frame.schema) == stored_schema(contract)
            writer.write_table(frame.to_arrow())
            rows += frame.height
    return rows


def _take_out(path: Path, lines: pl.Series) -> None:
    """Write a bronze file anew without some lines."""
    kept = path.with_name(path.name.removesuffix(".part") + ".kept.part")
    try:
        pl.scan_parquet(path).filter(~pl.col("line").is_in(lines.implode())).sink_parquet(
            kept, compression="zstd", compression_level=1, statistics=True
        )
        os.replace(kept, path)
    finally:
        kept.unlink(missing_ok=True)


def _write_note(path: Path, meta: dict) -> None:
    with replacing(path) as part:
        note = {**meta, "note": digest_of(meta)}
        part.write_text(json.dumps(note, ensure_ascii=False, indent=1), encoding="utf-8")


def mark_replaced(data: DataPaths, delivery: Delivery) -> None:
    """Note that a delivery counts no more, since its file holds something else now."""
    path = _meta_path(data, delivery)
    if (note := read_note(path)) is not None:
        _write_note(path, {**note, "replaced": True})


def replaces(data: DataPaths, delivery: Delivery, meta: dict, earlier: Sequence[Delivery]) -> dict:
    """The note of a delivery that was accepted as the new content of a file that was read before: it says so.

    The notes of what it replaces (`earlier`: bronze deliveries of the same file) say that they count no more.
    """
    for one in earlier:
        mark_replaced(data, one)
    told = f"Filen har skrivits över med nytt innehåll sedan den lästes; det tidigare ({_short(earlier)}) räknas inte."
    made = {**meta, "replaced": False}
    if earlier:
        made["orsak"] = " ".join(filter(None, [meta["orsak"], told]))
    _write_note(_meta_path(data, delivery), made)
    return made


def _short(deliveries: Sequence[Delivery]) -> str:
    return ", ".join(f"sha256 {(d.sha256 or '')[:12]}" for d in deliveries)
