"""The main job through the installed command on the committed sample, as an analyst starts it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from fhir.resources.R4B.bundle import Bundle
from python_calamine import CalamineWorkbook

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.periods import period_name
from dagster_project.catalogue.plan import followed_up_items
from dagster_project.catalogue.vocabulary import HIDDEN, LEVELS, PERIOD_TYPES, SEXES, STATUSES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.disclosure.split import Address
from dagster_project.ingestion.quarantine import select_quarantine
from dagster_project.ingestion.readers import read_delivery
from dagster_project.products.explain.calculation import calculate, check_agreement, has_data, observations
from dagster_project.products.explain.explain import explain
from dagster_project.products.explain.model import Definition, Period
from dagster_project.products.explain.query import Query
from dagster_project.products.explain.text import sections
from dagster_project.products.exports.files import write_exports
from dagster_project.products.reading import Reading
from dagster_project.products.reports.asked import Asked
from dagster_project.releases import evidence
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import PLAN_SCHEMA, RESULT_KEY, RESULT_SCHEMA, TABLE_KEYS
from dagster_project.runs.folder import RunFolder
from tests.conftest import Command
from tests.jobs import SAMPLE, said
from tests.oracle.compare import compare
from tests.products.reports.numbers import may_stand, numbers_in
from tests.products.reports.test_numbers import page_words, words_of

FILES = {
    *(f"{table}.{kind}" for table in TABLE_KEYS for kind in ("parquet", "csv")),
    "resultat.duckdb",
    "kvalitet.parquet",
    "leveranser.parquet",
    "datapackage.json",
    "manifest.json",
}


@pytest.fixture(scope="module")
def sample(
    kept_sample: tuple[DataPaths, subprocess.CompletedProcess[str]],
) -> tuple[DataPaths, subprocess.CompletedProcess[str]]:
    return kept_sample


def test_the_sample_is_published_and_the_summary_says_where(sample) -> None:
    data, result = sample
    assert result.returncode == 0, result.stdout + result.stderr
    release = data.current.resolve()
    assert {p.name for p in release.iterdir()} == FILES
    assert release.name in result.stdout
    assert str(data.docs) in result.stdout
    assert "register_registreringar" in result.stdout
    assert "enhet:ej_giltig" in result.stdout
    assert "Traceback" not in result.stderr


def test_manifest_describes_every_file(sample) -> None:
    data, _ = sample
    manifest = json.loads((data.current / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == FILES - {"manifest.json"}
    for name, file in manifest["files"].items():
        assert hashlib.sha256((data.current / name).read_bytes()).hexdigest() == file["sha256"]
        if name.endswith(".parquet"):
            assert pl.read_parquet(data.current / name).height == file["rows"]
    assert manifest["release_id"].startswith("2022-09-30-")
    assert manifest["kallor"]["register_registreringar"] == "varning"
    assert manifest["kvarhallna_indikatorer"] == {}


def test_cells_have_the_agreed_shape(sample) -> None:
    data, _ = sample
    result = pl.read_parquet(data.current / "indicator_result.parquet")
    assert dict(result.schema) == RESULT_SCHEMA
    assert result.select(RESULT_KEY).is_unique().all()
    assert result.equals(result.sort(RESULT_KEY))
    assert set(result["status"]) == set(STATUSES)
    assert set(result["kvalitet"]) == {"godkand", "varning"}
    warned = set(result.filter(pl.col("kvalitet") == "varning")["indicator_id"])
    assert warned == {i for i in result["indicator_id"].unique() if i.endswith("_tackning")}


def test_every_cell_agrees_with_the_independent_oracle(sample, tmp_path: Path) -> None:
    data, _ = sample
    listing = tmp_path / "karantan.csv"
    assert said("quarantine", "--data", data.root, "--all", "--csv", listing).returncode == 0
    assert compare(SAMPLE, data.current.resolve(), listing, None) == []


def test_csv_opens_in_swedish_excel(sample) -> None:
    data, _ = sample
    content = (data.current / "indicator_result.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = pl.read_csv(content, separator=";", decimal_comma=True, infer_schema_length=None)
    parquet = pl.read_parquet(data.current / "indicator_result.parquet")
    assert rows.height == parquet.height
    assert rows["varde"].cast(pl.Float64).equals(parquet["varde"])
    # Every number as a Swedish sheet reads it: a comma, never a point; cells that are no whole number have one.
    numbers = [n for n, dtype in parquet.schema.items() if dtype == pl.Float64]
    texts = pl.read_csv(content, separator=";", infer_schema=False).select(numbers)
    for name in numbers:
        assert not texts[name].str.contains(".", literal=True).any()
        broken = (parquet[name] != parquet[name].round(0)).fill_null(False)
        assert texts[name].str.contains(",", literal=True).fill_null(False).filter(broken).all()
    assert (parquet["varde"] != parquet["varde"].round(0)).any()


def test_every_item_of_the_plan_is_followed_up_where_it_is_in_scope(sample) -> None:
    data, _ = sample
    plan = pl.read_parquet(data.current / "plan_uppfoljning.parquet")
    assert dict(plan.schema) == PLAN_SCHEMA
    places = {(i.id, code) for i in followed_up_items() for code in (None, *i.scope)}
    assert set(plan.select("item_id", "verksamhet").rows()) == places
    told = pl.read_csv(data.current / "plan_uppfoljning.csv", separator=";", decimal_comma=True, infer_schema=False)
    assert told["mening"].to_list() == plan["mening"].to_list()
    assert any("för få för att visas" in sentence for sentence in plan["mening"])


def _documented(page: str, language: str) -> list[str]:
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("page", "number"), [("plan.md", 2), ("use-the-results.md", 7)])
def test_the_documented_queries_answer(sample, page: str, number: int) -> None:
    data, _ = sample
    queries = _documented(page, "sql")
    assert len(queries) == number
    with duckdb.connect(str(data.current / "resultat.duckdb"), read_only=True) as connection:
        for query in queries:
            assert connection.execute(query.replace("data/published/current", str(data.current))).fetchall(), query


def test_the_documented_programs_run(sample) -> None:
    data, _ = sample
    programs = _documented("use-the-results.md", "python")
    assert len(programs) == 2
    for program in programs:
        found: dict[str, Any] = {}
        exec(program.replace("data/published/current", str(data.current)), found)
        assert len(found["shown"]), program


def test_dashboards_read_while_a_run_works(sample) -> None:
    data, _ = sample
    readers = [duckdb.connect(str(data.current / "resultat.duckdb"), read_only=True) for _ in range(3)]
    count = [r.execute("select count(*) from resultat where titel is not null").fetchone() for r in readers]
    rows = json.loads((data.current / "manifest.json").read_text())["files"]["indicator_result.parquet"]["rows"]
    assert count == [(rows,)] * 3
    assert readers[0].execute("select count(*) from senaste").fetchone()[0] > 0


def test_nothing_new_is_said_and_changes_nothing(sample, run_by_command: Command) -> None:
    data, first = sample
    before = data.current.resolve()
    result = run_by_command("run", "--raw", SAMPLE, "--data", data.root)
    assert result.returncode == first.returncode
    assert "Inget nytt" in result.stdout
    assert data.current.resolve() == before
    assert [p.name for p in data.releases.iterdir()] == [before.name]


def test_status_and_quarantine_answer(sample, run_by_command: Command) -> None:
    data, _ = sample
    status = run_by_command("status", "--data", data.root)
    assert status.returncode == 0
    assert data.current.resolve().name in status.stdout
    listing = said("quarantine", "--data", data.root, "--source", "kva")
    assert listing.returncode == 0
    assert "format:personnummer" in listing.stdout
    assert "personnummer=***" in listing.stdout


def test_quarantine_is_filtered_by_reason_unit_and_age(sample) -> None:
    folder = RunFolder(sample[0])
    everything = select_quarantine(folder, every=True)
    units = select_quarantine(folder, every=True, reason="enhet")
    assert 0 < units.height < everything.height
    assert units["reasons"].str.contains("enhet:").all()
    assert select_quarantine(folder, source="register_registreringar", reason="enhet:ej_giltig").height == 24
    assert select_quarantine(folder, reason="enhet:ej").height == 0
    unit = units["unit"][0]
    assert set(select_quarantine(folder, every=True, unit=unit.lower())["unit"]) == {unit}
    again = select_quarantine(folder).filter(pl.col("followed_by").is_not_null())
    assert select_quarantine(folder, superseded=False).height == select_quarantine(folder).height - again.height
    old = select_quarantine(folder, every=True, older_than=20)
    assert set(old["first_seen"].cast(pl.String)) == {"2019-01-10", "2022-08-31"}


def test_key_is_private(sample) -> None:
    data, _ = sample
    assert stat.S_IMODE((data.root / "person.key").stat().st_mode) == 0o600


def _delivered_numbers() -> set[str]:
    """Every delivered personnummer cell of the sample, as digits."""
    numbers: set[str] = set()
    for contract in load_contracts().values():
        column = next((c.name for c in contract.columns if c.type == "personnummer"), None)
        for path in (SAMPLE / contract.source).iterdir() if column else ():
            extension = path.name.split(".", 1)[1]
            cells = read_delivery(path.read_bytes(), extension, contract).frame[column].drop_nulls().unique()
            numbers |= {re.sub(r"[^0-9A-Za-z]", "", c) for c in cells}
    return {n for n in numbers if len(n) >= 10}


def _texts(path: Path) -> list[str]:
    """All text in a written file: cells of Parquet and DuckDB files, otherwise the bytes as they are."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        return (
            [t for c in frame.columns for t in frame[c].explode().cast(pl.String).drop_nulls().unique()]
            if (frame.height)
            else []
        )
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            tables = [f'"{schema}"."{table}"' for schema, table in names]
            return [
                t
                for table in tables
                for column in connection.execute(f"select * from {table} limit 0").to_arrow_table().column_names
                for (t,) in connection.execute(
                    f'select distinct "{column}"::varchar from {table} where "{column}" is not null'
                ).fetchall()
            ]
    return [path.read_bytes().decode("latin-1")]


