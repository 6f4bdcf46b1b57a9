"""The job on small deliveries: what is held back, what is refused, what is repeated; in one process for speed."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.cli.run import summarize
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.quarantine import select_quarantine, write_quarantine_csv
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.operations.lock import run_lock
from dagster_project.products.explain.explain import explain
from dagster_project.products.explain.query import Query
from dagster_project.releases.publish import publish
from dagster_project.releases.store import current_id, read_release
from dagster_project.runs.folder import RunFolder
from tests.conftest import MEASURES, Keep, Run
from tests.jobs import DAY, UNIT, Kept, cases, deliver, deliver_cases, deliver_measures, deliver_units, outcome_of, said
from tests.oracle.cases import AS_OF, CELL_KEY, CELLS, PLAN, PLAN_KEY, differences, write_cases
from tests.oracle.compare import compare
from tests.oracle.deliveries import write_deliveries
from tests.releases.small import described

LATER = "2022-09-30"


@pytest.fixture(scope="session")
def kept_second(keep: Keep, kept_first: Kept, run: Run) -> Kept:
    """The first run's deliveries, and a month later five cases more, run too."""

    def make(raw: Path, data: Path) -> None:
        kept_first.copy(raw.parent)
        deliver_units(raw, LATER)
        deliver_cases(raw, LATER, *cases(45))
        run(raw, data)

    return keep("second", make)


def result_of(outcome: RunOutcome) -> pl.DataFrame:
    return pl.read_parquet(outcome.release.folder / "indicator_result.parquet")


def readers(source: str) -> set[str]:
    """The indicators that read one source and no other."""
    return {indicator.id for indicator in load_catalogue() if indicator.read == (source,)}


@pytest.mark.parametrize("seed", [11, 12])
def test_random_deliveries_agree_with_the_oracle(run: Run, tmp_path: Path, seed: int) -> None:
    as_of = write_deliveries(tmp_path / "raw", seed, hostile=seed % 2 == 1)
    outcome = run(tmp_path / "raw", tmp_path / "data", as_of)
    assert outcome.error is None
    listing = tmp_path / "karantan.csv"
    write_quarantine_csv(select_quarantine(RunFolder(outcome.data), every=True), listing)
    assert compare(tmp_path / "raw", outcome.release.folder, listing, as_of) == []


def test_the_indicators_and_the_plan_come_out_as_worked_by_hand(run: Run, tmp_path: Path) -> None:
    """One small set of deliveries that answers many questions: `tests/oracle/cases.py` derives each number."""
    write_cases(tmp_path / "raw")
    outcome = run(tmp_path / "raw", tmp_path / "data", AS_OF)
    assert outcome.error is None
    folder = outcome.release.folder
    plan = pl.read_parquet(folder / "plan_uppfoljning.parquet").iter_rows(named=True)
    assert differences(CELLS, result_of(outcome).iter_rows(named=True), CELL_KEY) == []
    assert differences(PLAN, plan, PLAN_KEY) == []
    listing = tmp_path / "karantan.csv"
    write_quarantine_csv(select_quarantine(RunFolder(outcome.data), every=True), listing)
    assert compare(tmp_path / "raw", folder, listing, AS_OF) == []


BROKEN = [MEASURES[0].replace("V0", f"F{i}").replace("DV113", "fel") for i in range(50)]
"""So many that their share stops the source."""


def test_missing_sources_hold_back_their_indicators_and_the_others_are_published(first: RunOutcome) -> None:
    outcome = first
    assert outcome.exit_code == 2
    published = readers("avvikelser")
    assert set(result_of(outcome)["indicator_id"]) == published
    assert set(outcome.release.held_back) == {i.id for i in load_catalogue()} - published
    assert outcome.release.held_back["gas_antal"] == ["gas"]
    # Register, eight verksamheter, periods: the grid has no holes even where there is nothing.
    month = result_of(outcome).filter(
        (pl.col("indicator_id") == "avvikelser_antal")
        & (pl.col("period_typ") == "manad")
        & (pl.col("period_start") == date(2022, 3, 1))
    )
    assert month.height == 1 + 8 + 2
    assert month.filter(pl.col("niva") == "omrade")["taljare"].item() == 40


def test_too_many_rows_in_quarantine_hold_back_the_source(run: Run, raw: Path, tmp_path: Path) -> None:
    deliver_cases(raw, DAY, *cases(40), *cases(15, unit="SE2321000164-OKAND", first=100))
    deliver_measures(raw, DAY, MEASURES[1])
    outcome = run(raw, tmp_path / "data")
    assert outcome.exit_code == 2
    assert set(outcome.release.held_back["avvikelser_7d"]) == {"avvikelser"}
    assert "levnadsvanor" in set(result_of(outcome)["indicator_id"])
    failed = {
        o.expectation for o in outcome.outcomes if not o.success and o.severity != "info" and o.gate == "delivery"
    }
    failed -= {"har_levererats"}  # of the sources that were never delivered
    assert failed == {"karantan_varning", "karantan_stopp"}


