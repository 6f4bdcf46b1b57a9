"""The benchmark's hand-written script must be right too: it computes what the pipeline is measured against."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench import handwritten_pandas, old_files
from bench.agreement import compare, compare_all
from bench.generator import write_benchmark, write_next_day
from bench.handwritten import compute
from bench.measure import BenchmarkError, measure
from bench.runs import linked, steps
from dagster_project.runs.log import note, run_log, step
from dagster_project.samples.units import HSA_PREFIX
from tests.samples.files import newest, table

UNIT, OTHER = "SE2321000164-A1", "SE2321000164-T1"
FILES = {
    "enheter/enheter_2022-06-30.csv": f"""\
hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran;giltig_till
{UNIT};Mottagningen;AUD;;2020-01-01;2022-02-28
{UNIT};Mottagningen;BUH;;2022-03-01;
{OTHER};Tolkcentralen;TC;;2020-01-01;
""",
    "vantetider/vantetider_2022-03-31.csv": f"""\
vardkontakt_id;status;matperiod;fas;vardgaranti;avvikelsekod;beslut_datum;start_datum;hsaid_enhet;kon;makulerad
1;GENOMFORD;2022-02;1;Ja;;2021-11-30;2022-02-28;{UNIT};K;
2;GENOMFORD;2022-03;1;Ja;;2021-11-30;2022-03-01;{UNIT};M;
3;GENOMFORD;2022-03;1;Nej;;2022-03-01;2022-03-11;{UNIT};M;
4;GENOMFORD;2022-03;1;Ja;1;2022-03-01;2022-03-21;{UNIT};O;
5;GENOMFORD;2022-03;1;Ja;;2022-03-01;2022-03-02;{OTHER};K;
6;GENOMFORD;2022-03;1;Ja;;2022-03-01;2022-03-02;SE2321000164-OKAND;K;
7;GENOMFORD;2022-03;1;Ja;;2022-03-01;2022-03-05;{UNIT};K;
8;VANTANDE;2022-03;1;Ja;;2022-03-01;;{UNIT};K;
""",
    "vantetider/vantetider_2022-04-30.csv": f"""\
vardkontakt_id;status;matperiod;fas;vardgaranti;avvikelsekod;beslut_datum;start_datum;hsaid_enhet;kon;makulerad
2;GENOMFORD;2022-03;1;Ja;;2021-12-01;2022-03-01;{UNIT};M;
7;GENOMFORD;2022-03;1;Ja;;2022-03-01;2022-03-05;{UNIT};K;Ja
""",
    "kva/kva_2022-03-31.csv": f"""\
vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum
1;DV111;199001019802;{UNIT};2022-01-10
1;DV144;199001019802;{UNIT};2022-01-10
2;DV200;199001019810;{UNIT};2022-02-10
3;DV200;19900101A810;{UNIT};2022-03-10
4;DV200;199001019810;{OTHER};2022-03-10
""",
}


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    target = tmp_path / "celler.parquet"
    compute(tmp_path / "raw", target)
    return target


def _cell(cells: Path, indicator: str, period_typ: str, start: str, kon: str, verksamhet: str | None = None) -> tuple:
    where = f"verksamhet = '{verksamhet}' and niva = 'verksamhet'" if verksamhet else "niva = 'omrade'"
    rows = duckdb.sql(
        f"select taljare, namnare, varde from '{cells}' where indicator_id = '{indicator}' and kon = '{kon}' "
        f"and period_typ = '{period_typ}' and period_start = date '{start}' and {where}"
    ).fetchall()
    assert len(rows) == 1
    return rows[0]


def test_the_script_takes_the_newest_row_and_leaves_withdrawn_keys_and_unknown_units_out(cells: Path) -> None:
    # Row 1 on day 90 and the corrected row 2 on day 90 are inside; 3 to 8 do not count.
    assert _cell(cells, "vg_forsta_besok_90", "ar", "2022-01-01", "T") == (2.0, 2.0, 100.0)
    assert _cell(cells, "vg_forsta_besok_90", "manad", "2022-03-01", "M") == (1.0, 1.0, 100.0)


def test_the_script_gives_a_unit_the_verksamhet_of_the_day(cells: Path) -> None:
    assert _cell(cells, "vantetid_median", "ar", "2022-01-01", "T", "AUD") == (None, 1.0, 90.0)
    # 90, 10 and 20 days (patient-chosen waits and those outside the guarantee count here).
    assert _cell(cells, "vantetid_median", "r12", "2021-04-01", "T", "BUH") == (None, 3.0, 20.0)
    assert _cell(cells, "vantetid_median", "manad", "2022-03-01", "M", "BUH") == (None, 2.0, 50.0)


def test_the_script_counts_codes_by_the_sex_of_the_number(cells: Path) -> None:
    assert _cell(cells, "levnadsvanor", "tertial", "2022-01-01", "T")[0] == 3.0
    assert _cell(cells, "levnadsvanor", "tertial", "2022-01-01", "K")[0] == 1.0
    assert _cell(cells, "levnadsvanor", "tertial", "2022-01-01", "M")[0] == 1.0


def test_the_pandas_script_comes_to_the_same_cells(cells: Path, tmp_path: Path) -> None:
    other = tmp_path / "pandas.parquet"
    handwritten_pandas.compute(tmp_path / "raw", other)
    columns = pl.read_parquet(cells).columns
    one, two = (
        pl.read_parquet(path, columns=columns).with_columns(pl.col(pl.Categorical).cast(pl.String)).sort(columns[:7])
        for path in (cells, other)
    )
    assert one.height > 500
    assert_frame_equal(one, two, check_dtypes=False, abs_tol=1e-9)


def test_engines_are_compared_cell_by_cell(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "indicator_id": ["a", "a"],
            "niva": ["omrade", "enhet"],
            "verksamhet": [None, "AUD"],
            "enhet": [None, "E1"],
            "period_typ": ["ar", "ar"],
            "period_start": [date(2022, 1, 1)] * 2,
            "kon": ["T", "T"],
            "varde": [100.0, None],
            "status": ["uppnatt", "dold"],
            "release_id": ["one", "one"],
        }
    )
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    frame.write_parquet(one)

    def differing(changed: pl.DataFrame) -> int:
        changed.with_columns(release_id=pl.lit("other")).write_parquet(other)
        compared, lines = compare_all(one, other)
        assert compared == 2
        return len(lines)

    assert differing(frame.reverse()) == 0
    assert differing(frame.with_columns(pl.col("varde") + 1e-8)) == 0, "within a share of 1e-9 of itself"
    assert differing(frame.with_columns(pl.col("varde") + 1e-6)) == 1
    assert differing(frame.with_columns(varde=pl.lit(100.0))) == 1, "a number where the other has none"
    assert differing(frame.with_columns(status=pl.lit("dold"))) == 1
    assert differing(frame.head(1)) == 1, "a cell that the other lacks"


def test_agreement_compares_shown_cells_and_tells_which_differ(cells: Path, tmp_path: Path) -> None:
    published = tmp_path / "publicerat.parquet"
    frame = pl.read_parquet(cells).with_columns(status=pl.lit("inget_mal"))
    frame.write_parquet(published)
    assert compare(published, cells) == (frame.height, [])

    wrong = (pl.col("indicator_id") == "levnadsvanor") & (pl.col("niva") == "omrade") & (pl.col("kon") == "T")
    frame.with_columns(taljare=pl.when(wrong).then(99).otherwise("taljare")).write_parquet(published)
    assert len(compare(published, cells)[1]) == 20

    frame.with_columns(
        taljare=pl.when(wrong).then(99).otherwise("taljare"),
        status=pl.when(wrong).then(pl.lit("dold")).otherwise("status"),
    ).write_parquet(published)
    assert compare(published, cells)[1] == []


def test_measure_sees_exit_code_output_and_memory(tmp_path: Path) -> None:
    seen = measure([sys.executable, "-c", "x = bytearray(50 * 2**20); print(len(x))"], tmp_path, tmp_path / "log")
    assert (seen.exit_code, seen.output) == (0, "52428800\n")
    assert seen.peak > 50 * 2**20
    with pytest.raises(BenchmarkError, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, tmp_path / "log")


def test_the_large_set_has_the_rows_it_is_asked_for(tmp_path: Path) -> None:
    write_benchmark(tmp_path, rows=20_000)
    for source, expected in (("vantetider", 12_000), ("kva", 8_000)):
        files = sorted((tmp_path / source).iterdir())
        delivered = [table(path) for path in files]
        rows = [row for part in delivered for row in part]
        assert len(files) == 4 and len(rows) == expected
        second = "status" if source == "vantetider" else "kva_kod"
        keys = [[(r["vardkontakt_id"], r[second]) for r in part] for part in delivered]
        assert all(len(set(part)) == len(part) for part in keys)
        assert expected - len({key for part in keys for key in part}) == round(expected * 0.005)
        refused = sum(r["hsaid_enhet"] == f"{HSA_PREFIX}99" for r in rows)
        assert 0 < refused < expected * 0.004
    assert len(table(newest(tmp_path, "enheter"))) >= 20


def test_the_next_days_deliveries_are_new_rows_and_a_few_corrected_ones(tmp_path: Path) -> None:
    write_benchmark(tmp_path, rows=20_000)
    before = {row["vardkontakt_id"] for path in (tmp_path / "kva").iterdir() for row in table(path)}
    write_next_day(tmp_path, 20_000, 1_000)
    for source, expected, key in (("vantetider", 600, "start_datum"), ("kva", 400, "atgardsdatum")):
        assert newest(tmp_path, source).name == f"{source}_2022-10-01.csv"
        rows = table(newest(tmp_path, source))
        assert len(rows) == expected
        corrected = expected // 200
        assert all("2022-09-24" <= (row[key] or "2022-09-30") <= "2022-09-30" for row in rows[:-corrected])
    known = [row["vardkontakt_id"] in before for row in rows]
    assert known == [False] * 398 + [True] * 2


def test_old_files_are_all_known_on_the_days_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_files, "WAIT_SECONDS", 0)
    monkeypatch.setattr(old_files, "FEW", 2)
    found = old_files.bench_old_files(tmp_path, 4)
    assert found["files"] == 4 and found["cost_s"] == pytest.approx(found["day_s"] - found["few_s"], abs=0.011)
    assert len(list((tmp_path / "many" / "raw" / "kva").iterdir())) == 4 + old_files.DAYS


def test_files_are_laid_in_another_folder_without_being_copied(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "raw", rows=2_000)
    other = linked(tmp_path / "raw", tmp_path / "other")
    one, two = newest(tmp_path / "raw", "kva"), newest(other, "kva")
    assert one.name == two.name and one.samefile(two)
    write_next_day(other, 2_000, 1_000)
    assert newest(tmp_path / "raw", "kva") == one, "the given set is as it was"


def test_the_steps_of_a_run_are_those_of_its_log_and_what_took_long(tmp_path: Path) -> None:
    with run_log(tmp_path / "run" / "log.jsonl", "2026-11-26T07:00:00+00:00") as log:
        log.begin()
        with step("dbt_cells"):
            note("dbt_cells", "cells", 2.5, rows=7)
            note("dbt_cells", "quick", 0.1)
        log.end()
    assert [(s["step"], s["part"]) for s in steps(tmp_path)] == [
        ("dbt_cells", None),
        ("dbt_cells", "cells"),
        ("run", None),
    ]
    assert steps(tmp_path)[0]["peak_bytes"] > 10_000_000
    assert steps(tmp_path / "absent") == []
