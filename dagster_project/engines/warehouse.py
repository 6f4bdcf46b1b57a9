"""The warehouse between runs: what it was made from, and whether it is still as the system itself left it.

A note beside it (`data/run/warehouse.json`) is removed before the first write and written after the last one. So a
killed run, another program's writing and a file from somewhere else are all seen: the warehouse is then made anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths


@dataclass(frozen=True)
class Made:
    """What a whole warehouse says of itself.

    by: what computed it (code, catalogue, packages, parameters), as one digest. settled: how often deliveries were
    settled in it. months: the settling that its monthly sums are of; None where there are none yet. evidence: what was
    kept of it month by month (indicator -> month -> file and SHA-256), as of the settling evidence_of. judged: what the
    staging gate found (source -> expectation -> what was asked and the counts, `gates.parts`), as of judged_of.
    """

    by: str
    settled: int = 0
    months: int | None = None
    evidence: dict[str, dict[str, list[str]]] | None = None
    evidence_of: int | None = None
    judged: dict[str, dict[str, Any]] | None = None
    judged_of: int | None = None


def _note(data: DataPaths) -> Path:
    return data.run / "warehouse.json"


def log_file(data: DataPaths) -> Path:
    """DuckDB's write-ahead log beside the warehouse."""
    return data.warehouse.with_name(f"{data.warehouse.name}.wal")


def _stamp(data: DataPaths) -> list[int]:
    found = data.warehouse.stat()
    return [found.st_size, found.st_mtime_ns]


def made(data: DataPaths) -> Made | None:
    """What the warehouse was made from; None where there is none that is whole and untouched."""
    try:
        content = json.loads(_note(data).read_text(encoding="utf-8"))
        whole = content.pop("file") == _stamp(data) and not log_file(data).exists()
        return TypeAdapter(Made).validate_json(json.dumps(content), strict=True) if whole else None
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None


def let_go(data: DataPaths) -> None:
    """Forget that the warehouse is whole: what comes now writes to it."""
    _note(data).unlink(missing_ok=True)


def keep_note(data: DataPaths, content: Made) -> None:
    """The warehouse is whole, and made from this."""
    with replacing(_note(data)) as part:
        part.write_text(json.dumps({**asdict(content), "file": _stamp(data)}), encoding="utf-8")


@contextmanager
def writing(data: DataPaths, months: bool = False) -> Iterator[None]:
    """Write to a warehouse that stays what it was made from, if it was whole before.

    months: its monthly sums are those of its settled rows afterwards. After an exception nothing is known of it.
    """
    before = made(data)
    let_go(data)
    yield
    if before is not None:
        keep_note(data, replace(before, months=before.settled) if months else before)


def remove(data: DataPaths) -> None:
    """Remove the warehouse."""
    let_go(data)
    for path in (data.warehouse, log_file(data)):
        path.unlink(missing_ok=True)
