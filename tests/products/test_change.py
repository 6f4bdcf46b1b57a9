"""How a signal of a process chart, and whether a target is within reach, are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.products.change import (
    ALIKE,
    CHANGED,
    CONSTANT,
    FEW,
    FILLS_UP,
    PASSED,
    STILL,
    ShownMonth,
    change_at,
    change_of,
)
from dagster_project.products.reading import IndicatorInfo
from dagster_project.products.telling import attention, worsening
from dagster_project.releases.tables import RESULT_SCHEMA
from tests.products.small import SHARE, SIGNAL, cell, dimensions, items, plan_row, reading_with

LIMITS = {"medel": 80.0, "undre_grans": 70.0, "ovre_grans": 90.0, "till": date(2022, 9, 1)}
LOW, MIDDLE, HIGH = 72.0, 80.0, 95.0


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> IndicatorInfo:
    return reading_with(tmp_path_factory.mktemp("andel"), []).indicators[SHARE]


def signal(rule: str, month: int = 9, **said: Any) -> dict[str, Any]:
    """A signal of a month of 2022 for the better, unless something else is said."""
    return SIGNAL | LIMITS | {"signal": rule, "signal_manad": date(2022, month, 1), "riktning": "battre"} | said


def months(*values: float, n: float | None = 50.0, status: str = "ej_uppfyllt") -> list[ShownMonth]:
    """Points that end with September 2022."""
    first = 10 - len(values)
    return [ShownMonth(date(2022, first + i, 1), value, n, status) for i, value in enumerate(values)]


def test_a_change_says_by_which_rule_when_and_against_what(share: IndicatorInfo) -> None:
    told = change_of(signal("skift"), share, months(*[85.0] * 7), 20)
    assert told.sentence == (
        "En förändring till det bättre som är mer än slump, jämfört med medelvärdet för de senaste 24 månaderna och "
        "inte med året innan: september 2022 är den sista av sju månader i rad på samma sida om medelvärdet."
    )
    assert (told.kind, told.word, told.month) == (CHANGED, "bättre på sistone", date(2022, 9, 1))


@pytest.mark.parametrize(
    ("month", "words"),
    [
        (9, ": två av de tre senaste månaderna ligger nära samma gräns."),
        (8, ": två av de tre månaderna till och med augusti 2022 ligger nära samma gräns."),
    ],
)
def test_two_of_three_is_told_in_swedish(share: IndicatorInfo, month: int, words: str) -> None:
    assert change_of(signal("tva_av_tre", month), share, months(*[88.0] * 3), 20).sentence.endswith(words)


def test_limits_without_width_tell_no_change_and_nothing_of_the_target(share: IndicatorInfo) -> None:
    none = {"medel": 99.8, "undre_grans": 99.8, "ovre_grans": 99.8}
    told = change_of(signal("utanfor", malformaga="nas_inte", **none), share, months(95.0, 100.0, 100.0), 20)
    assert (told.kind, told.word, told.month, told.capability()) == (ALIKE, None, None, None)
    assert "nästan alla månader är lika" in told.sentence
    same = change_of(SIGNAL | LIMITS | dict.fromkeys(none, 0.0), share, months(0.0, 0.0, 0.0), 20)
    assert (same.kind, same.word) == (CONSTANT, None)
    assert "detsamma alla månader" in same.sentence and "variation" not in same.sentence


@pytest.mark.parametrize("rule", ["utanfor", "skift", "trend", "tva_av_tre"])
def test_a_signal_on_few_cases_is_told_as_none(share: IndicatorInfo, rule: str) -> None:
    few = change_of(signal(rule), share, months(*[85.0] * 7, n=19.0), 20)
    assert (few.kind, few.word, few.month) == (FEW, None, None)
    assert few.sentence.startswith("Få fall: vänta med slutsatser.")
    assert change_of(signal(rule), share, months(*[85.0] * 7, n=20.0), 20).kind == CHANGED


def test_a_run_that_is_mostly_of_few_cases_is_few_though_its_last_month_is_not(share: IndicatorInfo) -> None:
    run = [*months(*[85.0] * 7, n=10.0)[:6], *months(85.0)]
    assert change_of(signal("skift"), share, run, 20).kind == FEW
    assert change_of(signal("utanfor"), share, run, 20).kind == CHANGED


def test_rare_events_are_few_whatever_they_rest_on(share: IndicatorInfo) -> None:
    count = replace(share, art="antal")
    rare = {"medel": 4.9, "undre_grans": 0.0, "ovre_grans": 8.0}
    assert change_of(signal("skift", **rare), count, months(1.0, n=None), 20).kind == FEW
    assert change_of(signal("skift", **rare | {"medel": 5.0}), count, months(1.0, n=None), 20).kind == CHANGED


def test_a_signal_whose_later_months_are_back_is_over(share: IndicatorInfo) -> None:
    over = change_of(signal("utanfor", 7), share, months(MIDDLE, HIGH, LOW, LOW), 20)
    assert (over.kind, over.word, over.month) == (PASSED, None, None)
    assert over.sentence == (
        "Juli 2022 var ovanligt hög mot medelvärdet för de senaste 24 månaderna; sedan dess är månaderna tillbaka "
        "inom det vanliga."
    )
    low = change_of(signal("skift", 8, riktning="samre"), share, months(*[LOW] * 7, 85.0), 20)
    assert "till och med augusti 2022 låg under medelvärdet" in low.sentence and low.kind == PASSED
    assert change_of(signal("utanfor", 7), share, months(MIDDLE, HIGH, 88.0, 88.0), 20).kind == CHANGED
    rising = change_of(signal("trend", 8), share, months(60.0, 61.0, 62.0, 63.0), 20)
    assert rising.kind == CHANGED, "a rise that goes on is not over because it is below the mean"


def test_where_nothing_stands_out_twelve_months_may_still_be_apart(share: IndicatorInfo) -> None:
    calm = change_of(SIGNAL | LIMITS, share, months(MIDDLE), 20)
    assert calm.kind == STILL and calm.sentence.startswith("Ingen enskild månad sticker ut")
    assert "vanliga variationen" in calm.sentence
    higher = change_of(SIGNAL | LIMITS, share, months(MIDDLE), 20, year_on_year=1).sentence
    assert "de senaste tolv månaderna ligger högre än de tolv före" in higher and "variation" not in higher
    assert "lägre än de tolv före" in change_of(SIGNAL | LIMITS, share, (), 20, year_on_year=-1).sentence


def test_too_few_months_are_said_to_be_unknown(share: IndicatorInfo) -> None:
    assert (
        "bara 7 månader har ett värde" in change_of(SIGNAL | {"signal": "for_fa", "antal_punkter": 7}, share).sentence
    )
    assert "ingen månad har ett värde" in change_of(SIGNAL | {"signal": "for_fa", "antal_punkter": 0}, share).sentence
    assert "bedöms inte" in change_of(None, share).sentence


def test_a_register_that_fills_up_has_not_got_worse_because_its_newest_months_lie_low(tmp_path: Path) -> None:
    signals = [signal("utanfor", 8, riktning="samre")]
    shares = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"))
    table = pl.DataFrame(signals, schema_overrides={"verksamhet": pl.String})
    flow = reading_with(tmp_path / "a", [], dim_indikator=shares, signal=table)
    stock = reading_with(tmp_path / "b", [], dim_indikator=shares.with_columns(bestand=True), signal=table)
    assert (worsening(flow), worsening(stock)) == (set(), {SHARE})
    told, info = change_at(flow, SHARE), flow.indicators[SHARE]
    assert (told.kind, told.month) == (FILLS_UP, None)
    assert told.sentence.startswith("Det går inte att säga om det har blivit sämre: talet fylls på i efterhand.")
    better = change_of(signals[0] | {"riktning": "battre"}, info)
    assert better.kind == CHANGED and "till det bättre" in better.sentence
    assert change_of(SIGNAL | LIMITS, info).sentence.endswith(
        "De senaste månaderna stiger när fler hinner registreras."
    )


def test_what_fills_up_leads_no_list(tmp_path: Path) -> None:
    rows = [
        plan_row("fylls på", malstatus="ej_uppfyllt", indicator_id=SHARE, varde=50.0),
        plan_row("delvis", malstatus="delvis"),
    ]
    shares = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"))
    known = items(*({"item_id": r["item_id"]} for r in rows))
    found = attention(reading_with(tmp_path, rows, dim_planpunkt=known, dim_indikator=shares), "delar", 2022)
    assert [(a.item_id, a.filling) for a in found] == [("delvis", False), ("fylls på", True)]


def test_of_a_past_period_nothing_gets_worse_now(tmp_path: Path) -> None:
    table = pl.DataFrame([signal("utanfor", riktning="samre")], schema_overrides={"verksamhet": pl.String})
    rows = [plan_row("nått", malstatus="uppfyllt", indicator_id=SHARE, varde=95.0)]
    reading = reading_with(tmp_path, rows, dim_planpunkt=items({"item_id": "nått"}), signal=table)
    assert [a.worse for a in attention(reading, "delar", 2022)] == [True]
    assert attention(reading, "delar", 2022, newest=False) == []


def test_the_rows_of_a_release_decide(tmp_path: Path) -> None:
    """Few cases of the month, shown points only, and twelve months whose intervals are apart."""
    month = {"period_typ": "manad", "niva": "verksamhet"}
    rows = [
        cell(SHARE, date(2022, 9, 1), date(2022, 9, 30), verksamhet="AA", varde=95.0, namnare=3.0, **month),
        cell(SHARE, date(2022, 9, 1), date(2022, 9, 30), verksamhet="BB", varde=95.0, namnare=300.0, **month),
    ]
    for start, end, low, high in ((2021, 2022, 92.8, 94.5), (2020, 2021, 89.6, 91.7)):
        span = (date(start, 10, 1), date(end, 9, 30))
        rows.append(cell(SHARE, *span, period_typ="r12", varde=93.0, ki_lag=low, ki_hog=high))
    place = {"niva": "verksamhet", "fran": date(2020, 10, 1)}
    signals = [signal("utanfor", verksamhet=code, **place) for code in ("AA", "BB")]
    signals.append(SIGNAL | LIMITS | {"fran": date(2020, 10, 1)})
    told = {
        "indicator_result": pl.DataFrame(rows, schema=RESULT_SCHEMA),
        "signal": pl.DataFrame(signals, infer_schema_length=None),
    }
    kinds = {"indicator_id": pl.String, "verksamhet": pl.String, "datum": pl.Date, "orsak": pl.String}
    reading = reading_with(tmp_path / "a", [], brott=pl.DataFrame(schema=kinds), **told)
    assert [change_at(reading, SHARE, code).kind for code in ("AA", "BB", None)] == [FEW, CHANGED, STILL]
    assert "högre än de tolv före" in change_at(reading, SHARE).sentence
    broken = pl.DataFrame([{"indicator_id": SHARE, "datum": date(2021, 5, 1), "orsak": "ny"}], schema=kinds)
    after = reading_with(tmp_path / "b", [], brott=broken, **told)
    assert "de tolv före" not in change_at(after, SHARE).sentence, "the years are of two series"


def test_whether_the_target_is_within_reach_is_counted_in_the_months(share: IndicatorInfo) -> None:
    def told(able: str, *met: bool, until: date | None = None) -> str | None:
        points = [
            replace(m, status="uppfyllt") if ok else m for m, ok in zip(months(*[80.0] * len(met)), met, strict=True)
        ]
        return change_of(SIGNAL | LIMITS | {"malformaga": able}, share, points, 20).capability(until)

    assert told("osakert", False, False) == "Målet har inte nåtts någon av 2 månader (augusti 2022–september 2022)."
    assert told("osakert", True, True) == "Målet har nåtts alla 2 månader (augusti 2022–september 2022)."
    assert told("osakert", True, False, True) == "Målet har nåtts 2 av 3 månader (juli 2022–september 2022)."
    assert told("osakert", False, False, True, until=date(2022, 8, 31)) == (
        "Målet har inte nåtts någon av 2 månader (juli 2022–augusti 2022)."
    )
    assert "nytt sätt att arbeta" in (told("nas_inte", False, False) or "")
    assert told("nas_inte", True, False) == "Målet har nåtts 1 av 2 månader (augusti 2022–september 2022)."
    assert told("inget_mal", False) is None
    assert change_of(SIGNAL | {"signal": "for_fa", "malformaga": "nas_inte"}, share).capability() is None
