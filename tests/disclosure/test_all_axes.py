"""Disclosure control over levels, sexes and time at once, attacked by a reader who has only what is published."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.disclosure import follows
from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.system import CELL
from tests.disclosure.attack import Published, broken_equations, computable, read
from tests.disclosure.organisations import cells, published, rows, some

LIMIT = 5
ORGANISATIONS = st.integers(0, 10**6)


def attack(
    truth: pl.DataFrame, hidden: pl.DataFrame, parts: tuple[tuple[str, str], ...] = (), fractions: bool = False
) -> list[tuple[Published, int]]:
    stocks = set(truth.filter("stock")["indicator_id"])
    seen = read(rows(published(truth, hidden)), counts=set(truth["indicator_id"]), stocks=stocks)
    return computable(seen, parts, broken_equations(rows(truth)), fractions)


def small(truth: pl.DataFrame) -> pl.DataFrame:
    return truth.filter(pl.col("protected_number").is_between(1, LIMIT - 1))


def hide(truth: pl.DataFrame, parts: tuple[tuple[str, str], ...] = ()) -> pl.DataFrame:
    hidden = hidden_cells(truth, LIMIT, parts=parts)
    assert small(truth).join(hidden, on=CELL, how="anti", nulls_equal=True).height == 0, "every small number is hidden"
    told = truth.join(hidden, on=CELL, how="semi", nulls_equal=True)
    assert told.height == hidden.height and (told["protected_number"] > 0).all(), "a shown 0 stays shown"
    return hidden


@settings(deadline=None, max_examples=12)
@given(ORGANISATIONS)
def test_nothing_follows_on_all_axes_at_once(seed: int) -> None:
    truth = cells(some(seed, months=28), 28)
    assert attack(truth, hide(truth)) == []


@settings(deadline=None, max_examples=6)
@given(ORGANISATIONS)
def test_nothing_follows_exactly(seed: int) -> None:
    """The same with fractions: no prime that could hide a coefficient."""
    truth = cells(some(seed, verks=2, units=2, months=16), 16)
    assert attack(truth, hide(truth), fractions=True) == []


@settings(deadline=None, max_examples=8)
@given(ORGANISATIONS)
def test_a_stock_is_hidden_with_the_longer_periods_that_show_it(seed: int) -> None:
    truth = cells(some(seed, months=16), 16, stock=True)
    hidden = hide(truth)
    assert attack(truth, hidden) == []
    last = pl.col("period_start").dt.offset_by(
        pl.col("period_typ").replace_strict(
            {"manad": "0mo", "tertial": "3mo", "delar": "7mo", "ar": "11mo", "r12": "11mo"}
        )
    )
    same = truth.join(hidden, on=CELL, how="left", nulls_equal=True).with_columns(last=last)
    apart = (
        same.group_by("last", *CELL[3:]).agg(pl.col("hidden").fill_null(False).n_unique()).filter(pl.col("hidden") > 1)
    )
    assert apart.height == 0


def test_the_old_rule_alone_is_broken_by_this_attack() -> None:
    """The attack can find something: with only each period looked at by itself, most of what is hidden follows."""
    truth = cells(some(4, verks=2, units=3, months=36), 36)
    alone = truth.with_columns(period_typ=pl.concat_str("period_typ", pl.lit(" for sig")))
    hidden = hidden_cells(alone, LIMIT).with_columns(pl.col("period_typ").str.strip_suffix(" for sig"))
    found = attack(truth, hidden)
    right = {(p.period_typ, p.place, p.start): n for p, n in found}
    assert len(right) > 0.3 * hidden.height
    held = {
        (r["period_typ"], (r["niva"], r["verksamhet"], r["enhet"], r["kon"])): r["protected_number"]
        for r in rows(truth.filter(pl.col("period_start") == pl.date(2019, 1, 1)))
    }
    assert all(held[typ, tuple(place)] == n for (typ, place, start), n in right.items() if start == 2019 * 12)


@settings(deadline=None, max_examples=6)
@given(ORGANISATIONS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(seed: int, chance: random.Random) -> None:
    truth = cells(some(seed, months=16), 16)
    again = truth.sample(fraction=1, shuffle=True, seed=chance.randrange(2**31))
    assert hidden_cells(again).sort(CELL).equals(hidden_cells(truth).sort(CELL))


# --- Whole numbers ---------------------------------------------------------------------------------------------------


def answers(truth: pl.DataFrame, hidden: pl.DataFrame, units: list[str], months: int, most: int) -> np.ndarray:
    """All numbers of units and months (columns, unit by unit) that agree with what is shown, by trying every one."""
    told = truth.join(hidden, on=CELL, how="left", nulls_equal=True)
    tried = np.array(list(itertools.product(range(most + 1), repeat=months)), np.int8)
    length = {"manad": 1, "tertial": 4, "delar": 8, "ar": 12, "r12": 12}
    possible = []
    for unit in units:
        left = tried
        for r in rows(told.filter(pl.col("enhet") == unit)):
            first = r["period_start"].month - 1
            total = left[:, first : first + length[r["period_typ"]]].sum(axis=1)
            left = left[(total >= 1) if r["hidden"] else (total == r["protected_number"])]
        possible.append(left)
    both = np.concatenate(
        [np.repeat(possible[0], len(possible[1]), axis=0), np.tile(possible[1], (len(possible[0]), 1))], axis=1
    )
    for r in rows(told.filter(pl.col("enhet").is_null())):
        first = r["period_start"].month - 1
        end = min(first + length[r["period_typ"]], months)
        total = both[:, first:end].sum(axis=1) + both[:, months + first : months + end].sum(axis=1)
        both = both[(total >= 1) if r["hidden"] else (total == r["protected_number"])]
    return both


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8), st.integers(5, 6))
def test_every_hidden_number_can_be_two_whole_numbers(held: list[int], most: int) -> None:
    """A small system on time and level, all whole-number answers tried: no number is fixed by the bounds either."""
    numbers = {("V", f"E{i // 4}", "T", i % 4): n for i, n in enumerate(held)}
    truth = cells(numbers, 4, sexes="T")
    hidden = hide(truth)
    if not hidden.height:
        return
    both = answers(truth, hidden, ["E0", "E1"], 4, max(most, max(held) + 1))
    for r in rows(hidden):
        first, n = r["period_start"].month - 1, {"manad": 1}.get(r["period_typ"], 4)
        take = [4 * u + m for u in (0, 1) for m in range(first, min(first + n, 4)) if r["enhet"] in (None, f"E{u}")]
        assert len(set(both[:, take].sum(axis=1).tolist())) > 1, (r, held)


def test_three_parts_that_must_be_ones_are_not_left_at_that() -> None:
    """Months 1, 1, 1 and 0 of a tertial of 3: hidden with nothing else they would each have to be 1."""
    numbers = {("V", "E0", "T", m): n for m, n in enumerate((1, 1, 1, 0))} | {("V", "E1", "T", m): 5 for m in range(4)}
    truth = cells(numbers, 4, sexes="T")
    hidden = hide(truth)
    assert hidden.filter(pl.col("enhet") == "E1").height, "the other unit makes room"
    both = answers(truth, hidden, ["E0", "E1"], 4, 7)
    assert all(len(set(both[:, m].tolist())) > 1 for m in range(3))


# --- Related indicators ----------------------------------------------------------------------------------------------


PARTS = (("del", "hela"),)


def part_and_whole(seed: int) -> pl.DataFrame:
    chance = random.Random(seed)
    whole = some(seed, verks=2, units=2, months=14)
    part = {k: (n if chance.random() < 0.5 else max(n - chance.randint(1, 3), 0)) for k, n in whole.items()}
    return pl.concat([cells(whole, 14, indicator="hela"), cells(part, 14, indicator="del")])


@settings(deadline=None, max_examples=8)
@given(ORGANISATIONS)
def test_a_part_and_its_whole_give_no_small_difference(seed: int) -> None:
    truth = part_and_whole(seed)
    assert attack(truth, hide(truth, PARTS), PARTS) == []


@pytest.mark.parametrize("seed", [2, 20, 35])
def test_what_is_looked_through_ends(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part and its whole are two unknowns each: 19, 22 and 27 directions, and 3 to the power of them was tried."""
    directions = follows._directions

    def asked(count: int) -> Iterator[np.ndarray]:
        assert count <= 12
        return directions(count)

    monkeypatch.setattr(follows, "_directions", asked)
    hide(part_and_whole(seed), PARTS)


