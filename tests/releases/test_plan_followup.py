"""`plan_uppfoljning`: each rule of plan.md on hand-made plans, cells and reports, with hand-worked answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import Item, Plan, Target
from dagster_project.catalogue.vocabulary import PLAN_STATUSES
from dagster_project.releases.audit import audit_plan
from dagster_project.releases.plan_followup import (
    REPORT_SCHEMA,
    Reports,
    earlier_reports,
    no_reports,
    plan_followup,
)
from dagster_project.releases.plan_targets import FollowedUp, plan_of_today
from dagster_project.releases.tables import PLAN_KEY, PLAN_NUMBERS, PLAN_SCHEMA, RESULT_SCHEMA

AS_OF = date(2022, 9, 15)
AUGUST = date(2022, 8, 31)
RELEASE = "2022-09-15-0123456789ab"
PLAN = Plan("P", "Plan", "HH", date(2022, 1, 1), date(2022, 12, 31), True)
DEFINITIONS = pl.DataFrame(
    schema={"indicator_id": pl.String, "titel": pl.String, "art": pl.String, "bestand": pl.Boolean}
)
SCOPE = ("AUD", "BUH", "SC")


def indicator(name: str, scope: Sequence[str] = SCOPE, kind: str = "antal") -> Indicator:
    return replace(load_catalogue()[0], id=name, titel=name, kind=kind, scope=tuple(scope), unit="antal")


def item(name: str, scope: Sequence[str] = SCOPE, follow_up: str = "beraknad", parent: str | None = None) -> Item:
    return Item(name, "P", None, "aktivitet", name, name, tuple(scope), follow_up, parent, None, None, (), 1)


def target(of: str, value: float | None = None, base: str | None = None, **said: Any) -> Target:
    plain = Target(
        item_id="-",
        indicator_id=of,
        operator=">" if base else ">=",
        value=value,
        base=base,
        base_year=None,
        levels=("verksamhet", "omrade"),
        prorated=False,
        judged_on=(),
        from_year=None,
        to_year=None,
        main=True,
    )
    return replace(plain, **said)


def followed(
    *items: Item,
    main: Mapping[str, str] | None = None,
    targets: Mapping[str, Sequence[Target]] | None = None,
    measures: Mapping[str, Sequence[str]] | None = None,
) -> FollowedUp:
    main, targets, measures = main or {}, targets or {}, measures or {}
    tied = {i.id: (*((main[i.id],) if i.id in main else ()), *measures.get(i.id, ())) for i in items}
    parts = {i.id: tuple(p for p in items if p.parent == i.id) for i in items if tied[i.id] and i.id not in main}
    return FollowedUp(PLAN, items, main, tied, parts, {name: tuple(found) for name, found in targets.items()})


PERIODS = {
    "manad": (date(2022, 8, 1), AUGUST),
    "delar": (date(2022, 1, 1), AUGUST),
    "ar": (date(2022, 1, 1), date(2022, 12, 31)),
    "r12": (date(2021, 9, 1), AUGUST),
}


def cell(
    of: str, verksamhet: str | None = None, varde: float | None = 80.0, period: str = "delar", **said: Any
) -> dict[str, Any]:
    """A published cell (T) of an area or a verksamhet, complete and godkand."""
    start, end = PERIODS[period]
    plain = {
        **dict.fromkeys(RESULT_SCHEMA),
        "indicator_id": of,
        "niva": "verksamhet" if verksamhet else "omrade",
        "verksamhet": verksamhet,
        "period_typ": period,
        "period_start": start,
        "period_slut": end,
        "kon": "T",
        "varde": varde,
        "status": "inga_data" if varde is None else "inget_mal",
        "komplett": True,
        "kvalitet": "godkand",
        "release_id": RELEASE,
    }
    return {**plain, **said}


def table(
    plan: FollowedUp,
    cells: Sequence[dict[str, Any]] = (),
    reports: Reports | None = None,
    indicators: Sequence[Indicator] = (),
    as_of: date = AS_OF,
    first_year: int = 2019,
) -> pl.DataFrame:
    frame = pl.DataFrame(list(cells), schema=RESULT_SCHEMA)
    named = {i.id for i in indicators}
    every = {i for ids in plan.measures.values() for i in ids} - named
    return plan_followup(
        frame,
        plan,
        reports or no_reports(),
        DEFINITIONS,
        as_of,
        first_year,
        [*indicators, *(indicator(i) for i in sorted(every))],
    )


def at(frame: pl.DataFrame, item_id: str, verksamhet: str | None = None, tillfalle: str = "delar") -> dict[str, Any]:
    found = frame.filter(
        (pl.col("item_id") == item_id)
        & pl.col("verksamhet").eq_missing(verksamhet)
        & (pl.col("tillfalle") == tillfalle)
    )
    assert found.height == 1
    return found.row(0, named=True)


def status(
    targets: Sequence[Target],
    cells: Sequence[dict[str, Any]],
    verksamhet: str | None = "BUH",
    tillfalle: str = "delar",
    measures: Sequence[str] = (),
) -> str:
    plan = followed(item("A"), main={"A": "a"}, targets={"A": targets}, measures={"A": measures})
    found: str = at(table(plan, cells), "A", verksamhet, tillfalle)["malstatus"]
    return found


# --- Which rows ----------------------------------------------------------------------------------------------------


def test_a_row_per_item_place_and_occasion() -> None:
    plan = followed(item("A", SCOPE), item("B", ()), item("C", ["TC"], "sjalvrapporterad"), main={"A": "a", "B": "a"})
    frame = table(plan)
    assert dict(frame.schema) == PLAN_SCHEMA
    assert frame.select(PLAN_KEY).equals(frame.select(PLAN_KEY).unique().sort(PLAN_KEY, nulls_last=False))
    each = frame.group_by("item_id", "niva", "verksamhet").agg(pl.col("tillfalle").sort(), pl.col("ar").unique())
    assert set(each.select("item_id", "verksamhet").rows()) == {
        *((("A", v)) for v in (None, *SCOPE)),
        ("B", None),
        ("C", None),
        ("C", "TC"),
    }
    assert {tuple(t) for t in each["tillfalle"]} == {("ar", "delar", "senaste")}
    assert {tuple(y) for y in each["ar"]} == {(2022,)}


@pytest.mark.parametrize(
    ("as_of", "first_year", "expected"),
    [
        (date(2021, 12, 31), 2018, []),
        (date(2022, 1, 1), 2019, [2022]),
        (date(2025, 5, 1), 2022, [2022]),
        (date(2026, 5, 1), 2023, []),
    ],
)
def test_the_years_of_the_grid_in_which_the_plan_is_valid(as_of: date, first_year: int, expected: list[int]) -> None:
    frame = table(followed(item("A"), main={"A": "a"}), as_of=as_of, first_year=first_year)
    assert sorted(set(frame.filter(pl.col("tillfalle") != "senaste")["ar"])) == expected
    assert frame.filter(pl.col("tillfalle") == "senaste").height == 1 + len(SCOPE)


def month(of: str, year: int, number: int, **said: Any) -> dict[str, Any]:
    end = date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)
    return cell(of, period="manad", period_start=end.replace(day=1), period_slut=end, **said)


def test_the_latest_is_the_newest_complete_month() -> None:
    plan = followed(
        item("A"),
        item("P"),
        item("P1", parent="P"),
        item("P2", parent="P"),
        item("R", follow_up="sjalvrapporterad"),
        item("N"),
        main={"A": "a", "P1": "a", "P2": "b", "N": "never"},
        measures={"P": ["a", "b"]},
    )
    cells = [
        month("a", 2022, 7),
        month("a", 2022, 8),
        month("a", 2022, 9, komplett=False),
        month("a", 2022, 9, niva="verksamhet", verksamhet="BUH"),  # the area decides
        month("b", 2021, 12),
        month("b", 2022, 7),
    ]
    frame = table(plan, cells, Reports(pl.DataFrame(schema=REPORT_SCHEMA), date(2021, 12, 31), "godkand", RELEASE))
    latest = frame.filter((pl.col("tillfalle") == "senaste") & (pl.col("niva") == "omrade"))
    assert latest.select("item_id", "ar", "period_start", "period_slut").rows() == [
        ("A", 2022, date(2021, 9, 1), date(2022, 8, 31)),
        ("N", 2022, date(2021, 9, 1), date(2022, 8, 31)),  # no month: the last that has ended
        ("P", 2022, date(2021, 8, 1), date(2022, 7, 31)),
        ("P1", 2022, date(2021, 9, 1), date(2022, 8, 31)),
        ("P2", 2022, date(2021, 8, 1), date(2022, 7, 31)),
        ("R", 2021, date(2021, 1, 1), date(2021, 12, 31)),
    ]


# --- Numbers -------------------------------------------------------------------------------------------------------


def test_numbers_are_the_cells() -> None:
    numbers = dict(zip(PLAN_NUMBERS, (8.0, 10.0, 80.0, 75.0, 5.0), strict=True))
    old = {"kvalitet": "fryst", "release_id": "2022-06-30-0123456789ab"}
    cells = [
        cell("a", "BUH", **{**numbers, **old}),
        cell("a", "BUH", 1.0, kon="K"),
        cell("a", "AUD", None, status="dold"),
        cell("a", None, 81.0, period="r12"),
        month("a", 2022, 8),
    ]
    frame = table(followed(item("A"), main={"A": "a"}), cells)
    buh, aud, area = at(frame, "A", "BUH"), at(frame, "A", "AUD"), at(frame, "A", None, "senaste")
    assert {n: buh[n] for n in (*numbers, *old)} == {**numbers, **old}
    assert buh["indicator_id"] == "a" and buh["malstatus"] == "inget_mal" and "30 juni 2022" in buh["mening"]
    assert aud["malstatus"] == "dold" and all(aud[n] is None for n in numbers)
    assert "för få för att visas" in aud["mening"]
    assert area["varde"] == 81.0


def test_an_indicator_that_the_release_does_not_have_gives_rows_without_data() -> None:
    frame = table(followed(item("A", verksamhet_codes()), main={"A": "a"}), indicators=[indicator("a", ["BUH"])])
    buh, tc = at(frame, "A", "BUH"), at(frame, "A", "TC")
    assert (buh["malstatus"], buh["kvalitet"], buh["release_id"], buh["indicator_id"]) == ("inga_data", None, None, "a")
    assert tc["malstatus"] == "ej_tillamplig"


# --- Targets -------------------------------------------------------------------------------------------------------

AT_LEAST_80 = target("a", 80.0)
MORE = target("a", base="foregaende_ar", main=False)


@pytest.mark.parametrize(
    ("targets", "varde", "before", "expected"),
    [
        ([], 80.0, 90.0, "inget_mal"),
        ([AT_LEAST_80], 80.0, None, "uppfyllt"),
        ([AT_LEAST_80], 79.9999, None, "ej_uppfyllt"),
        ([MORE], 80.0, 79.0, "uppfyllt"),
        ([MORE], 80.0, 80.0, "ej_uppfyllt"),
        ([MORE], 80.0, None, "inga_data"),
        ([AT_LEAST_80, MORE], 85.0, 80.0, "uppfyllt"),
        ([AT_LEAST_80, MORE], 85.0, 86.0, "delvis"),
        ([AT_LEAST_80, MORE], 75.0, 70.0, "delvis"),
        ([AT_LEAST_80, MORE], 75.0, 76.0, "ej_uppfyllt"),
        ([AT_LEAST_80, MORE], 85.0, None, "inga_data"),
        ([AT_LEAST_80, MORE], 75.0, None, "ej_uppfyllt"),
        ([AT_LEAST_80, target("a", 90.0), MORE], 85.0, None, "delvis"),
        ([target("a", 80.0, operator="<=")], 80.0, None, "uppfyllt"),
        ([target("a", 80.0, operator="<")], 80.0, None, "ej_uppfyllt"),
        ([target("a", 80.0, from_year=2023)], 70.0, None, "inget_mal"),
        ([target("a", 80.0, to_year=2022)], 70.0, None, "ej_uppfyllt"),
        ([target("a", 80.0, levels=("omrade",))], 70.0, None, "inget_mal"),
        ([target("a", 80.0, judged_on=("ar", "r12"))], 70.0, None, "inget_mal"),
        ([target("a", 80.0, judged_on=("delar",))], 70.0, None, "ej_uppfyllt"),
    ],
)
def test_judged_over_all_targets_that_apply(
    targets: list[Target], varde: float, before: float | None, expected: str
) -> None:
    assert status(targets, [cell("a", "BUH", varde, jamforelse_varde=before)]) == expected


@pytest.mark.parametrize("said", ["ej_tillamplig", "dold", "inga_data", "preliminar"])
def test_what_the_cell_says_goes_first(said: str) -> None:
    varde = 80.0 if said == "preliminar" else None
    assert status([AT_LEAST_80], [cell("a", "BUH", varde, status=said)]) == said
    assert status([], [cell("a", "BUH", varde, status=said)]) == said


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"varde": 5.0, "status": "inget_mal"}, "uppfyllt"),
        ({"varde": 15.0, "status": "inget_mal"}, "delvis"),
        ({"varde": None, "status": "dold"}, "inga_data"),
        ({"varde": 5.0, "status": "preliminar"}, "inga_data"),
        ({"varde": None, "status": "ej_tillamplig"}, "uppfyllt"),  # does not apply
    ],
)
def test_a_target_on_a_supporting_indicator(other: dict[str, Any], expected: str) -> None:
    targets = [AT_LEAST_80, target("b", 10.0, operator="<")]
    assert status(targets, [cell("a", "BUH", 80.0), cell("b", "BUH", **other)], measures=["b"]) == expected


def test_the_value_of_the_first_target_that_applies() -> None:
    targets = [target("a", 750.0, prorated=True, levels=("omrade",)), target("a", 3.0), MORE]
    plan = followed(item("A"), main={"A": "a"}, targets={"A": targets})
    cells = [cell("a", v, 10.0, p, jamforelse_varde=9.0) for v in (None, "BUH") for p in ("delar", "r12")]
    frame = table(plan, [*cells, month("a", 2022, 8)])
    found = {(v, t): at(frame, "A", v, t) for v in (None, "BUH") for t in ("delar", "senaste")}
    assert [(r["malvarde"], r["mal_operator"]) for r in found.values()] == [
        (750 * 243 / 365, ">="),
        (750.0, ">="),
        (3.0, ">="),
        (3.0, ">="),
    ]
    assert {r["mal_text"] for r in found.values()} == {"minst 750 per år för området, minst 3 och mer än föregående år"}


def test_a_target_of_the_area_is_not_told_as_a_verksamhets() -> None:
    plan = followed(item("A"), main={"A": "a"}, targets={"A": [target("a", 750.0, levels=("omrade",))]})
    frame = table(plan, [cell("a", v, 41.0, status="preliminar") for v in (None, "BUH")])
    assert "; målet är minst 750 för området." in at(frame, "A")["mening"]
    assert "(preliminärt). Målet minst 750 för området bedöms inte här." in at(frame, "A", "BUH")["mening"]


def test_a_number_made_of_the_reports_is_told_once() -> None:
    ours = next(i for i in load_catalogue() if i.report_source is not None)
    plan = followed(item("A", follow_up="bada"), main={"A": ours.id})
    told = reports(("BUH", AUGUST, "pagar", 13.0), of="A")
    for made, expected in ((ours, False), (replace(ours, read=("vantetider",)), True)):
        row = at(table(plan, [cell(ours.id, "BUH", 15.0)], told, [made]), "A", "BUH")
        assert row["antal"] == 13.0 and ("antal 13" in row["mening"]) is expected


def test_a_target_without_comparison_has_neither_value_nor_operator() -> None:
    plan = followed(item("A"), main={"A": "a"}, targets={"A": [MORE]})
    row = at(table(plan, [cell("a", "BUH", 80.0)]), "A", "BUH")
    assert (row["malvarde"], row["mal_operator"], row["mal_text"]) == (None, None, "mer än föregående år")


def test_a_hidden_row_shows_the_target_that_hides_nothing() -> None:
    hidden = cell("a", "BUH", None, status="dold")
    for goal, value in ((AT_LEAST_80, 80.0), (MORE, None)):
        plan = followed(item("A"), main={"A": "a"}, targets={"A": [goal]})
        assert at(table(plan, [hidden]), "A", "BUH")["malvarde"] == value


def test_proration_counts_the_days_of_the_year() -> None:
    leap = followed(item("A"), main={"A": "a"}, targets={"A": [target("a", 750.0, prorated=True)]})
    leap = replace(leap, plan=replace(PLAN, valid_from=date(2024, 1, 1), valid_to=date(2024, 12, 31)))
    cells = [cell("a", "BUH", 1.0, period_start=date(2024, 1, 1), period_slut=date(2024, 8, 31))]
    assert at(table(leap, cells, as_of=date(2024, 9, 1), first_year=2021), "A", "BUH")["malvarde"] == 750 * 244 / 366


# --- Parents -------------------------------------------------------------------------------------------------------

PARENT = followed(
    item("P"),
    item("P1", ["AUD", "BUH"], parent="P"),
    item("P2", ["BUH"], parent="P"),
    item("P3", ["BUH"], parent="P"),
    main={"P1": "a", "P2": "b", "P3": "c"},
    measures={"P": ["a", "b", "c"]},
    targets={"P1": [AT_LEAST_80], "P2": [target("b", 80.0)], "P3": [target("c", 50.0), target("c", 90.0)]},
)
HIDDEN_CELL = {"varde": None, "status": "dold"}


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (80.0, 80.0, 90.0, "uppfyllt"),
        (80.0, 80.0, 60.0, "delvis"),
        (80.0, 70.0, 90.0, "delvis"),
        (70.0, 70.0, 40.0, "ej_uppfyllt"),
        (None, 80.0, 90.0, "inga_data"),
        (None, 70.0, 90.0, "delvis"),
        (None, 70.0, 40.0, "ej_uppfyllt"),
        (None, None, None, "inga_data"),
        (None, None, 60.0, "delvis"),
    ],
)
def test_a_parent_is_judged_over_its_parts(a: float | None, b: float | None, c: float | None, expected: str) -> None:
    values = {"a": a, "b": b, "c": c}
    cells = [cell(i, "BUH", **({"varde": v} if v is not None else HIDDEN_CELL)) for i, v in values.items()]
    row = at(table(PARENT, cells), "P", "BUH")
    assert row["malstatus"] == expected
    assert [row[n] for n in ("indicator_id", "malvarde", "mal_operator", "kvalitet", *PLAN_NUMBERS)] == [None] * 9


@pytest.mark.parametrize(
    ("b", "c", "said"),
    [
        ({"status": "preliminar"}, {"status": "preliminar"}, True),
        ({}, {"status": "preliminar"}, True),  # the others are met
        (HIDDEN_CELL, {"status": "preliminar"}, False),
        ({}, {"varde": None}, False),
    ],
)
def test_a_parent_says_when_it_only_waits_for_final_numbers(b: dict[str, Any], c: dict[str, Any], said: bool) -> None:
    cells = [cell("a", "BUH", 95.0), cell("b", "BUH", **{"varde": 95.0, **b}), cell("c", "BUH", **{"varde": 95.0, **c})]
    row = at(table(PARENT, cells), "P", "BUH")
    assert row["malstatus"] == "inga_data"
    assert ("eftersom uppgifterna är preliminära" in row["mening"]) is said


def test_parts_out_of_scope_do_not_count() -> None:
    cells = [cell(i, v, 80.0 if i == "a" else 0.0) for i in "abc" for v in ("AUD", "BUH")]
    frame = table(PARENT, cells, indicators=[indicator("c", ["BUH"])])
    assert [at(frame, "P", v)["malstatus"] for v in ("AUD", "BUH", "SC")] == ["uppfyllt", "delvis", "inga_data"]


def test_a_parent_looks_at_its_own_months() -> None:
    """The newest month that all its indicators have, also where one of its parts has a newer one."""
    cells = [cell("a", "BUH", 100.0, "r12"), month("a", 2022, 8)]  # newer, met
    for name in "abc":
        old = {"period_start": date(2021, 8, 1), "period_slut": date(2022, 7, 31)}
        cells += [month(name, 2022, 7), cell(name, "BUH", 0.0, "r12", **old)]
    frame = table(PARENT, cells)
    assert at(frame, "P1", "BUH", "senaste")["malstatus"] == "uppfyllt"
    assert at(frame, "P", "BUH", "senaste")["malstatus"] == "ej_uppfyllt"


def test_a_parent_tells_the_targets_of_its_parts() -> None:
    frame = table(PARENT)
    assert at(frame, "P")["mal_text"] == "P1 minst 80; P2 minst 80; P3 minst 50 och minst 90"
    assert at(frame, "P", "AUD")["mal_text"] == "P1 minst 80"  # it has no other part


# --- Reports -------------------------------------------------------------------------------------------------------

OWN = item("R", ["AUD", "BUH", "CFH", "TC"], "sjalvrapporterad")


def reports(*rows: tuple[Any, ...], of: str = "R") -> Reports:
    """verksamhet, month's last day, status, antal, kommentar"""
    told = [(of, *r, *[None] * (5 - len(r))) for r in rows]
    return Reports(pl.DataFrame(told, schema=REPORT_SCHEMA, orient="row"), AUGUST, "varning", RELEASE)


