"""Releases: stage every file, audit the staged folder, then switch `current` in one step.

A release is immutable and its content follows from its inputs. The audit is the second lock: it trusts neither the
orchestration nor the models, only what is staged, the gates' kept outcomes and the numbers behind the hidden cells.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths, sql_files
from dagster_project.disclosure.control import CELL, SYSTEM, hidden_cells
from dagster_project.gates.decision import (
    RESULT_TABLE,
    Decision,
    catalogue,
    decide,
    outcome_frame,
    read_outcomes,
    source_outcome,
    stop_reason,
)
from dagster_project.gates.validate import GATES, Outcome
from dagster_project.gates.waivers import Waiver
from dagster_project.releases import evidence
from dagster_project.runs.identity import RunState
from dagster_project.runs.versions import package_versions

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "indicator_id": pl.String(),
    "niva": pl.String(),
    "verksamhet": pl.String(),
    "enhet": pl.String(),
    "period_typ": pl.String(),
    "period_start": pl.Date(),
    "period_slut": pl.Date(),
    "kon": pl.String(),
    "taljare": pl.Float64(),
    "namnare": pl.Float64(),
    "varde": pl.Float64(),
    "ki_lag": pl.Float64(),
    "ki_hog": pl.Float64(),
    "jamforelse_varde": pl.Float64(),
    "forandring": pl.Float64(),
    "mal_operator": pl.String(),
    "malvarde": pl.Float64(),
    "status": pl.String(),
    "markering": pl.String(),
    "komplett": pl.Boolean(),
    "kvalitet": pl.String(),
    "release_id": pl.String(),
}
RESULT_KEY = ["indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon"]
STATUSES = ("uppfyllt", "ej_uppfyllt", "inget_mal", "inga_data", "preliminar", "ej_tillamplig", "dold")
NUMBERS = ["taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring"]
QUALITY_COLUMNS = [
    "suite",
    "source",
    "expectation",
    "severity",
    "success",
    "checked",
    "unexpected",
    "share",
    "observed",
]
LEDGER_COLUMNS = [
    "source",
    "file",
    "sha256",
    "uttagsdatum",
    "rows_read",
    "rows_accepted",
    "rows_quarantined",
    "rows_duplicate",
    "status",
    "orsak",
]
MANIFEST = "manifest.json"
FROZEN = "fryst"


@dataclass(frozen=True)
class Release:
    """A published release: its folder and manifest."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.manifest["release_id"])

    @property
    def held_back(self) -> dict[str, list[str]]:
        """Indicators that were not computed, with the sources that hold them back."""
        return dict(self.manifest["kvarhallna_indikatorer"])

    @property
    def frozen(self) -> dict[str, str]:
        """Held-back indicators that are in the release all the same: the release that computed their rows."""
        return dict(self.manifest.get("frysta_indikatorer", {}))

    @property
    def frozen_since(self) -> dict[str, str]:
        """Held-back indicators that are in the release all the same: the day that their rows show."""
        return dict(self.manifest.get("frysta_sedan", {}))

    @property
    def as_of(self) -> str:
        return str(self.manifest["as_of"])

    @property
    def whole(self) -> bool:
        """Whether every file is there and as the manifest says; reads them all."""
        try:
            return all(_sha256(self.folder / name) == f["sha256"] for name, f in self.manifest["files"].items())
        except (OSError, KeyError, TypeError):
            return False

    @property
    def made(self) -> int:
        """When the folder was staged (ns); only to order releases of one day, it is no part of a release."""
        return (self.folder / MANIFEST).stat().st_mtime_ns

    @property
    def exit_code(self) -> int:
        """0 when everything was published, 2 when something is held back (published.md)."""
        return 2 if self.held_back else 0


def read_release(folder: Path) -> Release | None:
    """The release in a folder, or None when it is not there or not whole (every file as its manifest says)."""
    release = _read_manifest(folder)
    return release if release is not None and release.whole else None


