"""Stage a release: every published file, written into a folder that nobody sees yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import FROZEN, RESULT_TABLE
from dagster_project.core.files import PUBLISHED_FILE, PUBLISHED_FOLDER, sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.core.tables import write_swedish_csv
from dagster_project.engines.duckdb import database, literal, sql_files
from dagster_project.gates.decision import Decision
from dagster_project.gates.outcomes import Outcome, outcome_frame, source_outcome
from dagster_project.gates.waivers import Waiver
from dagster_project.releases.datapackage import DATAPACKAGE_FILE, write_datapackage
from dagster_project.releases.descriptions import column_text, described
from dagster_project.releases.dimensions import REGISTER_QUERY, dimensions, unit_periods
from dagster_project.releases.frozen import Frozen
from dagster_project.releases.manifest import Manifest
from dagster_project.releases.plan_followup import plan_followup
from dagster_project.releases.plan_targets import plan_of_today
from dagster_project.releases.reports import reports_of_run
from dagster_project.releases.tables import (
    DATABASE_FILE,
    INDICATOR_TABLE,
    LEDGER_COLUMNS,
    LEDGER_TABLE,
    PLAN_TABLE,
    QUALITY_COLUMNS,
    QUALITY_TABLE,
    RESULT_KEY,
    RESULT_SCHEMA,
    SIGNAL_KEY,
    SIGNAL_SCHEMA,
    SIGNAL_TABLE,
    in_columns_of,
)
from dagster_project.releases.views import VIEWS
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.ledger import ledger_frame, published


@dataclass(frozen=True)
class Content:
    """What a release is made of: the run, what its gates found and decided, what is frozen, when it is published."""

    release_id: str
    identity: RunIdentity
    outcomes: Sequence[Outcome]
    decision: Decision
    frozen: Frozen
    published: str

    @property
    def first_year(self) -> int:
        """The first year of the grid."""
        return int(self.identity.as_of.year - self.identity.parameters["years_before"])


def stage(folder: Path, data: DataPaths, content: Content) -> Manifest:
    """Write every file of the release into `folder`, the manifest last; returns it."""
    rows = write_tables(folder, _tables(data, content), content.release_id)
    manifest = _manifest(content, {n: {"sha256": sha256_of(folder / n), "rows": c} for n, c in sorted(rows.items())})
    manifest.write(folder)
    for path in folder.iterdir():
        path.chmod(PUBLISHED_FILE)
    folder.chmod(PUBLISHED_FOLDER)
    return manifest


def write_tables(folder: Path, tables: Mapping[str, pl.DataFrame], release_id: str) -> dict[str, int]:
    """Write every table in each of its forms, their description and the database into `folder`; rows by file."""
    rows: dict[str, int] = {}
    for name, frame in tables.items():
        # In one piece: how rows came in pieces from several cores would else be seen in the file.
        frame.rechunk().write_parquet(folder / f"{name}.parquet", compression="zstd")
        rows[f"{name}.parquet"] = frame.height
    for name in [n for n in tables if n not in (QUALITY_TABLE, LEDGER_TABLE)]:
        write_swedish_csv(tables[name], folder / f"{name}.csv")
        rows[f"{name}.csv"] = tables[name].height
    rows[DATAPACKAGE_FILE] = write_datapackage(folder, tables, release_id)
    _write_duckdb(folder, list(tables))
    rows[DATABASE_FILE] = tables[RESULT_TABLE].height
    return rows


def _tables(data: DataPaths, content: Content) -> dict[str, pl.DataFrame]:
    """The published tables; computed rows get the id of the release that they become part of."""
    with database(data.warehouse) as connection:
        computed = connection.execute(f"select * from {RESULT_TABLE}").pl()
        indicator = connection.execute(f"select * from {INDICATOR_TABLE}").pl()
        signals = connection.execute(f"select * from {SIGNAL_TABLE}").pl()
        register = connection.execute(f"{REGISTER_QUERY} stg_{REGISTER_SOURCE}").pl()
        reports = content.frozen.reports or reports_of_run(connection, content.decision, content.release_id)
    of_release = pl.lit(content.release_id)
    computed = computed.select(pl.col(n).cast(t) for n, t in RESULT_SCHEMA.items()).with_columns(release_id=of_release)
    signals = signals.select(pl.col(n).cast(t) for n, t in SIGNAL_SCHEMA.items()).with_columns(release_id=of_release)
    result = pl.concat([computed, content.frozen.rows]).sort(RESULT_KEY, nulls_last=False)
    definitions = published_definitions(indicator, result, content.frozen).sort("indicator_id")
    as_of, first_year = content.identity.as_of, content.first_year
    ledger = ledger_frame(published(RunFolder(data).ledger(), content.identity.as_of))
    plan = plan_of_today()
    followup = plan_followup(result, plan, reports, definitions, as_of, first_year)
    held = REGISTER_SOURCE in content.decision.failed and content.frozen.units
    units = unit_periods(register.clear() if held else register, result, content.frozen.units)
    return {
        RESULT_TABLE: result,
        INDICATOR_TABLE: definitions,
        PLAN_TABLE: followup,
        SIGNAL_TABLE: pl.concat([signals, content.frozen.signals]).sort(SIGNAL_KEY, nulls_last=False),
        **dimensions(result, followup, definitions, indicator, units, plan, as_of),
        QUALITY_TABLE: outcome_frame(content.outcomes).select(QUALITY_COLUMNS).sort("suite", "source", "expectation"),
        LEDGER_TABLE: ledger.select(LEDGER_COLUMNS).sort("source", "file"),
    }


def published_definitions(today: pl.DataFrame, result: pl.DataFrame, frozen: Frozen) -> pl.DataFrame:
    """The catalogue's rows of the published indicators, those of frozen ones as they were, in today's columns."""
    shown = result.filter(pl.col("kvalitet") != FROZEN)["indicator_id"].unique()
    return pl.concat(
        [today.filter(pl.col("indicator_id").is_in(shown.implode())), in_columns_of(today, frozen.definitions)]
    )


def _manifest(content: Content, files: dict[str, dict[str, Any]]) -> Manifest:
    identity, origin = content.identity, content.frozen.origins
    waived_failures = {(o.suite, o.expectation, o.source) for o in content.outcomes if o.undantag is not None}
    return Manifest(
        release_id=content.release_id,
        run_id=identity.run_id,
        as_of=str(identity.as_of),
        published=content.published,
        inputs=identity.inputs,
        code_version=identity.code_version,
        catalogue_version=identity.catalogue_version,
        packages=identity.packages,
        parameters=identity.parameters,
        sources={source: source_outcome(content.outcomes, source) for source in load_contracts()},
        gates=_gate_summary(content.outcomes),
        held_back=content.decision.held_back,
        frozen=origin,
        # A release id begins with its as-of date: the day that the frozen rows show.
        frozen_since={indicator: release[:10] for indicator, release in origin.items()},
        frozen_reports=content.frozen.reports.release_id if content.frozen.reports is not None else None,
        waivers=[{**w, "anvant": Waiver.from_dict(w).names in waived_failures} for w in identity.waivers],
        files=files,
    )


def _gate_summary(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Per gate and source: the outcome and the names of failed expectations."""
    summary: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        entry = summary.setdefault(outcome.gate, {}).setdefault(
            outcome.source, {"utfall": source_outcome([o for o in outcomes if o.gate == outcome.gate], outcome.source)}
        )
        if not outcome.success:
            waived = ", undantag" if outcome.undantag else ""
            entry.setdefault("underkanda", []).append(f"{outcome.expectation} ({outcome.severity}{waived})")
    return summary


def _write_duckdb(folder: Path, tables: Sequence[str]) -> None:
    """The tables again as a database with the views of `views`, for dashboards."""
    with database(folder / DATABASE_FILE, write=True) as connection:
        for name in tables:
            connection.execute(
                f"create table {name} as select * from read_parquet({sql_files([folder / f'{name}.parquet'])})"
            )
        for statement in VIEWS.values():
            connection.execute(statement)
        _comment(connection, [*tables, *VIEWS])
    (folder / f"{DATABASE_FILE}.wal").unlink(missing_ok=True)


def _comment(connection: Any, names: Sequence[str]) -> None:
    """What every table, view and column holds, where a dashboard tool shows it."""
    columns = connection.execute(
        "select table_name, column_name from information_schema.columns order by table_name, ordinal_position"
    ).fetchall()
    connection.execute("begin")  # each of them alone would be waited for until it is on disk
    for name in names:
        said = described(name)
        kind = "view" if name in VIEWS else "table"
        connection.execute(f"comment on {kind} {name} is {literal(f'{said.title}. {said.text}')}")
    for name, column in columns:
        connection.execute(f'comment on column {name}."{column}" is {literal(column_text(name, column))}')
    connection.execute("commit")
