"""Sentences that board and reports share, with the answers that a verksamhetschef would give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
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
from dagster_project.products.reading import IndicatorInfo, Reading
from dagster_project.products.telling import (
    MissedBelow,
    Tally,
    attention,
    by_perspective,
    gap_words,
    missed_below,
    reported_words,
    tally,
    tally_words,
    to_target,
    worsening,
)
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import PLAN_SCHEMA, RESULT_SCHEMA
from tests.products.small import SHARE, cell, dimensions, readable_release, reading_of

DELAR = {"period_start": date(2022, 1, 1), "period_slut": date(2022, 8, 31)}
SIGNAL = {"indicator_id": SHARE, "niva": "omrade", "verksamhet": None, "antal_punkter": 24, "signal": "ingen"}
SIGNAL |= {"signal_manad": None, "riktning": None, "malformaga": "osakert"}


def plan_row(item_id: str, **said: Any) -> dict[str, Any]:
    row = dict.fromkeys(PLAN_SCHEMA) | {"plan_id": "X", "item_id": item_id, "niva": "omrade", "tillfalle": "delar"}
    return row | {"ar": 2022, "malstatus": "inget_mal", "mening": f"Mening om {item_id}."} | DELAR | said


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    """Plan items with the columns of the small release's."""
    like = dimensions()["dim_planpunkt"].row(0, named=True)
    made = [like | {"ordning": n, "titel": r["item_id"], "kort_titel": r["item_id"]} | r for n, r in enumerate(rows)]
    return pl.DataFrame(made, schema=dimensions()["dim_planpunkt"].schema)


def reading_with(tmp_path: Path, plan: list[dict[str, Any]], **tables: pl.DataFrame) -> Reading:
    data = DataPaths(tmp_path)
    words = [{"kod": s.code, "typ": s.kind, "ord": s.word, "symbol": s.symbol, "ordning": s.order} for s in labels()]
    signal = pl.DataFrame(
        [SIGNAL], schema_overrides={"signal_manad": pl.Date, "verksamhet": pl.String, "riktning": pl.String}
    )
    all_tables = {
        "plan_uppfoljning": pl.DataFrame(plan, schema=PLAN_SCHEMA),
        "dim_status": pl.DataFrame(words),
        "signal": signal,
        **tables,
    }
    return reading_of(data, readable_release(data, tables=all_tables))


# --- Counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (
            ["uppfyllt"] * 7 + ["delvis"] * 2 + ["ej_uppfyllt"] * 4,
            "7 av 13 mål är uppnådda, 2 delvis och 4 inte.",
        ),
        (["uppfyllt", "ej_uppfyllt", "inget_mal"], "1 av 2 mål är uppnått, 1 inte."),
        (["uppfyllt"] * 3 + ["dold"], "Alla 3 mål som bedöms är uppnådda."),
        (["uppfyllt"] * 2, "Båda de mål som bedöms är uppnådda."),
        (["uppfyllt"], "Det enda mål som bedöms är uppnått."),
        (["ej_uppfyllt"], "Det enda mål som bedöms är inte uppnått."),
        (["delvis"] * 2, "Inget av 2 mål är uppnått, 2 delvis."),
        (["preliminar", "inga_data"], "Inget mål kan bedömas än."),
        (["inget_mal", "ej_tillamplig"], "Inget mål bedöms."),
    ],
)
def test_how_many_are_met(statuses: list[str], words: str) -> None:
    assert tally_words(tally(statuses)) == words


def test_what_does_not_apply_is_counted_nowhere() -> None:
    assert tally(["ej_tillamplig", "uppfyllt", "dold"]) == Tally(met=1, untold=1, reported={})


def test_what_is_reported_is_told_in_the_words_of_the_release() -> None:
    words = {label.code: label.word for label in labels()}
    assert reported_words({"pagar": 14, "genomford": 2}, words) == (
        "Verksamheterna rapporterar själva 16 punkter: 2 genomförda och 14 pågår."
    )
    assert reported_words({"genomford": 1, "ej_paborjad": 2, "ej_rapporterad": 3}, words) == (
        "Verksamheterna rapporterar själva 6 punkter: 1 genomförd, 2 ej påbörjade och 3 inte rapporterade."
    )
    assert reported_words({"pagar": 1}, words, one_place=True) == "Verksamheten rapporterar själv 1 punkt: 1 pågår."
    assert reported_words({}, words) is None


