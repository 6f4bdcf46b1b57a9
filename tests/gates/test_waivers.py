"""Waivers: one named, dated failure each; nothing wider, nothing expired, nothing unknown."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import PROJECT
from dagster_project.gates.decision import SUITES, decide, gate_tables
from dagster_project.gates.validate import Outcome
from dagster_project.gates.waivers import Waiver, WaiverError, apply_waivers, load_waivers, require_current
from tests.runs import cases, command, deliver, deliver_cases, deliver_units, run

HEADER = "suite,expectation,source,reason,approved_by,last_date"
AGE = "leverans/_alla,alder_stopp,avvikelser,Platina byts ut,Verksamhetscontroller,2022-12-31"


def _file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "waivers.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def _load(path: Path) -> list[Waiver]:
    return load_waivers(path, SUITES, gate_tables())


def _failure(source: str, expectation: str, severity: str, gate: str = "leverans") -> Outcome:
    return Outcome(
        *(gate, f"{gate}/_alla", source, expectation, severity, False),
        *(None, None, None, None, "Titel", "Betyder", "Gör"),
    )


def test_the_projects_file_is_valid() -> None:
    assert _load(PROJECT / "expectations" / "waivers.csv") == []


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert _load(tmp_path / "borta.csv") == []


def test_lines_are_read_with_their_number(tmp_path: Path) -> None:
    (waiver,) = _load(_file(tmp_path, "", AGE.replace("Platina byts ut", '"Platina byts ut, hela hösten"')))
    assert waiver.names == ("leverans/_alla", "alder_stopp", "avvikelser")
    assert (waiver.last_date, waiver.line) == (date(2022, 12, 31), 3)
    assert waiver.reason == "Platina byts ut, hela hösten"
    assert Waiver.from_dict(waiver.as_dict()).as_dict() == waiver.as_dict()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (AGE.replace("alder_stopp", "alder"), "förväntan alder finns inte"),
        (AGE.replace("_alla", "alla"), "sviten leverans/alla finns inte"),
        (AGE.replace("leverans/", "leveranser/"), "sviten leveranser/_alla finns inte"),
        (AGE.replace("avvikelser", "avvikelse"), "källan avvikelse finns inte"),
        (AGE.replace("avvikelser", "*"), "källan * finns inte"),
        (AGE.replace("Platina byts ut", ""), "reason saknas"),
        (AGE.replace("Verksamhetscontroller", " "), "approved_by saknas"),
        (AGE.replace("2022-12-31", "2022-02-30"), "inget datum"),
        (AGE.replace("2022-12-31", "20221231"), "inget datum"),
        (AGE.replace("Platina", "Platina, ja,"), "8 celler"),
        ("resultat/indicator_result,dold_tom,indicator_result,x,y,2022-12-31", "får inte undantas"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, line: str, word: str) -> None:
    path = _file(tmp_path, line)
    with pytest.raises(WaiverError) as caught:
        _load(path)
    assert word in str(caught.value)
    assert f"{path}, rad 2:" in str(caught.value)


def test_every_fault_is_told_and_a_waiver_stands_once(tmp_path: Path) -> None:
    path = _file(tmp_path, AGE, AGE, "a,b")
    with pytest.raises(WaiverError) as caught:
        _load(path)
    assert ["står redan på rad 2" in s for s in str(caught.value).splitlines()] == [True, False]


@pytest.mark.parametrize("header", ["suite;expectation;source;reason;approved_by;last_date", "suite,source"])
def test_the_header_is_required(tmp_path: Path, header: str) -> None:
    with pytest.raises(WaiverError, match="första raden"):
        _load(_file(tmp_path, AGE, header=header))


def test_a_waiver_covers_exactly_what_it_names(tmp_path: Path) -> None:
    waivers = _load(_file(tmp_path, AGE))
    outcomes = [
        _failure("avvikelser", "alder_stopp", "critical"),
        _failure("avvikelser", "alder_varning", "warning"),
        _failure("avvikelser", "har_rader", "critical", "staging"),
        _failure("kva", "alder_stopp", "critical"),
    ]
    applied = apply_waivers(outcomes, waivers)
    assert [o.undantag is not None for o in applied] == [True, False, False, False]
    assert "Platina byts ut" in str(applied[0].undantag) and "2022-12-31" in str(applied[0].undantag)
    # A waived stop still warns; a waived warning still informs.
    assert applied[0].consequence == "warning"
    assert decide(applied[:2]).held_back == {}
    assert "avvikelser_antal" in decide(applied[:1]).warned
    assert set(decide(applied[3:]).held_back) == {"levnadsvanor", "barn_narstaende", "barn_narstaende_du"}


def test_expiry_is_judged_on_the_runs_day(tmp_path: Path) -> None:
    path = _file(tmp_path, AGE)
    require_current(_load(path), date(2022, 12, 31), path)
    with pytest.raises(WaiverError, match="rad 2.*gick ut 2022-12-31.*2023-01-01"):
        require_current(_load(path), date(2023, 1, 1), path)


def test_a_waived_stop_publishes_and_is_shown_until_its_last_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, data = tmp_path / "raw", tmp_path / "data"
    deliver_units(raw, "2022-08-31")
    deliver_cases(raw, "2022-08-31", *cases(40))
    register = (raw / "enheter" / "enheter_2022-08-31.csv").read_text(encoding="utf-8").splitlines()
    unit = "SE2321000164-BUH{};Barnhabiliteringen;BUH;Örebro;2010-01-01;"
    deliver(raw, "enheter_2022-12-30.csv", *register, unit.format(2))
    day = date(2022, 12, 30)
    assert run(raw, data, day).exit_code == 1
    monkeypatch.setenv("RESULTATTAVLA_WAIVERS", str(_file(tmp_path, AGE)))
    waived = run(raw, data, day)
    assert waived.exit_code == 2  # the sources that were never delivered are still held back
    rows = pl.read_parquet(waived.release.folder / "indicator_result.parquet")
    assert set(rows["kvalitet"]) == {"varning"}
    assert waived.release.manifest["undantag"] == [
        {
            "suite": "leverans/_alla",
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
    gates = json.dumps(waived.release.manifest["grindar"], ensure_ascii=False)
    assert "alder_stopp (critical, undantag)" in gates
    # After its last day it fails the run; so does one that names nothing.
    deliver(raw, "enheter_2023-01-02.csv", *register, unit.format(3))
    current = waived.data.current.resolve()
    with pytest.raises(WaiverError, match="gick ut"):
        run(raw, data)
    _file(tmp_path, AGE.replace("alder_stopp", "alder_slut"))
    with pytest.raises(WaiverError, match="finns inte"):
        run(raw, data, day)
    assert waived.data.current.resolve() == current


def test_the_command_validates_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, AGE)
    good = command("waivers", "--as-of", "2022-12-01", RESULTATTAVLA_WAIVERS=str(path))
    assert good.returncode == 0, good.stderr
    assert "alder_stopp" in good.stdout and "30" in good.stdout
    late = command("waivers", "--as-of", "2023-01-01", RESULTATTAVLA_WAIVERS=str(path))
    assert late.returncode == 1 and "gick ut" in late.stderr and "Traceback" not in late.stderr
    _file(tmp_path, AGE.replace("avvikelser", "alla"))
    unknown = command("waivers", RESULTATTAVLA_WAIVERS=str(path))
    assert unknown.returncode == 1 and "källan alla finns inte" in unknown.stderr
