"""Disclosure control: hide small protected numbers, and what it takes that nobody can compute them.

What a reader can compute with is described in `system`; how the further cells are chosen, in `moves`; `audit` asks
again before publishing. `docs/disclosure.md` says it in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.core.second import shared
from dagster_project.disclosure.bounds import Equations
from dagster_project.disclosure.closure import pinned_between
from dagster_project.disclosure.follows import determined, narrow
from dagster_project.disclosure.layout import Layout, layout_of
from dagster_project.disclosure.moves import REPORTED, Search, Touch
from dagster_project.disclosure.system import CELL, Flags, Ints, System, build, with_differences

_PERIOD_COST = {"manad": 20, "tertial": 26, "r12": 24, "delar": 80, "ar": 80}
SHARED_FROM = 20_000
"""So many cells take longer than loading another process."""
_LEVEL_COST = {"enhet": 1, "verksamhet": 3, "omrade": 6}


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
    groups = related(cells, parts)
    asked = []
    for members, same, inner in groups:
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
        asked.append((group, inner, limit))
    found = [cells.select(CELL).clear()]
    for (group, _, _), hide, (_, same, _) in zip(asked, _all_hidden(asked), groups, strict=True):
        chosen = group.filter(pl.Series(hide, dtype=pl.Boolean) & ~pl.col("left_out"))
        found += [
            chosen.filter(pl.col("indicator_id") == of).with_columns(indicator_id=pl.lit(indicator)).select(CELL)
            for indicator, of in same
        ]
    return pl.concat(found).with_columns(hidden=pl.lit(True))


Asked = tuple[pl.DataFrame, Sequence[tuple[str, str]], int]


def _all_hidden(asked: Sequence[Asked]) -> list[Flags]:
    """Which cells of each group are hidden; the largest groups first, since two processes may share them."""
    order = sorted(range(len(asked)), key=lambda i: -asked[i][0].height)
    worth = sum(group.height for group, _, _ in asked) >= SHARED_FROM
    found = dict(zip(order, shared(_hide, [asked[i] for i in order], worth), strict=True))
    return [found[i] for i in range(len(asked))]


def related(
    cells: pl.DataFrame, parts: Sequence[tuple[str, str]]
) -> list[tuple[list[str], list[tuple[str, str]], list[tuple[str, str]]]]:
    """Groups of indicators that are protected together: (those computed with, (each, the one computed with), parts).

    Indicators with the same cells of the grid and the same numbers (of the same observations) are one; so are a part
    and its whole. Before the grid a release tells of counts only, which makes twins no strangers.
    """
    of: dict[str, str] = {}
    prints: dict[bytes, str] = {}
    for (name,), rows in cells.sort(CELL, nulls_last=False).group_by("indicator_id", maintain_order=True):
        told = rows.filter("in_grid").select(*CELL[1:], "protected_number", "stock", "left_out").write_csv().encode()
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


def _hide(of_group: Asked) -> Flags:
    """Which cells of a group are hidden (in the order of the rows)."""
    cells, parts, limit = of_group
    count = cells.height
    given = cells["hidden"].to_numpy()
    cells = with_differences(cells.with_columns(virtual=pl.lit(False)), parts)
    virtual, left_out = cells["virtual"].to_numpy(), cells["left_out"].to_numpy()
    layout = layout_of(cells, parts)
    small = (layout.number >= 1) & (layout.number < limit)
    protected = small | (np.append(given, np.zeros(len(small) - count, bool)) & (layout.number != 0))
    if not protected.any():
        return np.zeros(count, bool)
    cost = costs(cells)
    search = Search(layout, protected | virtual | left_out, cost)
    order = _order(cells, layout, protected)
    bounded: list[bool] = []
    taken = [search.take(_move(search, int(cell), bounded)) for cell in order if not search.moved[cell]]
    kept = _needed(taken, protected)
    hidden, settled = np.zeros(len(small), bool), np.zeros(len(small), bool)
    for i in kept:
        hidden[taken[i]] = True
        settled[taken[i]] |= bounded[i]
    system = build(cells, parts)
    equations = Equations(system)
    before = -1
    while before < settled.sum():
        before = int(settled.sum())
        # The whole system is looked through by bounds, then every group of few unknowns, then bounds between any two
        # month ends: where only one answer is left, a move that leaves two is made.
        asked = (protected | (hidden & ~virtual)) & ~settled
        if not asked.any():
            break
        unseen = hidden | virtual | left_out
        fixed = equations.pinned(unseen, asked)
        if not len(fixed):
            fixed = narrow(system, unseen, asked)
        if not len(fixed):
            fixed = pinned_between(equations, unseen, asked)
        again = Search(layout, unseen, cost)
        dear: list[tuple[int, int]] = []
        for cell in fixed.tolist():
            if not again.moved[cell]:
                price, move = again.best(cell)
                if price >= REPORTED:
                    dear.append((price, cell))
                    continue
                changed = again.take(move)
                hidden[changed], settled[changed] = True, True
        # A move often frees others: what is reported pays for the cheapest third of them, then it is asked again.
        if len(dear) == len(fixed):
            for _, cell in sorted(dear)[: 1 + len(dear) // 3]:
                if not again.moved[cell]:
                    changed = again.take(again.best(cell)[1])
                    hidden[changed], settled[changed] = True, True
    # A move can hold a 0 of a longer period for the sum of months that are not shown: it stays shown all the same.
    hidden = (hidden | protected) & ~virtual & (layout.number != 0)
    return _beyond_moves(equations, hidden, virtual | left_out, protected, layout.number == 0, cost)[:count]


def _beyond_moves(
    equations: Equations, hidden: Flags, never: Flags, protected: Flags, zero: Flags, cost: Ints
) -> Flags:
    """The hidden cells, with more of them where the audit would still find one.

    Moves keep what adds up. Of persons, who come in two months or two units, a longer period is a number of its own,
    and what a reader may suppose of it binds more than a move sees. Then the cheapest shown cells around such a number
    are hidden, twice as many each time, until none is found or nothing is left to hide.
    never: not shown whatever is chosen (differences, what is left out). zero: shown to be 0.
    """
    system, many = equations.system, 1
    while True:
        unseen = hidden | never
        wanted = hidden | (protected & never)
        known = np.zeros(len(hidden), bool)
        known[determined(system, unseen)] = True
        known[equations.pinned(unseen, wanted)] = True
        found = known & wanted
        if not found.any():
            found[narrow(system, unseen, wanted)] = True
        if not found.any():
            found[pinned_between(equations, unseen, wanted)] = True
        shown = ~unseen & ~zero
        if not found.any() or not shown.any():
            return hidden
        hidden = hidden.copy()
        for cell in np.flatnonzero(found).tolist():
            hidden[_near(system, cell, shown, cost)[:many]] = True
        many *= 2


def _near(system: System, cell: int, among: Flags, cost: Ints) -> Ints:
    """Cells that may help a cell: of its verksamhet or the area before others, of its time or near it, the cheapest
    first.
    """
    verksamhet = system.shapes["verksamhet"].to_list()
    own = verksamhet[system.series[cell]]
    strange = np.array([v is not None and own is not None and v != own for v in verksamhet])[system.series]
    first, last = system.cells["period_start"].to_physical().to_numpy(), system.end
    apart = np.abs(first - first[cell]) // 31 + np.abs(last - last[cell])
    found = np.flatnonzero(among)
    return np.asarray(found[np.lexsort((cost[found], apart[found], strange[found]))])


def _move(search: Search, cell: int, bounded: list[bool]) -> list[Touch]:
    """The move that protects a cell: one that leaves whole numbers possible, unless only what is reported pays
    for it.
    """
    cost, move = search.best(cell)
    bounded.append(True)
    if cost >= REPORTED:
        other, instead = search.best(cell, whole=False)
        if other < cost - REPORTED // 2:
            bounded[-1] = False
            return instead
    return move


def _order(cells: pl.DataFrame, layout: Layout, protected: np.ndarray) -> Ints:
    """Protected cells from the area down, T last, long periods first, small numbers first: what moves most comes
    first.
    """
    level = cells["niva"].replace_strict({"omrade": 0, "verksamhet": 1, "enhet": 2}, return_dtype=pl.Int8).to_numpy()
    order = np.lexsort((np.arange(len(level)), layout.number, layout.start - layout.end, layout.sex == 0, level))
    return np.asarray(order[protected[order]])


def _needed(taken: list[Ints], protected: Flags) -> list[int]:
    """The moves that are kept: one that protects nothing that another does not is dropped, the latest first."""
    times = np.zeros(len(protected), np.int64)
    for cells in taken:
        times[cells] += 1
    kept = []
    for i in reversed(range(len(taken))):
        if ((times[taken[i]] == 1) & protected[taken[i]]).any():
            kept.append(i)
        else:
            times[taken[i]] -= 1
    return kept[::-1]


def costs(cells: pl.DataFrame) -> Ints:
    """What it costs to hide a cell: detail before sum, unit before verksamhet before area, K and M before T, small
    before large, older before the newest year; what the two reports and r12 show of T above the units costs more than
    all that.
    """
    above = (pl.col("niva") != "enhet") & (pl.col("kon") == "T") & ~pl.col("stock")
    worth = pl.col("period_typ").replace_strict(_PERIOD_COST, default=20, return_dtype=pl.Int64) * pl.col(
        "niva"
    ).replace_strict(_LEVEL_COST, return_dtype=pl.Int64) * pl.when(pl.col("kon") == "T").then(8).otherwise(5) * pl.when(
        pl.col("period_start").dt.year() == pl.col("period_start").dt.year().max()
    ).then(5).otherwise(4) + pl.col("protected_number").clip(0, 15).fill_nan(0).cast(pl.Int64)
    cost = cells.select(
        pl.when("virtual")
        .then(0)
        .when(~pl.col("in_grid"))
        .then(40)
        .when(above & pl.col("period_typ").is_in(["delar", "ar"]))
        .then(2 * REPORTED)
        .when(above & (pl.col("period_typ") == "r12"))
        .then(REPORTED)
        .otherwise(worth)
    ).to_series()
    return cost.cast(pl.Int64).to_numpy()
