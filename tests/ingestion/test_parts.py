"""Large files are read in parts, and repeating texts once: what becomes of a row is the same as in a small file."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.core.parallel import in_order
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import bronze, cells, persons
from dagster_project.ingestion import table as tables
from dagster_project.ingestion.erasures import Erasures, save_erasures
from dagster_project.ingestion.readers import DEFAULT
from dagster_project.ingestion.readers import csv as csv_reader
from dagster_project.ingestion.rows import stored_schema
from dagster_project.runs.ledger import Delivery
from tests.extracts import EXTRACTION, KEY, OTHER_PERSON, PERSON, base, csv_bytes, number

CONTRACTS = load_contracts()
SOURCES = ("kva", "vantetider", "avvikelser", "register_population", "etjanster", "gas")
WHOLE = 10**9
ODD = [
    "",
    " ",
    "NULL",
    "-",
    "\u00a0",
    "#SAKNAS!",
    "2022-02-30",
    "9999-12-31",
    "2031-01-01",
    "1,5",
    "ett",
    PERSON,
    "å ä",
]


@contextmanager
def read_so(part: int, few_rows: int) -> Iterator[None]:
    """Files above `part` bytes are read in parts of that size; tables above `few_rows` by their distinct texts."""
    with (
        patch.object(csv_reader, "PART_BYTES", part),
        patch.object(csv_reader, "LAST_PART", part // 2),
        patch.object(tables, "FEW_ROWS", few_rows),
    ):
        yield


def stored(content: bytes, source: str, folder: Path, extension: str = "csv") -> tuple[Any, ...]:
    """The note and the rows in bronze of one delivered file; the note alone of one that is rejected."""
    data = DataPaths(folder)
    path = folder / f"{source}_{EXTRACTION}.{extension}"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    delivery = Delivery(source, f"{source}/{path.name}", hashlib.sha256(content).hexdigest(), EXTRACTION)
    note = bronze.parse_into_bronze(path, delivery, data, CONTRACTS[source], KEY, {"version": 1}, DEFAULT)
    if note["status"] == REJECTED:
        return (note,)
    frames = [pl.read_parquet(p(data, delivery)) for p in (bronze.accepted_path, bronze.quarantine_path)]
    assert dict(frames[0].schema) == stored_schema(CONTRACTS[source])
    assert not list((data.bronze / source).glob(".*"))
    del note["checksums"]
    return json.dumps(note, sort_keys=True), *(frame.rows() for frame in frames)


def same_in_all_ways(content: bytes, source: str, folder: Path, extension: str = "csv") -> tuple[Any, ...]:
    with read_so(WHOLE, WHOLE):
        expected = stored(content, source, folder / "whole", extension)
    for nr, (part, few) in enumerate([(WHOLE, 0), (900, 0)]):
        with read_so(part, few):
            assert stored(content, source, folder / str(nr), extension) == expected, (part, few)
    return expected


def made(seed: int) -> tuple[str, bytes]:
    """A file of a source: most rows have ids of their own and are good, some share a key, some are damaged or empty."""
    rng = np.random.default_rng(seed)
    source = SOURCES[seed % len(SOURCES)]
    key = CONTRACTS[source].key[0]
    rows: list[dict[str, str]] = []
    for nr in range(int(rng.integers(1, 60))):
        row = base(source)
        if key.type == "text":
            row[key.name] = f"A{rng.integers(0, 30) if rng.random() < 0.2 else 100 + nr}"
        if rng.random() < 0.3:
            row[str(rng.choice(sorted(row)))] = str(rng.choice(ODD))
        rows.append(dict.fromkeys(row, "") if rng.random() < 0.03 else row)
    tail = ("", "\n", "Antal rader: 7\n", '"'.join("ab") + "\n")[int(rng.integers(0, 4))]
    content = (csv_bytes(rows) + tail.encode()).replace(b"\r\n", b"\n")
    return source, content.replace(b"\n", b"\r\n") if rng.random() < 0.3 else content


@pytest.mark.parametrize("seed", range(12))
def test_a_file_in_parts_is_the_file(tmp_path: Path, seed: int) -> None:
    """Duplicates and conflicts across parts, footers, quotes that forbid parts, empty rows, line numbers, counts."""
    source, content = made(seed)
    same_in_all_ways(content, source, tmp_path)


def many(source: str, count: int) -> list[dict[str, str]]:
    return [base(source, vardkontakt_id=f"A{i}") for i in range(count)]


def test_a_key_in_two_parts(tmp_path: Path) -> None:
    """Identical rows count once, other content under the key is in conflict, and neither is accepted."""
    rows = many("kva", 60)
    rows[50], rows[55] = dict(rows[1]), {**rows[2], "atgardsdatum": "2022-04-01"}
    note, accepted, quarantined = same_in_all_ways(csv_bytes(rows), "kva", tmp_path)
    told = json.loads(note)
    counts = [told[f"rows_{n}"] for n in ("read", "accepted", "quarantined", "duplicate")]
    assert counts == [60, 57, 2, 1] and len(accepted) == 57 and len(quarantined) == 2


@pytest.mark.parametrize("extension", ["csv", "csv.gz"])
def test_parts_are_really_used(tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    used: list[int] = []
    judge = bronze.InParts

    def counting(parts: Any, *args: Any) -> Any:
        used.append(parts.count)
        return judge(parts, *args)

    monkeypatch.setattr(bronze, "InParts", counting)
    content = csv_bytes(many("kva", 100))
    packed = content if extension == "csv" else gzip.compress(content)
    with read_so(1000, WHOLE):
        stored(packed, "kva", tmp_path, extension)
    assert used and used[0] > 3


def test_rows_of_other_widths_are_read_as_a_whole(tmp_path: Path) -> None:
    """As many separators as there should be, but not where: told only when the part is read."""
    lines = csv_bytes(many("kva", 60)).decode().splitlines()
    lines[20], lines[22] = lines[20] + ";x", lines[22].rsplit(";", 1)[0]
    note, *_ = same_in_all_ways(("\n".join(lines) + "\n").encode(), "kva", tmp_path)
    assert json.loads(note)["rows_read"] == 60


def test_a_windows_file_and_one_with_letters_in_two_pieces(tmp_path: Path) -> None:
    rows = [
        {**row, "yrkeskategori": "La\u0308kare" if i % 7 == 0 else "Läkare"} for i, row in enumerate(many("kva", 60))
    ]
    _, accepted, _ = same_in_all_ways(csv_bytes(rows), "kva", tmp_path)
    assert {row[6] for row in accepted if "kare" in str(row[6])} <= {"Läkare"}
    content = csv_bytes(many("kva", 60)).decode().replace("Kurator", "Läkare").encode("cp1252")
    same_in_all_ways(content, "kva", tmp_path / "cp1252")


def test_rows_of_erased_persons_are_left_out_of_every_part(tmp_path: Path) -> None:
    rows = many("kva", 60)
    for i in (3, 40, 59):
        rows[i]["personnummer"] = OTHER_PERSON
    erased = Erasures().with_person(OTHER_PERSON, persons.person_id(OTHER_PERSON, KEY), KEY, "x", "y", date(2022, 9, 1))
    for folder in ("whole", "0", "1"):
        save_erasures(DataPaths(tmp_path / folder), erased)
    note, accepted, _ = same_in_all_ways(csv_bytes(rows), "kva", tmp_path)
    assert json.loads(note)["erased"] == 3 and len(accepted) == 57


def test_repeated_persons_and_numbers_of_every_spelling(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    people = [number(date(1950 + i, 3, 1), 980) for i in range(20)] + ["195003019800", "x", ""]
    spelled = [p if i % 2 else f"{p[:8]}-{p[8:]}" if len(p) == 12 else p for i, p in enumerate(people)]
    rows = [{**row, "personnummer": str(rng.choice(spelled))} for row in many("kva", 200)]
    same_in_all_ways(csv_bytes(rows), "kva", tmp_path)


@settings(deadline=None, max_examples=100)
@given(st.from_regex(cells.PLAIN_ID, fullmatch=True) | st.from_regex("[A-Za-z_-]{0,4}[0-9OIl]{0,12}", fullmatch=True))
def test_a_plain_id_is_left_as_it_is(text: str) -> None:
    """Whatever is taken for plain needs no trimming, is not damaged and holds no number."""
    series = pl.Series([text], dtype=pl.String)
    if series.str.contains(cells.PLAIN_ID)[0]:
        assert cells.trimmed(series).to_list() == [text]
        assert not cells.is_sheet_error(series)[0] and not cells.is_damaged(series)[0]
        assert persons.pseudonymise_in_keys(series, KEY).to_list() == [text]


def test_work_in_order_ends_with_its_first_fault() -> None:
    def work(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    assert list(in_order(work, range(5), 2)) == [0, 1, 2, 3, 4]
    seen: list[int] = []
    with pytest.raises(ValueError, match="five"):
        seen.extend(in_order(work, range(9), 2))
    assert seen == [0, 1, 2, 3, 4]


def test_large_files_take_no_more_room_than_there_is() -> None:
    """Two that have room together are read together; what is larger than all of it waits, and comes alone."""
    room = bronze._Room(10)
    held: list[int] = []
    seen: list[int] = []
    both = threading.Barrier(2, timeout=10)

    def read(size: int) -> None:
        with room.taken(size):
            held.append(size)
            seen.append(sum(held))
            if size == 5:
                both.wait()  # neither goes on before the other has come
            held.remove(size)

    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(read, size) for size in (5, 30, 5, 8, 9)]:
            done.result(timeout=20)
    assert max(seen) == 30 and 10 in seen
    with pytest.raises(ValueError, match="x"), room.taken(10):
        raise ValueError("x")
    with room.taken(10):
        pass
