"""The model `signal` against the specification read a second time, and against series worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database
from tests.catalogue.test_exact_cells import build

from .compare import Differences, compare_signals
from .signals import COLUMNS, COMPARED, KEY, NUMBERS, Goal, Of, SeriesBreak, known, signal_rows

Compiled = tuple[DataPaths, dict[str, str]]
CELLS = {
    **{"indicator_id": pl.String, "niva": pl.String, "verksamhet": pl.String, "period_typ": pl.String},
    **{"period_start": pl.Date, "period_slut": pl.Date, "kon": pl.String, "status": pl.String, "varde": pl.Float64},
    "komplett": pl.Boolean,
}
FIXED = Goal(">=", 90.0, ("omrade", "verksamhet"), fixed=True)
MEASURES = {
    "vantetid_median": Of("median", "distribution"),
    "andel": Of("andel", "adds_up", FIXED),
    "antal": Of("antal", "adds_up"),
    "belopp": Of("belopp", "adds_up", Goal("<=", 5.0, ("omrade",), fixed=True)),
    "gas_t_forandring": Of("medel", "adds_up"),
    "tackning": Of("tackning", "persons", Goal(">", None, ("omrade", "verksamhet"), fixed=False)),
    "fonster": Of("antal", "window"),
    "utbud": Of("antal", "distinct"),
}
DIRECTIONS = {"vantetid_median": "ned", "gas_t_forandring": "upp", "tackning": "upp"}


def month(number: int, first: int = 2021) -> tuple[date, date]:
    """First and last day of the month so many after the first January."""
    year, at = first + number // 12, number % 12
    after = date(year + (at == 11), (at + 1) % 12 + 1, 1)
    return date(year, at + 1, 1), date.fromordinal(after.toordinal() - 1)


Values = Sequence[float | str | None]


def series(
    values: Values,
    indicator_id: str = "antal",
    niva: str = "omrade",
    verksamhet: str | None = None,
) -> list[dict[str, Any]]:
    """Cells of months in a row. None: a month without data; "dold", "preliminar", "ej_tillamplig": what it says."""
    rows = []
    for number, value in enumerate(values):
        start, end = month(number)
        status = value if isinstance(value, str) else "inga_data" if value is None else "inget_mal"
        rows.append(
            {
                "indicator_id": indicator_id,
                "niva": niva,
                "verksamhet": verksamhet,
                "period_typ": "manad",
                "period_start": start,
                "period_slut": end,
                "kon": "T",
                "status": status,
                "varde": 1e6 if value == "preliminar" else None if isinstance(value, str) else value,
                "komplett": value != "preliminar",
            }
        )
    return rows


def computed(
    compiled: Compiled, cells: list[dict[str, Any]], of: dict[str, Of], breaks: Iterable[SeriesBreak] = ()
) -> list[dict[str, Any]]:
    """The rows of the compiled model."""
    tables = {
        "indicator_result": pl.DataFrame(cells, schema=CELLS),
        "catalogue": pl.DataFrame(
            [(name, o.kind, o.path, DIRECTIONS.get(name, "neutral")) for name, o in of.items()],
            schema=["indicator_id", "art", "path", "riktning"],
            orient="row",
        ),
        "targets": pl.DataFrame(
            [
                (
                    *(name, o.goal.operator, o.goal.value, None if o.goal.value is not None else "foregaende_ar"),
                    *("|".join(o.goal.levels), False, None if o.goal.fixed else "ar", None, None),
                )
                for name, o in of.items()
                if o.goal is not None
            ],
            schema={
                **{"indicator_id": pl.String, "operator": pl.String, "value": pl.Float64, "base": pl.String},
                **{"levels": pl.String, "prorated": pl.Boolean, "judged_on": pl.String},
                **{"from_year": pl.Int64, "to_year": pl.Int64},
            },
            orient="row",
        ),
        "brott": pl.DataFrame(
            [(b.indicator_id, b.verksamhet, b.day) for b in breaks],
            schema={"indicator_id": pl.String, "verksamhet": pl.String, "datum": pl.Date},
            orient="row",
        ),
        "run_parameters": pl.DataFrame({"run_id": ["r"], "as_of": [date(2024, 1, 1)]}),
    }
    with database() as connection:
        for name, frame in tables.items():
            connection.register(f"frame_{name}", frame)
            connection.execute(f"create table {name} as select * from frame_{name}")
        build(connection, compiled, ["signal"])
        found = connection.execute("select * from signal").pl()
    assert tuple(found.columns) == COLUMNS
    return found.to_dicts()


def one(compiled: Compiled, values: Values, indicator_id: str = "antal") -> dict[str, Any]:
    (row,) = computed(compiled, series(values, indicator_id), MEASURES)
    return row


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    def by_key(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[k] for k in KEY): row for row in rows}

    there, wanted = by_key(found), by_key(expected)
    assert there.keys() == wanted.keys() and len(there) == len(found)
    for key, row in wanted.items():
        for column in COMPARED:
            ours, theirs = there[key][column], row[column]
            if column in NUMBERS and ours is not None and theirs is not None:
                assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9), (key, column)
            else:
                assert ours == theirs, (key, column, row)


# --- Known answers, worked out by hand -------------------------------------------------------------------------------

KNOWN = [1, 2, 1, 2, 10, *([1, 2] * 6), 1]
"""NHSRplotthedots' own: 18 points."""


