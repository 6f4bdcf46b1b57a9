"""What many old deliveries cost each day: `python -m bench.old_files FOLDER`.

Deliveries of one row each are read into bronze; then one more comes, and what a run does with files that it knows is
measured: listing, looking at them, and the notes of what they held, until the new one is read. Less of the same with
only a few old files, that is what the old ones cost.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

FILES, FEW = 10_000, 10
AIM_SECONDS = 1.0
DAYS = 3
"""Days that are measured; the best of them is told."""
WAIT_SECONDS = 2.5
"""A file that was just written is not yet one whose times say that it is the same."""
AS_OF = date(2022, 9, 30)
_HEAD = "vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum;yrkeskategori\n"


def bench_old_files(folder: Path, files: int = FILES) -> dict[str, float | int]:
    """Seconds of the first reading, and of a day with so many old files and with few, below an empty folder."""
    first, many = _days(folder / "many", files)
    _, few = _days(folder / "few", FEW)
    day, beside = min(many), min(few)
    return {
        "files": files,
        "first_s": round(first, 2),
        "day_s": round(day, 2),
        "few_s": round(beside, 2),
        "cost_s": round(day - beside, 2),
        "aim_s": AIM_SECONDS,
    }


def _days(folder: Path, files: int) -> tuple[float, list[float]]:
    raw = folder / "raw"
    (raw / "kva").mkdir(parents=True)
    days = _deliveries(raw / "kva")
    for _ in range(files):
        next(days)
    time.sleep(WAIT_SECONDS)
    return _read(folder, files), [_read(folder, files + n) for n, _ in zip(range(1, DAYS + 1), days, strict=False)]


def _deliveries(source: Path) -> Iterator[None]:
    number = 0
    while True:
        number += 1
        row = f"VK{number};XS100;19510709-9961;SE2321000164-DEMO01;2022-07-01;audionom\n"
        (source / f"kva_{AS_OF}_v{number}.csv").write_text(_HEAD + row, encoding="utf-8")
        yield


def _read(folder: Path, files: int) -> float:
    from dagster_project.core.paths import DataPaths
    from dagster_project.ingestion.deliveries import read_deliveries

    started = time.perf_counter()
    _, ledger = read_deliveries(folder / "raw", DataPaths(folder / "data"), AS_OF, AS_OF)
    seconds = time.perf_counter() - started
    if (counted := sum(delivery.rows_accepted for delivery in ledger)) != files:
        raise RuntimeError(f"{counted} rows of {files} deliveries were read")
    return seconds


if __name__ == "__main__":
    print(json.dumps(bench_old_files(Path(sys.argv[1]).absolute()), indent=1))
