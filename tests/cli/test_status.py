"""`resultattavla status`: what a steward is told of the current release, its sources and the deliveries to come."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.cli import status
from dagster_project.core.paths import DataPaths
from dagster_project.releases.publish import switch_current
from dagster_project.runs.folder import LEDGER, RunFolder
from dagster_project.runs.history import RunRecord, add_record
from dagster_project.runs.ledger import Delivery, ledger_frame
from dagster_project.runs.log import Line
from tests.jobs import Said, said
from tests.quarantined import AUGUST, JULY, set_aside
from tests.releases.small import small_release

BAD = "Filen kva/kva.csv avvisades: namnet har inget datum."
FAILED = ("drift/_all", "avvikelser", "kolumn_borta", "warning", False, "paborjad_datum")


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    """A release of 1 September 2022; its run rejected a file, warned, had rows in quarantine and a waiver."""
    folder = set_aside(tmp_path / "data")
    data = folder.data
    folder.write(LEDGER, ledger_frame([JULY, AUGUST, Delivery("kva", "kva/kva.csv", status=REJECTED, orsak=BAD)]))
    release = small_release(data, 1)
    manifest = data.releases / release / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    waiver = {"suite": "delivery/_all", "expectation": "alder_varning", "source": "gas", "reason": "Nytt system"}
    content["undantag"] = [{**waiver, "approved_by": "Eva", "last_date": "2022-10-13", "anvant": True}]
    content["kallor"] = {"kva": "varning"}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    names = ["suite", "source", "expectation", "severity", "success", "observed"]
    pl.DataFrame([FAILED], schema=names, orient="row").write_parquet(data.releases / release / "kvalitet.parquet")
    switch_current(data, release)
    add_record(data, RunRecord("2022-10-01T05:00:00+00:00", 0, release_id=release), keep=9)
    return data


@pytest.fixture
def ask(data: DataPaths, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What status says on 3 October 2022, in a terminal of 80 columns."""
    monkeypatch.setattr("tests.jobs.WIDTH", 80)
    monkeypatch.setattr(status, "today_in_sweden", lambda: date(2022, 10, 3))
    lines = data.root.parent / "kvitterade.csv"
    return said("status", "--data", data.root, RESULTATTAVLA_ACKNOWLEDGED=str(lines))


def test_status_tells_what_a_steward_has_to_know(ask: Said) -> None:
    assert ask.returncode == 0, ask.stderr
    assert max(map(len, ask.stdout.splitlines())) <= 80
    text = " ".join(ask.stdout.split())
    for told in (
        "Visar läget 1 sep 2022, för 32 dagar sedan. Publicerad 1 okt 2022 kl. 07.00.",  # Swedish summer time
        "kva varning 2022-08-01 2022-09-05 ! 3",
        "gas – aldrig – 0",
        "Leveranser som borde ha kommit Väntades senast 5 sep 2022: kva.",
        f"Avvisade filer {BAD}",
        "Undantag för gas: delivery/_all alder_varning, till och med 2022-10-13 (10 dagar kvar) – Nytt system (Eva).",
        "Varning avvikelser: kolumn som har försvunnit: paborjad_datum",
    ):
        assert told in text, text


def test_what_the_steps_took_is_told_when_it_is_asked_for(data: DataPaths) -> None:
    def text() -> str:
        return " ".join(said("status", "--data", data.root, "--timings").stdout.split())

    assert "Ingen tidtagning finns" in text()
    lines = [
        Line("2022-10-01T05:00:00+00:00", "ingestion", "kva", "a", 1200, 2.0, 3.0, 300_000_000),
        Line("2022-10-01T05:00:00+00:00", "ingestion", "kva", "b", 34, 0.5, 0.5, 100_000_000),
        Line("2022-10-01T05:00:00+00:00", "ingestion", None, None, None, 3.25, 4.0, 300_000_000),
        Line("2022-10-01T05:00:00+00:00", "dbt_cells", None, "cells", 5, 1.5),
        Line("2022-10-01T05:00:00+00:00", "dbt_cells", None, "months", 5, 0.5),
        Line("2022-10-01T05:00:00+00:00", "dbt_cells", None, None, None, 2.0, 3.0, 400_000_000, "SystemExit"),
    ]
    RunFolder(data).log.write_text("\n".join(json.dumps(asdict(line)) for line in lines), encoding="utf-8")
    told = text()
    assert "Tider, körningen som började 1 okt 2022 kl. 07.00" in told
    assert "läser in leveranser 3,2 4,0 300 kva 1 234 2,5 3,5 300" in told
    assert "räknar indikatorerna (stannade) 2,0 3,0 400 cells 5 1,5" in told and "months" not in told
    assert told.endswith(" ".join(said("status", "--data", data.root).stdout.split()))


def test_what_nothing_is_to_be_told_of_has_no_heading(ask: Said) -> None:
    assert "Hålls tillbaka" not in ask.stdout and "krympt" not in ask.stdout


def test_a_release_without_what_its_run_left_is_told_all_the_same(data: DataPaths) -> None:
    for path in data.run.iterdir():
        path.unlink()
    done = said("status", "--data", data.root)
    assert "Visar läget 1 sep 2022" in done.stdout and "Undantag för gas" in done.stdout
    assert done.returncode == 1 and f"`resultattavla run --data {data.root}`" in done.stderr


def test_the_alarm_tells_when_a_run_last_published(data: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = data.history.iterdir()
    record.write_text(record.read_text().replace(json.loads(record.read_text())["seen"], "2022-10-01T05:00:00+00:00"))
    for age, told in ((timedelta(hours=26), "26 timmar"), (timedelta(days=2), "2 dygn")):
        with pytest.raises(status.ResultattavlaError, match=rf"sedan 1 okt 2022 kl\. 07\.00.*längst tillåtet: {told}"):
            status._require_recent(data, age)