def test_the_newest_report_in_or_before_the_period() -> None:
    told = reports(
        ("BUH", date(2021, 12, 31), "pagar", 1.0, "förra året"),
        ("BUH", date(2022, 8, 31), "genomford", None, "klart"),
        ("BUH", date(2022, 9, 30), "utgar", 4.0, "efter delåret"),
        ("AUD", date(2021, 12, 31), "pagar", 2.0),
        ("FAM", date(2022, 8, 31), "pagar"),  # not in the item's scope
    )
    frame = table(followed(OWN), reports=told)
    names = ("rapporterad_status", "antal", "kommentar", "rapporterade", "i_omfattning")

    def said(verksamhet: str | None, tillfalle: str) -> tuple[Any, ...]:
        row = at(frame, "R", verksamhet, tillfalle)
        assert (row["malstatus"], row["rapport_kvalitet"], row["rapport_release_id"]) == (
            "inget_mal",
            "varning",
            RELEASE,
        )
        assert (row["kvalitet"], row["release_id"], row["indicator_id"]) == (None, None, None)
        return tuple(row[n] for n in names)

    assert said("BUH", "delar") == ("genomford", None, "klart", None, None)
    assert said("BUH", "ar") == ("utgar", 4.0, "efter delåret", None, None)
    assert said("BUH", "senaste") == ("genomford", None, "klart", None, None)
    assert said("AUD", "delar") == ("pagar", 2.0, None, None, None)
    assert said("CFH", "delar") == ("ej_rapporterad", None, None, None, None)
    assert said(None, "delar") == ("pagar", 2.0, None, 2, 4)
    assert said(None, "ar") == ("pagar", 6.0, None, 2, 4)
    assert "(2 av 4 verksamheter har rapporterat)" in at(frame, "R")["mening"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("", "ej_rapporterad"),
        ("GGGG", "genomford"),
        ("GGGU", "genomford"),
        ("GGG", "pagar"),  # one has not reported: it has not begun
        ("EEEE", "ej_paborjad"),
        ("E", "ej_paborjad"),
        ("EU", "ej_paborjad"),
        ("U", "ej_paborjad"),  # three have not reported
        ("UUUU", "utgar"),
        ("UUUE", "ej_paborjad"),
        ("UUUP", "pagar"),
        ("GEEE", "pagar"),
        ("P", "pagar"),
    ],
)
def test_the_area_follows_from_its_verksamheter(told: str, expected: str) -> None:
    word = {"G": "genomford", "U": "utgar", "E": "ej_paborjad", "P": "pagar"}
    rows = [(v, AUGUST, word[c]) for v, c in zip(OWN.scope, told, strict=False)]
    row = at(table(followed(OWN), reports=reports(*rows)), "R")
    assert (row["rapporterad_status"], row["rapporterade"], row["i_omfattning"]) == (expected, len(told), 4)


