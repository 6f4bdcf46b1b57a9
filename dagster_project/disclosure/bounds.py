"""What a reader finds by bounds: numbers are whole and never negative, what is hidden is at least 1, O at least 0.

Every equation narrows the numbers in it by the others' bounds, again and again over the whole system. That is less than
a solver finds, and what a patient reader with a spreadsheet finds: three hidden parts that sum to 3 are each 1.

The equations of a system stand once (`Equations`); what is hidden decides which of their numbers are open
(`Narrowing`). A number more that is shown is then a change from the bounds that are known already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dagster_project.disclosure.system import Family, Flags, Floats, Ints, System

_TOLERANCE = 1e-9
_ROUNDS = 200
Terms = list[tuple[int, int]]


def pinned(system: System, hidden: Flags, wanted: Flags) -> Ints:
    """Those of the `wanted` hidden cells (rows) that bounds leave one number only.

    hidden: what a reader does not see, differences and what is left out with it.
    """
    told = Equations(system).narrowing(hidden)
    told.narrow()
    return told.pinned(wanted & hidden)


class Equations:
    """All equations of a system, each a sum of numbers with signs that is 0.

    A number is a series' (also of what an equation leaves over: O) in a column: a tick, or a longer span of ticks.
    number: of each cell, where it stands.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.ticks = system.grid.shape[1]
        start, end = system.start, system.end
        long = system.origin[end - 1] != start
        spans = np.unique(np.stack([start[long], end[long]], axis=1), axis=0)
        self.width = self.ticks + len(spans)
        column = end - 1
        of_span = {(a, b): self.ticks + i for i, (a, b) in enumerate(spans.tolist())}
        if of_span:
            column = column.copy()
            column[long] = [of_span[x] for x in zip(start[long].tolist(), end[long].tolist(), strict=True)]
        self.number: Ints = system.series * self.width + column
        count = len(system.grid)
        self.size = count * self.width
        cells = system.cells
        self.true = cells["protected_number"].cast(float).to_numpy()
        self.free = cells["virtual"].to_numpy() | cells["left_out"].to_numpy()
        low, high = np.zeros((count, self.width)), np.full((count, self.width), np.inf)
        high[:, : self.ticks][system.zero] = 0
        kinds = _Kinds(system)
        for rest in kinds.signed:
            # What breaks in single months may hold over a longer span.
            for i, (a, b) in enumerate(spans.tolist()):
                if abs(system.grid[rest, a:b].sum()) <= _TOLERANCE:
                    high[rest, self.ticks + i] = 0
            low[rest] = np.where(high[rest] == 0, 0, -np.inf)
        self.low, self.high = low.ravel(), high.ravel()

        along = self._along(spans.tolist())
        equation, member, sign = [], [], []
        sizes = np.array([len(terms) for terms in along], np.int64)
        if len(sizes):
            columns = np.array([c for terms in along for c, _ in terms], np.int64)
            signs = np.array([x for terms in along for _, x in terms], np.int64)
            of = np.repeat(np.arange(len(sizes)), sizes)
            series = np.arange(count)[:, None]
            equation.append((series * len(sizes) + of).ravel())
            member.append((series * self.width + columns).ravel())
            sign.append(np.tile(signs, count))
        made = count * len(sizes)
        every = np.arange(self.width)
        for terms in kinds.terms:
            for s, x in terms:
                equation.append(made + every)
                member.append(s * self.width + every)
                sign.append(np.full(self.width, x))
            made += self.width
        for terms in kinds.cancelling:
            left, of_ticks = np.zeros(self.width), np.zeros(self.width, bool)
            for s, x in terms:
                held = [system.grid[s], [system.grid[s, a:b].sum() for a, b in spans.tolist()]]
                left += x * np.concatenate(held)
                of_ticks |= np.abs(np.concatenate(held)) > _TOLERANCE
            columns = np.flatnonzero(of_ticks & ~(np.abs(left) > _TOLERANCE))
            for s, x in terms:
                equation.append(made + np.arange(len(columns)))
                member.append(s * self.width + columns)
                sign.append(np.full(len(columns), x))
            made += len(columns)
        for s, node, e, a in [*system.bridges, *_bridged_rests(system)]:
            through = [(of_span[a, e], -1)] if (a, e) in of_span else [(t, -1) for t in range(a, e)]
            for c, x in [(node - 1, 1), *through]:
                equation.append(np.array([made]))
                member.append(np.array([s * self.width + c]))
                sign.append(np.array([x]))
            made += 1
        nothing = [np.zeros(0, np.int64)]
        self.count = made
        self.equation: Ints = np.concatenate(equation or nothing)
        self.member: Ints = np.concatenate(member or nothing)
        self.sign: Ints = np.concatenate(sign or nothing)

    def _along(self, spans: list[list[int]]) -> list[Terms]:
        """Along time, the same for every series: a span is its ticks, and what two spans differ by.

        Two are compared where one lies within the other at either end, or lies a month later.
        """
        found: list[Terms] = []
        at = {(a, b): self.ticks + i for i, (a, b) in enumerate(spans)}
        for (a, b), c in at.items():
            found.append([(c, 1), *((t, -1) for t in range(a, b))])
            for (p, q), d in at.items():
                if p == a and q < b:
                    found.append([(c, 1), (d, -1), *((t, -1) for t in range(q, b))])
                elif q == b and p > a:
                    found.append([(c, 1), (d, -1), *((t, -1) for t in range(a, p))])
                elif p == a + 1 and q == b + 1:
                    found.append([(d, 1), (c, -1), (b, -1), (a, 1)])
        return found

    def narrowing(self, hidden: Flags) -> Narrowing:
        """What is open when these cells are hidden."""
        low, high = self.low.copy(), self.high.copy()
        at_least = hidden & ~self.free & ~(np.abs(self.true) <= _TOLERANCE)
        np.maximum.at(low, self.number[at_least], 1.0)
        shown = ~hidden
        low[self.number[shown]] = high[self.number[shown]] = self.true[shown]
        return Narrowing(self, low, high)


