"""Runs of the job for tests (plainly in this process, by Dagster, through the command), and small deliveries.

Tests ask for a run by a fixture of `tests.conftest` (`run`, `run_by_dagster`, `run_by_command`, or one made of these):
whoever does is marked `whole_run`.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from dagster_project.catalogue.vocabulary import DELIVERY, RESULTS, STAGING
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.disclosure.step import hide_cells
from dagster_project.engines import dbt
from dagster_project.gates.decision import stop_reason, write_decision
from dagster_project.gates.outcomes import outcomes_so_far
from dagster_project.gates.run import run_gate
from dagster_project.operations.daily_run import JobEnd, RunOutcome, run_daily
from dagster_project.operations.ingest import Progress, ingest
from dagster_project.operations.settings import Settings
from dagster_project.releases.publish import publish
from dagster_project.releases.store import current_release
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import read_records
from tests.guards import require_whole_run

SAMPLE = PROJECT / "raw"
COMMAND = Path(sys.executable).parent / "resultattavla"
UNIT = "SE2321000164-AUD1"
DAY = "2022-08-31"
"""Extraction date of the small deliveries."""


# --- The job -----------------------------------------------------------------------------------------------------


def plain_steps(settings: Settings, as_of: date | None, progress: Progress) -> dict[str, Callable[[], object]]:
    """The job without Dagster: each step's name there -> the plain function that it calls, in the job's order."""
    data, folder = settings.paths, RunFolder(settings.paths)
    return {
        "ingestion": lambda: ingest(settings, as_of, date.today(), progress),
        "gate_delivery": lambda: run_gate(DELIVERY, folder, folder.identity()),
        "dbt_staging": lambda: dbt.build(data, dbt.STAGING, engine=settings.models_on),
        "gate_staging": lambda: run_gate(STAGING, folder, folder.identity()),
        "run__indicators": lambda: write_decision(folder, folder.identity()),
        "dbt_cells": lambda: dbt.build(data, dbt.CELLS, engine=settings.models_on),
        "run__hidden_cells": lambda: hide_cells(folder, folder.identity()),
        "dbt_results": lambda: dbt.build(data, dbt.RESULTS, engine=settings.models_on),
        "gate_results": lambda: run_gate(RESULTS, folder, folder.identity()),
        "published__release": lambda: publish(data, folder.identity()),
    }


def run_plainly(settings: Settings, as_of: date | None, progress: Progress) -> JobEnd:
    """The plain job, as `defs.execute.run_in_process` does Dagster's: a gate that stops it, stops it."""
    folder = RunFolder(settings.paths)
    ingested = False
    try:
        for step in plain_steps(settings, as_of, progress).values():
            step()
            ingested = True
            if reason := stop_reason(outcomes_so_far(folder, folder.identity().run_id)):
                return JobEnd(ingested, reason)
    except ResultattavlaError as error:
        return JobEnd(ingested, str(error))
    return JobEnd(ingested)


def run(
    raw: Path, data: Path, as_of: date | None = None, make_current: bool = False, rebuild: bool = False, **settings: Any
) -> RunOutcome:
    """The daily run with the plain job: Dagster would take as long again, and most tests are not about it.

    Nor are they about what people open: no product is made but those that `products` names.
    """
    require_whole_run()
    chosen = Settings(raw=raw, data=data, **{"products": (), **settings})
    return run_daily(chosen, lambda *how: run_plainly(chosen, *how), as_of, make_current=make_current, rebuild=rebuild)


def run_by_dagster(raw: Path, data: Path, as_of: date | None = None, **settings: Any) -> RunOutcome:
    """The daily run in this process, as the command does it."""
    require_whole_run()
    from dagster_project.defs.execute import run_in_process

    chosen = Settings(raw=raw, data=data, **{"products": (), **settings})
    return run_daily(chosen, lambda *how: run_in_process(chosen, *how), as_of)


def outcome_of(data: Path) -> RunOutcome:
    """What the latest run of a data folder came to."""
    paths = DataPaths(data)
    folder, release, (record,) = RunFolder(paths), current_release(paths), read_records(paths, 1)
    identity = folder.identity()
    assert release is not None and record.error is None and record.release_id == release.id
    return RunOutcome(paths, record.started, identity, tuple(outcomes_so_far(folder, identity.run_id)), release)


class Kept(NamedTuple):
    """A folder with `raw` and the `data` that runs made of it: kept, and copied for whoever goes on from there."""

    folder: Path

    def copy(self, to: Path) -> RunOutcome:
        """Copy `raw` and `data` to a folder; the outcome of the latest run, as if it had been run there."""
        for name in ("raw", "data"):
            shutil.copytree(self.folder / name, to / name, symlinks=True)
        return outcome_of(to / "data")


# --- The command -------------------------------------------------------------------------------------------------


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed console script in a process of its own, as a user starts it, from another folder."""
    if arguments[0] == "run":
        require_whole_run()
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=300,
        check=False,
    )


WIDTH = 200
"""Columns of the terminal that `said` writes for."""


@dataclass(frozen=True)
class Said:
    """What the command said; the names are those of a finished process."""

    returncode: int
    stdout: str
    stderr: str


def said(*arguments: str | Path, **environment: str) -> Said:
    """`resultattavla <arguments>` in this process: the same from its entry point on, without the seconds of a start."""
    from dagster_project.cli import output
    from dagster_project.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    code = 0
    width, output.out.width = output.out.width, WIDTH  # it was made when the module was imported
    with (
        patch.object(sys, "argv", ["resultattavla", *map(str, arguments)]),
        patch.dict(os.environ, {"COLUMNS": str(WIDTH), **environment}),
        redirect_stdout(out),
        redirect_stderr(err),
        chdir("/"),
    ):
        try:
            main()
        except SystemExit as end:
            assert end.code is None or isinstance(end.code, int)
            code = end.code or 0
        finally:
            output.out.width = width
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Said(code, out.getvalue(), err.getvalue())


# --- Deliveries --------------------------------------------------------------------------------------------------


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


def deliver_measures(raw: Path, day: str, *measures: str) -> Path:
    """Measures `vardkontakt_id;kva_kod;personnummer;unit;atgardsdatum`."""
    return deliver(raw, f"kva_{day}.csv", "vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum", *measures)


def cases(count: int, day: str = "2022-03-01", unit: str = UNIT, first: int = 1) -> list[str]:
    """`count` handled cases registered on one day."""
    return [f"A{i:04d};{unit};{day};{day};{day}" for i in range(first, first + count)]
