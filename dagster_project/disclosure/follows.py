"""What follows from all that is shown: by elimination over the equations of a system, and by looking through groups of
few unknowns.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from dagster_project.disclosure.system import Flags, Floats, Ints, Row, System

_TOLERANCE = 1e-9
_PRIME = (1 << 61) - 1


def determined(system: System, hidden: Flags) -> Ints:
    """The hidden cells (rows; also virtual ones) whose numbers follow from all shown ones. Numbers that are 0 are not
    told.

    Shown cells join their nodes; what is left are the equations between the joined nodes. A number follows when it is 0
    in every solution of the homogeneous equations, and one random solution (modulo a large prime) tells all at once:
    a number that follows is 0 there for certain, another one with a probability of 1 to 2^61.
    """
    joined, equations = system.contracted.of(hidden, partial(_contracted, system))
    width = system.width
    level = system.shapes["niva"].replace_strict({"enhet": 0, "verksamhet": 1, "omrade": 2}, return_dtype=pl.Int64)
    detail = level.to_list() + [0] * (len(system.grid) - system.shapes.height)
    solved: dict[int, dict[int, int]] = {}
    for row in sorted(equations.as_rows(), key=lambda r: (len(r), r)):
        left = dict(row)
        while (pivot := next((c for c in left if c in solved), None)) is not None:
            factor = left[pivot]
            for column, value in solved[pivot].items():
                new = (left.get(column, 0) - factor * value) % _PRIME
                if new:
                    left[column] = new
                else:
                    left.pop(column, None)
        if left:
            pivot = min(left, key=lambda c: (detail[c // width], c))
            inverse = pow(left[pivot], -1, _PRIME)
            solved[pivot] = {c: v * inverse % _PRIME for c, v in left.items()}
    chance = random.Random(1)
    drawn: dict[int, int] = {}
    # A pivot's row holds pivots that were found later only: the latest first.
    for pivot, row_of in reversed(solved.items()):
        total = 0
        for column, factor in row_of.items():
            if column != pivot:
                if column not in drawn:
                    drawn[column] = chance.randrange(_PRIME)
                total += factor * drawn[column]
        drawn[pivot] = -total % _PRIME
    cells = np.flatnonzero((hidden | _flags(system, "virtual")) & ~(np.abs(_numbers(system)) <= _TOLERANCE))
    series = system.series[cells]
    there, here = joined[series, system.end[cells]], joined[series, system.start[cells]]
    found = []
    for cell, *ends in zip(cells.tolist(), there.tolist(), here.tolist(), strict=True):
        for c in ends:
            if c % width and c not in drawn:
                drawn[c] = chance.randrange(_PRIME)
        one, other = (drawn[c] if c % width else 0 for c in ends)
        if one == other:
            found.append(cell)
    return np.array(found, np.int64)


def narrow(system: System, hidden: Flags, wanted: Flags, unknowns: int = 12) -> Ints:
    """Those of the `wanted` hidden cells (rows) of connected groups of at most so many unknowns (and free directions)
    for which only one whole number is possible.

    Possible are answers that leave every hidden cell 1 or more (a difference, or what is left out: 0 or more, and O);
    looked through are those that differ from the true numbers by at most 1 in every free direction.
    """
    joined, equations = system.contracted.of(hidden, partial(_contracted, system))
    width = system.width
    virtual, left_out = _flags(system, "virtual"), _flags(system, "left_out")
    numbers = _numbers(system)
    # Every hidden cell, and O of every month, is the difference of two joined nodes and has a least number.
    cells = np.flatnonzero((hidden | virtual) & ~np.isnan(numbers))
    least = np.where(virtual[cells] | left_out[cells], 0, 1) - numbers[cells].astype(np.int64)
    asked = np.where(wanted[cells], cells, -1)  # -1: of no cell that is asked about
    rests = [np.zeros((0, 2), np.int64)]
    sexes = system.shapes["kon"].to_list()
    for family in system.families:
        if family.rest >= 0 and sexes[family.whole] != sexes[family.parts[0]]:
            ticks = np.flatnonzero(~system.zero[family.rest])
            rests.append(np.stack([np.full(len(ticks), family.rest), ticks], axis=1))
    rest, tick = np.concatenate(rests).T
    series = system.series[cells]
    there = np.concatenate([joined[series, system.end[cells]], joined[rest, tick + 1]])
    here = np.concatenate([joined[series, system.start[cells]], joined[rest, system.origin[tick]]])
    asked = np.concatenate([asked, np.full(len(rest), -1)])
    lowest = np.concatenate([np.minimum(least, 0), -system.grid[rest, tick].astype(np.int64)])
    there, here = np.where(there % width, there, -1), np.where(here % width, here, -1)
    told = there != here
    there, here, asked, lowest = there[told], here[told], asked[told], lowest[told]
    one, other = np.where(there >= 0, there, here), np.where(here >= 0, here, there)
    # A cell between two groups joins them.
    first = equations.column[equations.begin[:-1]]
    group = _groups(
        joined.size,
        np.concatenate([np.repeat(first, np.diff(equations.begin)), one]),
        np.concatenate([equations.column, other]),
    )
    # Unknown are the numbers that everything is summed from; the others follow from them.
    summed = np.zeros(len(system.grid), bool)
    summed[[family.whole for family in system.families]] = True
    summed[np.unique(system.series[virtual])] = True
    columns = np.unique(np.concatenate([equations.column, one, other]))
    many = np.bincount(group[columns[~summed[columns // width]]], minlength=joined.size)
    looked = np.zeros(joined.size, bool)
    looked[group[one[asked >= 0]]] = True
    looked &= many <= unknowns
    its_columns: dict[int, list[int]] = defaultdict(list)
    its_rows: dict[int, list[Row]] = defaultdict(list)
    its_bounds: dict[int, list[tuple[Row, int, int]]] = defaultdict(list)
    for c in columns[looked[group[columns]]].tolist():
        its_columns[int(group[c])].append(c)
    for row in equations.as_rows(np.flatnonzero(looked[group[first]])):
        its_rows[int(group[row[0][0]])].append(row)
    for i in np.flatnonzero(looked[group[one]]).tolist():
        bound = _row([(c, sign) for c, sign in ((int(there[i]), 1), (int(here[i]), -1)) if c >= 0], width)
        its_bounds[int(group[one[i]])].append((bound, int(lowest[i]), int(asked[i])))
    fixed = []
    for key, members in its_columns.items():
        fixed += _fixed(members, its_rows[key], its_bounds[key], unknowns)
    return np.array(sorted(c for c in fixed if c >= 0), np.int64)


def _groups(count: int, one: Ints, other: Ints) -> Ints:
    """Of each of so many numbers the smallest that pairs join it to."""
    group = np.arange(count)
    while True:
        a, b = group[one], group[other]
        apart = a != b
        if not apart.any():
            return group
        one, other = one[apart], other[apart]
        low, high = np.minimum(a[apart], b[apart]), np.maximum(a[apart], b[apart])
        np.minimum.at(group, high, low)
        while (group[group] != group).any():
            group = group[group]


def _fixed(columns: list[int], rows: list[Row], bounds: list[tuple[Row, int, int]], most: int) -> list[int]:
    """The cells of a group that one number is left for; none where it has more than `most` free directions.

    So it has where a part and its whole differ: both are unknown then, and 3 to the power of twice as many would be
    looked through.
    """
    at = {c: i for i, c in enumerate(columns)}
    left = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for c, value in row:
            left[i, at[c]] = value
    pivots: list[int] = []
    for column in range(len(columns)):
        done = len(pivots)
        found = done + np.flatnonzero(np.abs(left[done:, column]) > _TOLERANCE)
        if not len(found):
            continue
        left[[done, found[0]]] = left[[found[0], done]]
        left[done] /= left[done, column]
        factor = left[:, column].copy()
        factor[done] = 0
        touched = np.flatnonzero(np.abs(factor) > _TOLERANCE)
        left[touched] -= factor[touched, None] * left[done]
        pivots.append(column)
    free = np.setdiff1d(np.arange(len(columns)), pivots)
    if len(free) > most:
        return []
    basis = np.zeros((len(free), len(columns)))
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = -left[: len(pivots), free].T
    change = np.zeros((len(bounds), len(columns)))
    for i, (row, _, _) in enumerate(bounds):
        for c, value in row:
            change[i, at[c]] = value
    least = np.array([bound for _, bound, _ in bounds])
    moved = np.array([cell < 0 for _, _, cell in bounds])
    for steps in _directions(len(free)):
        answers = steps @ basis
        answers = answers[(np.abs(answers - np.round(answers)) < _TOLERANCE).all(axis=1)]
        by = np.round(answers @ change.T)
        moved |= (by[(by >= least).all(axis=1)] != 0).any(axis=0)
        if moved.all():
            break
    return [cell for (_, _, cell), other in zip(bounds, moved, strict=True) if not other]


def _directions(count: int) -> Iterator[Floats]:
    """Steps of -1, 0 or 1 in so many directions: at most two at a time first, then all of them, some thousands at
    once.
    """
    few = [np.zeros((1, count))]
    unit = np.eye(count)
    few += [a * unit[[i]] + b * unit[[j]] for i in range(count) for j in range(i) for a in (-1, 1) for b in (-1, 0, 1)]
    yield np.concatenate([*few, unit, -unit])
    for begin in range(0, 3**count, 3**8):
        numbers = np.arange(begin, min(begin + 3**8, 3**count))
        yield (numbers[:, None] // 3 ** np.arange(count) % 3 - 1).astype(float)


@dataclass(frozen=True)
class Contracted:
    """The equations between joined nodes, each once: those from `begin[i]` to `begin[i + 1]` are of equation i."""

    begin: Ints
    column: Ints
    value: Ints

    def as_rows(self, chosen: Ints | None = None) -> list[Row]:
        """All equations, or the chosen ones."""
        column, value, begin = self.column.tolist(), self.value.tolist(), self.begin.tolist()
        return [
            tuple(zip(column[begin[i] : begin[i + 1]], value[begin[i] : begin[i + 1]], strict=True))
            for i in (range(len(begin) - 1) if chosen is None else chosen.tolist())
        ]


def _contracted(system: System, hidden: Flags) -> tuple[Ints, Contracted]:
    """The joined node (a number) of every series and node, 0 modulo `width` for the common one; the equations
    between.
    """
    width, count = system.width, len(system.grid)
    series, ticks = np.nonzero(system.zero)
    shown = ~hidden & ~_flags(system, "virtual")
    joined = _groups(
        count * width,
        np.concatenate([series * width + system.origin[ticks], (system.series * width + system.start)[shown]]),
        np.concatenate([series * width + ticks + 1, (system.series * width + system.end)[shown]]),
    ).reshape(-1, width)
    equation, column, value = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    made, nodes = 0, np.arange(width)
    for family in system.families:
        members = [(family.whole, 1), *((p, -1) for p in family.parts)]
        if family.rest >= 0:
            members.append((family.rest, -1))
        for s, sign in members:
            equation.append(made + nodes)
            column.append(joined[s])
            value.append(np.full(width, sign))
        made += width
    if system.bridges:
        s, node, end, start = np.array(system.bridges, np.int64).T
        for at, sign in ((node, 1), (end, -1), (start, 1)):
            equation.append(made + np.arange(len(s)))
            column.append(joined[s, at])
            value.append(np.full(len(s), sign))
    return joined, _each_once(np.concatenate(equation), np.concatenate(column), np.concatenate(value), width)


def _each_once(equation: Ints, column: Ints, value: Ints, width: int) -> Contracted:
    """Equations, the common node left out: of each number one coefficient, and none that is 0; of equal ones one."""
    kept = column % width != 0
    equation, column, value = equation[kept], column[kept], value[kept]
    order = np.lexsort((column, equation))
    equation, column, value = equation[order], column[order], value[order]
    new = np.append(True, (np.diff(equation) != 0) | (np.diff(column) != 0))[: len(column)]
    first = np.flatnonzero(new)
    value = np.add.reduceat(value, first) if len(first) else value
    equation, column = equation[first], column[first]
    equation, column, value = equation[value != 0], column[value != 0], value[value != 0]
    begin = np.flatnonzero(np.append(True, np.diff(equation) != 0)[: len(equation)])
    ends = np.append(begin, len(column))
    seen: set[tuple[bytes, bytes]] = set()
    once = []
    for i, (a, b) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        key = column[a:b].tobytes(), value[a:b].tobytes()
        if key not in seen:
            seen.add(key)
            once.append(i)
    lengths = np.diff(ends)
    chosen = np.repeat(np.isin(np.arange(len(lengths)), once), lengths)
    return Contracted(np.append(0, np.cumsum(lengths[once])), column[chosen], value[chosen])


def _row(terms: Sequence[tuple[int, int]], width: int) -> Row:
    """An equation's coefficients by joined node, the common one left out."""
    found: dict[int, int] = {}
    for c, value in terms:
        if c % width:
            found[int(c)] = found.get(int(c), 0) + value
    return tuple(sorted((c, v) for c, v in found.items() if v))


def _flags(system: System, name: str) -> Flags:
    if name not in system.cells.columns:
        return np.zeros(system.cells.height, bool)
    return system.cells[name].to_numpy()


def _numbers(system: System) -> Floats:
    return system.cells["protected_number"].cast(pl.Float64).to_numpy()