def test_a_small_difference_alone_hides_one_of_the_two() -> None:
    whole = {("V", f"E{u}", "T", m): 30 + m for u in range(2) for m in range(4)}
    part = {k: n - (2 if k == ("V", "E0", "T", 1) else 12) for k, n in whole.items()}
    truth = pl.concat([cells(whole, 4, "T", "hela"), cells(part, 4, "T", "del")])
    assert hidden_cells(truth).height == 0
    hidden = hide(truth, (("del", "hela"),))
    at = pl.col("period_start") == pl.date(2019, 2, 1)
    assert hidden.filter(at, pl.col("enhet") == "E0", pl.col("period_typ") == "manad").height >= 1
    assert attack(truth, hidden, (("del", "hela"),)) == []


def test_indicators_with_the_same_numbers_hide_the_same_cells() -> None:
    one = cells(some(7, months=14), 14, indicator="a")
    hidden = hidden_cells(pl.concat([one.with_columns(indicator_id=pl.lit("b")), one]))
    of = {i: hidden.filter(pl.col("indicator_id") == i).drop("indicator_id").sort(CELL[1:]) for i in "ab"}
    assert of["a"].height and of["a"].equals(of["b"])


# --- What is left out, and what is given up --------------------------------------------------------------------------


def test_what_is_left_out_cannot_be_had_by_subtraction() -> None:
    """Incomplete periods of units are not published: a small number among them is protected all the same."""
    numbers = {("V", f"E{u}", "T", m): (3 if u == 0 else 40) for u in range(2) for m in range(2)}
    truth = cells(numbers, 2, sexes="T").with_columns(
        left_out=(pl.col("niva") == "enhet") & (pl.col("period_start") == pl.date(2019, 2, 1))
    )
    hidden = hidden_cells(truth)
    assert hidden.join(truth.filter("left_out"), on=CELL, how="semi", nulls_equal=True).height == 0
    seen = published(truth, hidden).with_columns(
        status=pl.when("left_out").then(pl.lit("utelämnad")).otherwise("status"),
        varde=pl.when(~pl.col("left_out")).then("varde"),
    )
    guessed = computable(read(rows(seen), {"x"}, set()), broken=broken_equations(rows(truth)))
    assert [p for p, _ in guessed] == []


