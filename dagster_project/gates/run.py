"""Run one gate on a run's inputs and keep what it found in the run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT, RESULTS, STAGING
from dagster_project.core.files import replacing
from dagster_project.core.second import ahead, begun
from dagster_project.engines.duckdb import database, literal, sql_files
from dagster_project.gates.decision import decide
from dagster_project.gates.findings import Findings
from dagster_project.gates.named import with_names
from dagster_project.gates.outcomes import Outcome, outcome_frame, outcomes_so_far
from dagster_project.gates.parameters import suite_parameters
from dagster_project.gates.parts import Kept
from dagster_project.gates.suites import SUITES, gate_tables
from dagster_project.gates.validate import import_gx, run_suites
from dagster_project.gates.waivers import Waiver, apply_waivers
from dagster_project.ingestion.bronze import anchor_path
from dagster_project.runs.folder import DELIVERY_DATABASE, FINDINGS, MEASURES, REFUSED, SIGNS, RunFolder
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.ledger import accepted
from dagster_project.runs.log import Line, gathered, tell


def run_gate(
    gate: str,
    folder: RunFolder,
    identity: RunIdentity,
    progress: Callable[[str], None] = lambda source: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Run one gate's suites; keep the outcomes, and what data docs show of them, for exactly this run's inputs.

    With the first gate the tier `drift` is judged. progress: is told each source, but by a second process, which runs
    the gate where there is one: it has loaded Great Expectations meanwhile (`load_beside`). meanwhile: what this one
    does then.

    Raises ExpectationError when an expectation could not be evaluated.
    """
    if not begun():
        return _run_gate(gate, folder, identity, progress)
    found = ahead(_run_beside, (gate, folder, identity))
    meanwhile()
    outcomes, lines = found()
    tell(lines)
    return outcomes


def load_beside() -> None:
    """Let the second process, where there is one, load what gates are run by while this one does something else."""
    if begun():
        ahead(_load, None)


def _load(_: None) -> None:
    import_gx()


def _run_beside(asked: tuple[str, RunFolder, RunIdentity]) -> tuple[list[Outcome], list[Line]]:
    with gathered() as lines:
        outcomes = _run_gate(*asked, progress=lambda source: None)
    return outcomes, lines


def _run_gate(gate: str, folder: RunFolder, identity: RunIdentity, progress: Callable[[str], None]) -> list[Outcome]:
    path = _delivery_database(folder) if gate == DELIVERY else folder.data.warehouse
    rows_min = _rows_min(folder, identity) if gate == RESULTS else 1
    parameters = suite_parameters(gate_tables()[gate], identity.as_of, identity.parameters, rows_min)
    found = Findings()
    outcomes: list[Outcome] = []
    kept = Kept.of(folder.data) if gate == STAGING else None
    for tier in (DELIVERY, DRIFT) if gate == DELIVERY else (gate,):
        never = _never_delivered(folder) if gate == DELIVERY else set()
        outcomes += run_suites(path, tier, gate_tables()[tier], SUITES, parameters, found, never, progress, kept)
    outcomes = apply_waivers(with_names(path, outcomes, parameters), map(Waiver.from_dict, identity.waivers))
    found.tell(outcomes)
    folder.write_outcomes(gate, identity.run_id, outcome_frame(outcomes), found.as_list())
    if kept is not None:
        kept.keep()
    return outcomes


def _never_delivered(folder: RunFolder) -> set[str]:
    """Sources without any accepted delivery."""
    return set(folder.read(MEASURES).filter(pl.col("deliveries") == 0)["source"])


def _rows_min(folder: RunFolder, identity: RunIdentity) -> int:
    """Rows that the results have at least."""
    held_back = decide(outcomes_so_far(folder, identity.run_id)).held_back
    # Where every indicator is held back nothing is computed: the release then has frozen rows only.
    return 0 if len(held_back) == len(load_catalogue()) else 1


def _delivery_database(folder: RunFolder) -> Path:
    """A small DuckDB file for the first gate: views of the delivered rows, and what was measured of every source."""
    path = folder.data.run / DELIVERY_DATABASE
    tables = (MEASURES, SIGNS, FINDINGS)
    refused = sql_files([folder.path(REFUSED).resolve()])
    ledger = folder.ledger()
    with replacing(path) as part, database(part, write=True) as connection:
        connection.execute("begin")  # each statement alone would be waited for until it is on disk
        for table in tables:
            rows = sql_files([folder.path(table).resolve()])
            connection.execute(f"create table {table} as select * from read_parquet({rows})")
        for source in load_contracts():
            bronze = anchor_path(folder.data, source).resolve().parent
            stems = ["0", *(d.id for d in accepted(ledger, source))]
            files = sql_files(bronze / f"{stem}.accepted.parquet" for stem in stems)
            connection.execute(
                f"create view rows_{source} as select r.* from read_parquet({files}, union_by_name = true) r "
                f"anti join read_parquet({refused}) a "
                f"on a.source = {literal(source)} and a.delivery = r.delivery and a.line = r.line"
            )
            for table in tables:
                connection.execute(
                    f"create view {table}_{source} as select * from {table} where source = {literal(source)}"
                )
        connection.execute("commit")
    return path