def test_the_known_answer(compiled: Compiled) -> None:
    row = one(compiled, KNOWN)
    assert (row["antal_punkter"], row["fran"], row["till"]) == (18, date(2021, 1, 1), date(2022, 6, 1))
    assert row["medel"] == pytest.approx(1.944444)
    assert row["ovre_grans"] == pytest.approx(4.604444)
    assert (row["undre_grans"], row["signal"], row["riktning"]) == (0, "ingen", None)
    as_amount = one(compiled, KNOWN, "belopp")
    assert as_amount["undre_grans"] == pytest.approx(-0.715556), "only counts and shares are kept at 0"


def test_ranges_are_left_out_from_3_267_times_their_mean(compiled: Compiled) -> None:
    """Ten ranges of 1 and one of 4.5 have the mean 1.318, of which 4.5 is 3.41; one of 4 is 3.14 times their mean."""
    reaches = []
    for last in (4.5, 4.0):
        row = one(compiled, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2 + last], "belopp")
        reaches.append(row["ovre_grans"] - row["medel"])
    assert reaches == pytest.approx([2.66, 2.66 * 14 / 11])


def test_limits_of_shares_are_kept_at_0_and_100(compiled: Compiled) -> None:
    high, low = one(compiled, [98, 100] * 8, "andel"), one(compiled, [0, 2] * 8, "andel")
    assert (high["undre_grans"], high["ovre_grans"]) == (pytest.approx(93.68), 100)
    assert (low["undre_grans"], low["ovre_grans"]) == (0, pytest.approx(6.32))


@pytest.mark.parametrize("value", [0, 100 / 3, 93.7, 100])
def test_equal_points_have_no_signal(compiled: Compiled, value: float) -> None:
    row = one(compiled, [value] * 24, "andel")
    assert (row["medel"], row["undre_grans"], row["ovre_grans"], row["signal"]) == (value, value, value, "ingen")


