"""What a reader finds by bounds: numbers are whole and never negative, what is hidden is at least 1, O at least 0.

Every equation narrows the numbers in it by the others' bounds, again and again over the whole system. That is less than
a solver finds, and what a patient reader with a spreadsheet finds: three hidden parts that sum to 3 are each 1.

The equations of a system stand once (`Equations`); what is hidden decides which of their numbers are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dagster_project.disclosure.system import Family, Flags, Floats, Ints, Latest, System

_TOLERANCE = 1e-9
_ROUNDS = 200
Terms = list[tuple[int, int]]


def pinned(system: System, hidden: Flags, wanted: Flags) -> Ints:
    """Those of the `wanted` hidden cells (rows) that bounds leave one number only.

    hidden: what a reader does not see, differences and what is left out with it.
    """
    return Equations(system).pinned(hidden, wanted)


class Equations:
    """All equations of a system, each a sum of numbers with signs that is 0.

    A number is a series' (also of what an equation leaves over: O) in a column: a tick, or a longer span of ticks.
    number: of each cell, where it stands. true, free: of each cell, its number, and whether nobody says that it is at
    least 1. between: the equations between series, each (series, sign); signed: the series whose numbers may be
    negative; bridges: as `System.bridges`, also of what equations leave over.
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
        self.between, self.signed = kinds.terms, kinds.signed
        self.bridges = [*system.bridges, *_bridged_rests(system)]
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
        for s, node, e, a in self.bridges:
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
        self._drawn = Latest[tuple[Floats, Floats]]()
        self.drawn_between = Latest[npt.NDArray[np.int32]]()
        """What `closure` draws."""

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

    def pinned(self, hidden: Flags, wanted: Flags) -> Ints:
        """As `pinned`."""
        low, high = self._drawn.of(hidden, self._bounds)
        rows = np.flatnonzero(wanted & hidden)
        number = self.number[rows]
        return np.asarray(rows[low[number] >= high[number]])

    def _bounds(self, hidden: Flags) -> tuple[Floats, Floats]:
        low, high = self.low.copy(), self.high.copy()
        at_least = hidden & ~self.free & ~(np.abs(self.true) <= _TOLERANCE)
        np.maximum.at(low, self.number[at_least], 1.0)
        shown = ~hidden
        low[self.number[shown]] = high[self.number[shown]] = self.true[shown]
        self._narrow(low, high)
        return low, high

    def _narrow(self, low: Floats, high: Floats) -> None:
        """Draw what follows from the bounds, in place, until nothing changes."""
        kept = (low != high)[self.member]
        inside = np.bincount(self.equation[kept], minlength=self.count)
        known = np.where(kept, 0, self.sign * np.where(kept, 0, low[self.member]))
        constants = -np.bincount(self.equation, known, self.count)
        used = inside > 0
        equation = (np.cumsum(used) - 1)[self.equation[kept]]
        order = np.argsort(equation, kind="stable")
        members, plusses = self.member[kept][order], self.sign[kept][order] > 0
        constants = constants[used]
        begin = np.concatenate([[0], np.cumsum(inside[used])])
        by_member = np.argsort(members, kind="stable")
        its_equations = equation[order][by_member]
        its_begin = np.searchsorted(members[by_member], np.arange(self.size + 1))
        active = np.arange(len(constants))
        for _ in range(_ROUNDS):
            if not len(active):
                break
            at, lengths = _ranges(begin, active)
            member, plus = members[at], plusses[at]
            first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            least, most = np.where(plus, low[member], -high[member]), np.where(plus, high[member], -low[member])
            constant = np.repeat(constants[active], lengths)
            # What is left for one member when all others are as small, or as large, as they can be.
            top = constant - _others(least, first, lengths)
            bottom = constant - _others(most, first, lengths)
            up, down = np.where(plus, top, -bottom), np.where(plus, bottom, -top)
            better = (up < high[member]) | (down > low[member])
            moved = member[better]
            np.minimum.at(high, moved, up[better])
            np.maximum.at(low, moved, down[better])
            touched = np.zeros(len(constants), bool)
            touched[its_equations[_ranges(its_begin, np.unique(moved))[0]]] = True
            active = np.flatnonzero(touched)


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
