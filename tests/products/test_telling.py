"""Sentences that board and reports share, with the answers that a verksamhetschef would give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

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
)
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import RESULT_SCHEMA
from tests.products.small import (
    DELAR,
    SHARE,
    SIGNAL,
    cell,
    dimensions,
    items,
    plan_row,
    reading_with,
)


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