@pytest.mark.parametrize(
    ("values", "signal", "at", "way"),
    [
        # Mean 11, reach 2.66 x 1.83: the last point is beyond.
        pytest.param([10, 11] * 8 + [20], "utanfor", 16, "okar", id="beyond the upper limit"),
        pytest.param([10, 11] * 8 + [1], "utanfor", 16, "minskar", id="beyond the lower limit"),
        pytest.param([10, 11] * 8 + [20, 10, 11], "utanfor", 16, "okar", id="the third newest decides"),
        pytest.param([10, 11] * 8 + [20, 10, 11, 10], "ingen", None, None, id="the fourth newest does not"),
        # Mean 17.65, the range of 29 left out: far above, while it falls.
        pytest.param([10, 11] * 8 + [40, 38, 36, 34, 32, 30, 28], "utanfor", 22, "okar", id="beyond goes before falls"),
        pytest.param([5, 15] * 8 + [7, 8, 9, 10, 11, 12, 13], "trend", 22, "okar", id="six rises"),
        pytest.param([5, 15] * 8 + [9, 9, 9, 10, 11, 12, 13], "ingen", None, None, id="four rises"),
        pytest.param([5, 15] * 8 + [13, 12, 11, 10, 9, 8, 7], "trend", 22, "minskar", id="six falls"),
        pytest.param([5, 15] * 8 + [7, 8, 9, 9, 11, 12, 13], "ingen", None, None, id="no rise between equal points"),
        pytest.param([5, 15] * 8 + [7, 8, 9, 9 + 1e-12, 11, 12, 13], "ingen", None, None, id="nor by rounding"),
        # Mean 10.79, mean range 21 / 18: 13 lies beyond two thirds of the way (2.07), within the limit (3.10).
        pytest.param([10, 11] * 8 + [13, 11, 13], "tva_av_tre", 18, "okar", id="two of three points"),
        pytest.param([10, 11] * 8 + [13, 10, 11, 13], "ingen", None, None, id="not within three points"),
        pytest.param([4, 12] * 4 + [9, 10, 9, 10, 9, 10, 9], "skift", 14, "okar", id="seven above"),
        pytest.param([4, 12] * 4 + [7, 10, 9, 10, 9, 10, 9], "ingen", None, None, id="six above"),
        pytest.param([4, 13] * 4 + [12, 12, 12, 10, 12, 12, 12], "ingen", None, None, id="one on the mean, 10"),
    ],
)
def test_each_rule(compiled: Compiled, values: list[float], signal: str, at: int | None, way: str | None) -> None:
    row = one(compiled, values)
    assert (row["signal"], row["riktning"]) == (signal, way)
    assert row["signal_manad"] == (None if at is None else month(at)[0])


TREND = [5, 15] * 8
SHIFT = [4, 12] * 4


@pytest.mark.parametrize(
    ("gap", "trend", "shift"), [(None, "trend", "skift"), ("dold", "ingen", "ingen"), ("preliminar", "ingen", "ingen")]
)
def test_what_ends_a_run_of_neighbours(compiled: Compiled, gap: str | None, trend: str, shift: str) -> None:
    """A month without data is no point and ends no run; a hidden and a preliminary one do."""
    assert one(compiled, [*TREND, 7, 8, 9, gap, 10, 11, 12, 13])["signal"] == trend
    assert one(compiled, [*SHIFT, 9, 10, 9, gap, 10, 9, 10, 9])["signal"] == shift


def test_two_of_three_is_asked_across_gaps(compiled: Compiled) -> None:
    assert one(compiled, [10, 11] * 8 + [13, "dold", 11, "dold", 13])["signal"] == "tva_av_tre"


def test_the_newest_24_complete_months_are_looked_at(compiled: Compiled) -> None:
    old = [1000.0] * 3
    row = one(compiled, [*old, *([10, 11] * 12)])
    assert (row["antal_punkter"], row["fran"], row["medel"]) == (24, month(3)[0], 10.5)
    # What is not complete is not among them, at the end or between.
    row = one(compiled, [*old, *([10, 11] * 6), "preliminar", *([10, 11] * 6), "preliminar"])
    assert (row["antal_punkter"], row["fran"], row["till"]) == (24, month(3)[0], month(27)[0])
    # Hidden months and months without data are.
    row = one(compiled, [*old, *([10, 11] * 6), "dold", None, *([10, 11] * 5)])
    assert (row["antal_punkter"], row["fran"]) == (22, month(3)[0])


def test_below_twelve_points_nothing_is_told(compiled: Compiled) -> None:
    row = one(compiled, [10.0] * 11 + ["dold"], "andel")
    assert (row["signal"], row["antal_punkter"], row["malformaga"]) == ("for_fa", 11, "osakert")
    assert [row[c] for c in (*NUMBERS, "signal_manad", "riktning")] == [None] * 5
    assert (row["fran"], row["till"]) == (month(0)[0], month(10)[0])
    nothing = one(compiled, ["dold"] * 24)
    assert (nothing["signal"], nothing["antal_punkter"], nothing["fran"], nothing["till"]) == ("for_fa", 0, None, None)
    assert one(compiled, [10.0] * 12)["signal"] == "ingen"


