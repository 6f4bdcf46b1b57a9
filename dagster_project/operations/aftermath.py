"""After every run, whatever came of it: keep the record, apply the retention rule, write the steward's page, notify.

Nothing here changes what was published. What cannot be done is returned as sentences; the run's result stands.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.core.errors import machine_error
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide
from dagster_project.gates.validate import Outcome
from dagster_project.gates.waivers import Waiver
from dagster_project.operations.settings import Notify, Settings
from dagster_project.operations.upkeep import prune_bronze, prune_releases
from dagster_project.products.steward_page.page import RUNS_SHOWN, write_review
from dagster_project.releases.evidence import prune as prune_evidence
from dagster_project.releases.publish import Release
from dagster_project.runs.history import RunRecord, add_record, check_records, read_records
from dagster_project.runs.identity import RunState, mark_finished

NOTIFY_SECONDS = 30


@dataclass(frozen=True)
class Ended:
    """What a run came to. `state` is None when ingestion failed; `release` is None when nothing was published."""

    started: str
    state: RunState | None = None
    outcomes: Sequence[Outcome] = ()
    release: Release | None = None
    error: str | None = None
    nothing_new: bool = False

    def record(self) -> RunRecord:
        """The run as history keeps it."""
        return RunRecord(
            started=self.started,
            exit_code=self.release.exit_code if self.release else 1,
            run_id=self.state.release_id if self.state else None,
            as_of=str(self.state.as_of) if self.state else None,
            release_id=self.release.id if self.release else None,
            error=mask(self.error) if self.error else None,
            held_back=self.release.held_back if self.release else decide(self.outcomes).held_back,
            frozen=self.release.frozen if self.release else {},
            checks=check_records(self.outcomes),
        )


def now() -> str:
    """When a run starts: UTC, to the microsecond; for people and for the order of records, never in a result."""
    return datetime.now(UTC).isoformat()


def finish(data: DataPaths, settings: Settings, ended: Ended) -> tuple[str, ...]:
    """Do all that follows a run. Returns one sentence for each thing that could not be done, each only once."""
    trouble: list[str] = []

    def attempt(what: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except Exception as error:
            told = machine_error(error, data.root)
            if told is None or str(told) != ended.error:  # a full disk is told once
                trouble.append(f"{what}: {told or mask(f'{type(error).__name__}: {error}')}")
            return False
        return True

    waivers = [Waiver.from_dict(w) for w in ended.state.waivers] if ended.state else []
    record = ended.record()

    def keep_record() -> None:
        if not ended.nothing_new or not read_records(data, 1):
            add_record(data, record, settings.retention.runs)

    def page() -> None:
        records = read_records(data, RUNS_SHOWN)
        write_review(data, records or [record], ended.outcomes, waivers)

    def retention() -> None:
        if ended.state is not None and ended.release is not None:
            prune_evidence(data, prune_releases(data, settings.retention.releases))
            prune_bronze(data, ended.state.inputs)

    done = [
        attempt("Körningens anteckning kunde inte sparas", keep_record),
        attempt("Granskningssidan kunde inte skrivas", page),
        attempt("Gammalt kunde inte gallras", retention),
    ]
    if ended.state is not None and all(done) and ended.error is None:
        run_id = ended.state.release_id
        attempt("Körningen kunde inte märkas som klar", lambda: mark_finished(data, run_id))
    if not ended.nothing_new and (settings.notify.when == "always" or record.exit_code != 0):
        trouble += notify(settings.notify, message(record, data))
    return tuple(dict.fromkeys(trouble))


def message(record: RunRecord, data: DataPaths) -> dict[str, Any]:
    """What a notification holds: names and dates only, no counts of patients."""
    return {
        "as_of": record.as_of,
        "korning": record.run_id,
        "utgava": record.release_id,
        "utfall": {0: "publicerad", 2: "publicerad med kvarhållna indikatorer"}.get(
            record.exit_code, "ingenting publicerades"
        ),
        "exit_code": record.exit_code,
        "orsak": record.error,
        "kvarhallna_indikatorer": record.held_back,
        "frysta_indikatorer": record.frozen,
        "granskning": str(data.docs / "index.html"),
    }


def notify(settings: Notify, content: dict[str, Any]) -> list[str]:
    """Tell the configured command and address; returns a sentence for each that did not take it."""
    text = json.dumps(content, ensure_ascii=False)
    trouble = []
    if settings.command:
        name = Path(settings.command[0]).name
        try:
            done = subprocess.run(
                settings.command, input=text, text=True, capture_output=True, timeout=NOTIFY_SECONDS, check=False
            )
            if done.returncode != 0:
                trouble.append(f"Aviseringen misslyckades: {name} slutade med kod {done.returncode} (notify.command).")
        except (OSError, subprocess.TimeoutExpired) as error:
            trouble.append(f"Aviseringen misslyckades: {name} ({type(error).__name__}, notify.command).")
    if settings.webhook is not None:
        request = urllib.request.Request(
            str(settings.webhook), text.encode(), {"Content-Type": "application/json; charset=utf-8"}
        )
        try:
            with urllib.request.urlopen(request, timeout=NOTIFY_SECONDS):
                pass
        except OSError as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            trouble.append(
                f"Aviseringen misslyckades: {settings.webhook.host} tog inte emot den ({reason}, notify.webhook)."
            )
    return trouble
