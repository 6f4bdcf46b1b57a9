"""Disclosure control: hide small protected numbers, and what it takes that nobody can compute them.

What a reader can compute with is described in `system`; how the further cells are chosen, in `choice`; `audit` asks
again before publishing. `docs/disclosure.md` says it in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.disclosure.choice import choose
from dagster_project.disclosure.system import CELL, Ints, build, with_differences

_PERIOD_WORTH = {"manad": 20, "tertial": 26, "r12": 24, "delar": 80, "ar": 80}
_LEVEL_WORTH = {"enhet": 1, "verksamhet": 3, "omrade": 6}
_REPORTED = 10_000_000


def hidden_cells(
    cells: pl.DataFrame, limit: int = 5, hidden_already: bool = False, parts: Sequence[tuple[str, str]] = ()
) -> pl.DataFrame:
    """The cells to hide.

    `cells`: columns CELL plus `protected_number` (not null), one row per cell of indicators about patients, whole
    numbers. Further columns, where given: `stock` (a longer period is its last month), `in_grid` (false: shown as a
    comparison only), `left_out` (not published: unknown to a reader from the beginning), and with `hidden_already`
    `hidden` (hidden from the beginning). A period type that is not one of `system.MONTHS` is a time of its own.
    `parts`: (part, whole), indicators whose difference is protected too.

    Returns CELL plus `hidden` (all true): the cells whose number is 1..limit-1 and those hidden to protect them, of
    what is published. A shown 0 is never hidden. The result does not depend on the order of the rows.
    """
    cells = cells.select(
        *CELL,
        pl.col("protected_number").cast(pl.Float64),
        *(
            (pl.col(name) if name in cells.columns else pl.lit(default)).alias(name)
            for name, default in (("stock", False), ("in_grid", True), ("left_out", False))
        ),
        hidden=pl.col("hidden") if hidden_already else pl.lit(False),
    ).sort(CELL, nulls_last=False)
    found = [cells.select(CELL).clear()]
    for members, same, inner in related(cells, parts):
        # What is hidden from the beginning for one is so for all with its numbers.
        given = cells.with_columns(
            indicator_id=pl.col("indicator_id").replace_strict(dict(same), default=None, return_dtype=pl.String)
        ).filter(pl.col("indicator_id").is_not_null() & pl.col("hidden"))
        group = (
            cells.filter(pl.col("indicator_id").is_in(members))
            .drop("hidden")
            .join(given.select(*CELL, "hidden").unique(), on=CELL, how="left", nulls_equal=True, maintain_order="left")
            .with_columns(pl.col("hidden").fill_null(False))
        )
        chosen = group.filter(pl.Series(_hide(group, inner, limit), dtype=pl.Boolean) & ~pl.col("left_out"))
        found += [
            chosen.filter(pl.col("indicator_id") == of).with_columns(indicator_id=pl.lit(indicator)).select(CELL)
            for indicator, of in same
        ]
    return pl.concat(found).with_columns(hidden=pl.lit(True))


def related(
    cells: pl.DataFrame, parts: Sequence[tuple[str, str]]
) -> list[tuple[list[str], list[tuple[str, str]], list[tuple[str, str]]]]:
    """Groups of indicators that are protected together: (those computed with, (each, the one computed with), parts).

    Indicators with the same cells and the same numbers (of the same observations) are one; so are a part and its whole.
    """
    of: dict[str, str] = {}
    prints: dict[bytes, str] = {}
    for (name,), rows in cells.sort(CELL, nulls_last=False).group_by("indicator_id", maintain_order=True):
        told = rows.select(*CELL[1:], "protected_number", "stock", "left_out").write_csv().encode()
        of[str(name)] = prints.setdefault(hashlib.sha256(told).digest(), str(name))
    inner = sorted({(of[p], of[w]) for p, w in parts if p in of and w in of and of[p] != of[w]})
    groups: list[tuple[list[str], list[tuple[str, str]], list[tuple[str, str]]]] = []
    taken: set[str] = set()
    for name in sorted(set(of.values())):
        if name in taken:
            continue
        members = {name}
        while more := {x for pair in inner if members & set(pair) for x in pair} - members:
            members |= more
        taken |= members
        groups.append(
            (
                sorted(members),
                sorted((each, one) for each, one in of.items() if one in members),
                [pair for pair in inner if set(pair) <= members],
            )
        )
    return groups


def _hide(cells: pl.DataFrame, parts: Sequence[tuple[str, str]], limit: int) -> np.ndarray:
    """Which cells of a group are hidden (in the order of the rows)."""
    count = cells.height
    cells = with_differences(cells.with_columns(virtual=pl.lit(False)), parts)
    virtual, left_out = cells["virtual"].to_numpy(), cells["left_out"].to_numpy()
    number = cells["protected_number"].to_numpy()
    zero = number == 0
    given = cells["hidden"].to_numpy() & ~virtual
    protected = ((number >= 1) & (number < limit)) | (given & ~zero)
    if not protected.any():
        return np.zeros(count, bool)
    hidden = choose(build(cells, parts), zero & ~virtual & ~left_out, virtual | left_out, protected, worth(cells))
    return np.asarray(hidden[:count])


def worth(cells: pl.DataFrame) -> Ints:
    """What a shown cell is worth: sum before detail, area before verksamhet before unit, T before K and M, large
    before small, the newest year before older ones; what the two reports and r12 show of T above the units is worth
    more than all that.
    """
    above = (pl.col("niva") != "enhet") & (pl.col("kon") == "T") & ~pl.col("stock")
    ordinary = pl.col("period_typ").replace_strict(_PERIOD_WORTH, default=20, return_dtype=pl.Int64) * pl.col(
        "niva"
    ).replace_strict(_LEVEL_WORTH, return_dtype=pl.Int64) * pl.when(pl.col("kon") == "T").then(8).otherwise(
        5
    ) * pl.when(pl.col("period_start").dt.year() == pl.col("period_start").dt.year().max()).then(5).otherwise(
        4
    ) + pl.col("protected_number").clip(0, 15).fill_nan(0).cast(pl.Int64)
    of_cell = cells.select(
        pl.when("virtual")
        .then(0)
        .when(~pl.col("in_grid"))
        .then(40)
        .when(above & pl.col("period_typ").is_in(["delar", "ar"]))
        .then(2 * _REPORTED)
        .when(above & (pl.col("period_typ") == "r12"))
        .then(_REPORTED)
        .otherwise(ordinary)
    ).to_series()
    return of_cell.cast(pl.Int64).to_numpy()
