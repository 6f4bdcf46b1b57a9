"""What follows from all that is shown: by elimination over the equations of a system, and by looking through groups of
few unknowns.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    joined, rows = system.contracted.of(hidden, partial(_contracted, system))
    width = system.width
    level = system.shapes["niva"].replace_strict({"enhet": 0, "verksamhet": 1, "omrade": 2}, return_dtype=pl.Int64)
    detail = level.to_list() + [0] * (len(system.grid) - system.shapes.height)
    solved: dict[int, dict[int, int]] = {}
    for row in sorted(rows, key=lambda r: (len(r), r)):
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
    found = []
    for cell in np.flatnonzero(
        (hidden | _flags(system, "virtual")) & ~(np.abs(_numbers(system)) <= _TOLERANCE)
    ).tolist():
        ends = [int(joined[system.series[cell], node]) for node in (system.end[cell], system.start[cell])]
        for c in ends:
            if c % width and c not in drawn:
                drawn[c] = chance.randrange(_PRIME)
        there, here = (drawn[c] if c % width else 0 for c in ends)
        if (there - here) % _PRIME == 0:
            found.append(cell)
    return np.array(found, np.int64)


def narrow(system: System, hidden: Flags, wanted: Flags, unknowns: int = 12) -> Ints:
    """Those of the `wanted` hidden cells (rows) of connected groups of at most so many unknowns (and free directions)
    for which only one whole number is possible.

    Possible are answers that leave every hidden cell 1 or more (a difference, or what is left out: 0 or more, and O);
    looked through are those that differ from the true numbers by at most 1 in every free direction.
    """
    joined, rows = system.contracted.of(hidden, partial(_contracted, system))
    width = system.width
    group: dict[int, int] = {}

    def root(c: int) -> int:
        while group.setdefault(c, c) != c:
            group[c] = group[group[c]]
            c = group[c]
        return c

    for row in rows:
        for c, _ in row[1:]:
            group[root(c)] = root(row[0][0])
    virtual, left_out = _flags(system, "virtual"), _flags(system, "left_out")
    numbers = _numbers(system)
    bounds: list[tuple[Row, int, int]] = []  # -1: of no cell that is asked about
    for cell in np.flatnonzero(hidden | virtual).tolist():
        s = system.series[cell]
        row = _row([(joined[s, system.end[cell]], 1), (joined[s, system.start[cell]], -1)], width)
        if row and not np.isnan(numbers[cell]):
            least = 0 if virtual[cell] or left_out[cell] else 1
            bounds.append((row, min(least - int(numbers[cell]), 0), cell if wanted[cell] else -1))
    sexes = system.shapes["kon"].to_list()
    for family in system.families:
        if family.rest >= 0 and sexes[family.whole] != sexes[family.parts[0]]:
            for tick in np.flatnonzero(~system.zero[family.rest]).tolist():
                nodes = joined[family.rest, tick + 1], joined[family.rest, system.origin[tick]]
                if row := _row([(nodes[0], 1), (nodes[1], -1)], width):
                    bounds.append((row, -int(system.grid[family.rest, tick]), -1))
    members: dict[int, set[int]] = defaultdict(set)
    its_rows: dict[int, list[Row]] = defaultdict(list)
    its_bounds: dict[int, list[tuple[Row, int, int]]] = defaultdict(list)
    # A cell between two groups joins them.
    for row, _, _ in bounds:
        for c, _ in row[1:]:
            group[root(c)] = root(row[0][0])
    for row in rows:
        its_rows[root(row[0][0])].append(row)
        members[root(row[0][0])].update(c for c, _ in row)
    for bound in bounds:
        its_bounds[root(bound[0][0][0])].append(bound)
        members[root(bound[0][0][0])].update(c for c, _ in bound[0])
    # Unknown are the numbers that everything is summed from; the others follow from them.
    summed = np.zeros(len(system.grid), bool)
    summed[[family.whole for family in system.families]] = True
    summed[np.unique(system.series[virtual])] = True
    fixed = []
    for key, columns in members.items():
        asked = any(cell >= 0 for _, _, cell in its_bounds[key])
        if asked and sum(not summed[c // width] for c in columns) <= unknowns:
            fixed += _fixed(sorted(columns), its_rows[key], its_bounds[key], unknowns)
    return np.array(sorted(c for c in fixed if c >= 0), np.int64)


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


def _contracted(system: System, hidden: Flags) -> tuple[Ints, set[Row]]:
    """The joined node (a number) of every series and node, 0 modulo `width` for the common one; the equations
    between.
    """
    width = system.width
    root = list(range(len(system.grid) * width))

    def find(x: int) -> int:
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    def join(series: Ints, one: Ints, other: Ints) -> None:
        for a, b in zip((series * width + one).tolist(), (series * width + other).tolist(), strict=True):
            x, y = find(a), find(b)
            if x != y:
                root[max(x, y)] = min(x, y)

    series, ticks = np.nonzero(system.zero)
    join(series, system.origin[ticks], ticks + 1)
    shown = ~hidden & ~_flags(system, "virtual")
    join(system.series[shown], system.start[shown], system.end[shown])
    joined = np.array([find(x) for x in range(len(root))], np.int64).reshape(-1, width)
    rows: set[Row] = set()
    for family in system.families:
        members = [(family.whole, 1), *((p, -1) for p in family.parts)]
        if family.rest >= 0:
            members.append((family.rest, -1))
        terms = [(joined[s].tolist(), sign) for s, sign in members]
        terms = [(nodes, sign) for nodes, sign in terms if any(c % width for c in nodes)]
        for node in range(1, width):
            if row := _row([(nodes[node], sign) for nodes, sign in terms], width):
                rows.add(row)
    for s, node, end, start in system.bridges:
        if row := _row([(joined[s, node], 1), (joined[s, end], -1), (joined[s, start], 1)], width):
            rows.add(row)
    return joined, rows


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