def test_what_people_use_is_given_up_last() -> None:
    """Of a year of ordinary numbers with some small months, neither delår nor year nor r12 of T above the units
    goes.
    """
    chance = random.Random(3)
    numbers = {
        (f"V{v}", f"E{v}{u}", kon, m): (chance.choice((2, 3, 4, 9)) if u == 0 else chance.randint(15, 40))
        for v in range(2)
        for u in range(3)
        for kon in "KM"
        for m in range(24)
    }
    truth = cells(numbers, 24)
    hidden = hide(truth)
    assert small(truth).height < hidden.height < 4 * small(truth).height
    reported = (pl.col("niva") != "enhet") & (pl.col("kon") == "T") & pl.col("period_typ").is_in(["delar", "ar", "r12"])
    assert hidden.filter(reported).height == 0


# --- The audit -------------------------------------------------------------------------------------------------------


def staged(truth: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    return published(truth, hidden)


@pytest.mark.parametrize("seed", range(4))
def test_the_audit_passes_what_control_made(seed: int) -> None:
    truth = cells(some(seed, months=20), 20).with_columns(in_grid=pl.lit(True))
    assert audit_disclosure(staged(truth, hidden_cells(truth)), truth, LIMIT) == []


def test_the_audit_finds_a_month_that_time_gives_away() -> None:
    """Each of these shows one cell more than control does; every period by itself is still as the old rule wants it."""
    truth = cells(some(11, verks=1, units=3, months=24, means=(3, 8, 40)), 24).with_columns(in_grid=pl.lit(True))
    hidden = hidden_cells(truth)
    more = hidden.join(small(truth), on=CELL, how="anti", nulls_equal=True).sort(CELL, nulls_last=False)
    leaks = 0
    for i in range(0, more.height, max(more.height // 25, 1)):
        fewer = hidden.join(more[i : i + 1], on=CELL, how="anti", nulls_equal=True)
        found = attack(truth, fewer)
        problems = audit_disclosure(staged(truth, fewer), truth, LIMIT)
        if found:
            assert any("räknas ut" in p for p in problems), more[i]
        leaks += bool(found)
    assert leaks > 3


def test_the_audit_finds_what_only_a_difference_gives_away() -> None:
    whole = {("V", f"E{u}", "T", m): 30 + m for u in range(2) for m in range(4)}
    part = {k: n - (2 if k == ("V", "E0", "T", 1) else 12) for k, n in whole.items()}
    truth = pl.concat([cells(whole, 4, "T", "hela"), cells(part, 4, "T", "del")]).with_columns(in_grid=pl.lit(True))
    nothing = hidden_cells(truth)
    assert nothing.height == 0
    problems = audit_disclosure(staged(truth, nothing), truth, LIMIT, (("del", "hela"),))
    assert len(problems) == 1 and "räknas ut" in problems[0]
    assert audit_disclosure(staged(truth, nothing), truth, LIMIT) == []


def test_the_audit_finds_one_number_hidden_here_and_shown_there() -> None:
    one = cells(some(7, months=14), 14, indicator="a")
    truth = pl.concat([one, one.with_columns(indicator_id=pl.lit("b"))]).with_columns(in_grid=pl.lit(True))
    hidden = hidden_cells(truth)
    one_less = hidden.filter((pl.col("indicator_id") == "a") | (pl.col("period_typ") != "r12"))
    assert one_less.height < hidden.height
    assert any("visat i en annan" in p for p in audit_disclosure(staged(truth, one_less), truth, LIMIT))


def test_the_audit_finds_numbers_that_bounds_fix() -> None:
    """Three parts, each at least 1, that sum to 3: linear algebra leaves them open, whole numbers do not."""
    numbers = {("V", "E0", "T", m): n for m, n in enumerate((1, 1, 1, 0))} | {("V", "E1", "T", m): 20 for m in range(4)}
    truth = cells(numbers, 4, sexes="T").with_columns(
        in_grid=pl.lit(True),
        protected_number=pl.when(pl.col("period_typ") == "manad")
        .then("protected_number")
        .otherwise(pl.col("protected_number")),
    )
    months = small(truth).filter(pl.col("period_typ") == "manad").select(CELL).with_columns(hidden=pl.lit(True))
    above = months.with_columns(niva=pl.lit("verksamhet"), enhet=pl.lit(None, pl.String))
    area = above.with_columns(niva=pl.lit("omrade"), verksamhet=pl.lit(None, pl.String))
    problems = audit_disclosure(staged(truth, pl.concat([months, above, area])), truth, 2)
    assert any("bara ha ett värde" in p for p in problems)


def test_a_zero_of_a_long_period_whose_months_are_not_there_stays_shown() -> None:
    """Before the data start there are r12 without all their months: a move held one of 0 for a sum of unknown ones."""
    truth = pl.DataFrame(
        [
            ("2019-03-01", "M", 0),
            ("2019-06-01", "T", 3),
            ("2019-06-01", "M", 1),
            ("2020-10-01", "T", 3),
            ("2020-10-01", "M", 1),
        ],
        schema=["period_start", "kon", "protected_number"],
        orient="row",
    ).select(
        pl.lit("skrs_tackning").alias("indicator_id"),
        pl.lit("r12").alias("period_typ"),
        pl.col("period_start").str.to_date(),
        pl.lit("enhet").alias("niva"),
        pl.lit("SC").alias("verksamhet"),
        pl.lit("SC2").alias("enhet"),
        "kon",
        "protected_number",
        stock=pl.lit(False),
        in_grid=pl.lit(True),
    )
    assert audit_disclosure(staged(truth, hide(truth)), truth, LIMIT) == []
