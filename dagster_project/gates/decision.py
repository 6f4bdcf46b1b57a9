"""The three gates: run the suites, keep their outcomes, and decide what is held back.

Outcomes are kept per gate in `data/run/grind_<gate>.parquet` together with the release id they belong to: publishing
trusts only outcomes of exactly its own inputs.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths, replacing, sql_files
from dagster_project.gates.validate import Outcome, matt_view_sql, run_suites
from dagster_project.gates.waivers import Waiver, apply_waivers, load_waivers

if TYPE_CHECKING:
    from dagster_project.operations.settings import Settings
    from dagster_project.runs.identity import RunState

SUITES = PROJECT / "expectations"
GATE_TITLES = {"leverans": "Leveranser", "staging": "Bearbetade tabeller", "resultat": "Resultat"}
RESULT_TABLE = "indicator_result"
RESULT_TABLES = {RESULT_TABLE: RESULT_TABLE, "register_population": "int_stangda_enheter"}
"""What the results gate reads: the results, and what a source's steward should know of them."""

_OUTCOME_SCHEMA: dict[str, pl.DataType] = {
    "gate": pl.String(),
    "suite": pl.String(),
    "source": pl.String(),
    "expectation": pl.String(),
    "severity": pl.String(),
    "success": pl.Boolean(),
    "checked": pl.Int64(),
    "unexpected": pl.Int64(),
    "share": pl.Float64(),
    "observed": pl.String(),
    "titel": pl.String(),
    "betydelse": pl.String(),
    "atgard": pl.String(),
    "undantag": pl.String(),
}


@dataclass(frozen=True)
class Indicator:
    """What gates and pages need of a catalogue row: id, Swedish title, sources read (the unit register among them)."""

    id: str
    titel: str
    sources: tuple[str, ...]


def catalogue() -> list[Indicator]:
    """The indicators of the catalogue seed."""
    with (PROJECT / "dbt" / "seeds" / "katalog.csv").open(encoding="utf-8") as file:
        return [
            Indicator(row["indicator_id"], row["titel"], (REGISTER_SOURCE, *row["kallor"].split("|")))
            for row in csv.DictReader(file)
        ]


def gate_tables() -> dict[str, dict[str, str]]:
    """What each gate judges: gate -> source -> table."""
    return {
        "leverans": {source: f"rader_{source}" for source in load_contracts()},
        "staging": {source: f"stg_{source}" for source in load_contracts()},
        "resultat": RESULT_TABLES,
    }


def load_run_waivers(settings: Settings) -> list[Waiver]:
    """The waivers of the settings' file, checked against the suites. Raises WaiverError."""
    return load_waivers(settings.waivers, SUITES, gate_tables())


def _outcomes_path(data: DataPaths, gate: str) -> Path:
    return data.run / f"grind_{gate}.parquet"


def _docs_path(data: DataPaths, gate: str) -> Path:
    return data.run / f"grind_{gate}.json"


def run_gate(gate: str, data: DataPaths, state: RunState) -> list[Outcome]:
    """Run one gate's suites and keep the outcomes (and what the data docs show of them) under `data/run/`.

    gate: leverans (delivered rows), staging (staged tables) or resultat (results). Raises ExpectationError when an
    expectation could not be evaluated.
    """
    from dagster_project.products.data_docs.pages import DocsCollector

    parameters: dict[str, dict] = {}
    tables = gate_tables()[gate]
    if gate == "leverans":
        database = _delivery_database(data)
        thresholds = dict(state.parameters["thresholds"])
        fallen = {"current_change_min": -thresholds.pop("rows_fallen_share")}
        ages = state.parameters["agreed_age_days"]
        parameters = {"*": thresholds | fallen, **{source: {"age_days_max": days} for source, days in ages.items()}}
    elif gate == "staging":
        database = data.warehouse
        parameters = {"*": {"as_of": state.as_of}}
    else:
        database = data.warehouse
        held_back = decide(outcomes_so_far(data, state)).held_back
        # Where every indicator is held back nothing is computed: the release then has frozen rows only.
        rows_min = 0 if len(held_back) == len(catalogue()) else 1
        parameters = {"*": {"suppression_limit": state.parameters["suppression_limit"], "rows_min": rows_min}}
    docs = DocsCollector()
    outcomes = apply_waivers(
        run_suites(database, gate, tables, SUITES, docs, parameters), map(Waiver.from_dict, state.waivers)
    )
    docs.waive(outcomes)
    docs.save(_docs_path(data, gate))
    with replacing(_outcomes_path(data, gate)) as part:
        outcome_frame(outcomes).with_columns(release_id=pl.lit(state.release_id)).write_parquet(part)
    write_data_docs(data, state)
    return outcomes


def write_data_docs(data: DataPaths, state: RunState) -> Path:
    """Data docs of the gates run so far on this run's inputs, also when one stopped it; returns the index page."""
    from dagster_project.products.data_docs.pages import DocsCollector, build_data_docs

    results = [
        r for g in GATE_TITLES if _outcomes_of(data, g, state) for r in DocsCollector.load(_docs_path(data, g)).results
    ]
    facts = {"Körningens datum": str(state.as_of), "Utgåva": state.release_id}
    build_data_docs(results, data_docs(data), facts)
    return data_docs(data) / "index.html"


