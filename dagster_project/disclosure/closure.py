"""What a reader finds by bounds between any two month ends, not only over the periods that are published.

With running sums S(t), what a series holds from one month end to another is S(end) - S(start): bounds of two such
differences bound their sum, and the equations between series hold over every one of them. Drawn to the end, this finds
what `bounds` does not where an interval that nobody publishes (May to July) ties two levels, or a whole and its part.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from dagster_project.disclosure.bounds import Equations
from dagster_project.disclosure.system import Flags, Ints

_ENDLESS = 1 << 28
"""More than any number; sums of several stay far below what 32 bits hold."""
_TOLERANCE = 1e-9
_ROUNDS = 100
_TOGETHER = 8
_MOST_BOUNDS = 4_000_000
"""Bounds that are drawn at most (some seconds): larger systems, as 200 units over 8 years, have those of `bounds`."""

Bounds = npt.NDArray[np.int32]


def pinned_between(equations: Equations, hidden: Flags, wanted: Flags) -> Ints:
    """Those of the `wanted` hidden cells (rows) that bounds between month ends leave one number only.

    hidden: as `Equations.pinned`. None where no period is a sum of months, or the system is too large.
    """
    system = equations.system
    nodes, count = system.width, len(system.grid)
    if not (system.origin > 0).any() or count * nodes * nodes > _MOST_BOUNDS:
        return np.zeros(0, np.int64)
    most = equations.drawn_between.of(hidden, partial(_drawn, equations))
    rows = np.flatnonzero(wanted & hidden)
    series, start, end = system.series[rows], system.start[rows], system.end[rows]
    return np.asarray(rows[most[series, start, end] <= -most[series, end, start]])


def _drawn(equations: Equations, hidden: Flags) -> Bounds:
    """At [series, i, j] the most that S(j) - S(i) can be."""
    most = _first_bounds(equations, hidden)
    changed: Ints = np.arange(len(most))
    for _ in range(_ROUNDS):
        _close(most, changed)
        before = most.copy()
        for terms in equations.between:
            _draw(most, terms)
        changed = np.flatnonzero((most != before).any(axis=(1, 2)))
        if not len(changed):
            break
    return most


def _first_bounds(equations: Equations, hidden: Flags) -> Bounds:
    """At [series, i, j] the most that S(j) - S(i) can be, before anything is drawn."""
    system = equations.system
    nodes, count = system.width, len(system.grid)
    most = np.full((count, nodes, nodes), _ENDLESS, np.int32)
    ticks = np.arange(nodes - 1)
    most[:, np.arange(nodes), np.arange(nodes)] = 0
    signed = np.zeros(count, bool)
    signed[equations.signed] = True
    most[np.flatnonzero(~signed)[:, None], ticks + 1, system.origin] = 0
    nothing, tick = np.nonzero(system.zero)
    most[nothing, system.origin[tick], tick + 1] = most[nothing, tick + 1, system.origin[tick]] = 0
    series, start, end = system.series, system.start, system.end
    at_least = hidden & ~equations.free & ~(np.abs(equations.true) <= _TOLERANCE)
    np.minimum.at(most, (series[at_least], end[at_least], start[at_least]), -1)
    shown = np.flatnonzero(~hidden)
    value = np.rint(equations.true[shown]).astype(np.int32)
    np.minimum.at(most, (series[shown], start[shown], end[shown]), value)
    np.minimum.at(most, (series[shown], end[shown], start[shown]), -value)
    for s, node, e, a in equations.bridges:
        for i, j, p, q in ((0, node, a, e), (node, 0, e, a)):
            most[s, i, j] = most[s, p, q] = min(most[s, i, j], most[s, p, q])
    return most


def _close(most: Bounds, series: Ints) -> None:
    """Bound every difference of two nodes by those over a third, in place (Floyd and Warshall), a few series at a time:
    what is worked on stays in the processor's cache."""
    for first in range(0, len(series), _TOGETHER):
        some = series[first : first + _TOGETHER]
        block = most[some]
        over = np.empty_like(block)
        for node in range(block.shape[1]):
            np.add(block[:, :, node, None], block[:, None, node, :], out=over)
            np.minimum(block, over, out=block)
        most[some] = np.minimum(block, _ENDLESS)


def _draw(most: Bounds, terms: list[tuple[int, int]]) -> None:
    """Bound each number of an equation (numbers with signs that sum to 0) by the others', in place."""
    # What a number adds with its sign is at most this; with the other sign, the same the other way round.
    against = [most[s].T if sign > 0 else most[s] for s, sign in terms]
    endless = [a >= _ENDLESS for a in against]
    total = sum(np.where(e, 0, a) for a, e in zip(against, endless, strict=True))
    missing = sum(e.astype(np.int32) for e in endless)
    left = [
        np.where(missing - e > 0, _ENDLESS, total - np.where(e, 0, a)).astype(np.int32)
        for a, e in zip(against, endless, strict=True)
    ]
    for (s, sign), bound in zip(terms, left, strict=True):
        own = most[s] if sign > 0 else most[s].T
        np.minimum(own, bound, out=own)
