"""What an indicator's page shows of a release's cells: which ones, in which words, and where units stand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.catalogue.vocabulary import AMOUNT, COUNT, MEDIAN, PERCENT, SHARE
from dagster_project.products.board.cells import Cell, IndicatorCells, cells_by_indicator
from dagster_project.products.board.figures import Figures
from dagster_project.products.board.indicator_view import (
    ABOVE,
    BELOW,
    BETWEEN,
    WITHIN,
    Measure,
    by_month,
    by_year,
    multiples,
    places_words,
    sexes,
    units,
)
from dagster_project.products.board.series import (
    known_from,
    newest_months,
    point,
    points,
    series_words,
    span,
)
from dagster_project.products.charts import Break
from dagster_project.releases.tables import RESULT_SCHEMA

NAMES = {"BB": "Barn", "AA": "Audiologi"}
IN_PERCENT = Measure(SHARE, stock=False, window=None, words=lambda v: f"{v:.1f} procent".replace(".", ","))


def month(n: int, value: float | None = 80.0, **said: Any) -> Cell:
    """The area's month, so many months after December 2019."""
    year, m = divmod(n - 1, 12)
    start = date(2020 + year, m + 1, 1)
    end = (pl.Series([start]).dt.month_end())[0]
    empty = dict.fromkeys(Cell.__slots__)
    row = empty | {"level": "omrade", "period_type": "manad", "start": start, "end": end, "sex": "T", "value": value}
    row |= {"status": "inget_mal", "complete": True, "quality": "godkand", "release_id": "2022-09-30-x"}
    return Cell(**(row | said))


def hidden(n: int) -> Cell:
    return month(n, None, status="dold", mark="MSK")


def early(n: int, value: float | None = 80.0) -> Cell:
    return month(n, value, status="preliminar", complete=False)


def empty(n: int) -> Cell:
    return month(n, None, status="inga_data")


def r12(n: int, value: float | None = 80.0, **said: Any) -> Cell:
    return month(n, value, **({"period_type": "r12"} | said))


def of(*cells: Cell, units: tuple[Cell, ...] = ()) -> IndicatorCells:
    series: dict[Any, list[Cell]] = {}
    for c in cells:
        series.setdefault((c.level, c.verksamhet, c.period_type, c.sex), []).append(c)
    return IndicatorCells(pl.DataFrame(schema=RESULT_SCHEMA), {k: tuple(v) for k, v in series.items()}, units)


def unit(name: str, verksamhet: str, done: int, n: int, **said: Any) -> Cell:
    shown = {"numerator": float(done), "denominator": float(n), "value": 100 * done / n}
    return r12(24, **({"level": "enhet", "unit": name, "verksamhet": verksamhet} | shown | said))


# --- Which cells -----------------------------------------------------------------------------------------------------


def test_a_page_has_all_of_area_and_verksamheter_and_units_of_the_newest_complete_year() -> None:
    def row(niva: str, end: date, **said: Any) -> dict[str, Any]:
        start = date(end.year - 1, end.month, 1)
        base = dict.fromkeys(RESULT_SCHEMA) | {"indicator_id": "i", "niva": niva, "period_typ": "r12", "kon": "T"}
        base |= {"period_start": start, "period_slut": end, "komplett": True, "status": "inget_mal"}
        return base | {"kvalitet": "godkand", "release_id": "x"} | said

    old, new, unfinished = date(2022, 7, 31), date(2022, 8, 31), date(2022, 9, 30)
    rows = [
        *(row("omrade", end, komplett=end != unfinished) for end in (unfinished, old, new)),
        row("omrade", new, kon="K"),
        row("verksamhet", new, verksamhet="AA"),
        row("verksamhet", new, verksamhet="AA", kon="K"),
        row("verksamhet", new, verksamhet="BB", status="ej_tillamplig"),
        *(row("enhet", end, verksamhet="AA", enhet="u") for end in (old, new, unfinished)),
        row("enhet", new, verksamhet="AA", enhet="u", period_typ="manad"),
        row("enhet", new, verksamhet="AA", enhet="u", kon="M"),
    ]
    found = cells_by_indicator(pl.DataFrame(rows, schema=RESULT_SCHEMA))["i"]
    assert [c.end for c in found.area("r12")] == [old, new, unfinished]
    assert [c.end for c in found.area("r12", "K")] == [new]
    assert len(found.verksamhet("AA", "r12")) == 1 and found.verksamhet("BB", "r12") == ()
    assert found.verksamhet("AA", "r12", "K") == ()
    assert [(c.unit, c.end) for c in found.units] == [("u", new)]
    assert found.newest("r12") == found.area("r12")[1]
    assert found.rows.height == 6, "the download is what the page is made of"