def _read_manifest(folder: Path) -> Release | None:
    try:
        content = _read_json(folder / MANIFEST)
        release = Release(folder, content)
        needed = (release.id, release.as_of, release.held_back, release.frozen, content["parameters"].items())
        shaped = len(needed) and all(isinstance(f["sha256"], str) for f in content["files"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return release if shaped else None


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _lasting(release: Release) -> dict[str, Any]:
    """What the manifest of a release says however often it is made: not package versions, nor a database's bytes."""
    return {k: v for k, v in release.manifest.items() if k not in ("files", "packages")}


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def current_release(data: DataPaths) -> Release | None:
    """The release that `current` names; None when nothing is published.

    Raises ResultattavlaError when `current` names something that is not whole: it says what, and how to mend it.
    """
    if not os.path.lexists(data.current):
        return None
    release = read_release(data.current.resolve())  # by its own name: the link goes on to other releases
    if release is None:
        named = data.current.readlink().name if data.current.is_symlink() else str(data.current)
        raise ResultattavlaError(
            f"Utgåvan {named} som {data.current} pekar på är skadad eller borta: kör `resultattavla run`, som gör den "
            "hel igen."
        )
    return release


def publish(data: DataPaths, state: RunState) -> Release:
    """Stage, audit and switch. Raises ResultattavlaError, with `current` untouched, when anything is wrong."""
    outcomes = [o for gate in GATES for o in read_outcomes(data, gate, state)]
    reason = stop_reason(outcomes)
    if reason:
        raise ResultattavlaError(reason)
    decision = decide(outcomes)
    before = release_of_run(data, state.release_id)
    # A day that is run again keeps its rows, also where a release that was made since could give others.
    frozen = frozen_in(before) if before else frozen_rows(data, state, decision.held_back)
    if len(decision.held_back) == len(catalogue()) and frozen.height == 0:
        sources = sorted({source for sources in decision.held_back.values() for source in sources})
        raise ResultattavlaError(
            f"Alla indikatorer hålls tillbaka av {', '.join(sources)} och det finns inga tidigare rader att visa: läs "
            f"i {data.docs / 'index.html'} vad som är fel och begär nya leveranser."
        )
    release_id = combined_id(state, frozen)
    for leftover in data.releases.glob(".*.staging"):  # of runs that were killed; only one run writes at a time
        remove(leftover)
    staging = data.releases / f".{release_id}.{os.getpid()}.staging"
    staging.mkdir(parents=True)
    try:
        computed = _computed(data, release_id)
        _stage(staging, data, state, release_id, computed, frozen, outcomes, decision)
        _audit(staging, data, state, release_id, decision)
        target = data.releases / release_id
        existing = read_release(target)
        if existing is None or _lasting(existing) != _lasting(Release(staging, _read_json(staging / MANIFEST))):
            if os.path.lexists(target):  # a damaged release is replaced, whole; out of sight it is swept away
                os.replace(target, data.releases / f".{release_id}.skadad.staging")
            os.replace(staging, target)
        # Before anyone reads the release: what its numbers came from. Evidence that was lost is written again.
        evidence.keep(data, release_id, dict(frozen.select("indicator_id", "release_id").unique().iter_rows()))
        switch_current(data, release_id)
        for damaged in data.releases.glob(".*.skadad.staging"):
            remove(damaged)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    release = read_release(data.releases / release_id)
    if release is None:
        raise ResultattavlaError(f"Utgåvan {release_id} kan inte läsas tillbaka: kontrollera disken och kör igen.")
    return release


def releases(data: DataPaths) -> list[Release]:
    """All releases, newest as-of date first; whoever reads the files of one asks first whether it is `whole`."""
    found = (_read_manifest(p) for p in data.releases.glob("[0-9]*"))
    # One day can have several releases (a corrected delivery, new code): the one made last counts.
    return sorted((r for r in found if r), key=lambda r: (r.as_of, r.made, r.id), reverse=True)


def release_of_run(data: DataPaths, run_id: str) -> Release | None:
    """The release that a run with this identity published, or None when it or its evidence is not whole."""
    for folder in sorted(data.releases.glob(f"{run_id[:10]}-*")):
        found = _read_manifest(folder)  # a damaged one is made again
        if found and found.manifest.get("korning") == run_id and found.whole and evidence.is_whole(data, found.id):
            return found
    return None


def frozen_rows(data: DataPaths, state: RunState, held_back: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Rows of held-back indicators from the newest release in which they passed, up to this run's day.

    They keep the release id that computed them; `kvalitet` becomes fryst. Rows hidden under a lower limit than
    today's are not taken: they could show what is hidden now. RESULT_SCHEMA; empty when there is nothing to carry.
    """
    frames = [pl.DataFrame(schema=RESULT_SCHEMA)]
    wanted = set(held_back)
    limit = state.parameters["suppression_limit"]
    for release in releases(data) if wanted else []:
        passed = wanted - set(release.held_back)
        if (
            passed
            and release.as_of <= str(state.as_of)
            and release.manifest["parameters"]["suppression_limit"] >= limit
            and release.whole
        ):
            rows = pl.read_parquet(release.folder / f"{RESULT_TABLE}.parquet")
            if dict(rows.schema) != RESULT_SCHEMA:
                continue  # of another version of the contract
            frames.append(rows.filter(pl.col("indicator_id").is_in(passed)).with_columns(kvalitet=pl.lit(FROZEN)))
            wanted -= passed
    return pl.concat(frames)


def frozen_in(release: Release) -> pl.DataFrame:
    """The frozen rows of a release, RESULT_SCHEMA."""
    return pl.read_parquet(release.folder / f"{RESULT_TABLE}.parquet").filter(pl.col("kvalitet") == FROZEN)


def combined_id(state: RunState, frozen: pl.DataFrame) -> str:
    """The release's id: the run's own, or, with frozen rows, one that also says where those come from."""
    if frozen.height == 0:
        return state.release_id
    origin = sorted(frozen.select("indicator_id", "release_id").unique().iter_rows())
    digest = hashlib.sha256(json.dumps([state.release_id, origin]).encode()).hexdigest()
    return f"{state.as_of}-{digest[:12]}"


def switch_current(data: DataPaths, release_id: str) -> None:
    """Point `current` at a release: a new link replaces the old one by rename, so readers see one or the other."""
    link = data.published / f".current.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release_id)
    if data.current.is_dir() and not data.current.is_symlink():
        # Copied without links: a link cannot replace a folder. A copy of a release is swept away by the next run.
        if not (data.current / MANIFEST).exists():
            link.unlink()
            raise ResultattavlaError(f"{data.current} är en mapp, inte en länk: flytta undan den och kör igen.")
        os.replace(data.current, data.published / f".current.{os.getpid()}.mapp")
    os.replace(link, data.current)


def _computed(data: DataPaths, release_id: str) -> pl.DataFrame:
    """The warehouse's results as RESULT_SCHEMA, under the id of the release that they become part of."""
    import duckdb

    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        result = connection.execute(f"select * from {RESULT_TABLE}").pl()
    return result.select(pl.col(n).cast(t) for n, t in RESULT_SCHEMA.items()).with_columns(
        release_id=pl.lit(release_id)
    )


def _stage(
    staging: Path,
    data: DataPaths,
    state: RunState,
    release_id: str,
    computed: pl.DataFrame,
    frozen: pl.DataFrame,
    outcomes: Sequence[Outcome],
    decision: Decision,
) -> None:
    import duckdb

    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        indicator = connection.execute("select * from indicator").pl()
    result = pl.concat([computed, frozen]).sort(RESULT_KEY, nulls_last=False)
    published = result["indicator_id"].unique()
    tables = {
        RESULT_TABLE: result,
        "indicator": indicator.filter(pl.col("indicator_id").is_in(published.implode())).sort("indicator_id"),
        "kvalitet": outcome_frame(outcomes).select(QUALITY_COLUMNS).sort("suite", "source", "expectation"),
        "leveranser": pl.read_parquet(data.run / "leveranser.parquet").select(LEDGER_COLUMNS).sort("source", "file"),
    }
    rows: dict[str, int] = {}
    for name, frame in tables.items():
        frame.write_parquet(staging / f"{name}.parquet", compression="zstd")
        rows[f"{name}.parquet"] = frame.height
    for name in (RESULT_TABLE, "indicator"):
        write_swedish_csv(tables[name], staging / f"{name}.csv")
        rows[f"{name}.csv"] = tables[name].height
    _write_duckdb(staging, list(tables))
    rows["resultat.duckdb"] = result.height
    origin = dict(sorted(frozen.select("indicator_id", "release_id").unique().iter_rows()))
    waived_failures = {(o.suite, o.expectation, o.source) for o in outcomes if o.undantag is not None}
    manifest = {
        "release_id": release_id,
        "korning": state.release_id,
        "as_of": str(state.as_of),
        "inputs": state.inputs,
        "code_version": state.code_version,
        "catalogue_version": state.catalogue_version,
        "packages": package_versions(),
        "parameters": state.parameters,
        "kallor": {source: source_outcome(outcomes, source) for source in load_contracts()},
        "grindar": _gate_summary(outcomes),
        "kvarhallna_indikatorer": decision.held_back,
        "frysta_indikatorer": origin,
        # A release id begins with its as-of date: the day that the frozen rows show.
        "frysta_sedan": {indicator: release[:10] for indicator, release in origin.items()},
        "undantag": [
            {**waiver, "anvant": Waiver.from_dict(waiver).names in waived_failures} for waiver in state.waivers
        ],
        "files": {name: {"sha256": _sha256(staging / name), "rows": count} for name, count in sorted(rows.items())},
    }
    (staging / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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


def write_swedish_csv(frame: pl.DataFrame, path: Path) -> None:
    """CSV for Swedish Excel: `;`, UTF-8 with BOM, decimal comma; text that Excel would run as a formula is escaped."""
    texts = [escaped(pl.col(name)) for name, dtype in frame.schema.items() if dtype == pl.String]
    frame.with_columns(texts).write_csv(
        path, separator=";", include_bom=True, decimal_comma=True, float_scientific=False
    )


def escaped(texts: pl.Expr) -> pl.Expr:
    """Text that starts with = + - @ (or a control character) gets an apostrophe, so that no sheet runs it."""
    return (
        pl.when(texts.str.contains(r"^[=+\-@\t\r]"))
        .then(pl.concat_str(pl.lit("'"), texts))
        .otherwise(texts)
        .name.keep()
    )


def _write_duckdb(staging: Path, tables: Sequence[str]) -> None:
    import duckdb

    with duckdb.connect(str(staging / "resultat.duckdb")) as connection:
        for name in tables:
            connection.execute(
                f"create table {name} as select * from read_parquet({sql_files([staging / f'{name}.parquet'])})"
            )
        connection.execute(
            f"create view resultat as select r.*, i.titel, i.definition, i.art, i.riktning, i.mal_id, i.planpunkt "
            f"from {RESULT_TABLE} r join indicator i using (indicator_id)"
        )
        connection.execute(
            "create view senaste_manad as select * from resultat r where r.period_typ = 'manad' and r.komplett "
            f"and r.period_start = (select max(s.period_start) from {RESULT_TABLE} s where s.period_typ = 'manad' "
            "and s.komplett and s.indicator_id = r.indicator_id)"
        )
        connection.execute("checkpoint")  # closing would not tell of a full disk
    (staging / "resultat.duckdb.wal").unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- The audit: what must hold of the staged files, whoever made them ------------------------------------------


def _audit(staging: Path, data: DataPaths, state: RunState, release_id: str, decision: Decision) -> None:
    import duckdb

    result = pl.read_parquet(staging / f"{RESULT_TABLE}.parquet")
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        truth = connection.execute("select * from int_resultat where skyddat_tal is not null").pl()
        grid = connection.execute("select count(*) from int_rutnat where i_rutnat").fetchone()
        built_for = connection.execute(f"select distinct release_id from {RESULT_TABLE}").fetchall()
    problems = audit_results(result, release_id, decision)
    nothing_computed = len(decision.held_back) == len(catalogue())
    if built_for != ([] if nothing_computed else [(state.release_id,)]):
        problems.append("rader räknade för andra leveranser")
    computed = result.filter(pl.col("kvalitet") != FROZEN)
    if grid is None or grid[0] != computed.height:
        problems.append(f"{computed.height} rader men rutnätet har {grid and grid[0]}")
    problems += audit_frozen(data, result.filter(pl.col("kvalitet") == FROZEN))
    problems += audit_disclosure(computed, truth, state.parameters["suppression_limit"])
    if problems:
        raise ResultattavlaError(
            f"Ingenting publiceras: den färdiga utgåvan klarade inte slutkontrollen ({'; '.join(problems)}). Felanmäl."
        )


def audit_results(result: pl.DataFrame, release_id: str, decision: Decision) -> list[str]:
    """What is wrong with the staged cells: types, keys, statuses, empty hidden rows, whose release and indicators."""
    problems = []
    if dict(result.schema) != RESULT_SCHEMA:
        return ["kolumnerna är inte de avtalade"]
    if result.height == 0:
        problems.append("inga rader")
    if result.select(pl.struct(RESULT_KEY).is_duplicated().any()).item():
        problems.append("nyckeln är inte unik")
    if result["status"].is_null().any() or not result["status"].is_in(STATUSES).all():
        problems.append("okänd status")
    hidden = result.filter(pl.col("status") == "dold")
    if hidden.select(pl.any_horizontal(pl.col(NUMBERS).is_not_null()).any()).item():
        problems.append("en dold rad har tal")
    if (hidden["markering"].fill_null("") != "MSK").any():
        problems.append("en dold rad saknar markering")
    frozen = pl.col("kvalitet") == FROZEN
    if result.filter(~frozen & (pl.col("release_id") != release_id)).height:
        problems.append("rader från en annan utgåva")
    expected = {i.id for i in catalogue()} - set(decision.held_back)
    if set(result.filter(~frozen)["indicator_id"].unique()) != expected:
        problems.append("fel indikatorer")
    if not set(result.filter(frozen)["indicator_id"].unique()) <= set(decision.held_back):
        problems.append("frysta rader för en indikator som räknats")
    return problems


def audit_frozen(data: DataPaths, frozen: pl.DataFrame) -> list[str]:
    """What is wrong with the frozen rows: each indicator's must be all its rows of one whole release, unchanged.

    Rows of one indicator never mix, and indicators that share protected numbers read the same sources, so they are
    frozen together: what was audited when the rows were computed holds of the combined release too.
    """
    problems = []
    for (release_id,), rows in frozen.group_by("release_id"):
        origin = read_release(data.releases / str(release_id))
        if origin is None:
            problems.append(f"frysta rader ur {release_id}, som inte finns hel")
            continue
        published = pl.read_parquet(origin.folder / f"{RESULT_TABLE}.parquet").filter(
            pl.col("indicator_id").is_in(rows["indicator_id"].unique().implode())
        )
        if not published.with_columns(kvalitet=pl.lit(FROZEN)).equals(rows.sort(RESULT_KEY, nulls_last=False)):
            problems.append(f"frysta rader som inte är de i {release_id}")
    for sources in {i.sources for i in catalogue()}:
        same = {i.id for i in catalogue() if i.sources == sources}
        if frozen.filter(pl.col("indicator_id").is_in(same))["release_id"].n_unique() > 1:
            problems.append(f"frysta rader ur olika utgåvor för indikatorer som läser {', '.join(sources)}")
    return problems


def audit_disclosure(result: pl.DataFrame, truth: pl.DataFrame, limit: int) -> list[str]:
    """Whether a hidden number is shown, or can be computed from what is shown (`truth`: int_resultat, patients only).

    The year before the grid is published as comparisons only; those must not show a cell that is hidden there.
    """
    problems = []
    cells = (
        truth.filter("i_rutnat")
        .select(*CELL, "skyddat_tal")
        .join(result.select(*CELL, "status", "jamforelse_varde"), on=CELL, how="left", nulls_equal=True)
        .with_columns(dold=pl.col("status").fill_null("") == "dold")
    )
    small = (pl.col("skyddat_tal") >= 1) & (pl.col("skyddat_tal") < limit)
    if cells.filter(small & ~pl.col("dold")).height:
        problems.append("ett litet tal är inte dolt")
    if cells.filter((pl.col("skyddat_tal") == 0) & pl.col("dold")).height:
        problems.append("en nolla är dold")
    # Closing what is hidden adds nothing when no hidden number is computable.
    more = hidden_cells(cells, limit, hidden_already=True)
    if more.height != cells.filter("dold").height:
        problems.append(f"ett dolt tal kan räknas ut ({more.select(SYSTEM).unique().height} perioder berörs)")
    before = pl.concat([more.select(CELL), hidden_cells(truth.filter(~pl.col("i_rutnat")), limit).select(CELL)])
    year_later = before.with_columns(pl.col("period_start").dt.offset_by("1y"))
    if cells.join(year_later, on=CELL, how="semi", nulls_equal=True)["jamforelse_varde"].is_not_null().any():
        problems.append("en jämförelse visar ett dolt tal")
    return problems
