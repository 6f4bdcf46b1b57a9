"""How items stand: which group they are in, what leads it, and that the sentence is the release's."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from dagster_project.products.board.standing import (
    ACT,
    BEGIN,
    FOLLOWED,
    GOING_ON,
    OUTSIDE,
    REACHED,
    UNSURE,
    Standing,
    grouped,
    standings_of,
)
from dagster_project.products.reading import ItemInfo
from dagster_project.releases.sentence import quoted
from dagster_project.releases.tables import PLAN_SCHEMA


def item(item_id: str, order: int = 1, parent: str | None = None, **said: Any) -> ItemInfo:
    values: dict[str, Any] = {
        "plan_id": "X",
        "plan_titel": "Planen",
        "mal_id": "P1",
        "perspektiv": "process",
        "mal_titel": "Korta väntor",
        "typ": "aktivitet",
        "titel": f"Hela titeln {item_id}",
        "kort_titel": f"Punkt {item_id}",
        "omfattning": (),
        "uppfoljning": "bada",
        "ansvarig": "Chefen",
        "nr": None,
        "rapportering": (),
    }
    return ItemInfo(item_id=item_id, overordnad_item=parent, ordning=order, **(values | said))


def plan_row(item_id: str, **said: Any) -> dict[str, Any]:
    """A row of `plan_uppfoljning` at verksamhet AA with its cell's mark."""
    row: dict[str, Any] = dict.fromkeys([*PLAN_SCHEMA, "markering"])
    row |= {"plan_id": "X", "item_id": item_id, "niva": "verksamhet", "verksamhet": "AA", "tillfalle": "senaste"}
    row |= {"ar": 2022, "period_start": date(2021, 10, 1), "period_slut": date(2022, 9, 30), "malstatus": "inget_mal"}
    return row | {"mening": f"Punkt {item_id}: 80,0 procent."} | said


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={**PLAN_SCHEMA, "markering": pl.String()})


def standing(**said: Any) -> Standing:
    (found,) = standings_of(frame(plan_row("A", **said)), {"A": item("A")})["AA"]
    return found


@pytest.mark.parametrize(
    ("target", "reported", "mark", "group"),
    [
        ("ej_uppfyllt", None, None, ACT),
        ("delvis", "genomford", None, ACT),
        ("ej_uppfyllt", "ej_rapporterad", None, ACT),
        ("ej_uppfyllt", None, "FA", UNSURE),
        ("delvis", "pagar", "FA", UNSURE),
        ("inget_mal", "ej_rapporterad", None, BEGIN),
        ("uppfyllt", "ej_rapporterad", None, BEGIN),
        ("dold", "ej_paborjad", None, BEGIN),
        ("dold", "pagar", "MSK", UNSURE),
        ("inga_data", None, None, UNSURE),
        ("preliminar", "genomford", None, UNSURE),
        ("inget_mal", "pagar", None, GOING_ON),
        ("uppfyllt", None, "FA", REACHED),
        ("uppfyllt", "pagar", None, REACHED),
        ("inget_mal", "genomford", None, REACHED),
        ("inget_mal", None, None, FOLLOWED),
        ("ej_tillamplig", None, None, OUTSIDE),
        ("inget_mal", "utgar", None, OUTSIDE),
    ],
)
def test_every_item_is_in_one_group(target: str, reported: str | None, mark: str | None, group: str) -> None:
    found = standing(indicator_id="a", malstatus=target, rapporterad_status=reported, markering=mark)
    assert found.group == group


def test_failing_comes_first_and_few_cases_lead_nothing() -> None:
    rows = [
        plan_row("A", malstatus="uppfyllt"),
        plan_row("B", malstatus="ej_uppfyllt", markering="FA", indicator_id="b"),
        plan_row("C", malstatus="delvis", indicator_id="c"),
        plan_row("D", malstatus="ej_uppfyllt", indicator_id="d"),
        plan_row("E", malstatus="inga_data"),
    ]
    items = {i: item(i, n) for n, i in enumerate("ABCDE")}
    found = grouped(standings_of(frame(*rows), items)["AA"])
    assert [(group, [s.item.item_id for s in inside]) for group, inside in found] == [
        (ACT, ["C", "D"]),
        (UNSURE, ["E", "B"]),
        (REACHED, ["A"]),
    ]
    worse = grouped(standings_of(frame(*rows), items)["AA"], frozenset({"d", "b"}))
    assert [s.item.item_id for s in worse[0][1]] == ["D", "C"], "what gets worse comes first"


@pytest.mark.parametrize(("part", "few"), [("FA", True), (None, False)])
def test_a_parent_is_on_few_where_every_failing_part_is(part: str | None, few: bool) -> None:
    rows = [
        plan_row("P", malstatus="delvis"),
        plan_row("P1", malstatus="ej_uppfyllt", markering="FA", indicator_id="a"),
        plan_row("P2", malstatus="ej_uppfyllt", markering=part, indicator_id="b"),
        plan_row("P3", malstatus="uppfyllt", indicator_id="c"),
    ]
    items = {"P": item("P", 1), **{f"P{n}": item(f"P{n}", n + 1, "P") for n in (1, 2, 3)}}
    parent = standings_of(frame(*rows), items)["AA"][0]
    assert parent.item.item_id == "P" and parent.few is few


def test_the_sentence_is_the_releases_and_the_comment_is_told_whole() -> None:
    long = "Vi har " + "arbetat mycket " * 20 + "till slut."
    mening = (
        f"Punkt A: Pågår. Kommentar: ”{long[:190].rsplit(' ', 1)[0]} …” Rapporterna är från den 31 augusti 2022: x."
    )
    found = standing(rapporterad_status="pagar", kommentar=long, mening=mening)
    exact = standing(
        rapporterad_status="pagar",
        kommentar=long,
        mening=f"Punkt A: Pågår. Kommentar: {quoted(long)} Rapporterna är från den 31 augusti 2022: x.",
    )
    assert exact.sentence == "Punkt A: Pågår. Rapporterna är från den 31 augusti 2022: x."
    assert exact.rest == "Pågår. Rapporterna är från den 31 augusti 2022: x."
    assert exact.comment == found.comment == long
    assert found.sentence == mening, "what is not the quotation stays"
    assert standing(mening="Punkt A: 80,0 procent.").comment is None


def test_items_come_in_the_plans_order_at_every_place() -> None:
    rows = [
        plan_row("B", verksamhet="BB"),
        plan_row("A", verksamhet="BB"),
        plan_row("A", niva="omrade", verksamhet=None),
    ]
    found = standings_of(frame(*rows), {"A": item("A", 1), "B": item("B", 2)})
    assert {place: [s.item.item_id for s in inside] for place, inside in found.items()} == {
        "BB": ["A", "B"],
        None: ["A"],
    }


def test_a_number_without_anything_to_judge_it_by_is_told_as_that() -> None:
    assert standing(malstatus="inga_data", varde=85.0, indicator_id="a").undecided
    assert not standing(malstatus="inga_data", indicator_id="a").undecided
    frozen = standing(kvalitet="fryst", release_id="2022-08-31-abc", indicator_id="a", varde=1.0)
    assert frozen.doubted and frozen.frozen_from == "2022-08-31-abc"
    assert not standing(kvalitet="godkand", release_id="r", indicator_id="a").doubted
