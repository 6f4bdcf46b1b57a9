"""Rows of an older release that are shown again: hidden further where today's rule requires it.

The true numbers behind them are not at hand, only what the release showed. What is hidden there is unknown but for not
being 0; what must be hidden besides is chosen as for today's numbers (`choice`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, HIDDEN_MARK, JUDGED, NO_TARGET, NOT_APPLICABLE, TOTALS
from dagster_project.disclosure.choice import choose
from dagster_project.disclosure.control import related, worth
from dagster_project.disclosure.system import CELL, build, with_differences

_NUMBERS = ["taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring"]


def hidden_further(
    rows: pl.DataFrame, definitions: pl.DataFrame, limit: int, parts: Sequence[tuple[str, str]] = ()
) -> pl.DataFrame:
    """Published rows with more of them hidden, so that no hidden number follows from those that are left.

    rows: of the table indicator_result. definitions: their rows of the table indicator (art, bestand, patient,
    mal_jamforelse). parts: (part, whole). Returns the rows in their order; a comparison with a cell that is hidden now
    is empty, and so is a target that equals it.
    """
    cells = _cells(rows, definitions, limit)
    more = [
        _more(cells, members, same, inner, limit)
        for members, same, inner in related(cells.fill_nan(-1), parts)
        if cells.height
    ]
    hide = pl.concat([*more, cells.filter("few").select(CELL)]).unique() if more else cells.select(CELL).clear()
    if not hide.height:
        return rows
    relative = definitions.filter(pl.col("mal_jamforelse").is_not_null())["indicator_id"]
    gone = pl.col("hidden_now").fill_null(False)
    before = (pl.col("hidden_before").fill_null(False) | gone) & pl.col("jamforelse_varde").is_not_null()
    target = before & pl.col("indicator_id").is_in(relative.implode())
    return (
        rows.join(hide.with_columns(hidden_now=True), on=CELL, how="left", nulls_equal=True, maintain_order="left")
        .join(
            hide.with_columns(pl.col("period_start").dt.offset_by("1y"), hidden_before=True),
            on=CELL,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .with_columns(
            *(pl.when(~target).then(c).alias(c) for c in ("mal_operator", "malvarde")),
            *(pl.when(~before).then(c).alias(c) for c in ("jamforelse_varde", "forandring")),
            status=pl.when(target & pl.col("status").is_in(JUDGED)).then(pl.lit(NO_TARGET)).otherwise("status"),
        )
        .with_columns(
            *(pl.when(~gone).then(c).alias(c) for c in _NUMBERS),
            status=pl.when(gone).then(pl.lit(HIDDEN)).otherwise("status"),
            markering=pl.when(gone).then(pl.lit(HIDDEN_MARK)).otherwise("markering"),
        )
        .select(rows.columns)
    )


def _cells(rows: pl.DataFrame, definitions: pl.DataFrame, limit: int) -> pl.DataFrame:
    """The cells about patients as a reader sees them: NaN where hidden; also the year before the grid, of counts."""
    told = (
        rows.join(definitions.filter("patient").select("indicator_id", "art", "bestand"), on="indicator_id")
        .filter(pl.col("status") != NOT_APPLICABLE)
        .with_columns(
            number=pl.when(pl.col("art").is_in(TOTALS)).then("varde").otherwise("namnare"),
            hidden=pl.col("status") == HIDDEN,
        )
    )
    cells = told.filter("hidden", pl.col("art").is_not_null()).with_columns(number=pl.lit(float("nan")))
    cells = pl.concat([cells, told.filter(~pl.col("hidden"), pl.col("number").is_not_null())]).with_columns(
        in_grid=True
    )
    before = told.filter(pl.col("art").is_in(TOTALS), pl.col("jamforelse_varde").is_not_null()).with_columns(
        pl.col("period_start").dt.offset_by("-1y"), number=pl.col("jamforelse_varde"), hidden=False, in_grid=False
    )
    return (
        pl.concat([cells, before.join(cells, on=CELL, how="anti", nulls_equal=True).select(cells.columns)])
        .select(
            *CELL,
            "hidden",
            "in_grid",
            protected_number="number",
            stock="bestand",
            left_out=pl.lit(False),
            few=~pl.col("hidden") & (pl.col("number") >= 1) & (pl.col("number") < limit),
        )
        .sort(CELL, nulls_last=False)
    )


def _more(
    cells: pl.DataFrame,
    members: list[str],
    same: list[tuple[str, str]],
    parts: Sequence[tuple[str, str]],
    limit: int,
) -> pl.DataFrame:
    """The cells of a group (all indicators with the same numbers) that must be hidden besides."""
    group = cells.filter(pl.col("indicator_id").is_in(members))
    count = group.height
    group = with_differences(group.with_columns(virtual=pl.lit(False)), parts)
    virtual = group["virtual"].to_numpy()
    number = group["protected_number"].to_numpy()
    start = group["hidden"].to_numpy() & ~virtual
    protected = start | (group["few"].to_numpy() & ~virtual) | (virtual & (number >= 1) & (number < limit))
    hidden = start
    if protected.any():
        hidden = choose(build(group, parts), (number == 0) & ~virtual, virtual, protected, worth(group))
    chosen = group[:count].filter(pl.Series((hidden & ~start)[:count])).select(CELL)
    return pl.concat(
        [chosen.filter(pl.col("indicator_id") == of).with_columns(indicator_id=pl.lit(each)) for each, of in same]
    )