def test_no_personal_number_is_written_anywhere(sample) -> None:
    data, result = sample
    numbers = _delivered_numbers()
    assert len(numbers) > 1000
    forms = numbers | {n[-10:] for n in numbers}
    pattern = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{2})?[0-9]{6}[-+]?[0-9A-Za-z]{4}(?![0-9A-Za-z])")
    found = []
    written = [p for p in data.root.rglob("*") if p.is_file() and not p.is_symlink()]
    assert len(written) > 100
    for name, texts in [("output", [result.stdout, result.stderr]), *((str(p), _texts(p)) for p in written)]:
        for text in texts:
            found += [(name, m) for m in pattern.findall(text) if re.sub(r"[-+]", "", m) in forms]
    assert found == []


def test_dbt_unit_tests_pass(sample) -> None:
    from dagster_project.engines.dbt import run_unit_tests

    results = run_unit_tests(sample[0])
    assert len(results) >= 70
    assert [(r.unique_id, r.message) for r in results if r.status != "pass"] == []


def test_dbt_docs_build(sample) -> None:
    from dagster_project.engines.dbt import generate_docs

    page = generate_docs(sample[0]).read_text(encoding="utf-8")
    assert "obs_gas_t_forandring" in page


def test_evidence_gives_the_published_numbers_of_all_indicators(sample) -> None:
    data = sample[0]
    release = read_release(data.current)
    assert release is not None
    rows = pl.read_parquet(release.folder / "indicator_result.parquet").filter(pl.col("status") != HIDDEN)
    seen = set()
    for indicator in pl.read_parquet(release.folder / "indicator.parquet").iter_rows(named=True):
        found = evidence.find(data, release.manifest, indicator["indicator_id"])
        own = rows.filter(pl.col("indicator_id") == indicator["indicator_id"])
        meant = Definition.of(indicator, found.reading)
        for (start, end), cells in own.group_by("period_start", "period_slut"):
            counting = observations(found, Period("", start, end).months(meant)).filter(pl.col("exclusion").is_null())
            for cell in cells.sample(min(5, cells.height), seed=start.toordinal()).iter_rows(named=True):
                address = Address(cell["verksamhet"], cell["enhet"], cell["kon"])
                observed = counting.filter(address.inside())
                check_agreement(cell, calculate(meant, observed, has_data(cell, found)))
                seen.add((cell["indicator_id"], cell["period_typ"], cell["niva"], cell["kon"]))
    assert {s[0] for s in seen} == {indicator.id for indicator in load_catalogue()}
    assert {s[1:] for s in seen} == {(t, n, k) for t in PERIOD_TYPES for n in LEVELS for k in SEXES}


