"""The funnel's limits: exact in both tails, so that who is outside is who chance explains too seldom."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.products.funnel import funnel_limits


def at_most(r: int, n: int, share: float) -> float:
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(r + 1))


def test_known_answer() -> None:
    # Ten throws of a coin: P(at most 1) = 11/1024, P(at most 2) = 56/1024; the 2.5 percent tail lies between them.
    (limits,) = funnel_limits([10], 50.0)
    assert limits.lower_inner == pytest.approx(100 * (2 - (56 / 1024 - 0.025) / (45 / 1024)) / 10)
    assert limits.upper_inner == pytest.approx(100 - limits.lower_inner)
    assert limits.lower_outer == pytest.approx(100 * (1 - (11 / 1024 - 0.001) / (10 / 1024)) / 10)


@given(n=st.integers(1, 120), percent=st.integers(1, 99))
def test_outside_is_what_chance_gives_less_often_than_the_tail(n: int, percent: int) -> None:
    (limits,) = funnel_limits([n], float(percent))
    for r in range(n + 1):
        share = 100 * r / n
        for tail, lower, upper in (
            (0.025, limits.lower_inner, limits.upper_inner),
            (0.001, limits.lower_outer, limits.upper_outer),
        ):
            low = at_most(r, n, percent / 100)
            high = at_most(n - r, n, 1 - percent / 100)
            if abs(low - tail) > 1e-9:
                assert (share < lower) == (low < tail)
            if abs(high - tail) > 1e-9:
                assert (share > upper) == (high < tail)


def test_limits_narrow_as_units_grow_and_stay_within_percent() -> None:
    found = funnel_limits([1, 5, 50, 500, 5000], 93.7)
    widths = [f.upper_inner - f.lower_inner for f in found]
    assert widths == sorted(widths, reverse=True)
    assert all(0 <= f.lower_outer <= f.lower_inner <= 93.7 <= f.upper_inner <= f.upper_outer <= 100 for f in found)


@pytest.mark.parametrize("centre", [0.0, 100.0])
def test_where_the_area_has_all_or_none_any_other_share_is_outside(centre: float) -> None:
    (limits,) = funnel_limits([7], centre)
    inside = [r for r in range(8) if limits.lower_outer <= 100 * r / 7 <= limits.upper_outer]
    assert inside == [7 * centre / 100]


@pytest.mark.parametrize(("sizes", "centre"), [([0], 50.0), ([5], 101.0), ([5], -0.1)])
def test_what_is_no_funnel_is_refused(sizes: list[int], centre: float) -> None:
    with pytest.raises(ValueError):
        funnel_limits(sizes, centre)