def test_a_part_is_counted_with_its_whole(tmp_path: Path) -> None:
    parts = [{"item_id": "A"}, {"item_id": "A1", "overordnad_item": "A"}, {"item_id": "B", "perspektiv": "resurs"}]
    rows = [
        plan_row("A", malstatus="delvis"),
        plan_row("A1", malstatus="ej_uppfyllt"),
        plan_row("B", malstatus="uppfyllt"),
    ]
    told = by_perspective(reading_with(tmp_path, rows, dim_planpunkt=items(*parts)), "delar", 2022)
    assert [(t.code, t.tally.partly, t.tally.not_met, t.tally.met) for t in told] == [
        ("process", 1, 0, 0),
        ("resurs", 0, 0, 1),
    ]


def test_another_year_and_another_place_are_not_counted(tmp_path: Path) -> None:
    rows = [
        plan_row("A", malstatus="uppfyllt"),
        plan_row("A", malstatus="ej_uppfyllt", ar=2021),
        plan_row("A", malstatus="ej_uppfyllt", niva="verksamhet", verksamhet="AA"),
        plan_row("A", malstatus="ej_tillamplig", niva="verksamhet", verksamhet="BB"),
    ]
    reading = reading_with(tmp_path, rows, dim_planpunkt=items({"item_id": "A"}))
    assert [t.tally.met for t in by_perspective(reading, "delar", 2022)] == [1]
    assert [t.tally.not_met for t in by_perspective(reading, "delar", 2022, "AA")] == [1]
    assert by_perspective(reading, "delar", 2022, "BB") == []


# --- What needs somebody --------------------------------------------------------------------------------------------


def test_few_never_lead_and_what_gets_worse_comes_first(tmp_path: Path) -> None:
    rows = [
        plan_row("få", malstatus="ej_uppfyllt", indicator_id="f", varde=50.0),
        plan_row("delvis", malstatus="delvis"),
        plan_row("missat", malstatus="ej_uppfyllt", indicator_id="m", varde=50.0),
        plan_row("sämre", malstatus="ej_uppfyllt", indicator_id="s", varde=50.0),
        plan_row("nått", malstatus="uppfyllt", indicator_id="n", varde=95.0),
        plan_row("dolt", malstatus="dold", indicator_id="s"),
    ]
    few = cell(
        "f", DELAR["period_start"], DELAR["period_slut"], period_typ="delar", markering="FA", status="ej_uppfyllt"
    )
    signals = [SIGNAL | {"indicator_id": "s", "signal": "skift", "riktning": "samre", "signal_manad": date(2022, 8, 1)}]
    signals += [SIGNAL | {"indicator_id": "m", "signal": "for_fa", "riktning": "samre"}]
    known = dimensions()["dim_indikator"]
    as_share = known.filter(pl.col("indicator_id") == SHARE)
    named = [as_share.with_columns(indicator_id=pl.lit(i)) for i in ("s", "m")]
    reading = reading_with(
        tmp_path,
        rows,
        dim_indikator=pl.concat([known, *named]),
        dim_planpunkt=items(*({"item_id": r["item_id"]} for r in rows)),
        indicator_result=pl.DataFrame([few], schema=RESULT_SCHEMA),
        signal=pl.DataFrame(signals, schema_overrides={"verksamhet": pl.String, "signal_manad": pl.Date}),
    )
    found = attention(reading, "delar", 2022)
    assert [a.item_id for a in found] == ["sämre", "missat", "delvis", "få"]
    assert [a.few for a in found] == [False, False, False, True]
    assert found[0].sentence == "Mening om sämre."


def test_parts_stand_within_their_whole_as_they_are_counted(tmp_path: Path) -> None:
    rows = [
        plan_row("A", malstatus="delvis"),
        plan_row("A1", malstatus="ej_uppfyllt"),
        plan_row("A2", malstatus="uppfyllt"),
    ]
    parts = [{"item_id": "A"}, *({"item_id": i, "overordnad_item": "A"} for i in ("A1", "A2"))]
    found = attention(reading_with(tmp_path, rows, dim_planpunkt=items(*parts)), "delar", 2022)
    assert [(a.item_id, [p.item_id for p in a.parts], a.part_of) for a in found] == [("A", ["A1"], None)]


def test_a_part_stands_for_itself_where_its_whole_is_not_missed(tmp_path: Path) -> None:
    rows = [plan_row("A", malstatus="inga_data"), plan_row("A1", malstatus="ej_uppfyllt")]
    parts = [{"item_id": "A"}, {"item_id": "A1", "overordnad_item": "A"}]
    found = attention(reading_with(tmp_path, rows, dim_planpunkt=items(*parts)), "delar", 2022)
    assert [(a.item_id, a.part_of) for a in found] == [("A1", "A")]


