"""Sentences that board and reports share, with the answers that a verksamhetschef would give."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.products.telling import (
    MissedBelow,
    Tally,
    attention,
    by_perspective,
    capability_words,
    gap_words,
    is_change,
    missed_below,
    reported_words,
    signal_words,
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
    reading = reading_with(
        tmp_path,
        rows,
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


def test_a_signal_says_what_changed_by_which_rule_and_when() -> None:
    shift = SIGNAL | {"signal": "skift", "riktning": "battre", "signal_manad": date(2022, 8, 31)}
    assert signal_words(shift) == (
        "En förändring till det bättre som är mer än slump: augusti 2022 är den sista av sju månader i rad på samma "
        "sida om medelvärdet."
    )
    assert is_change(shift) and not is_change(SIGNAL) and not is_change(None)


def test_no_signal_is_said_to_be_noise_and_too_few_to_be_unknown() -> None:
    assert signal_words(SIGNAL).startswith("Ingen säker förändring")
    assert "bara 7 månader har ett värde" in signal_words(SIGNAL | {"signal": "for_fa", "antal_punkter": 7})
    assert "ingen månad har ett värde" in signal_words(SIGNAL | {"signal": "for_fa", "antal_punkter": 0})
    assert "bedöms inte" in signal_words(None)


def test_a_register_that_fills_up_has_not_got_worse_because_its_newest_months_lie_low(tmp_path: Path) -> None:
    signals = [SIGNAL | {"signal": "utanfor", "riktning": "samre", "signal_manad": date(2022, 8, 1)}]
    shares = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"))
    table = pl.DataFrame(signals, schema_overrides={"verksamhet": pl.String})
    flow = reading_with(tmp_path / "a", [], dim_indikator=shares, signal=table)
    stock = reading_with(tmp_path / "b", [], dim_indikator=shares.with_columns(bestand=True), signal=table)
    assert (worsening(flow), worsening(stock)) == (set(), {SHARE})
    info = flow.indicators[SHARE]
    assert not is_change(signals[0], info)
    assert signal_words(signals[0], info).startswith("Det går inte att säga om det har blivit sämre")
    better = signals[0] | {"riktning": "battre"}
    assert is_change(better, info) and "till det bättre" in signal_words(better, info)
    assert signal_words(SIGNAL, info).endswith("De senaste månaderna stiger när fler hinner registreras.")


def test_whether_the_target_is_within_reach() -> None:
    assert "nytt sätt att arbeta" in (capability_words(SIGNAL | {"malformaga": "nas_inte"}) or "")
    assert capability_words(SIGNAL | {"malformaga": "inget_mal"}) is None
    assert capability_words(SIGNAL | {"signal": "for_fa", "malformaga": "nas_inte"}) is None


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