def test_nobody_is_asked_for_what_is_only_computed() -> None:
    plan = followed(item("A"), item("B", follow_up="bada"), OWN, main={"A": "a", "B": "a"})
    frame = table(plan, reports=reports(("BUH", AUGUST, "pagar"), of="A"))
    names = [
        "rapporterad_status",
        "rapporterade",
        "i_omfattning",
        "antal",
        "kommentar",
        "rapport_kvalitet",
        "rapport_release_id",
    ]
    assert frame.filter(pl.col("item_id") == "A").select(names).null_count().row(0) == (12,) * 7
    assert at(frame, "B", "BUH")["rapporterad_status"] == "ej_rapporterad"


def test_reports_that_were_never_delivered() -> None:
    row = at(table(followed(OWN)), "R")
    assert (row["rapporterad_status"], row["rapporterade"], row["i_omfattning"]) == ("ej_rapporterad", 0, 4)
    assert (row["rapport_kvalitet"], row["rapport_release_id"]) == (None, None)
    assert row["mening"] == "R: Inte rapporterad till och med augusti 2022."


def test_reports_that_are_held_back_are_those_of_the_release_before() -> None:
    both = item("B", follow_up="bada")
    before = table(
        followed(OWN, both, main={"B": "a"}),
        [month("a", 2021, 12)],
        reports(("BUH", date(2021, 12, 31), "genomford", 3.0, "klart"), ("TC", AUGUST, "pagar")),
    )
    wider = replace(OWN, scope=(*OWN.scope, "VUH"))
    new = item("N", follow_up="sjalvrapporterad")
    frame = table(
        followed(wider, both, new, main={"B": "a"}),
        [month("a", 2022, 8), cell("a", "BUH", 50.0, "r12")],
        earlier_reports(before, "2022-08-31-0123456789ab"),
    )
    names = ("rapporterad_status", "antal", "kommentar", "rapport_kvalitet", "rapport_release_id")
    old = ("fryst", "2022-08-31-0123456789ab")
    for tillfalle in ("delar", "senaste"):
        assert tuple(at(frame, "R", "BUH", tillfalle)[n] for n in names) == ("genomford", 3.0, "klart", *old)
        assert tuple(at(frame, "R", "VUH", tillfalle)[n] for n in names) == ("ej_rapporterad", None, None, *old)
        assert tuple(at(frame, "N", None, tillfalle)[n] for n in names) == ("ej_rapporterad", None, None, *old)
    area = at(frame, "R")
    assert (area["rapporterad_status"], area["rapporterade"], area["i_omfattning"]) == ("pagar", 2, 4)
    assert (at(frame, "N")["rapporterade"], at(frame, "N")["i_omfattning"]) == (0, 3)
    latest = at(frame, "B", "BUH", "senaste")  # its indicator has moved on a year
    assert (latest["period_slut"], latest["rapporterad_status"]) == (AUGUST, "ej_rapporterad")
    assert "31 augusti 2022: senare leveranser" in at(frame, "R", "BUH")["mening"]