def test_whole_explanations_of_the_sample(sample) -> None:
    data = sample[0]
    rows = pl.read_parquet(data.current / "indicator_result.parquet")
    for (indicator,), cells in rows.group_by("indicator_id"):
        for cell in cells.sample(6, seed=7).iter_rows(named=True):
            period = period_name(cell["period_typ"], cell["period_start"], cell["period_slut"])
            query = Query(
                str(indicator),
                period,
                cell["period_typ"] if cell["period_typ"] == "r12" else None,
                cell["verksamhet"],
                cell["enhet"],
                cell["kon"],
                lines=True,
            )
            e = explain(data, query)
            assert (e.refusal is not None) == (cell["status"] == HIDDEN)
            assert sections(e)
            if e.files is not None and cell["namnare"] is not None and not str(indicator).endswith("_tackning"):
                assert sum(g.count for g in e.files) == cell["namnare"]
            if e.indicator.patient:
                assert all(g.count >= 5 for g in e.files or ())


@pytest.mark.parametrize(
    ("part", "whole"), [("barn_narstaende_du", "barn_narstaende"), ("vg_forsta_besok_90", "vantetid_median")]
)
def test_exclusions_are_not_told_where_they_complete_a_hidden_number(sample, part: str, whole: str) -> None:
    """What the one indicator counts and excludes is what the other counts: hidden there, the excluded are not told."""
    data = sample[0]
    rows = pl.read_parquet(data.current / "indicator_result.parquet").filter(pl.col("period_typ") == "manad")
    number = pl.coalesce("namnare", "taljare")
    shown = rows.filter((pl.col("indicator_id") == part) & (pl.col("status") != HIDDEN) & (number > 0))
    hidden = rows.filter((pl.col("indicator_id") == whole) & (pl.col("status") == HIDDEN))
    both = shown.join(hidden, on=[k for k in RESULT_KEY if k != "indicator_id"], how="semi", nulls_equal=True)
    assert both.height > 0
    for cell in both.head(5).iter_rows(named=True):
        period = f"{cell['period_start']:%Y-%m}"
        e = explain(data, Query(part, period, None, cell["verksamhet"], cell["enhet"], cell["kon"]))
        # Not even whether there are any: every reason that the other indicator counts is named, none has a number.
        assert e.exclusions
        assert {(x.count, x.at_least) for x in e.exclusions} == {(None, None)}


