"""Waivers: one named, dated failure each; nothing wider, nothing expired, nothing unknown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.gates.decision import decide
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import SUITES, gate_tables
from dagster_project.gates.waivers import Waiver, WaiverError, apply_waivers, load_waivers, require_current

HEADER = "suite,expectation,source,reason,approved_by,last_date"
AGE = "delivery/_all,alder_stopp,avvikelser,Platina byts ut,Verksamhetscontroller,2022-12-31"


def waiver_file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "waivers.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def _load(path: Path) -> list[Waiver]:
    return load_waivers(path, SUITES, gate_tables())


def _failure(source: str, expectation: str, severity: str, gate: str = "delivery") -> Outcome:
    return Outcome(
        *(gate, f"{gate}/_all", source, expectation, severity, False),
        *(None, None, None, None, "Titel", "Betyder", "Gör"),
    )


def _readers(source: str) -> set[str]:
    return {indicator.id for indicator in load_catalogue() if source in indicator.sources}


def test_the_register_holds_back_what_has_cells_of_units_and_nothing_else() -> None:
    """ekonomi and aktiviteter name a verksamhet: the register is not asked (indicators.md)."""
    named = _readers("ekonomi") | _readers("aktiviteter")
    others = {indicator.id for indicator in load_catalogue()} - named
    assert len(named) == 6
    assert set(decide([_failure("enheter", "har_levererats", "critical")]).held_back) == others
    assert decide([_failure("enheter", "rader_minskar", "warning")]).warned == others


def test_the_projects_file_is_valid() -> None:
    assert _load(SUITES / "waivers.csv") == []


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert _load(tmp_path / "borta.csv") == []


def test_lines_are_read_with_their_number(tmp_path: Path) -> None:
    (waiver,) = _load(waiver_file(tmp_path, "", AGE.replace("Platina byts ut", '"Platina byts ut, hela hösten"')))
    assert waiver.names == ("delivery/_all", "alder_stopp", "avvikelser")
    assert (waiver.last_date, waiver.line) == (date(2022, 12, 31), 3)
    assert waiver.reason == "Platina byts ut, hela hösten"
    assert Waiver.from_dict(waiver.as_dict()).as_dict() == waiver.as_dict()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (AGE.replace("alder_stopp", "alder"), "förväntan alder finns inte"),
        (AGE.replace("_all", "all"), "sviten delivery/all finns inte"),
        (AGE.replace("delivery/", "deliveries/"), "sviten deliveries/_all finns inte"),
        # A shared suite is there for the sources that it applies to.
        ("staging/_event_day,datum_inom_intervall,enheter,x,y,2022-12-31", "_event_day finns inte för enheter"),
        (AGE.replace("avvikelser", "avvikelse"), "källan avvikelse finns inte"),
        (AGE.replace("avvikelser", "*"), "källan * finns inte"),
        (AGE.replace("Platina byts ut", ""), "reason saknas"),
        (AGE.replace("Verksamhetscontroller", " "), "approved_by saknas"),
        (AGE.replace("2022-12-31", "2022-02-30"), "inget datum"),
        (AGE.replace("2022-12-31", "20221231"), "inget datum"),
        (AGE.replace("Platina", "Platina, ja,"), "8 celler"),
        ("results/indicator_result,dold_tom,indicator_result,x,y,2022-12-31", "får inte undantas"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, line: str, word: str) -> None:
    path = waiver_file(tmp_path, line)
    with pytest.raises(WaiverError) as caught:
        _load(path)
    assert word in str(caught.value)
    assert f"{path}, rad 2:" in str(caught.value)


def test_every_fault_is_told_and_a_waiver_stands_once(tmp_path: Path) -> None:
    path = waiver_file(tmp_path, AGE, AGE, "a,b")
    with pytest.raises(WaiverError) as caught:
        _load(path)
    assert ["står redan på rad 2" in s for s in str(caught.value).splitlines()] == [True, False]


@pytest.mark.parametrize("header", ["suite;expectation;source;reason;approved_by;last_date", "suite,source"])
def test_the_header_is_required(tmp_path: Path, header: str) -> None:
    with pytest.raises(WaiverError, match="första raden"):
        _load(waiver_file(tmp_path, AGE, header=header))


def test_a_waiver_covers_exactly_what_it_names(tmp_path: Path) -> None:
    waivers = _load(waiver_file(tmp_path, AGE))
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
    assert decide(applied[:1]).warned == _readers("avvikelser") != set()
    assert decide(applied[3:]).held_back == {indicator: ["kva"] for indicator in _readers("kva")} != {}


def test_expiry_is_judged_on_the_runs_day(tmp_path: Path) -> None:
    path = waiver_file(tmp_path, AGE)
    require_current(_load(path), date(2022, 12, 31), path)
    with pytest.raises(WaiverError, match="rad 2.*gick ut 2022-12-31.*2023-01-01"):
        require_current(_load(path), date(2023, 1, 1), path)