def test_a_failing_source_keeps_its_last_good_rows_until_it_recovers(
    run: Run, measured: RunOutcome, tmp_path: Path
) -> None:
    raw, good = tmp_path / "raw", measured
    deliver_measures(raw, LATER, *BROKEN)
    deliver_units(raw, LATER)
    deliver_cases(raw, LATER, *cases(45))
    # The catalogue of then meant something else by one of them, and by one that is computed today.
    for indicator in ("levnadsvanor", "avvikelser_antal"):
        described(good.release.folder, indicator, version="0.9", definition="Som det var då.")
    bad = run(raw, tmp_path / "data")
    assert bad.exit_code == 2
    rows = result_of(bad)
    meant = pl.read_parquet(bad.release.folder / "indicator.parquet").filter(pl.col("version") == "0.9")
    assert meant.select("indicator_id", "definition").rows() == [("levnadsvanor", "Som det var då.")]
    told = explain(bad.data, Query("levnadsvanor", "2022-03")).indicator
    assert (told.version, told.text) == ("0.9", "Som det var då.")
    frozen = rows.filter(pl.col("kvalitet") == "fryst")
    kva = readers("kva")
    assert set(frozen["indicator_id"]) == kva == set(bad.release.frozen)
    assert set(frozen["release_id"]) == {good.release.id}
    before = result_of(good).filter(pl.col("indicator_id").is_in(kva))
    assert frozen.drop("kvalitet").equals(before.drop("kvalitet"))
    assert set(rows.filter(pl.col("kvalitet") != "fryst")["release_id"]) == {bad.release.id}
    assert run(raw, tmp_path / "data").release.id == bad.release.id
    # Frozen a second time, the rows still name the release that computed them.
    deliver_units(raw, "2022-10-01")
    worse = run(raw, tmp_path / "data")
    assert set(result_of(worse).filter(pl.col("kvalitet") == "fryst")["release_id"]) == {good.release.id}
    deliver_measures(raw, "2022-10-02", *MEASURES, MEASURES[0].replace("V0", "V99"))
    recovered = run(raw, tmp_path / "data")
    assert "fryst" not in set(result_of(recovered)["kvalitet"])
    assert not kva & set(recovered.release.held_back)


def test_a_day_that_was_frozen_comes_out_the_same_again(run: Run, raw: Path, tmp_path: Path) -> None:
    deliver_measures(raw, DAY, *MEASURES)
    deliver_measures(raw, LATER, *BROKEN)
    # The failing day first: there is nothing to freeze. Then the good day before it, then the failing one again.
    alone = run(raw, tmp_path / "data")
    assert alone.release.frozen == {} and "levnadsvanor" in alone.release.held_back
    run(raw, tmp_path / "data", date(2022, 8, 31))
    again = run(raw, tmp_path / "data")
    assert again.release.id == alone.release.id and result_of(again).equals(result_of(alone))


def test_an_old_delivery_warns_and_a_very_old_one_stops(run: Run, raw: Path, tmp_path: Path) -> None:
    deliver_units(raw, "2022-10-05")
    assert set(result_of(run(raw, tmp_path / "data", date(2022, 10, 5)))["kvalitet"]) == {"godkand"}
    assert set(result_of(run(raw, tmp_path / "data", date(2022, 10, 6)))["kvalitet"]) == {"varning"}
    deliver_units(raw, "2022-11-10")
    # The rows of an earlier release stay, and say that they are frozen.
    outcome = run(raw, tmp_path / "data", date(2022, 11, 10))
    assert outcome.exit_code == 2
    assert set(result_of(outcome)["kvalitet"]) == {"fryst"}