# --- Properties ----------------------------------------------------------------------------------------------------

STATUSES = st.sampled_from(["dold", "inga_data", "preliminar", "ej_tillamplig", "inget_mal"])


@settings(deadline=None)  # whole tables: the first costs more, and the machine is shared
@given(st.lists(st.tuples(STATUSES, st.integers(0, 100), st.none() | st.integers(0, 100)), min_size=3, max_size=3))
def test_nothing_of_a_hidden_cell_is_told(drawn: list[tuple[str, int, int | None]]) -> None:
    """A hidden cell's row has no number, and it and its parent say the same whatever the number was."""
    cells = []
    for name, (said, value, before) in zip("abc", drawn, strict=True):
        shown = said in ("preliminar", "inget_mal")
        cells.append(
            cell(name, "BUH", float(value) if shown else None, status=said, jamforelse_varde=before if shown else None)
        )
    frame = table(PARENT, cells)
    assert frame["malstatus"].is_in(PLAN_STATUSES).all() and frame["mening"].is_not_null().all()
    hidden = frame.filter(pl.col("malstatus") == "dold")
    assert hidden.select(pl.any_horizontal(pl.col(PLAN_NUMBERS).is_not_null()).any()).item() is not True
    parent = at(frame, "P", "BUH")
    judged = [at(frame, f"P{n}", "BUH")["malstatus"] for n in (1, 2, 3)]
    if parent["malstatus"] == "uppfyllt":
        assert set(judged) <= {"uppfyllt", "ej_tillamplig", "inget_mal"}