def test_a_unit_of_two_verksamheter_must_be_told_apart(sample) -> None:
    with pytest.raises(ResultattavlaError, match="hörde till AUD och SC"):
        explain(sample[0], Query("avvikelser_antal", "2022", enhet="SE2321000164-DEMO22"))
    assert explain(sample[0], Query("avvikelser_antal", "2022", None, "sc", "SE2321000164-DEMO22")).cell["varde"] > 0


@pytest.mark.parametrize("place", [None, "BUH"])
def test_a_report_of_the_sample_has_the_release_s_numbers_only(sample, tmp_path: Path, place: str | None) -> None:
    data, _ = sample
    where = ["--verksamhet", place] if place else []
    result = said("report", "--occasion", "delar", "--year", "2022", *where, "--out", tmp_path, "--data", data.root)
    assert result.returncode == 0 and result.stderr == ""
    reading = Reading(read_release(data.current.resolve()))
    codes = {place} if place else set(reading.verksamheter)
    allowed = may_stand(reading, "delar", 2022, {None, *codes}) | {"5"}  # percent in quarantine, the sample's one limit
    asked = Asked("delar", 2022, place)
    for name, words in ((f"{asked.file_name}.docx", words_of), (f"{asked.file_name}.html", page_words)):
        found = numbers_in(words((tmp_path / name).read_bytes()))
        assert len(found) > 150
        assert found - allowed == set()


