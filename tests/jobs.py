"""Runs of the real job for tests: in this process (quick once the packages are loaded) or through the command."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.core.paths import PROJECT
from dagster_project.operations.daily_run import RunOutcome, run_daily
from dagster_project.operations.settings import Settings

SAMPLE = PROJECT / "raw"
COMMAND = Path(sys.executable).parent / "resultattavla"
UNIT = "SE2321000164-AUD1"


def run(raw: Path, data: Path, as_of: date | None = None, **settings: Any) -> RunOutcome:
    """The daily run in this process, as the command does it."""
    from dagster_project.defs.execute import run_in_process

    chosen = Settings(raw=raw, data=data, **settings)
    return run_daily(chosen, lambda *how: run_in_process(chosen, *how), as_of)


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed console script, as a user starts it, from another folder."""
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=300,
        check=False,
    )


def deliver(raw: Path, name: str, *lines: str) -> Path:
    """Write a CSV delivery; the source is the name's first part up to the date."""
    source = name[: name.index("_2")]
    path = raw / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def deliver_units(raw: Path, day: str) -> Path:
    """A register of one unit of AUD and one of BUH, valid since 2010."""
    return deliver(
        raw,
        f"enheter_{day}.csv",
        "hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran;giltig_till",
        f"{UNIT};Hörselmottagningen;AUD;Örebro;2010-01-01;",
        "SE2321000164-BUH1;Barnhabiliteringen;BUH;Örebro;2010-01-01;",
    )


def deliver_cases(raw: Path, day: str, *cases: str, header: str = "") -> Path:
    """Deviation reports `id;unit;registreringsdatum;paborjad;avslutad`."""
    columns = "avvikelse_id;hsaid_enhet;registreringsdatum;paborjad_datum;avslutad_datum"
    return deliver(raw, f"avvikelser_{day}.csv", columns + header, *cases)


def cases(count: int, day: str = "2022-03-01", unit: str = UNIT, first: int = 1) -> list[str]:
    """`count` handled cases registered on one day."""
    return [f"A{i:04d};{unit};{day};{day};{day}" for i in range(first, first + count)]