def test_a_page_tells_nothing_of_periods_before_the_data_begin() -> None:
    # The first eleven r12 begin before the data do: not complete, so preliminary, though long past.
    series = [empty(1), early(2), early(3), month(4), hidden(5), empty(6), early(7)]
    assert known_from(series) == tuple(series[3:])
    assert known_from([empty(1), early(2), early(3)]) == (early(2), early(3))
    assert known_from([empty(1)]) == ()


def test_the_chart_by_month_holds_two_complete_years_and_what_came_after() -> None:
    series = [*(month(n) for n in range(1, 31)), early(31)]
    assert newest_months(series) == tuple(series[6:])
    assert newest_months([]) == ()


def test_a_hidden_cell_gives_a_chart_no_number_even_if_it_had_one() -> None:
    wrong = month(3, 77.7, status="dold")
    assert point(wrong).value is None and point(wrong).state == "hidden"
    assert span([[wrong, month(4, 50.0), early(5, 60.0)]]) is not None
    found = span([[wrong, month(4, 50.0), early(5, 60.0)]])
    assert found is not None and (found.low, found.high) == (50.0, 60.0)


def test_an_axis_names_twelve_months_by_the_month_that_they_end_with() -> None:
    cell = r12(24, start=date(2021, 1, 1))
    assert (point(cell).start, point(cell).label) == (date(2021, 12, 1), "dec 2021")


# --- Words -----------------------------------------------------------------------------------------------------------


def test_a_series_in_words() -> None:
    series = [month(6, 70.0), month(7, 80.0), month(8, 91.5), hidden(9), month(10, 72.0), early(11, 99.0)]
    assert series_words("Området", series, IN_PERCENT.words) == (
        "Området, juni–november 2020: senast 72,0 procent (oktober 2020), lägst 70,0 procent (juni 2020) och högst "
        "91,5 procent (augusti 2020). September 2020 visas inte: för få fall, eller så kunde andra små tal räknas ut. "
        "November 2020 är preliminär."
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((70.0, 60.0), "senast 60,0 procent (februari 2020), det lägsta; högst 70,0 procent (januari 2020)."),
        ((60.0, 70.0), "senast 70,0 procent (februari 2020), det högsta; lägst 60,0 procent (januari 2020)."),
        ((60.0, 60.0), "senast 60,0 procent (februari 2020), lika alla perioder som visas."),
        ((60.0, 90.0, 60.0, 70.0), "lägst 60,0 procent (mars 2020) och högst 90,0 procent (februari 2020)."),
    ],
)
def test_the_newest_is_told_once(values: tuple[float, ...], words: str) -> None:
    series = [month(n, value) for n, value in enumerate(values, start=1)]
    assert series_words("Området", series, IN_PERCENT.words).endswith(words)


def test_a_series_without_a_number_says_why() -> None:
    words = series_words("Området", [hidden(1), hidden(2)], IN_PERCENT.words)
    assert words == (
        "Området: inga siffror att visa. Ingen period visas: för få fall, eller så kunde andra små tal räknas ut."
    )


def test_many_gaps_are_counted_and_few_are_named() -> None:
    named = series_words("O", [month(1), *(empty(n) for n in (2, 3)), month(4)], IN_PERCENT.words)
    assert "Februari och mars 2020 har inga uppgifter." in named
    counted = series_words("O", [month(1), *(hidden(n) for n in range(2, 9)), month(9)], IN_PERCENT.words)
    assert "7 av 9 perioder visas inte" in counted


@given(st.lists(st.sampled_from(["shown", "hidden", "preliminary", "no_data"]), min_size=1, max_size=30))
def test_every_gap_has_its_reason(states: list[str]) -> None:
    made = {"shown": month, "hidden": hidden, "preliminary": early, "no_data": empty}
    series = [made[state](n) for n, state in enumerate(states, start=1)]
    words = series_words("Området", series, IN_PERCENT.words)
    reasons = {"hidden": "för få fall", "preliminary": "preliminär", "no_data": "inga uppgifter"}
    for state, reason in reasons.items():
        assert (reason in words) == (state in states)
    assert [p.state for p in points(series)] == states


def test_a_break_is_told_where_it_lies_in_the_series() -> None:
    breaks = [Break(date(2020, 3, 1), "ny definition"), Break(date(2019, 3, 1), "långt före")]
    found = by_month(of(*(month(n) for n in range(1, 6))), IN_PERCENT, breaks)
    assert found.breaks == (breaks[0],)
    assert found.sentence.endswith("Från den 1 mars 2020 är serien en annan: ny definition.")