def data_docs(data: DataPaths) -> Path:
    """Folder of the Great Expectations data docs."""
    return data.docs / "datadokumentation"


def outcome_frame(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Outcomes as a table: one row per expectation and source."""
    return pl.DataFrame([asdict(o) for o in outcomes], schema=_OUTCOME_SCHEMA)


def read_outcomes(data: DataPaths, gate: str, state: RunState) -> list[Outcome]:
    """The kept outcomes of a gate. Raises ResultattavlaError when the gate was not run on exactly this run's inputs."""
    outcomes = _outcomes_of(data, gate, state)
    if not outcomes:
        raise ResultattavlaError(
            f"Grinden {GATE_TITLES[gate]} är inte prövad för den här körningens leveranser: kör hela jobbet igen."
        )
    return outcomes


def outcomes_so_far(data: DataPaths, state: RunState) -> list[Outcome]:
    """Outcomes of the gates that were run on this run's inputs; a stopped run has fewer, a damaged file none."""
    return [o for gate in GATE_TITLES for o in _outcomes_of(data, gate, state)]


def _outcomes_of(data: DataPaths, gate: str, state: RunState) -> list[Outcome]:
    path = _outcomes_path(data, gate)
    if not path.exists():
        return []
    try:
        frame = pl.read_parquet(path).filter(pl.col("release_id") == state.release_id)
        names = [f.name for f in fields(Outcome)]
        return [Outcome(**row) for row in frame.select(names).iter_rows(named=True)]
    except pl.exceptions.PolarsError:
        return []  # damaged since an earlier run: as if the gate was not run


def _delivery_database(data: DataPaths) -> Path:
    """A small DuckDB file for the first gate: views of the delivered rows, and the measures of every source."""
    import duckdb

    path = data.run / "leverans.duckdb"
    with replacing(path) as part:
        with duckdb.connect(str(part)) as connection:
            matt, refused = (sql_files([data.run.resolve() / f"{n}.parquet"]) for n in ("matt", "avvisade_rader"))
            connection.execute(f"create table matt as select * from read_parquet({matt})")
            ledger = pl.read_parquet(data.run / "leveranser.parquet")
            for source in load_contracts():
                accepted = ledger.filter((pl.col("source") == source) & pl.col("delivery").is_not_null())["delivery"]
                folder = data.bronze.resolve() / source
                files = sql_files(folder / f"{d}.accepted.parquet" for d in ["0", *accepted])
                connection.execute(
                    f"create view rader_{source} as select r.* from read_parquet({files}, union_by_name = true) r "
                    f"anti join read_parquet({refused}) a "
                    f"on a.source = '{source}' and a.delivery = r.delivery and a.line = r.line"
                )
                connection.execute(matt_view_sql(source))
            connection.execute("checkpoint")  # closing would not tell of a full disk
    return path


@dataclass(frozen=True)
class Decision:
    """What the first two gates mean for publishing.

    held_back: indicator id -> the sources that hold it back. warned: indicator ids published with quality varning.
    """

    held_back: dict[str, list[str]]
    warned: set[str]

    def quality(self, indicator: str) -> str:
        return "varning" if indicator in self.warned else "godkand"


def decide(outcomes: Sequence[Outcome]) -> Decision:
    """A source's critical failure holds back exactly the indicators that read it; its warnings mark them.

    Only the first two gates decide: the results gate judges all results at once (`stop_reason`).
    """
    failed = [o for o in outcomes if not o.success and o.gate != "resultat"]
    critical = {o.source for o in failed if o.consequence == "critical"}
    warning = {o.source for o in failed if o.consequence == "warning"}
    indicators = catalogue()
    return Decision(
        held_back={i.id: held for i in indicators if (held := [s for s in i.sources if s in critical])},
        warned={i.id for i in indicators if warning & set(i.sources)},
    )


def stop_reason(outcomes: Sequence[Outcome]) -> str | None:
    """Why nothing may be published: the results gate failed; None when it passed or did not judge yet."""
    failed = [o for o in outcomes if o.gate == "resultat" and not o.success and o.consequence == "critical"]
    if failed:
        return f"Resultatgrinden underkände {failed[0].expectation} ({failed[0].titel}). {failed[0].atgard}"
    return None


def write_decision(data: DataPaths, state: RunState) -> Decision:
    """Decide from the kept outcomes of the first two gates; write `indikatorer` for dbt."""
    decision = decide([*read_outcomes(data, "leverans", state), *read_outcomes(data, "staging", state)])
    frame = pl.DataFrame(
        [
            {"indicator_id": i.id, "kvarhallen": i.id in decision.held_back, "kvalitet": decision.quality(i.id)}
            for i in catalogue()
        ]
    )
    with replacing(data.run / "indikatorer.parquet") as part:
        frame.write_parquet(part)
    return decision


def source_outcome(outcomes: Sequence[Outcome], source: str) -> str:
    """A source's outcome over its gates: godkand, varning or underkand."""
    failed = {o.consequence for o in outcomes if o.source == source and not o.success}
    return "underkand" if "critical" in failed else "varning" if "warning" in failed else "godkand"
