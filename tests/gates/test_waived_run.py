"""Waivers in whole runs: what is waived is published and shown, until its last day."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Run
from tests.gates.test_waivers import AGE, waiver_file
from tests.jobs import deliver, said


def test_a_waived_stop_publishes_and_is_shown_until_its_last_day(
    run: Run, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    register = (raw / "enheter" / "enheter_2022-08-31.csv").read_text(encoding="utf-8").splitlines()
    unit = "SE2321000164-BUH{};Barnhabiliteringen;BUH;Örebro;2010-01-01;"
    deliver(raw, "enheter_2022-12-30.csv", *register, unit.format(2))
    day = date(2022, 12, 30)
    assert run(raw, data, day).exit_code == 1
    monkeypatch.setenv("RESULTATTAVLA_WAIVERS", str(waiver_file(tmp_path, AGE)))
    waived = run(raw, data, day)
    assert waived.exit_code == 2  # the sources that were never delivered are still held back
    rows = pl.read_parquet(waived.release.folder / "indicator_result.parquet")
    assert set(rows["kvalitet"]) == {"varning"}
    assert waived.release.manifest.waivers == [
        {
            "suite": "delivery/_all",
            "expectation": "alder_stopp",
            "source": "avvikelser",
            "reason": "Platina byts ut",
            "approved_by": "Verksamhetscontroller",
            "last_date": "2022-12-31",
            "anvant": True,
        }
    ]
    failed = pl.read_parquet(waived.release.folder / "kvalitet.parquet").filter(
        (pl.col("source") == "avvikelser") & (pl.col("expectation") == "alder_stopp")
    )
    assert failed["success"].to_list() == [False]
    gates = json.dumps(waived.release.manifest.gates, ensure_ascii=False)
    assert "alder_stopp (critical, undantag)" in gates
    # After its last day it fails the run; so does one that names nothing.
    deliver(raw, "enheter_2023-01-02.csv", *register, unit.format(3))
    current = waived.data.current.resolve()
    assert "gick ut" in run(raw, data).error
    waiver_file(tmp_path, AGE.replace("alder_stopp", "alder_slut"))
    assert "finns inte" in run(raw, data, day).error
    assert waived.data.current.resolve() == current


def test_the_command_validates_the_waiver_file(tmp_path: Path) -> None:
    path = waiver_file(tmp_path, AGE)
    good = said("waivers", "--as-of", "2022-12-01", RESULTATTAVLA_WAIVERS=str(path))
    assert good.returncode == 0, good.stderr
    assert "alder_stopp" in good.stdout and "30" in good.stdout
    late = said("waivers", "--as-of", "2023-01-01", RESULTATTAVLA_WAIVERS=str(path))
    assert late.returncode == 1 and "gick ut" in late.stderr and "Traceback" not in late.stderr
    waiver_file(tmp_path, AGE.replace("avvikelser", "alla"))
    unknown = said("waivers", RESULTATTAVLA_WAIVERS=str(path))
    assert unknown.returncode == 1 and "källan alla finns inte" in unknown.stderr