@pytest.mark.parametrize(("stock", "window"), [(True, None), (False, 24)])
def test_what_looks_at_one_month_or_over_years_is_not_told_by_twelve_months_too(
    stock: bool, window: int | None
) -> None:
    cells = of(*(r12(n) for n in range(1, 6)))
    assert by_year(cells, Measure(SHARE, stock, window, IN_PERCENT.words)) is None
    flow = by_year(cells, IN_PERCENT)
    assert flow is not None and flow.drawn


def test_a_single_number_is_no_development() -> None:
    found = by_month(of(month(1), hidden(2)), IN_PERCENT)
    assert found.told and not found.drawn


# --- Verksamheter ----------------------------------------------------------------------------------------------------


def of_verksamhet(code: str, n: int, value: float | None = 80.0, **said: Any) -> Cell:
    return r12(n, value, **({"level": "verksamhet", "verksamhet": code} | said))


def test_verksamheter_stand_in_the_order_of_reports_with_one_scale_for_shares_only() -> None:
    shares = [of_verksamhet(code, n, 50.0 + n, denominator=9.0) for code in ("AA", "BB") for n in (1, 2)]
    found, one_scale = multiples(of(*(r12(n, denominator=9.0) for n in (1, 2)), *shares), IN_PERCENT, NAMES, {})
    assert [m.code for m in found] == ["BB", "AA"]
    assert one_scale is not None and (one_scale.low, one_scale.high) == (51.0, 52.0)
    assert found[0].latest == shares[3]
    counts = [of_verksamhet(code, n, 50.0 + n) for code in ("AA", "BB") for n in (1, 2)]
    assert multiples(of(r12(1), r12(2), *counts), IN_PERCENT, NAMES, {})[1] is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([("uppfyllt", None), ("ej_uppfyllt", None)], "1 av 2 verksamheter når målet."),
        (
            [("ej_uppfyllt", None), ("ej_uppfyllt", "FA")],
            "Ingen av de båda verksamheterna når målet; 1 bedöms på få fall.",
        ),
        ([("uppfyllt", None), ("uppfyllt", None)], "Båda verksamheterna når målet."),
        ([("dold", "MSK"), ("uppfyllt", None)], "Den enda verksamhet som kan bedömas når målet."),
        ([("dold", "MSK"), ("inget_mal", None)], None),
    ],
)
def test_how_many_verksamheter_meet_their_target(said: list[tuple[str, str | None]], words: str | None) -> None:
    cells = [
        of_verksamhet(code, 1, None if status == "dold" else 80.0, status=status, mark=mark)
        for code, (status, mark) in zip(NAMES, said, strict=True)
    ]
    assert places_words(multiples(of(r12(1), *cells), IN_PERCENT, NAMES, {})[0]) == words


# --- Sexes -----------------------------------------------------------------------------------------------------------


def pair(women: tuple[float, float, float], men: tuple[float, float, float]) -> IndicatorCells:
    cells = []
    for sex, (low, value, high) in (("K", women), ("M", men)):
        cells += [r12(n, value, sex=sex, low=low, high=high) for n in (1, 2)]
    return of(*cells)


def test_a_difference_between_sexes_is_told_as_one_only_where_the_intervals_are_apart() -> None:
    apart = sexes(pair((90.0, 92.0, 94.0), (80.0, 82.0, 84.0)), IN_PERCENT)
    within = sexes(pair((90.0, 92.0, 94.0), (89.0, 91.0, 93.0)), IN_PERCENT)
    assert apart is not None and "större än vad slumpen brukar ge" in apart.sentence
    assert within is not None and "kan vara slump" in within.sentence
    assert within.sentence.startswith(
        "Tolv månader till och med februari 2020: kvinnor 92,0 procent, män 91,0 procent."
    )


def test_the_newest_year_that_shows_both_sexes_is_told() -> None:
    cells = of(*(r12(n, 90.0, sex="K") for n in (1, 2)), r12(1, 80.0, sex="M"), r12(2, None, sex="M", status="dold"))
    found = sexes(cells, IN_PERCENT)
    assert found is not None and "januari 2020" in found.sentence and not found.drawn
    none = sexes(of(r12(1, 90.0, sex="K"), r12(1, None, sex="M", status="dold")), IN_PERCENT)
    assert none is not None and none.sentence.startswith("Kvinnor och män kan inte visas var för sig")


def test_an_indicator_without_sexes_has_no_pair() -> None:
    assert sexes(of(r12(1), r12(2)), IN_PERCENT) is None


# --- Units -----------------------------------------------------------------------------------------------------------

NAMED = {("u1", "AA"): "Östra", ("u2", "AA"): "Norra", ("u3", "BB"): "Skola", ("u4", "BB"): "Förskola"}
AREA = r12(24, 93.7, denominator=3355.0)