def test_a_bad_register_freezes_everything(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    # Most of its rows name a verksamhet that there is not.
    deliver(
        raw,
        "enheter_2022-09-02.csv",
        "hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran",
        f"{UNIT};Hörselmottagningen;AUD;Örebro;2010-01-01",
        "SE2321000164-BUH1;Barnhabiliteringen;BUH;Örebro;2010-01-01",
        *(f"SE2321000164-X{i};En enhet;ingen;Örebro;2010-01-01" for i in range(50)),
    )
    second = run(raw, tmp_path / "data")
    assert second.exit_code == 2
    said_of = {s: {o.expectation for o in second.outcomes if not o.success and o.source == s} for s in load_contracts()}
    assert said_of["enheter"] == {"karantan_varning", "karantan_stopp", "register_karantan"}
    assert said_of["avvikelser"] <= {"allvarlighetsgrad_ifylld"}  # the register says so, the others do not
    named = next(o.observed for o in second.outcomes if o.expectation == "register_karantan")
    assert named.startswith("SE2321000164-X0; ") and named.endswith("; och 30 till")
    rows = result_of(second)
    assert set(rows["kvalitet"]) == {"fryst"} and set(rows["release_id"]) == {first.release.id}
    assert rows.drop("kvalitet").equals(result_of(first).drop("kvalitet"))
    assert second.release.manifest.frozen_since == dict.fromkeys(rows["indicator_id"].unique(), DAY)
    assert "indicator_result.csv" in second.release.manifest.files
    # Without anything to show nothing is published, and that is said.
    alone = run(raw, tmp_path / "fresh")
    assert alone.exit_code == 1 and "inga tidigare rader" in alone.error
    assert not alone.data.current.exists()


def test_a_unit_withdrawn_from_the_register_holds_back_nothing(run: Run, measured: RunOutcome, tmp_path: Path) -> None:
    """Its own rows are set aside; the indicators are published, with all else that they count."""
    raw, unit = tmp_path / "raw", "SE2321000164-BUH1"
    deliver(
        raw,
        f"enheter_{LATER}.csv",
        "hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran;giltig_till;makulerad",
        f"{UNIT};Hörselmottagningen;AUD;Örebro;2010-01-01;;Nej",
        f"{unit};Barn- och ungdomshabiliteringen;BUH;Örebro;2010-01-01;;Ja",
    )
    deliver_cases(raw, LATER, *cases(40), *cases(5, unit=unit, first=100))
    deliver_measures(raw, LATER, *MEASURES)
    outcome = run(raw, tmp_path / "data")
    assert outcome.release is not None and outcome.release.held_back == measured.release.held_back
    rows = result_of(outcome)
    assert set(rows["indicator_id"]) == readers("avvikelser") | readers("kva") and "fryst" not in set(rows["kvalitet"])
    assert set(rows["enhet"].drop_nulls()) == {UNIT}
    aside = RunFolder(outcome.data).read("quarantine").filter(pl.col("state") == "open")
    assert aside.select("source", "unit", "reasons").unique().rows() == [("avvikelser", unit, "enhet:okand")]
    counted = (pl.col("indicator_id") == "avvikelser_antal", pl.col("niva") == "omrade", pl.col("period_typ") == "ar")
    assert rows.filter(*counted, pl.col("kon") == "T")["taljare"].to_list()[-1] == 40


def test_empty_and_missing_raw_are_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for folder, code in (("raw", 1), ("saknas", 64)):
        result = said("run", "--raw", tmp_path / folder, "--data", tmp_path / "data")
        assert result.returncode == code
        assert str(tmp_path / folder) in result.stderr
        assert "Traceback" not in result.stderr
        assert not (tmp_path / "data" / "published").exists()


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    for arguments, word in [
        (("run", "--as-of", "i går"), "ÅÅÅÅ-MM-DD"),
        (("quarantine", "--data", tmp_path, "--source", "bhkk"), "vantetider"),
        (("status", "--data", tmp_path), "resultattavla run"),
        (("quarantine", "--data", tmp_path), "resultattavla run"),
    ]:
        result = said(*arguments)
        assert result.returncode != 0
        assert word in result.stderr
        assert "Traceback" not in result.stderr


def test_publishing_alone_on_other_inputs_publishes_nothing(first: RunOutcome) -> None:
    data = first.data
    identity = RunFolder(data).identity()
    assert publish(data, identity).id == first.release.id  # the same inputs: the same release again
    other = dataclasses.replace(identity, run_id="2022-08-31-000000000000")
    with pytest.raises(ResultattavlaError, match="inte prövad"):
        publish(data, other)
    # A gate that failed on exactly these inputs.
    path = data.run / "outcomes_results.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(success=pl.lit(False)).write_parquet(path)
    with pytest.raises(ResultattavlaError, match="Resultatgrinden"):
        publish(data, identity)
    # A warehouse that was built from something else.
    frame.write_parquet(path)
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("update indicator_result set release_id = 'x' where niva = 'omrade'")
    with pytest.raises(ResultattavlaError, match="andra leveranser"):
        publish(data, identity)
    assert read_release(data.current) is not None
    assert not list(data.releases.glob(".*"))


def test_a_past_day_gives_its_release_again(
    run: Run, kept_first: Kept, kept_second: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = outcome_of(kept_first.folder / "data"), kept_second.copy(tmp_path)
    raw = tmp_path / "raw"
    assert second.release.id != first.release.id
    again = run(raw, tmp_path / "data", date(2022, 8, 31))
    assert again.release.id == first.release.id
    # Published beside the newest day's, and so it says; on purpose it becomes the current one.
    assert again.beside == second.release.id == current_id(again.data)
    assert (again.exit_code, again.record().release_id) == (first.exit_code, first.release.id)
    summarize(again)
    summary = capsys.readouterr().out
    assert f"bredvid den aktuella utgåvan {second.release.id}" in summary and "--make-current" in summary
    page = (again.data.docs / "index.html").read_text(encoding="utf-8")
    assert f"Publicerad bredvid {second.release.id}, som är den aktuella" in page
    chosen = run(raw, tmp_path / "data", date(2022, 8, 31), make_current=True)
    assert chosen.nothing_new and chosen.beside is None and current_id(chosen.data) == first.release.id
    # What lies under `data/` is always the latest run's: another day in between is not "nothing new".
    assert not again.nothing_new and RunFolder(again.data).identity().run_id == first.release.id
    failed = [{(o.source, o.expectation) for o in outcome.outcomes if not o.success} for outcome in (first, again)]
    assert failed[0] == failed[1]
    back = run(raw, tmp_path / "data")
    assert not back.nothing_new and back.release.id == second.release.id == current_id(back.data)
    assert run(raw, tmp_path / "data").nothing_new
    fresh = run(raw, tmp_path / "fresh", date(2022, 8, 31))
    assert fresh.release.id == first.release.id
    assert result_of(fresh).equals(result_of(first))
    tables = ("indicator_result.parquet", "indicator.parquet", "kvalitet.parquet", "leveranser.parquet")
    for name in ("indicator_result.csv", *tables):
        assert (fresh.release.folder / name).read_bytes() == (first.release.folder / name).read_bytes(), name
    later = fresh.ledger.filter(pl.col("status") == "senare")
    assert set(later["uttagsdatum"]) == {date(2022, 9, 30)}
    # They are in the run's ledger, not in the release's.
    for release in (fresh.release, first.release):
        assert set(pl.read_parquet(release.folder / "leveranser.parquet")["uttagsdatum"]) == {date(2022, 8, 31)}


def test_a_late_delivery_with_an_old_date_changes_only_runs_that_reach_it(
    run: Run, kept_first: Kept, kept_second: Kept, tmp_path: Path
) -> None:
    august, september = outcome_of(kept_first.folder / "data"), kept_second.copy(tmp_path)
    raw = tmp_path / "raw"
    deliver_cases(raw, "2022-09-15", *cases(3, first=50, day="2022-04-01"))
    assert run(raw, tmp_path / "data", date(2022, 8, 31)).release.id == august.release.id
    late = run(raw, tmp_path / "data")
    assert late.release.id != september.release.id
    year = (pl.col("indicator_id") == "avvikelser_antal", pl.col("niva") == "omrade", pl.col("period_typ") == "r12")
    counts = [result_of(o).filter(*year).sort("period_start")["taljare"][-1] for o in (september, late)]
    assert counts == [45.0, 48.0]


def test_deliveries_count_after_their_file_has_left_raw(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "avvikelser" / f"avvikelser_{DAY}.csv").unlink()
    second = run(raw, tmp_path / "data")
    assert second.nothing_new
    assert second.release.id == first.release.id


def test_another_person_key_changes_no_result(run: Run, measured: RunOutcome, tmp_path: Path) -> None:
    raw, first = tmp_path / "raw", measured
    ids = pl.read_parquet(tmp_path / "data/bronze/kva/2022*.accepted.parquet")["person_id"].unique()
    (tmp_path / "data" / "person.key").write_text("en annan nyckel")
    second = run(raw, tmp_path / "data")
    assert second.release.id == first.release.id
    assert set(ids).isdisjoint(pl.read_parquet(tmp_path / "data/bronze/kva/2022*.accepted.parquet")["person_id"])
    (raw / "kva" / f"kva_{DAY}.csv").unlink()
    (tmp_path / "data" / "person.key").write_text("en tredje nyckel")
    assert "personnyckel" in run(raw, tmp_path / "data").error


def test_two_runs_at_once_the_second_refuses(run: Run, raw: Path, tmp_path: Path) -> None:
    with run_lock(DataPaths(tmp_path / "data")):
        result = said("run", "--raw", raw, "--data", tmp_path / "data")
    assert result.returncode == 75
    assert "En annan körning pågår" in result.stderr


def test_a_manifest_says_when_once_and_what_failed(first: RunOutcome) -> None:
    manifest = json.loads((first.release.folder / "manifest.json").read_text(encoding="utf-8"))
    published = manifest.pop("publicerad")
    assert datetime.fromisoformat(published).utcoffset() == timedelta(0)
    assert published[:10] not in json.dumps(manifest)
    assert manifest["kallor"]["gas"] == "underkand"
    assert any("har_levererats" in f for f in manifest["grindar"]["delivery"]["gas"]["underkanda"])
