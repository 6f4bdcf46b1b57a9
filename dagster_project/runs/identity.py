"""One run's identity and what its steps hand each other: `data/run/state.json` and the Parquet files beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths, replacing
from dagster_project.gates.decision import load_run_waivers
from dagster_project.gates.waivers import Waiver, require_current
from dagster_project.ingestion.bronze import ACCEPTED, LATER, REJECTED, Delivery, Progress, read_deliveries
from dagster_project.ingestion.settle import Settled, settle
from dagster_project.operations.settings import Parameters, Settings
from dagster_project.runs.versions import catalogue_version, code_version

INGESTED = ("leveranser", "karantan", "avvisade_rader", "matt", "parametrar")
"""What every ingestion writes anew under `data/run/`."""


@dataclass(frozen=True)
class RunState:
    """What identifies a run: the same inputs, catalogue, code and parameters give the same release id."""

    as_of: date
    release_id: str
    inputs: list[dict[str, Any]]
    code_version: str
    catalogue_version: str
    parameters: dict[str, Any]
    waivers: list[dict[str, str]]

    def write(self, data: DataPaths) -> None:
        """From now on what lies under `data/run/` is on its way to being this run's."""
        _finished_path(data).unlink(missing_ok=True)
        with replacing(data.run / "state.json") as part:
            part.write_text(json.dumps(asdict(self), default=str, ensure_ascii=False, indent=1), encoding="utf-8")

    @staticmethod
    def read(data: DataPaths) -> RunState:
        """The latest ingestion's state. Raises ResultattavlaError when nothing was ingested yet."""
        try:
            content = json.loads((data.run / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ResultattavlaError(f"Ingen körning finns i {data.root}: kör `resultattavla run` först.") from None
        except ValueError:
            content = None
        if not isinstance(content, dict) or content.keys() != {f.name for f in fields(RunState)}:
            raise ResultattavlaError(
                f"Körningens uppgifter i {data.run / 'state.json'} är skadade: kör `resultattavla run` igen."
            )
        return RunState(**{**content, "as_of": date.fromisoformat(content["as_of"])})


def _finished_path(data: DataPaths) -> Path:
    return data.run / "finished"


def mark_finished(data: DataPaths, run_id: str) -> None:
    """The run came to its end: gates, release and pages are there."""
    with replacing(_finished_path(data)) as part:
        part.write_bytes(_end_of(data, run_id))


def finished_run(data: DataPaths) -> str | None:
    """The run that came to its end and whose warehouse, outcomes and pages are still as it left them, or None."""
    path = _finished_path(data)
    content = path.read_bytes() if path.exists() else b""
    run_id = content.split(b" ")[0].decode(errors="replace")
    return run_id if content == _end_of(data, run_id) else None


def _end_of(data: DataPaths, run_id: str) -> bytes:
    """A run's id and a hash over what it left beside the release: warehouse, gates' outcomes and pages."""
    digest = hashlib.sha256()
    made_again = {f"{name}.parquet" for name in INGESTED} | {"state.json", "finished"}
    files = [
        *(p for p in data.run.glob("*") if p.name not in made_again),
        *data.docs.glob("**/*"),
        data.current / "manifest.json",
    ]
    if data.warehouse.exists():  # large: whether anybody wrote to it says enough
        found = data.warehouse.stat()
        digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
    for path in sorted(p for p in files if p.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        digest.update(path.relative_to(data.root).as_posix().encode() + b"\0" + content)
    return f"{run_id} {digest.hexdigest()}".encode()


def new_state(as_of: date, ledger: list[Delivery], parameters: Parameters, waivers: Sequence[Waiver] = ()) -> RunState:
    """The identity of a run on these inputs. Later deliveries are no input: a past day's run keeps its id."""
    inputs = [
        {
            "source": d.source,
            "file": d.file,
            "sha256": d.sha256,
            "uttagsdatum": str(d.uttagsdatum) if d.uttagsdatum else None,
            "status": d.status,
        }
        for d in ledger
        if d.status != LATER
    ]
    accepted_failures = sorted((w.as_dict() for w in waivers), key=lambda w: sorted(w.items()))
    identity = {
        "as_of": str(as_of),
        "inputs": inputs,
        "catalogue": catalogue_version(),
        "code": code_version(),
        "parameters": asdict(parameters),
        "waivers": accepted_failures,
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return RunState(
        as_of,
        f"{as_of}-{digest[:12]}",
        inputs,
        code_version(),
        catalogue_version(),
        asdict(parameters),
        accepted_failures,
    )


def ingest(
    raw: Path,
    data: DataPaths,
    as_of: date | None,
    today: date,
    settings: Settings,
    progress: Progress = lambda text: None,
) -> tuple[RunState, Settled]:
    """Read deliveries into bronze, settle them, and write the run's state and parameters for dbt.

    Raises ResultattavlaError when no delivery at all could be accepted (there is nothing to publish then) and
    WaiverError for a waiver that cannot be used or has expired on the run's day.
    """
    waivers = load_run_waivers(settings)
    parameters = settings.parameters()
    as_of, ledger = read_deliveries(raw, data, as_of, today, progress)
    if as_of is None or not any(d.status == ACCEPTED for d in ledger):
        rejected = [d for d in ledger if d.status == REJECTED]
        later = [d for d in ledger if d.status == LATER]
        found = (
            f"{len(rejected)} filer avvisades, till exempel: {rejected[0].orsak}"
            if rejected
            else f"alla {len(later)} leveranser har ett senare uttagsdatum än {as_of or today}."
            if later
            else "där finns inga leveranser."
        )
        raise ResultattavlaError(f"Ingenting att publicera från {raw}: {found}")
    require_current(waivers, as_of, settings.waivers)
    progress("stämmer av leveranserna mot enhetsregistret")
    settled = settle(as_of, ledger, data)
    state = new_state(as_of, ledger, parameters, waivers)
    with replacing(data.run / "parametrar.parquet") as part:
        _parameter_row(state, parameters).write_parquet(part)
    state.write(data)
    return state, settled


_handed_over: dict[tuple[Path, Path, date | None], tuple[RunState, Settled]] = {}


def hand_over(raw: Path, data: DataPaths, as_of: date | None, ingested: tuple[RunState, Settled]) -> None:
    """Leave an ingestion for the job that this process runs next on exactly these folders and this as-of date."""
    _handed_over.clear()
    _handed_over[(raw, data.root, as_of)] = ingested


def take_over(raw: Path, data: DataPaths, as_of: date | None) -> tuple[RunState, Settled] | None:
    """What `hand_over` left, once; None when the job was started without it (from the UI, by the schedule)."""
    return _handed_over.pop((raw, data.root, as_of), None)


def _parameter_row(state: RunState, parameters: Parameters) -> pl.DataFrame:
    """The source `korning.parametrar`: limits of the grid, of the year before it and of r12 that end there."""
    year = state.as_of.year
    first = year - parameters.years_before
    return pl.DataFrame(
        {
            "as_of": [state.as_of],
            "grid_start": [date(first, 1, 1)],
            "comparison_start": [date(first - 1, 1, 1)],
            "first_month": [date(first - 2, 2, 1)],
            "last_month": [date(year, 12, 1)],
            "tolerance_days": [parameters.tolerance_days],
            "suppression_limit": [parameters.suppression_limit],
            "release_id": [state.release_id],
        }
    )
