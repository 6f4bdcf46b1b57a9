"""What a reader can compute with: the protected numbers of related indicators as differences between nodes.

Along time a flow's cell is S(end) - S(start), S being the running sum of its series (indicator, place, sex) at month
ends: an edge between two nodes. A stock's cell is an edge from the series' first node to the node of its last month, so
that a longer period is the same edge as its last month. A number that its months do not add up to (persons who come in
two months) is an edge to a node of its own.

Between series stand equations at every node: T = K + M + O, verksamhet = its units, omrade = its verksamheter, and for
a part within its whole: whole = part + difference. What the true numbers leave over is a series of its own (for the
sexes: O), known to be 0 where nothing is left over. Whatever is known to be 0 joins its two nodes. All coefficients
are 1 or -1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

CELL = ["indicator_id", "period_typ", "period_start", "niva", "verksamhet", "enhet", "kon"]
SERIES = ["indicator_id", "niva", "verksamhet", "enhet", "kon"]
MONTHS = {"manad": 1, "tertial": 4, "delar": 8, "ar": 12, "r12": 12}
"""How many months a period has. Any other type is a time of its own, from which nothing follows along time."""
_TOLERANCE = 1e-9

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Family:
    """whole = sum of the parts + rest, at every node; series numbers, rest -1 where nothing is ever left over."""

    whole: int
    parts: tuple[int, ...]
    rest: int


Row = tuple[tuple[int, int], ...]
"""Of an equation: (joined node, coefficient) of each."""
Drawn = TypeVar("Drawn")


class Latest(Generic[Drawn]):
    """What was drawn last from which cells are hidden: asked in turn of the same ones, it is drawn once."""

    def __init__(self) -> None:
        self._known: tuple[bytes, Drawn] | None = None

    def of(self, hidden: Flags, draw: Callable[[Flags], Drawn]) -> Drawn:
        """What `draw` gives; not to be changed."""
        key = np.packbits(hidden).tobytes()
        if self._known is None or self._known[0] != key:
            self._known = key, draw(hidden)
        return self._known[1]


@dataclass(frozen=True)
class System:
    """Related indicators.

    cells: CELL, protected_number, `virtual` (a difference between a whole and its part: never shown) and the columns
    that were given; series, start, end: of each cell, nodes counted within the series, 0 being common to all.
    shapes: the series, columns SERIES; their rests come after them, without a row.
    width: nodes per series. grid: what a series holds per tick (the way to node tick + 1), NaN where unknown.
    origin: the node that each tick comes from. zero: per series and tick, whether it is known to be 0.
    bridges: (series, node, end, start): the number at `node` is S(end) - S(start).
    """

    cells: pl.DataFrame
    series: Ints
    start: Ints
    end: Ints
    shapes: pl.DataFrame
    width: int
    families: list[Family]
    grid: Floats
    origin: Ints
    zero: Flags
    bridges: list[list[int]]
    contracted: Latest[tuple[Ints, Any]] = field(default_factory=lambda: Latest(), compare=False)
    """What `follows` draws."""


def build(cells: pl.DataFrame, parts: Sequence[tuple[str, str]] = ()) -> System:
    """The system of related indicators.

    cells: CELL, protected_number (NaN: not known, only that it is not 0), stock (bool: longer periods are their last
    month), virtual; with the cells of `with_differences`. parts: (part, whole).
    """
    shapes = cells.select(SERIES).unique().sort(SERIES, nulls_last=False)
    frame = cells.join(
        shapes.with_row_index("series"), on=SERIES, how="left", nulls_equal=True, maintain_order="left"
    ).select(
        pl.col("series").cast(pl.Int64),
        number=pl.col("protected_number").cast(pl.Float64),
        first=pl.col("period_start").dt.year().cast(pl.Int64) * 12 + pl.col("period_start").dt.month(),
        length=pl.col("period_typ").replace_strict(MONTHS, default=0, return_dtype=pl.Int64),
        stock="stock",
        period_typ="period_typ",
    )
    series, number = frame["series"].to_numpy(), frame["number"].to_numpy()
    first, length = frame["first"].to_numpy(), frame["length"].to_numpy()
    last = first + length - 1
    flow = ~frame["stock"].to_numpy() & (length > 0)
    start, end = np.zeros(len(number), np.int64), np.zeros(len(number), np.int64)
    count = shapes.height
    grid, loose = np.zeros((count, 0)), np.zeros(len(number), bool)
    if flow.any():
        months = flow & (length == 1)
        low = int(first[flow].min())
        # What ends after the newest month holds nothing more yet.
        newest = int(last[months].max()) if months.any() else int(last[flow].max())
        start[flow] = first[flow] - low
        end[flow] = np.minimum(last[flow], newest) - low + 1
        grid = by_month(
            series, start, number, months, flow & (frame["period_typ"] == "r12").to_numpy(), count, newest - low + 1
        )
        running = np.concatenate([np.zeros((count, 1)), np.cumsum(grid, axis=1)], axis=1)
        through = running[series, end] - running[series, start]
        loose = flow & (np.abs(through - number) > _TOLERANCE)  # never where a month is unknown: NaN
    flow_ticks = grid.shape[1]
    origin = np.arange(flow_ticks)
    own = ~flow | loose
    bridges: list[list[int]] = []
    if own.any():
        moment = frame.select(
            pl.when(pl.Series(loose) | (pl.col("length") == 0)).then("period_typ").otherwise(pl.lit("")).alias("typ"),
            pl.when(pl.Series(loose) | (pl.col("length") == 0)).then("first").otherwise(pl.Series(last)).alias("at"),
        )
        moments = moment.filter(pl.Series(own)).unique().sort("typ", "at").with_row_index("tick")
        tick = (
            moment.join(moments, on=["typ", "at"], how="left", maintain_order="left")["tick"]
            .cast(pl.Int64)
            .fill_null(-1)
        ).to_numpy()
        held = np.zeros((count, moments.height))
        held[series[own], tick[own]] = number[own]
        start[own], end[own] = 0, flow_ticks + 1 + tick[own]
        # Beside a loose cell the others of its period are needed too: at its node, what their months come to.
        beside = np.flatnonzero(flow & ~loose & _same_period(frame, loose))
        if len(beside):
            its_period = frame[beside].select(typ="period_typ", at="first")
            ticks = its_period.join(moments, on=["typ", "at"], how="left", maintain_order="left")["tick"].to_numpy()
            held[series[beside], ticks] = number[beside]
            nodes = flow_ticks + 1 + ticks.astype(np.int64)
            bridges = np.stack([series[beside], nodes, end[beside], start[beside]], axis=1).tolist()
        grid = np.concatenate([grid, held], axis=1)
        origin = np.concatenate([origin, np.zeros(moments.height, np.int64)])
    families, rests = _families(shapes, grid, parts)
    zero = np.abs(grid) <= _TOLERANCE  # never what is not known
    zero[np.unique(series[cells["virtual"].to_numpy()])] = False  # nobody is told
    if rests:
        rest_grid = np.stack(rests)
        # What cannot be checked is taken to hold: a reader may.
        zero = np.concatenate([zero, ~(np.abs(rest_grid) > _TOLERANCE)])
        grid = np.concatenate([grid, rest_grid])
    return System(cells, series, start, end, shapes, grid.shape[1] + 1, families, grid, origin, zero, bridges)


def with_differences(cells: pl.DataFrame, parts: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """The cells (with `virtual`), and per pair (part, whole) one virtual cell more for their difference at every
    address.
    """
    address = [c for c in CELL if c != "indicator_id"]
    frames = [cells]
    for part, whole in parts:
        of_part = cells.filter(pl.col("indicator_id") == part).select(*address, part="protected_number")
        frames.append(
            cells.filter(pl.col("indicator_id") == whole)
            .join(of_part, on=address, how="inner", nulls_equal=True, maintain_order="left")
            .with_columns(
                indicator_id=pl.lit(difference_of(part, whole)),
                protected_number=pl.col("protected_number") - pl.col("part"),
                virtual=pl.lit(True),
            )
            .select(cells.columns)
        )
    return pl.concat(frames)


def difference_of(part: str, whole: str) -> str:
    """What the series of a difference is called."""
    return f"{whole} - {part}"


def by_month(series: Ints, start: Ints, number: Floats, months: Flags, r12: Flags, count: int, span: int) -> Floats:
    """What every series holds per month: 0 where it has no cell from its system's first month on, NaN before where
    unknown.

    Before the first month (the year that only r12 reaches) a month follows from two r12 and the same month a year
    later.
    """
    grid = np.zeros((count, span))
    grid[series[months], start[months]] = number[months]
    begin = int(start[months].min()) if months.any() else span
    r12 = r12 & (start + 11 < span)
    if begin:
        through = np.full((count, span), np.nan)  # r12 by its last month
        through[series[r12], start[r12] + 11] = number[r12]
        grid[:, :begin] = np.nan
        for t in range(begin - 1, -1, -1):
            later = t + 12
            if later < span and later > begin:
                known = ~np.isnan(through[:, later]) & ~np.isnan(through[:, later - 1])
                grid[known, t] = grid[known, later] - through[known, later] + through[known, later - 1]
        has = np.zeros(count, bool)
        has[series[r12 & (start < begin)]] = True
        grid[~has, :begin] = 0  # nothing reaches there
    return grid


def _same_period(frame: pl.DataFrame, loose: Flags) -> Flags:
    periods = frame.filter(pl.Series(loose)).select("period_typ", "first").unique()
    return (
        frame.select("period_typ", "first")
        .join(periods.with_columns(found=True), on=["period_typ", "first"], how="left", maintain_order="left")["found"]
        .fill_null(False)
        .to_numpy()
    )


def _families(
    shapes: pl.DataFrame, grid: Floats, parts: Sequence[tuple[str, str]]
) -> tuple[list[Family], list[Floats]]:
    """The equations between series, and what each leaves over per tick (the series after those of `shapes`)."""
    number = {row: i for i, row in enumerate(shapes.iter_rows())}
    found: list[tuple[int, tuple[int, ...], bool]] = []
    below: dict[tuple[str, str, str | None, str], list[int]] = {}
    for (indicator, niva, verksamhet, enhet, kon), i in number.items():
        if niva == "enhet":
            below.setdefault((indicator, "verksamhet", verksamhet, kon), []).append(i)
        elif niva == "verksamhet":
            below.setdefault((indicator, "omrade", None, kon), []).append(i)
        if kon == "T":
            sexes = [number[k] for s in "KM" if (k := (indicator, niva, verksamhet, enhet, s)) in number]
            if sexes:
                found.append((i, tuple(sexes), True))
    for (indicator, niva, verksamhet, kon), members in below.items():
        whole = number.get((indicator, niva, verksamhet, None, kon))
        if whole is not None:
            found.append((whole, tuple(members), True))
    for part, whole_id in parts:
        for (indicator, *place), i in number.items():
            if indicator == whole_id and (part, *place) in number:
                difference = number[(difference_of(part, whole_id), *place)]
                found.append((i, (number[(part, *place)], difference), False))
    families: list[Family] = []
    rests: list[Floats] = []
    for whole, numbered, may_leave in found:
        rest = -1
        if may_leave:
            held_below = grid[list(numbered)].sum(axis=0)
            # A number that is hidden, hence not 0, above nothing but zeros: something is left over, whatever it is.
            left = np.where(np.isnan(grid[whole]) & (np.abs(held_below) <= _TOLERANCE), 1, grid[whole] - held_below)
            if (np.abs(left) > _TOLERANCE).any():
                rest = shapes.height + len(rests)
                rests.append(left)
        families.append(Family(whole, numbered, rest))
    return families, rests
