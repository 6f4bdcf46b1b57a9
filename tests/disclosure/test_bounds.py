"""Bounds over the whole system: what they fix is found, and nothing that control hides is fixed by them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.disclosure.bounds import pinned
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.system import CELL, build
from tests.disclosure.organisations import cells, rows, some
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