class Narrowing:
    """Bounds of every number, and the equations between those that are open: `narrow` draws what follows."""

    def __init__(self, equations: Equations, low: Floats, high: Floats) -> None:
        self.of = equations
        self.low, self.high = low, high
        open_ = low != high
        kept = open_[equations.member]
        inside = np.bincount(equations.equation[kept], minlength=equations.count)
        known = np.where(kept, 0, equations.sign * np.where(kept, 0, low[equations.member]))
        constant = -np.bincount(equations.equation, known, equations.count)
        used = inside > 0
        number = np.cumsum(used) - 1
        self.equation = number[equations.equation[kept]]
        order = np.argsort(self.equation, kind="stable")
        self.equation = self.equation[order]
        self.member, plus = equations.member[kept][order], equations.sign[kept][order] > 0
        self.plus = plus
        self.constant = constant[used]
        self.begin = np.concatenate([[0], np.cumsum(inside[used])])
        by_member = np.argsort(self.member, kind="stable")
        self.its_equations = self.equation[by_member]
        self.its_begin = np.searchsorted(self.member[by_member], np.arange(equations.size + 1))
        self.cause = np.full(equations.size, -1)

    def narrow(self, changed: Ints | None = None, rounds: int = _ROUNDS) -> Flags:
        """Narrow all bounds until nothing changes; `changed`: numbers whose bounds are new, the others have been
        through it. Returns which numbers have new bounds.

        `cause` of a number whose bounds are new becomes the largest of those that led to it.
        """
        new = np.zeros(len(self.low), bool)
        active = np.arange(len(self.constant)) if changed is None else self._touched(changed)
        for _ in range(rounds):
            if not len(active):
                break
            at, lengths = _ranges(self.begin, active)
            member, plus = self.member[at], self.plus[at]
            low, high = self.low[member], self.high[member]
            first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            least, most = np.where(plus, low, -high), np.where(plus, high, -low)
            constant = np.repeat(self.constant[active], lengths)
            # What is left for one member when all others are as small, or as large, as they can be.
            top = constant - _others(least, first, lengths)
            bottom = constant - _others(most, first, lengths)
            up, down = np.where(plus, top, -bottom), np.where(plus, bottom, -top)
            better = ((up < high) | (down > low)) & (low < high)  # a contradiction goes no further
            if not better.any():
                break
            moved = member[better]
            if changed is not None:
                cause = np.repeat(np.maximum.reduceat(self.cause[member], first), lengths)
                np.maximum.at(self.cause, moved, cause[better])
            np.minimum.at(self.high, moved, up[better])
            np.maximum.at(self.low, moved, down[better])
            new[moved] = True
            active = self._touched(np.unique(moved))
        return new

    def fix(self, cells: Ints, causes: Ints) -> None:
        """These hidden cells (rows) are shown as well; causes: a number for each, of which `cause` tells what led to
        a new bound.
        """
        number = self.of.number[cells]
        np.maximum.at(self.cause, number, causes)
        self.low[number] = self.high[number] = self.of.true[cells]
        self.narrow(np.unique(number))

    def _touched(self, members: Ints) -> Ints:
        at, _ = _ranges(self.its_begin, members)
        flags = np.zeros(len(self.constant), bool)
        flags[self.its_equations[at]] = True
        return np.flatnonzero(flags)

    def pinned(self, cells: Flags) -> Ints:
        """Those of the cells (rows) that one number is left for."""
        rows = np.flatnonzero(cells)
        number = self.of.number[rows]
        return np.asarray(rows[self.low[number] >= self.high[number]])