def test_which_places_and_indicators_have_rows(compiled: Compiled) -> None:
    cells = [
        *series([10.0] * 12, "antal"),
        *series([10.0] * 12, "antal", "verksamhet", "A"),
        *series(["ej_tillamplig"] * 12, "antal", "verksamhet", "B"),
        *series([10.0] * 12, "antal", "enhet", "A"),
        *series([10.0] * 12, "fonster"),
        *series([10.0] * 12, "utbud"),
        *({**row, "kon": "K"} for row in series([10.0] * 12, "andel")),
        *({**row, "period_typ": "r12"} for row in series([10.0] * 12, "andel")),
    ]
    found = computed(compiled, cells, MEASURES)
    assert sorted((r["indicator_id"], r["niva"], r["verksamhet"]) for r in found if r["verksamhet"]) == [
        ("antal", "verksamhet", "A")
    ]
    assert [(r["indicator_id"], r["niva"]) for r in found if not r["verksamhet"]] == [("antal", "omrade")]


@pytest.mark.parametrize(
    ("operator", "goal", "expected"),
    [
        *((">=", 7.0, "nas_sakert"), (">=", 10.5, "osakert"), (">=", 14.0, "nas_inte")),
        *((">", 7.0, "nas_sakert"), (">", 14.0, "nas_inte")),
        *(("<=", 14.0, "nas_sakert"), ("<=", 10.5, "osakert"), ("<=", 7.0, "nas_inte"), ("<", 14.0, "nas_sakert")),
    ],
)
def test_whether_a_target_can_be_met(compiled: Compiled, operator: str, goal: float, expected: str) -> None:
    """Limits 10.5 +- 2.66: 7.84 to 13.16."""
    of = {"antal": Of("antal", "adds_up", Goal(operator, goal, ("omrade",), fixed=True))}
    cells = [*series([10, 11] * 8), *series([10, 11] * 8, "antal", "verksamhet", "A")]
    found = {row["niva"]: row["malformaga"] for row in computed(compiled, cells, of)}
    assert found == {"omrade": expected, "verksamhet": "inget_mal"}, "the target holds at its levels only"
    moving = {"antal": Of("antal", "adds_up", Goal(operator, goal, ("omrade",), fixed=False))}
    assert {row["malformaga"] for row in computed(compiled, cells, moving)} == {"inget_mal"}


def test_which_way_a_signal_goes(compiled: Compiled) -> None:
    rising = [10, 11] * 8 + [20]
    found = computed(compiled, [row for name in MEASURES for row in series(rising, name)], MEASURES)
    assert {row["indicator_id"]: row["riktning"] for row in found} == {
        **{"vantetid_median": "samre", "gas_t_forandring": "battre", "andel": "battre", "tackning": "battre"},
        **{"antal": "okar", "belopp": "samre"},
    }


def test_months_before_a_break_are_no_points(compiled: Compiled) -> None:
    values = [50.0] * 8 + [10, 11] * 8
    cells = [
        row
        for name, place in [("antal", None), ("antal", "A"), ("andel", None), ("andel", "A")]
        for row in series(values, name, "verksamhet" if place else "omrade", place)
    ]

    def numbers(*breaks: SeriesBreak) -> dict[tuple[str, str | None], int]:
        found = computed(compiled, cells, MEASURES, breaks)
        assert_same(found, signal_rows(cells, MEASURES, breaks))
        return {(row["indicator_id"], row["verksamhet"]): row["antal_punkter"] for row in found}

    day = month(8)[0]
    assert numbers(SeriesBreak("antal", "A", day)) == {
        **{("antal", None): 24, ("antal", "A"): 16},
        **{("andel", None): 24, ("andel", "A"): 24},
    }
    assert numbers(SeriesBreak("antal", None, day))["antal", None] == 16
    assert set(numbers(SeriesBreak(None, None, day)).values()) == {16}
    within = SeriesBreak("antal", None, day.replace(day=2))  # the month that it falls in is not of the new series
    assert numbers(within)["antal", None] == 15
    assert numbers(SeriesBreak("antal", None, day), SeriesBreak("antal", "A", month(10)[0]))["antal", "A"] == 14
    ahead = SeriesBreak("antal", None, month(24)[0])  # after the newest complete month: it has not happened yet
    assert numbers(ahead)["antal", None] == 24


# --- The specification read twice ------------------------------------------------------------------------------------


VALUES = st.one_of(
    st.integers(0, 4).map(float),
    st.integers(0, 100).map(float),
    st.fractions(0, 100, max_denominator=30).map(float),
    st.floats(-1e7, 1e7, allow_nan=False).map(lambda x: round(x, 2)),
)
MONTH = st.one_of(VALUES, VALUES, VALUES, VALUES, st.sampled_from([None, "dold", "preliminar"]))


