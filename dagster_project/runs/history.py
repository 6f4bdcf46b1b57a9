"""What runs came to: one small JSON file per finished run under `data/history/`, kept for the steward's page.

A record is written last, when everything else of the run stands; it holds counts and names, never a row's values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from dagster_project.core.paths import DataPaths, replacing
from dagster_project.gates.validate import Outcome


@dataclass(frozen=True)
class CheckRecord:
    """What one expectation found in one run: the fields of `expectations.Outcome` that a look back needs."""

    suite: str
    source: str
    expectation: str
    severity: str
    success: bool
    checked: int | None
    unexpected: int | None
    observed: str | None
    undantag: str | None

    @property
    def gate(self) -> str:
        return self.suite.split("/")[0]


@dataclass(frozen=True)
class RunRecord:
    """One finished run.

    started: UTC, ISO 8601. run_id: identity of its inputs (`RunState.release_id`), None when ingestion already failed.
    release_id: what was published, None when nothing was; `error` then says why. held_back: indicator -> sources.
    frozen: held-back indicator -> the release that its rows come from.
    """

    started: str
    exit_code: int
    run_id: str | None = None
    as_of: str | None = None
    release_id: str | None = None
    error: str | None = None
    held_back: dict[str, list[str]] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    checks: tuple[CheckRecord, ...] = ()


def check_records(outcomes: Sequence[Outcome]) -> tuple[CheckRecord, ...]:
    """Outcomes as a record keeps them."""
    kept = [f.name for f in fields(CheckRecord)]
    return tuple(CheckRecord(**{name: getattr(o, name) for name in kept}) for o in outcomes)


def add_record(data: DataPaths, record: RunRecord, keep: int) -> None:
    """Write a record and remove the oldest beyond `keep`."""
    name = f"{record.started.replace(':', '').replace('-', '')}_{record.run_id or 'ingen'}.json"
    with replacing(data.history / name) as part:
        part.write_text(json.dumps(asdict(record), ensure_ascii=False), encoding="utf-8")
    for path in sorted(data.history.glob("*.json"))[:-keep]:
        path.unlink()


def read_records(data: DataPaths, last: int) -> list[RunRecord]:
    """The newest `last` records, newest first; a damaged file is passed over (it is a look back, not a result)."""
    records: list[RunRecord] = []
    for path in sorted(data.history.glob("*.json"), reverse=True):
        if len(records) == last:
            break
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                continue
            datetime.fromisoformat(content["started"])
            checks = tuple(CheckRecord(**c) for c in content.pop("checks"))
            names = {f.name for f in fields(RunRecord)}
            records.append(RunRecord(**{k: v for k, v in content.items() if k in names}, checks=checks))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return records