@pytest.mark.browser
def test_the_exports_of_the_sample_say_what_the_release_says(sample, tmp_path: Path) -> None:
    """Each file, read by another library than wrote it, has the release's numbers, all of them, and no hidden one."""
    data = sample[0]
    reading = Reading(read_release(data.current.resolve()))
    write_exports(reading, data, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10e6
    result = pl.read_parquet(data.current / "indicator_result.parquet").filter(pl.col("status") != "ej_tillamplig")
    begun = result.filter("komplett").group_by("indicator_id").agg(begun=pl.col("period_slut").min())
    result = result.join(begun, on="indicator_id", how="left", maintain_order="left").with_columns(
        # A period that is not over, whatever is known of it; what ends before the data is as it will always be.
        waits=~pl.col("komplett") & ~((pl.col("status") == "inga_data") & (pl.col("period_slut") < pl.col("begun")))
    )
    area_or_below = result.filter(pl.col("niva") != "enhet")
    for level, name in (("omrade", "Område"), ("verksamhet", "Verksamheter")):
        header, *rows = CalamineWorkbook.from_path(tmp_path / "resultat.xlsx").get_sheet_by_name(name).to_python()
        cells = area_or_below.filter(pl.col("niva") == level)
        assert len(rows) == cells.height
        for column, shown in (("varde", "Värde"), ("taljare", "Täljare"), ("jamforelse_varde", "Jämförelse")):
            place = header.index(shown)
            told = sorted(row[place] for row in rows if row[place] != "")
            assert told == pytest.approx(cells[column].drop_nulls().sort().to_list(), rel=1e-14)
        hidden = [row for row in rows if row[header.index("Status")] == "För få för att visas"]
        assert len(hidden) == cells.filter(pl.col("status") == HIDDEN).height
        assert {row[header.index(n)] for row in hidden for n in ("Värde", "Täljare", "Nämnare", "Jämförelse")} == {""}

    final = area_or_below.filter(pl.col("period_typ").is_in(["manad", "ar"]), ~pl.col("waits"))
    sent = pl.read_csv(tmp_path / "varden_i_siffror.csv", separator=";", infer_schema=False)
    assert sent.height == final.height
    assert sent.filter(pl.col("Värde") == "MSK").height == final.filter(pl.col("status") == HIDDEN).height
    numbers = sent.filter(~pl.col("Värde").is_in(["MSK", "UNK"]))["Värde"].str.replace(",", ".", literal=True)
    assert sorted(map(float, numbers)) == final["varde"].drop_nulls().sort().to_list()

    years = area_or_below.filter(pl.col("period_typ") == "ar")
    values = [v for row in json.loads((tmp_path / "kolada.json").read_bytes())["values"] for v in row["values"]]
    assert len(values) == years.height
    assert (
        sum(v["status"] == "Private" for v in values)
        == years.filter(pl.col("status") == HIDDEN, ~pl.col("waits")).height
    )
    assert sorted(v["value"] for v in values if v["value"] is not None) == (
        years.filter(~pl.col("waits"))["varde"].drop_nulls().sort().to_list()
    )

    bundle = Bundle.model_validate_json((tmp_path / "measure_reports.json").read_bytes())
    reported = area_or_below.filter(pl.col("period_typ").is_in(["delar", "ar"]))
    groups = [entry.resource.group[0] for entry in bundle.entry]
    told = groups + [stratum for group in groups for by in group.stratifier or () for stratum in by.stratum]
    scores = [group.measureScore for group in told if group.measureScore is not None]
    assert len(scores) == reported.height
    shown = sorted(float(score.value) for score in scores if score.value is not None)
    assert shown == reported["varde"].drop_nulls().sort().to_list()
    masked = [s for s in scores if s.extension and s.extension[0].valueCode == "masked"]
    assert len(masked) == reported.filter(pl.col("status") == HIDDEN).height


def test_data_docs_open_without_a_network(sample) -> None:
    from playwright.sync_api import sync_playwright

    from tests.programs import BROWSER, BROWSER_ARGUMENTS

    data, _ = sample
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER.path(), args=BROWSER_ARGUMENTS)
        page = browser.new_page()
        requests: list[str] = []
        page.on("request", lambda r: requests.append(r.url))
        page.goto((data.docs / "datadokumentation" / "index.html").as_uri())
        page.get_by_role("link", name="register_registreringar").first.click()
        page.wait_for_load_state()
        assert "karantän" in page.content()
        assert [u for u in requests if not u.startswith(("file:", "data:"))] == []
        browser.close()
