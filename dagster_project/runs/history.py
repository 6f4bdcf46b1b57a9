"""What runs came to: one small JSON file per finished run under `data/history/`, kept for the steward's page.

A record is written last, when everything else of the run stands; it holds counts and names, never a row's values.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from dagster_project.catalogue.vocabulary import DRIFT, WARNING, consequence
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths


@dataclass(frozen=True)
class CheckRecord:
    """What one expectation found in one run: the fields of `gates.outcomes.Outcome` that a look back needs."""

    suite: str
    source: str
    expectation: str
    severity: str
    success: bool
    checked: int | None
    unexpected: int | None
    observed: str | None
    undantag: str | None
    limit: float | None = None

    @property
    def gate(self) -> str:
        return self.suite.split("/")[0]

    @property
    def consequence(self) -> str:
        """What a failure counts as: its severity, or one step milder when it is waived."""
        return consequence(self.severity, self.undantag is not None)


@dataclass(frozen=True)
class RunRecord:
    """One finished run.

    started: UTC, ISO 8601; seconds: how long its job took, None in records of older code.
    run_id: identity of its inputs (`RunIdentity.run_id`), None when ingestion already failed.
    release_id: what was published, None when nothing was; `error` then says why. held_back: indicator -> sources.
    frozen: held-back indicator -> the release that its rows come from. rejected: why files that are newer than their
    source's newest accepted one were rejected, a sentence each. shrunk: what of the history counts no more
    (`operations.shrunk`), a sentence each. rows: source -> month (2022-05; empty of sources without events) -> rows
    that count. beside: the release that `current` named all the
    same, None where it named this one. seen: when a run last came to this (it found nothing new, say); file times are
    not asked, since a copy has others. refused: why files were rejected, all of them. overdue: deliveries that should
    have come by then (`runs.expected`), a sentence each. replaced: that `current` left a later day's release for this
    one. raw_empty: that nothing was left below raw of what counts (`operations.notices`). products_failed: what people
    open and could not be made, a sentence each.
    """

    started: str
    exit_code: int
    run_id: str | None = None
    as_of: str | None = None
    release_id: str | None = None
    error: str | None = None
    held_back: dict[str, list[str]] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    beside: str | None = None
    rejected: tuple[str, ...] = ()
    shrunk: tuple[str, ...] = ()
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    checks: tuple[CheckRecord, ...] = ()
    seen: str | None = field(default=None, compare=False)
    seconds: float | None = field(default=None, compare=False)
    refused: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    replaced: str | None = None
    raw_empty: str | None = None
    products_failed: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """What people should know of the run besides its results, a sentence each."""
        return tuple(filter(None, (self.replaced, self.raw_empty, *self.products_failed)))

    @property
    def changes(self) -> list[CheckRecord]:
        """What warned of a change in deliveries; waived ones are known already."""
        return [c for c in self.checks if c.gate == DRIFT and not c.success and c.consequence == WARNING]

    @property
    def to_be_told(self) -> bool:
        """Whether people should know of something although nothing is held back."""
        return bool(self.changes or self.rejected or self.shrunk or self.overdue or self.notices)


def add_record(data: DataPaths, record: RunRecord, keep: int) -> None:
    """Write a record and remove the oldest beyond `keep`."""
    content = {**asdict(record), "seen": datetime.now(UTC).isoformat()}
    with replacing(data.history / f"{_name(record)}.json") as part:
        part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    for path in sorted(data.history.glob("*.json"))[:-keep]:
        path.with_suffix(_LOG).unlink(missing_ok=True)
        path.unlink()


def keep_log(data: DataPaths, record: RunRecord, log: Path) -> None:
    """Keep a run's log beside its record, as long as that."""
    with replacing(log_of(data, record)) as part:
        shutil.copyfile(log, part)


def log_of(data: DataPaths, record: RunRecord) -> Path:
    """Where the log of a run on record is kept (`runs.log.read_log`); there is none of older versions' runs."""
    return data.history / f"{_name(record)}{_LOG}"


_LOG = ".log.jsonl"


def _name(record: RunRecord) -> str:
    return f"{record.started.replace(':', '').replace('-', '')}_{record.run_id or 'ingen'}"


def read_records(data: DataPaths, last: int) -> list[RunRecord]:
    """The newest `last` records, newest first; a damaged file is passed over (it is a look back, not a result)."""
    return list(islice(_records(data), last))


def last_success(data: DataPaths) -> datetime | None:
    """When a run last published or found nothing new to publish (its record is written again then); None: never."""
    for record in _records(data):
        if record.release_id is not None:
            return datetime.fromisoformat(record.seen or record.started)
    return None


def _records(data: DataPaths) -> Iterator[RunRecord]:
    for path in sorted(data.history.glob("*.json"), reverse=True):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                continue
            datetime.fromisoformat(content.get("seen") or content["started"])
            checks = tuple(CheckRecord(**c) for c in content.pop("checks"))
            names = {f.name for f in fields(RunRecord)}
            yield RunRecord(**{k: v for k, v in content.items() if k in names}, checks=checks)
        except (OSError, ValueError, KeyError, TypeError):
            continue