def test_the_plan_of_today_has_a_row_of_every_item() -> None:
    plan = plan_of_today()
    frame = plan_followup(pl.DataFrame(schema=RESULT_SCHEMA), plan, no_reports(), DEFINITIONS, AS_OF, 2019)
    assert {i.id for i in plan.items} == set(frame["item_id"])
    assert frame.height == sum(3 * (1 + len(i.scope)) for i in plan.items)
    assert frame["mening"].str.len_chars().min() > 10  # type: ignore[operator]


# --- The audit -----------------------------------------------------------------------------------------------------

AUDITED = followed(item("A"), item("P"), item("Q", parent="P"), OWN, main={"A": "a", "Q": "a"}, measures={"P": ["a"]})
PUBLISHED = [
    cell("a", "BUH", 80.0, taljare=8.0, namnare=10.0),
    cell("a", "AUD", None, status="dold"),
    cell("a", "BUH", 80.0, "r12"),
    month("a", 2022, 8),
]


def audited(frame: pl.DataFrame) -> list[str]:
    return audit_plan(frame, pl.DataFrame(PUBLISHED, schema=RESULT_SCHEMA), AUDITED, AS_OF, 2019)


def where(frame: pl.DataFrame, verksamhet: str) -> pl.Expr:
    return (pl.col("item_id") == "A") & (pl.col("verksamhet") == verksamhet) & (pl.col("tillfalle") == "delar")


