"""Rows of an older release that are shown again: hidden further where today's rule requires it.

The true numbers behind them are not at hand, only what the release showed. What is hidden there is unknown but for not
being 0; whether it follows from the rest is asked as the audit asks (`system`), and what must be hidden besides is
found by moves that take numbers as not bounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, HIDDEN_MARK, JUDGED, NO_TARGET, NOT_APPLICABLE, TOTALS
from dagster_project.disclosure.control import costs, related
from dagster_project.disclosure.follows import determined
from dagster_project.disclosure.layout import layout_of
from dagster_project.disclosure.moves import Search
from dagster_project.disclosure.system import CELL, build, with_differences

_NUMBERS = ["taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring"]


def hidden_further(
    rows: pl.DataFrame, definitions: pl.DataFrame, limit: int, parts: Sequence[tuple[str, str]] = ()
) -> pl.DataFrame:
    """Published rows with more of them hidden, so that no hidden number follows from those that are left.

    rows: of the table indicator_result. definitions: their rows of the table indicator (art, bestand, patient).
    parts: (part, whole). Returns the rows in their order; a comparison with a cell that is hidden now is empty, and so
    is a target that equals it (whatever the definition says: an indicator may have another target another year).
    """
    cells = _cells(rows, definitions, limit)
    more = [
        _more(cells, members, same, inner)
        for members, same, inner in related(cells.fill_nan(-1), parts)
        if cells.height
    ]
    hide = pl.concat([*more, cells.filter("few").select(CELL)]).unique() if more else cells.select(CELL).clear()
    if not hide.height:
        return rows
    gone = pl.col("hidden_now").fill_null(False)
    before = (pl.col("hidden_before").fill_null(False) | gone) & pl.col("jamforelse_varde").is_not_null()
    target = before & (pl.col("malvarde") == pl.col("jamforelse_varde")).fill_null(False)
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
    cells: pl.DataFrame, members: list[str], same: list[tuple[str, str]], parts: Sequence[tuple[str, str]]
) -> pl.DataFrame:
    """The cells of a group (all indicators with the same numbers) that must be hidden besides."""
    group = cells.filter(pl.col("indicator_id").is_in(members))
    count = group.height
    group = with_differences(group.with_columns(virtual=pl.lit(False)), parts)
    virtual = group["virtual"].to_numpy()
    hidden = (group["hidden"] | group["few"]).to_numpy() & ~virtual
    protected = hidden | (
        virtual & (group["protected_number"] >= 1).to_numpy() & (group["protected_number"] <= 4).to_numpy()
    )
    start = hidden.copy()
    if protected.any():
        system = build(group, parts)
        # For moves only what is 0 matters.
        search = Search(
            layout_of(group.with_columns(pl.col("protected_number").fill_nan(5)), parts, exact=False),
            hidden | virtual,
            costs(group.with_columns(pl.col("protected_number").fill_nan(5))),
        )
        hopeless: set[int] = set()
        while True:
            follow = [int(c) for c in determined(system, hidden) if protected[c] and int(c) not in hopeless]
            if not follow:
                break
            for cell in follow:
                if search.moved[cell]:
                    hopeless.add(cell)
                    continue
                try:
                    hidden[search.take(search.best(cell, whole=False)[1])] = True
                except ArithmeticError:  # nothing shown holds it: only who is of unknown sex
                    hopeless.add(cell)
            hidden &= ~virtual
    chosen = group[:count].filter(pl.Series((hidden & ~start)[:count])).select(CELL)
    return pl.concat(
        [chosen.filter(pl.col("indicator_id") == of).with_columns(indicator_id=pl.lit(each)) for each, of in same]
    )