def _bridged_rests(system: System) -> list[list[int]]:
    """Bridges (`System.bridges`) of what equations leave over: O of a period is O of its months, where it is or nobody
    can tell. Elimination has it from T, K and M; bounds do not.
    """
    rests, grid = range(system.shapes.height, len(system.grid)), system.grid
    periods = sorted({(node, e, a) for _, node, e, a in system.bridges})
    broken = {
        (s, node) for node, e, a in periods for s in rests if abs(grid[s, node - 1] - grid[s, a:e].sum()) > _TOLERANCE
    }
    return [[s, *period] for period in periods for s in rests if (s, period[0]) not in broken]


def _ranges(begin: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """The positions begin[i] .. begin[i + 1] of each that is chosen, one after the other, and how many each has."""
    lengths = begin[chosen + 1] - begin[chosen]
    offset = np.repeat(begin[chosen] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return offset + np.arange(len(offset)), lengths


def _others(values: Floats, first: Ints, lengths: Ints) -> Floats:
    """Per member the sum of the others of its equation, minus infinity or infinity where one of them is."""
    endless = np.isinf(values)
    finite = np.where(endless, 0, values)
    total = np.repeat(np.add.reduceat(finite, first), lengths) - finite
    if not endless.any():
        return np.asarray(total)
    beside = np.repeat(np.add.reduceat(endless.astype(np.int64), first), lengths) - endless > 0
    # All of an equation's endless values have the same sign: least are -inf, most are inf.
    return np.asarray(np.where(beside, np.where(values[endless][0] < 0, -np.inf, np.inf), total))


@dataclass
class _Kinds:
    """Equations between series, signs by series: those of the system, and what is left over of one kind by another.

    O of a verksamhet is O of its units, and O of a whole is O of its part and of their difference, as T, K and M are.
    signed: the rests that may be negative. cancelling: what T leaves over is what K and M do, where that is so: a
    person in two units is of one sex.
    """

    system: System
    terms: list[Terms] = field(default_factory=list)
    cancelling: list[Terms] = field(default_factory=list)
    signed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        shapes = list(self.system.shapes.iter_rows())
        sexes: dict[int, Family] = {}
        others: dict[tuple[object, ...], dict[str, Family]] = {}
        for family in self.system.families:
            terms = [(family.whole, 1), *((p, -1) for p in family.parts)]
            if family.rest >= 0:
                terms.append((family.rest, -1))
            self.terms.append(terms)
            *whole, sex = shapes[family.whole]
            *part, of_part = shapes[family.parts[0]]
            if sex != of_part:
                sexes[family.whole] = family
                continue
            if family.rest >= 0:
                self.signed.append(family.rest)
            within = tuple(part) if part[1:] == whole[1:] else ()
            others.setdefault((*whole, within), {})[sex] = family
        for of in others.values():
            if "T" in of and of["T"].whole in sexes:
                self._left_over(of["T"], [family for sex, family in of.items() if sex != "T"], sexes)

    def _left_over(self, of_all: Family, of_sexes: Sequence[Family], sexes: dict[int, Family]) -> None:
        if {f.whole for f in of_sexes} != set(sexes[of_all.whole].parts):
            return
        terms = [(sexes[of_all.whole].rest, 1)]
        terms += [(sexes[p].rest if p in sexes else p, -1) for p in of_all.parts]
        over = [(of_all.rest, -1), *((f.rest, 1) for f in of_sexes)]
        terms += over
        self.cancelling.append([(s, x) for s, x in over if s >= 0])
        if terms := [(s, x) for s, x in terms if s >= 0]:
            self.terms.append(terms)