def test_the_audit_passes_what_was_made() -> None:
    assert audited(table(AUDITED, PUBLISHED)) == []


@pytest.mark.parametrize(
    ("verksamhet", "column", "value", "problem"),
    [
        ("BUH", "varde", 81.0, "ett tal är inte cellens"),
        ("BUH", "kvalitet", "fryst", "ett tal är inte cellens"),
        ("SC", "taljare", 0.0, "ett tal är inte cellens"),
        ("AUD", "namnare", 3.0, "en dold cell berättas"),
        ("AUD", "malstatus", "inga_data", "en dold cell berättas"),
        ("AUD", "mening", "A: 3 per sista augusti 2022.", "en dold cell berättas"),
        ("BUH", "malstatus", "klart", "okänd malstatus"),
        ("BUH", "rapporterad_status", "klart", "okänd rapporterad_status"),
        ("BUH", "ar", 2021, "en punkt saknas eller är en för mycket"),
        ("BUH", "tillfalle", "ar", "nyckeln är inte unik"),
    ],
)
def test_the_audit_stops_what_is_wrong(verksamhet: str, column: str, value: object, problem: str) -> None:
    frame = table(AUDITED, PUBLISHED)
    wrong = frame.with_columns(
        pl.when(where(frame, verksamhet)).then(pl.lit(value)).otherwise(column).cast(PLAN_SCHEMA[column]).alias(column)
    )
    assert f"planuppföljningen: {problem}" in audited(wrong)


def test_the_audit_stops_a_hole_and_another_shape() -> None:
    frame = table(AUDITED, PUBLISHED)
    assert audited(frame.slice(1)) == ["planuppföljningen: en punkt saknas eller är en för mycket"]
    assert audited(frame.drop("mening")) == ["planuppföljningen: kolumnerna är inte de avtalade"]