def test_a_whole_is_judged_on_few_where_all_that_it_misses_is(tmp_path: Path) -> None:
    rows = [
        plan_row("A", malstatus="ej_uppfyllt"),
        plan_row("A1", malstatus="ej_uppfyllt", indicator_id="f", varde=50.0),
        plan_row("B", malstatus="delvis"),
    ]
    few = cell("f", *DELAR.values(), period_typ="delar", markering="FA", status="ej_uppfyllt")
    reading = reading_with(
        tmp_path,
        rows,
        dim_planpunkt=items({"item_id": "A"}, {"item_id": "A1", "overordnad_item": "A"}, {"item_id": "B"}),
        indicator_result=pl.DataFrame([few], schema=RESULT_SCHEMA),
    )
    assert [(a.item_id, a.few) for a in attention(reading, "delar", 2022)] == [("B", False), ("A", True)]


def test_who_misses_a_target_that_is_each_verksamhets_own(tmp_path: Path) -> None:
    at = {"niva": "verksamhet"}
    rows = [
        plan_row("egen", malstatus="inget_mal"),
        plan_row("egen", malstatus="ej_uppfyllt", verksamhet="AA", **at),
        plan_row("egen", malstatus="ej_uppfyllt", verksamhet="BB", indicator_id="f", **at),
        plan_row("områdets", malstatus="ej_uppfyllt"),
        plan_row("områdets", malstatus="ej_uppfyllt", verksamhet="AA", **at),
    ]
    few = cell("f", *DELAR.values(), period_typ="delar", markering="FA", status="ej_uppfyllt", verksamhet="BB", **at)
    reading = reading_with(
        tmp_path,
        rows,
        dim_planpunkt=items({"item_id": "egen"}, {"item_id": "områdets"}),
        indicator_result=pl.DataFrame([few], schema=RESULT_SCHEMA),
    )
    assert missed_below(reading, "delar", 2022) == [MissedBelow("egen", "egen", ("AA",), judged=2)]
    (told,) = by_perspective(reading, "delar", 2022)
    assert told.below == "Utöver det finns mål för varje verksamhet: egen, där 1 av 2 inte når målet."
    (here,) = by_perspective(reading, "delar", 2022, "AA")
    assert here.below is None


# --- Signals --------------------------------------------------------------------------------------------------------


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


# --- Gaps and distances ---------------------------------------------------------------------------------------------


def test_every_gap_has_its_reason_and_hidden_says_the_limit_not_the_number(tmp_path: Path) -> None:
    reading = reading_with(tmp_path, [])
    assert "1–4 personer" in gap_words(reading, "dold")
    for status in ("inga_data", "preliminar", "ej_tillamplig", "inget_mal"):
        assert gap_words(reading, status).endswith(".")
    with pytest.raises(ValueError, match="uppfyllt is no gap"):
        gap_words(reading, "uppfyllt")


def judged(
    taljare: float | None, namnare: float | None, operator: str | None = ">=", target: float | None = 100.0
) -> dict[str, Any]:
    row = {"taljare": taljare, "namnare": namnare, "mal_operator": operator, "malvarde": target}
    return row | {"status": "ej_uppfyllt"}


def test_how_many_more_it_had_taken(tmp_path: Path) -> None:
    share = reading_with(tmp_path, []).indicators[SHARE]
    from dataclasses import replace

    waits = replace(share, taljare_text="Besök med högst 90 dagar från beslut till besök", patient=True)
    assert to_target(waits, judged(1983.0, 2116.0)) == (
        "Målet hade nåtts om 133 färre av 2\u202f116 hade väntat mer än 90 dagar."
    )
    assert to_target(share, judged(80.0, 106.0, ">=", 80.0)) == "Målet hade nåtts med 5 fler av 106."
    # 72 of 100 against "more than 72 percent": one more, though 72 is reached.
    assert to_target(share, judged(72.0, 100.0, ">", 72.0)) == "Målet hade nåtts med 1 fler av 100."
    # 80 percent of 105 is exactly 84: binary fractions ask for no 85th.
    assert to_target(share, judged(83.0, 105.0, ">=", 80.0)) == "Målet hade nåtts med 1 fler av 105."
    assert to_target(share, judged(12.0, 100.0, "<=", 10.0)) == "Målet hade nåtts med 2 färre av 100."


def test_no_distance_where_nothing_is_missed_or_shown(tmp_path: Path) -> None:
    share = reading_with(tmp_path, []).indicators[SHARE]
    assert to_target(share, judged(90.0, 100.0) | {"status": "uppfyllt"}) is None
    assert to_target(share, judged(None, None) | {"status": "dold"}) is None
    assert to_target(share, judged(90.0, 100.0, None, None)) is None