def test_units_stand_by_verksamhet_and_name_never_by_value() -> None:
    cells = (unit("u1", "AA", 60, 60), unit("u2", "AA", 50, 60), unit("u3", "BB", 69, 135), unit("u4", "BB", 5, 60))
    found = units(of(AREA, units=cells), IN_PERCENT, NAMED, NAMES)
    assert found is not None
    assert [line.name for line in found.lines] == ["Förskola", "Skola", "Norra", "Östra"]
    assert [code for code, _ in found.by_verksamhet] == ["BB", "AA"]


def test_where_units_stand_to_the_funnels_limits() -> None:
    # 69 of 135 is 51 percent; 314 of 314 around 93,7 percent has a chance of 0,937^314, below one in a billion.
    cells = (
        unit("u3", "BB", 69, 135),
        unit("u1", "AA", 314, 314),
        unit("u2", "AA", 440, 477),
        unit("u4", "BB", 44, 53),
    )
    found = units(of(AREA, units=cells), IN_PERCENT, NAMED, NAMES)
    assert found is not None and found.centre == 93.7
    assert {line.name: line.place for line in found.lines} == {
        "Skola": BELOW,
        "Östra": ABOVE,
        "Norra": WITHIN,
        "Förskola": BETWEEN,
    }
    assert found.sentence == (
        "Skiljer sig mer från området (93,7 procent) än slumpen brukar ge: Skola (51,1 procent) och Östra (100,0 "
        "procent)."
    )


def test_few_cases_are_said_to_be_few_and_hidden_units_have_no_place() -> None:
    cells = (
        unit("u3", "BB", 3, 12, mark="FA"),
        unit("u1", "AA", 50, 53),
        unit("u2", "AA", 1, 1, status="dold", mark="MSK", numerator=None, denominator=None, value=None),
    )
    found = units(of(AREA, units=cells), IN_PERCENT, NAMED, NAMES)
    assert found is not None
    assert "Skola (25,0 procent, få fall)" in found.sentence
    assert found.sentence.startswith("1 av 3 enheter visas inte: för få fall")
    assert {line.name: line.place for line in found.lines}["Norra"] is None


@pytest.mark.parametrize("area", [r12(24, None, status="dold"), early(24), r12(24, None, status="inga_data")])
def test_there_is_no_funnel_around_a_share_that_is_not_shown(area: Cell) -> None:
    cells = (unit("u1", "AA", 50, 60), unit("u2", "AA", 40, 60))
    found = units(of(area, units=cells), IN_PERCENT, NAMED, NAMES)
    assert found is not None and found.centre is None and all(line.place is None for line in found.lines)


def test_counts_have_no_funnel_and_indicators_without_units_no_table() -> None:
    counts = Measure(COUNT, False, None, IN_PERCENT.words)
    found = units(of(AREA, units=(unit("u1", "AA", 50, 60),)), counts, NAMED, NAMES)
    assert found is not None and found.centre is None
    assert units(of(AREA), IN_PERCENT, NAMED, NAMES) is None


# --- Numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "target", "text"),
    [
        (93.7, 100.0, "93,7"),
        (99.96, 100.0, "99,96"),
        (100.0, 100.0, "100,0"),
        (0.04, 70.0, "0,04"),
        (89.96, 90.0, "89,96"),
        (0.0, None, "0,0"),
    ],
)
def test_a_number_never_seems_to_reach_what_it_does_not(value: float, target: float | None, text: str) -> None:
    assert Figures(SHARE, PERCENT, 1).value(month(1, value, target=target)) == text


@pytest.mark.parametrize(
    ("kind", "decimals", "operator", "target", "text"),
    [
        (SHARE, 1, ">=", 90.0, "≥\u00a090"),
        (SHARE, 1, ">", 85.71428, ">\u00a085,7"),
        (COUNT, 0, ">=", 499.3, "≥\u00a0500"),
        (COUNT, 0, "<=", 499.3, "≤\u00a0499"),
        (AMOUNT, 0, "<", 10089.8, "<\u00a010\u202f090"),
    ],
)
def test_a_target_in_a_table(kind: str, decimals: int, operator: str, target: float, text: str) -> None:
    assert Figures(kind, PERCENT, decimals).target(month(1, 80.0, operator=operator, target=target)) == text


def test_what_a_value_rests_on() -> None:
    cell = month(1, 38.0, numerator=1983.0, denominator=2116.0)
    assert Figures(SHARE, PERCENT, 1).basis(cell) == "1\u202f983 av 2\u202f116"
    assert Figures(MEDIAN, "dagar", 1).basis(cell) == "n = 2\u202f116"
    assert Figures(COUNT, "antal", 0).basis(month(1, 5.0, numerator=5.0)) == ""
    assert Figures(SHARE, PERCENT, 1).basis(hidden(1)) == ""
