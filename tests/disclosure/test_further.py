"""Rows of a release that an older rule made: hidden further before they are shown again."""

from __future__ import annotations

import polars as pl
import pytest

from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.further import hidden_further
from dagster_project.disclosure.system import CELL
from tests.disclosure.attack import broken_equations, computable, read
from tests.disclosure.organisations import cells, published, rows, some

DEFINITIONS = pl.DataFrame(
    {
        "indicator_id": ["x"],
        "art": ["antal"],
        "bestand": [False],
        "patient": [True],
    }
)


def by_the_old_rule(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(true cells, what a release shows that looked at every period by itself)."""
    truth = cells(some(seed, verks=2, units=3, months=28), 28)
    apart = truth.with_columns(period_typ=pl.concat_str("period_typ", pl.lit(" för sig")))
    hidden = hidden_cells(apart).with_columns(pl.col("period_typ").str.strip_suffix(" för sig"))
    compared = pl.col("jamforelse_varde").is_not_null()
    shown = published(truth, hidden).with_columns(
        *(pl.lit(None, pl.Float64).alias(c) for c in ("taljare", "ki_lag", "ki_hog")),
        forandring=pl.col("varde") - pl.col("jamforelse_varde"),
        malvarde="jamforelse_varde",
        mal_operator=pl.when(compared).then(pl.lit(">")),
        status=pl.when((pl.col("status") != "dold") & compared).then(pl.lit("uppfyllt")).otherwise("status"),
        markering=pl.when(pl.col("status") == "dold").then(pl.lit("MSK")),
    )
    return truth, shown


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_nothing_follows_from_old_rows(seed: int) -> None:
    truth, old = by_the_old_rule(seed)
    broken = broken_equations(rows(truth))
    assert computable(read(rows(old), {"x"}, set()), (), broken)
    new = hidden_further(old, DEFINITIONS, 5)
    assert new.columns == old.columns and new.select(CELL).equals(old.select(CELL))
    assert computable(read(rows(new), {"x"}, set()), (), broken) == []
    hidden = new.filter(pl.col("status") == "dold")
    assert hidden.height > (old["status"] == "dold").sum()
    assert hidden.select(pl.all_horizontal(pl.col("varde", "jamforelse_varde", "malvarde").is_null()).all()).item()
    assert (hidden["markering"] == "MSK").all()
    # Nothing but what is hidden now, and what was compared with it, is changed.
    gone = hidden.select(*CELL[:2], pl.col("period_start").dt.offset_by("1y"), *CELL[3:])
    rest = new.filter(pl.col("status") != "dold").join(gone, on=CELL, how="anti", nulls_equal=True)
    assert rest.equals(old.join(rest, on=CELL, how="semi", nulls_equal=True))
    later = new.filter(pl.col("status") != "dold").join(gone, on=CELL, how="semi", nulls_equal=True)
    assert later["jamforelse_varde"].is_null().all() and (later["status"] == "inget_mal").all()
    # Asked again, it has nothing to add.
    assert hidden_further(new, DEFINITIONS, 5).equals(new)


def test_a_target_that_is_a_number_of_its_own_stays() -> None:
    """Only one that equals the hidden comparison tells of it."""
    _, old = by_the_old_rule(1)
    own = old.with_columns(malvarde=pl.lit(10_000.0), mal_operator=pl.lit("<"))
    new = hidden_further(own, DEFINITIONS, 5)
    assert (new["status"] == "dold").sum() > (own["status"] == "dold").sum()
    assert new.filter(pl.col("status") != "dold")["malvarde"].unique().to_list() == [10_000.0]
    assert new.filter(pl.col("jamforelse_varde").is_null(), pl.col("status") == "uppfyllt").height > 0


def test_a_count_and_its_share_hide_the_same() -> None:
    """A count's release tells of the year before its grid (comparisons), its twin's does not."""
    _, old = by_the_old_rule(1)
    first = old["period_start"].min()
    assert first is not None
    grid = old.filter(pl.col("period_start").dt.year() > first.year)  # type: ignore[union-attr]
    empty = (pl.lit(None, pl.Float64).alias(c) for c in ("varde", "jamforelse_varde", "forandring", "malvarde"))
    twin = grid.with_columns(indicator_id=pl.lit("y"), namnare="varde").with_columns(*empty)
    both = pl.concat([grid, twin.with_columns(mal_operator=pl.lit(None, pl.String))])
    mean = DEFINITIONS.with_columns(indicator_id=pl.lit("y"), art=pl.lit("medel"))
    new = hidden_further(both, pl.concat([DEFINITIONS, mean]), 5)
    assert new.filter(pl.col("status") == "dold").height > both.filter(pl.col("status") == "dold").height
    x, y = (new.filter(pl.col("indicator_id") == i, pl.col("status") == "dold").select(CELL[1:]) for i in "xy")
    assert x.sort(CELL[1:]).equals(y.sort(CELL[1:]))


def test_what_today_would_hide_stays_as_it_is() -> None:
    truth, _ = by_the_old_rule(2)
    old = published(truth, hidden_cells(truth)).with_columns(
        *(pl.lit(None, pl.Float64).alias(c) for c in ("taljare", "ki_lag", "ki_hog", "forandring", "malvarde")),
        *(pl.lit(None, pl.String).alias(c) for c in ("mal_operator", "markering")),
    )
    assert hidden_further(old, DEFINITIONS, 5).equals(old)


def test_a_higher_limit_hides_what_is_small_now() -> None:
    truth, _ = by_the_old_rule(3)
    old = published(truth, hidden_cells(truth, 3)).with_columns(
        *(pl.lit(None, pl.Float64).alias(c) for c in ("taljare", "ki_lag", "ki_hog", "forandring", "malvarde")),
        *(pl.lit(None, pl.String).alias(c) for c in ("mal_operator", "markering")),
    )
    new = hidden_further(old, DEFINITIONS, 6)
    assert new.filter(pl.col("varde").is_between(1, 5)).height == 0
    assert computable(read(rows(new), {"x"}, set()), (), broken_equations(rows(truth))) == []
