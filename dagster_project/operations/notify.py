"""Tell whoever the settings name what a run came to."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import Notify
from dagster_project.products.measured import measured
from dagster_project.runs.history import RunRecord

NOTIFY_SECONDS = 30


def message(record: RunRecord, data: DataPaths, newly_refused: Sequence[str] = ()) -> dict[str, Any]:
    """What a notification holds: names and dates only, no counts of patients.

    newly_refused: why files were rejected that the run before did not know.

    forandringar_i_leveranser: per warning its source, its expectation and what it names (column, month, row counts).
    """
    return {
        "as_of": record.as_of,
        "korning": record.run_id,
        "utgava": record.release_id,
        "utfall": _outcome(record),
        "exit_code": record.exit_code,
        "orsak": record.error,
        "kvarhallna_indikatorer": record.held_back,
        "frysta_indikatorer": record.frozen,
        "forandringar_i_leveranser": [
            {"kalla": c.source, "forvantan": c.expectation, "uppmatt": measured(c)} for c in record.changes
        ],
        "avvisade_nyare_filer": list(record.rejected),
        "nya_avvisade_filer": list(newly_refused),
        "uteblivna_leveranser": list(record.overdue),
        "att_veta": list(record.notices),
        "krympt_historik": list(record.shrunk),
        "granskning": str(data.docs / "index.html"),
    }


def _outcome(record: RunRecord) -> str:
    if record.release_id is None:
        return "ingenting publicerades"
    if record.exit_code == 0:
        return "publicerad"
    held_back = record.held_back or not record.products_failed  # the plan's reports can be held back too
    held = "publicerad med kvarhållna indikatorer" if held_back else "publicerad"
    return f"{held}, men allt som läsare öppnar kunde inte göras" if record.products_failed else held


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