@st.composite
def walks(draw: st.DrawFn) -> list[float | str | None]:
    """A series that drifts, so that runs are found, with gaps of every kind."""
    steps = draw(st.lists(st.sampled_from([-2, -1, 0, 1, 1, 2]), min_size=8, max_size=30))
    level, found = 50.0, list[float | str | None]()
    for step in steps:
        level += step
        found.append(level)
    for at in draw(st.lists(st.integers(0, len(found) - 1), max_size=4)):
        found[at] = draw(st.sampled_from([None, "dold", "preliminar"]))
    return found


SERIES = st.one_of(walks(), st.lists(MONTH, max_size=30), st.lists(VALUES, min_size=12, max_size=26))


@pytest.mark.parametrize("usual", [0.0, 100.0])
@pytest.mark.parametrize(
    ("events", "on_the_mean", "signal"),
    [
        ([3], True, "utanfor"),
        ([3, 9, 15], True, "utanfor"),
        ([10, 11, 12], True, "utanfor"),
        ([2, 6, 11, 16], False, "skift"),
    ],
)
def test_lone_events_make_limits_that_are_the_mean(
    compiled: Compiled, usual: float, events: list[int], on_the_mean: bool, signal: str
) -> None:
    """interpretations.md: what the rule says of months that are nearly all equal; the newest is beyond its limits."""
    values = [abs(usual - 10.0) if n in events else usual for n in range(24)]
    row = one(compiled, values)
    limits_are_mean = row["undre_grans"] == row["medel"] == row["ovre_grans"]
    assert (limits_are_mean, row["signal"], row["signal_manad"]) == (on_the_mean, signal, month(23)[0])


BREAKS = st.lists(
    st.builds(
        SeriesBreak,
        st.sampled_from([None, "antal", "andel"]),
        st.sampled_from([None, "A"]),
        st.integers(0, 30).map(lambda n: month(n)[0]),
    ),
    max_size=2,
)


@settings(max_examples=40, deadline=None)
@given(
    places=st.dictionaries(
        st.tuples(st.sampled_from(sorted(MEASURES)), st.sampled_from([None, "A", "B"])), SERIES, min_size=1, max_size=18
    ),
    breaks=BREAKS,
)
def test_any_series_gives_what_the_specification_says(
    compiled: Compiled, places: dict[tuple[str, str | None], list[float | str | None]], breaks: list[SeriesBreak]
) -> None:
    cells = [
        row
        for (name, place), values in places.items()
        for row in series(values, name, "verksamhet" if place else "omrade", place)
    ]
    assert_same(computed(compiled, cells, MEASURES, breaks), signal_rows(cells, MEASURES, breaks))


def test_directions_of_the_seeds_are_those_of_the_specification() -> None:
    """What the oracle takes from products.md and the model from the catalogue."""
    from dagster_project.catalogue.indicators import load_catalogue

    from .signals import meaning

    words = {"upp": "battre", "ned": "samre", "neutral": "okar"}
    assert {i.id: words[i.direction] for i in load_catalogue()} == {
        name: meaning(name, of, 1) for name, of in known().items()
    }


def test_a_spoiled_signal_is_found(tmp_path: Path) -> None:
    """Comparing a release: a row gone, one too many, another number."""
    of, name = known(), next(name for name, o in known().items() if o.kind == "antal" and o.path == "adds_up")
    cells = [*series(KNOWN, name), *series(KNOWN, name, "verksamhet", "A")]
    pl.DataFrame(cells, schema=CELLS).with_columns(kvalitet=pl.lit("godkand")).write_parquet(
        tmp_path / "indicator_result.parquet"
    )
    told = [{**row, "release_id": "r"} for row in signal_rows(cells, of)]

    def differences(rows: list[dict[str, Any]]) -> list[str]:
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "signal.parquet")
        out = Differences()
        compare_signals(tmp_path, out)
        return list(out.found)

    assert differences(told) == []
    assert differences(told[:1]) == ["signal rows missing"]
    assert differences([*told, {**told[0], "verksamhet": "B"}]) == ["signal rows unexpected"]
    assert differences([*told, told[0]]) == ["signal rows"]
    assert differences([{**told[0], "medel": 2.0}, told[1]]) == ["signal medel"]
