"""Bounds over the whole system: what they fix is found, and nothing that control hides is fixed by them."""

from __future__ import annotations

import random
from datetime import date
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.disclosure import control
from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.disclosure.bounds import pinned
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.follows import determined, narrow
from dagster_project.disclosure.system import CELL, build
from tests.disclosure import intervals
from tests.disclosure.organisations import cells, persons, published, rows, some
from tests.disclosure.test_all_axes import answers

LIMIT = 5


def fixed(truth: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """The hidden cells that bounds fix."""
    frame = (
        truth.with_columns(virtual=pl.lit(False), left_out=pl.lit(False), in_grid=pl.lit(True))
        .join(hidden.with_columns(hidden=pl.lit(True)), on=CELL, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.col("hidden").fill_null(False))
    )
    flags = frame["hidden"].to_numpy()
    return frame[pinned(build(frame), flags, flags).tolist()]


def primary(truth: pl.DataFrame) -> pl.DataFrame:
    return truth.filter(pl.col("protected_number").is_between(1, LIMIT - 1)).select(CELL)


def test_months_that_must_each_be_one_are_found() -> None:
    """A year of 6 with six hidden months and six of 0: each hidden one is 1, whatever else there is."""
    numbers = {("V", "E0", "T", m): int(m % 2 == 0) for m in range(12)} | {("V", "E1", "T", m): 40 for m in range(12)}
    truth = cells(numbers, 12, sexes="T")
    year = truth.filter((pl.col("enhet") == "E0") & (pl.col("period_typ") == "ar"))
    assert year["protected_number"].to_list() == [6]
    months = fixed(truth, primary(truth)).filter((pl.col("enhet") == "E0") & (pl.col("period_typ") == "manad"))
    assert months.height == 6
    assert fixed(truth, hidden_cells(truth, LIMIT)).height == 0


def test_two_sexes_below_make_a_unit_two_at_least() -> None:
    """T = 5 above three units, two of them with hidden K and M: 2, 2 and 1, though no tertial tells."""
    numbers = {("V", unit, sex, 0): 1 for unit in ("E0", "E1") for sex in "KM"} | {("V", "E2", "K", 0): 1}
    numbers |= {("V", unit, sex, m): 30 for unit in ("E0", "E1", "E2") for sex in "KM" for m in (1, 2, 3)}
    truth = cells(numbers, 4)
    small = fixed(truth, primary(truth)).filter((pl.col("period_typ") == "manad") & (pl.col("niva") == "enhet"))
    assert {(r["enhet"], r["kon"]) for r in rows(small)} >= {("E0", "T"), ("E1", "T"), ("E2", "T")}
    assert fixed(truth, hidden_cells(truth, LIMIT)).height == 0


def test_unknown_sex_of_a_verksamhet_is_that_of_its_units() -> None:
    """T of two units is 3 each, with a woman and a man at least; two of V are of unknown sex: one in each.

    That two of V are follows from its tertial, the other months having none.
    """
    numbers = {("V", unit, kon, 0): 1 for unit in ("E0", "E1") for kon in "KMO"}
    numbers |= {("V", unit, kon, m): 10 * m for unit in ("E0", "E1") for kon in "KM" for m in (1, 2, 3)}
    truth = cells(numbers, 4)
    early = (pl.col("period_typ") == "manad") & pl.col("period_start").is_in([date(2019, 1, 1), date(2019, 2, 1)])
    of_unit = pl.col("enhet").is_not_null()
    hidden = truth.filter(pl.col("kon") != "T", early | ((pl.col("period_typ") != "manad") & of_unit)).select(CELL)
    found = fixed(truth, hidden).filter(pl.col("period_typ") == "manad", of_unit)
    first = {(r["enhet"], r["kon"]) for r in rows(found) if r["period_start"] == date(2019, 1, 1)}
    assert first == {(unit, kon) for unit in ("E0", "E1") for kon in "KM"}


def test_a_person_in_two_units_leaves_unknown_sex_additive() -> None:
    """One woman is in both units, so that neither T nor K add up; the one of unknown sex in V is in E0 all the same."""
    numbers = {("V", "E0", "K", 0): 2, ("V", "E0", "M", 0): 9, ("V", "E0", "O", 0): 1}
    numbers |= {("V", "E1", "K", 0): 9, ("V", "E1", "M", 0): 9}
    shared = pl.col("enhet").is_null() & pl.col("kon").is_in(["T", "K"])
    truth = cells(numbers, 1).filter(pl.col("period_typ") == "manad")
    truth = truth.with_columns(pl.col("protected_number") - pl.when(shared).then(1).otherwise(0))
    hidden = truth.filter(pl.col("enhet") == "E0", pl.col("kon") == "K").select(CELL)
    assert fixed(truth, hidden).height == 1


def test_unknown_sex_of_a_longer_period_is_that_of_its_months() -> None:
    """The women of E0 come in two months, so that the tertial is a number of its own; the one of unknown sex is not."""
    numbers = {("V", "E0", "K", m): 8 for m in range(4)} | {("V", "E0", "M", m): 9 for m in range(4)}
    numbers[("V", "E0", "O", 2)] = 1
    truth = cells(numbers, 4)
    long = pl.col("period_typ") == "tertial"
    twice = long & pl.col("kon").is_in(["T", "K"])
    truth = truth.with_columns(pl.col("protected_number") - pl.when(twice).then(20).otherwise(0))
    assert truth.filter(long).height
    hidden = truth.filter(long, pl.col("kon") == "K").select(CELL)
    assert fixed(truth, hidden).height == hidden.height


def test_the_audit_fails_on_what_bounds_fix_in_a_large_group() -> None:
    """Three units with a year of 6 in six months of 1: eighteen unknowns, in none of them anything linear to find."""
    numbers = {(f"V{v}", f"E{v}", "T", m): int(m % 2 == 0) for v in range(3) for m in range(12)}
    truth = cells(numbers, 12, sexes="T").with_columns(in_grid=pl.lit(True))
    hidden = primary(truth).with_columns(hidden=pl.lit(True))
    frame = (
        truth.with_columns(virtual=pl.lit(False), left_out=pl.lit(False))
        .join(hidden, on=CELL, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.col("hidden").fill_null(False))
    )
    flags = frame["hidden"].to_numpy()
    assert not len(determined(build(frame), flags)) and not len(narrow(build(frame), flags, flags))
    problems = audit_disclosure(published(truth, hidden), truth, LIMIT)
    assert len(problems) == 1 and "bara ha ett värde" in problems[0]
    assert audit_disclosure(published(truth, hidden_cells(truth, LIMIT)), truth, LIMIT) == []


@pytest.mark.parametrize("seed", range(12))
def test_interval_arithmetic_over_all_spans_fixes_nothing(seed: int) -> None:
    truth = cells(some(seed, months=20), 20)
    shown = published(truth, hidden_cells(truth, LIMIT))
    assert intervals.fixed(shown).height == 0
    # What the limit alone hides it finds, and it is right.
    small = published(truth, primary(truth).with_columns(hidden=pl.lit(True)))
    found = intervals.fixed(small).join(truth, on=CELL, nulls_equal=True)
    assert found.height and (found["found"] == found["protected_number"]).all()


@pytest.mark.parametrize("seed", [1, 9, 17])
def test_a_part_and_its_whole_fix_nothing_between_any_two_month_ends(seed: int) -> None:
    """Spans that nobody publishes tie a part, its whole and the levels: 2, 19 and 1 numbers were fixed so."""
    chance = random.Random(seed)
    whole = some(seed, verks=2, units=3, months=32)
    part = {k: (n if chance.random() < 0.4 else max(n - chance.randint(1, 9), 0)) for k, n in whole.items()}
    truth = pl.concat([cells(whole, 32, indicator="hela"), cells(part, 32, indicator="del")])
    parts = (("del", "hela"),)
    shown = published(truth, hidden_cells(truth, LIMIT, parts=parts))
    assert intervals.fixed(shown, parts).height == 0
    # Without it the audit, too, would have let them pass.
    with patch.object(control, "pinned_between", lambda *of: np.zeros(0, np.int64)):
        less = hidden_cells(truth, LIMIT, parts=parts)
    found = intervals.fixed(published(truth, less), parts).join(truth, on=CELL, nulls_equal=True)
    assert found.height and (found["found"] == found["protected_number"]).all()
    assert audit_disclosure(published(truth, less), truth.with_columns(in_grid=pl.lit(True)), LIMIT, parts) != []


@pytest.mark.parametrize(("seed", "months"), [(116, 26), (145, 18), (152, 18), (155, 36)])
def test_the_audit_passes_what_control_hides_of_persons(seed: int, months: int) -> None:
    """Who come in two months or units: no release is stopped for what control could have hidden."""
    truth = persons(seed, months).with_columns(in_grid=pl.lit(True))
    hidden = hidden_cells(truth, LIMIT)
    assert 0 < hidden.height < truth.height
    assert audit_disclosure(published(truth, hidden), truth, LIMIT) == []


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_is_hidden_is_fixed(seed: int) -> None:
    truth = cells(some(seed, months=26), 26)
    hidden = hidden_cells(truth, LIMIT)
    assert fixed(truth, primary(truth)).height > 0, "the limit alone is broken by bounds"
    assert fixed(truth, hidden).height == 0


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_what_is_found_has_one_answer(held: list[int]) -> None:
    """Every whole-number answer of a small system is tried: bounds claim nothing that is not so."""
    numbers = {("V", f"E{i // 4}", "T", i % 4): n for i, n in enumerate(held)}
    truth = cells(numbers, 4, sexes="T")
    hidden = primary(truth)
    if not hidden.height:
        return
    both = answers(truth, hidden.with_columns(hidden=pl.lit(True)), ["E0", "E1"], 4, max(held) + 2)
    found = fixed(truth, hidden).filter((pl.col("period_typ") == "manad") & (pl.col("niva") == "enhet"))
    for r in rows(found):
        column = 4 * int(str(r["enhet"])[1]) + r["period_start"].month - 1
        assert np.unique(both[:, column]).tolist() == [r["protected_number"]]
