"""The choice of what to hide: for every protected number a move that leaves all shown numbers as they are.

A *move* adds 1 to some of the numbers that everything is summed from (a unit's women of a month) and takes 1 from
others. It leaves most sums alone: women against men leave T alone, a unit against another leave their verksamhet alone,
a month against another of the same tertial leave tertial, delår and year alone. The cells that it does change are
hidden. The true numbers and the moved ones are then two whole-number answers to everything that is shown, for every
cell that is hidden: nothing linear determines it, and no bound does (zeros are not touched, what is hidden stays 1 or
more). So the moves are the proof; `audit` looks for them again, and settles the linear part by elimination besides.

Chosen greedily: cell by cell the move that hides least, hidden cells being free. Costs are whole numbers and ties are
broken by position, so the choice does not depend on machine or order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from dagster_project.disclosure.layout import Layout
from dagster_project.disclosure.modes import Entry, K, M, Mode, O, T, modes_of
from dagster_project.disclosure.system import Flags, Ints

_NEVER = np.int64(1) << 60
REPORTED = 10_000_000
"""A cost from which on a cell is one that people use: it is given up only where nothing else helps."""


class Touch(NamedTuple):
    """A mode, a place, and what is added there at which month."""

    mode: Mode
    place: int
    months: tuple[tuple[int, int], ...]


class _Carried(NamedTuple):
    """Per second month (last: none): the cost, and which places carry a change, one for each of the two months."""

    total: Ints
    parts: tuple[tuple[Mode, int, Ints, Ints], ...]  # mode, sign, place at the first month, place at the second (-1)

    def touches(self, t: int, j: int) -> list[Touch]:
        """The places of a choice of the second month."""
        found = []
        for mode, sign, first, second in self.parts:
            one, other = int(first[j]), int(second[j])
            if one < 0:
                continue
            if one == other:
                found.append(Touch(mode, one, ((t, sign), (j, -sign))))
            else:
                found.append(Touch(mode, one, ((t, sign),)))
                if other >= 0:
                    found.append(Touch(mode, other, ((j, -sign),)))
        return found


class _Apart(NamedTuple):
    """Taking a mode away, per month (last: none): what it costs each unit (without the last), the cheapest, which."""

    alone: Ints
    cheapest: Ints
    unit: Ints


class Search:
    """Moves for cells, given what is hidden already and what hiding a cell costs."""

    def __init__(self, layout: Layout, hidden: Flags, weight: Ints) -> None:
        self.layout, self.weight = layout, weight
        self.hidden = hidden.copy()
        self.moved = np.zeros(len(hidden), bool)
        shape = layout.month.shape
        self.months = shape[3]
        # What changing two months costs: shared[a, b] is what all shown cells cost that hold both.
        self.shared = self._all_charged(np.flatnonzero(~hidden))
        self.alone = np.diagonal(self.shared, axis1=3, axis2=4).copy()
        self.cells: dict[tuple[int, int, int], Ints] = {}
        key = (layout.member * shape[1] + layout.place) * 4 + layout.sex
        order = np.argsort(key, kind="stable")
        borders = np.flatnonzero(np.diff(key[order])) + 1
        for found in np.split(order, borders) if len(order) else []:
            i = found[0]
            self.cells[int(layout.member[i]), int(layout.place[i]), int(layout.sex[i])] = found
        self._modes: dict[tuple[Entry, ...], Mode] = {}
        self.modes_of = {
            (m, s): [self.mode(entries) for entries in modes_of(layout, m, s)]
            for m in range(layout.members)
            for s in ((T, K, M) if layout.by_sex else (T,))
        }
        # A change of women against men is two changes of all, one carried by a woman and one by a man less.
        self.halves: dict[Mode, tuple[Mode, Mode]] = {}
        self.twins: dict[Mode, tuple[Mode, Mode]] = {}
        if layout.by_sex:
            for modes in self.modes_of.values():
                for mode in modes:
                    self._split(mode)
        self.whole = True
        # By verksamhet, and by place: what a move changes the cost of is asked anew.
        self._known: dict[int, dict[tuple[Mode, int, int, int, int, bool], _Carried | None]] = defaultdict(dict)
        self._alone: dict[int, dict[tuple[Mode, int, int, bool], _Apart]] = defaultdict(dict)
        self._costs: dict[int, dict[tuple[Mode, int], Ints]] = defaultdict(dict)
        self._feasible: dict[tuple[Mode, bool], tuple[Flags, Flags]] = {}
        self._somewhere: dict[tuple[int, Mode, bool], tuple[Flags, Flags]] = {}
        self.units = {int(v): layout.base[layout.verk[layout.base] == v] for v in layout.verks}
        self.own = {v: -1 if v in units else v for v, units in self.units.items()}
        """The verksamhet as a place beside its units; -1 where it is itself what everything is summed from."""
        self._places: dict[int, tuple[Ints, Ints]] = {}
        self._carriers = set(layout.base.tolist())
        self._columns = np.arange(self.months + 1)

    def mode(self, entries: tuple[Entry, ...]) -> Mode:
        """The one mode of these entries."""
        return self._modes.setdefault(entries, Mode(entries))

    def _all_charged(self, cells: Ints) -> Ints:
        """`shared` of these shown cells: each charges a square of months, told by its corners and summed up."""
        at = self.layout
        corners = np.zeros((*at.month.shape[:3], self.months + 1, self.months + 1), np.int64)
        where, start, end, weight = (
            (at.member[cells], at.place[cells], at.sex[cells]), at.start[cells], at.end[cells], self.weight[cells],
        )  # fmt: skip
        for one, other, by in (
            (start, start, weight),
            (start, end, -weight),
            (end, start, -weight),
            (end, end, weight),
        ):
            np.add.at(corners, (*where, one, other), by)
        np.cumsum(corners, axis=3, out=corners)
        np.cumsum(corners, axis=4, out=corners)
        return corners[..., :-1, :-1].copy()

    def _charge(self, cell: int, weight: int) -> None:
        at = self.layout
        a, b = at.start[cell], at.end[cell]
        self.shared[at.member[cell], at.place[cell], at.sex[cell], a:b, a:b] += weight
        self.alone[at.member[cell], at.place[cell], at.sex[cell], a:b] += weight

    def _split(self, mode: Mode) -> None:
        for sex, other in ((K, M), (M, K)):
            if {e.sex for e in mode} == {K, M} and mode[0].sex == sex:
                first, second = (
                    self.mode(tuple(Entry(e.member, s, e.sign) for e in mode if e.sex == sex for s in (x, T)))
                    for x in (sex, other)
                )
                self.halves[mode] = first, second
                self.twins[first] = second, mode

    def feasible(self, mode: Mode) -> tuple[Flags, Flags]:
        """Per place and month: whether the mode can be added there, and taken away."""
        if (mode, self.whole) not in self._feasible:
            at = self.layout
            differences = {d for _, _, d in at.pairs}
            more, less = (np.zeros(at.month.shape[1::2], bool) for _ in range(2))
            more[at.base], less[at.base] = True, True
            for member, sex, sign in mode:
                held = at.month[member, :, sex]
                if member in differences:  # never shown, 0 is not known
                    up, down = np.ones(held.shape, bool), held >= (1 if self.whole else -_NEVER)
                elif sex == O:
                    up, down = held >= 1, held >= 1
                else:
                    up, down = held >= 1, held >= (2 if self.whole else 1)
                more &= up if sign > 0 else down
                less &= down if sign > 0 else up
            self._feasible[mode, self.whole] = more, less
        return self._feasible[mode, self.whole]

    def somewhere(self, v: int, mode: Mode, sign: int) -> Flags:
        """Per month: whether any unit of the verksamhet can carry the mode `sign` times."""
        key = (v, mode, self.whole)
        if key not in self._somewhere:
            more, less = self.feasible(mode)
            self._somewhere[key] = more[self.units[v]].any(axis=0), less[self.units[v]].any(axis=0)
        return self._somewhere[key][0 if sign > 0 else 1]

    def cost(self, mode: Mode, places: Ints, t: int) -> Ints:
        """Per place: of adding the mode at month t and taking it away at each month; last column: of adding only."""
        out = np.zeros((len(places), self.months + 1), np.int64)
        for member, sex, _ in mode:
            # Of one place it is a view; of several, rows of one: to index all four at once takes twice as long.
            if len(places) == 1:
                alone, both = self.alone[member, places[0], sex][None], self.shared[member, places[0], sex, t]
            else:
                alone, both = self.alone[member, :, sex][places], self.shared[member, :, sex, t][places]
            out[:, :-1] += alone - 2 * both
            out += alone[:, t : t + 1]
        return out

    def single(self, mode: Mode, places: Ints) -> Ints:
        """Per place and month: of adding the mode there only."""
        return np.sum([self.alone[member, places, sex] for member, sex, _ in mode], axis=0)

    def best(self, cell: int, whole: bool = True) -> tuple[int, list[Touch]]:
        """The cheapest move that changes the cell, and its cost; `whole`: that leaves whole numbers possible.

        There always is one: adding to what the cell holds, with all sums above it.
        """
        self.whole = whole
        at = self.layout
        place, start, end = int(at.place[cell]), int(at.start[cell]), int(at.end[cell])
        outside = np.ones(self.months + 1, bool)
        outside[start : end if at.along_time else self.months] = False
        if not at.along_time:
            outside[: self.months] = False
        offers = _Offers(outside, self.months)
        # Moves within the verksamhet first: most often nothing else can be cheaper. Only what is below one has any.
        below = int(at.verk[place]) not in (-1, place)
        for wide in (False, True) if below else (True,):
            for mode in self.modes_of[int(at.member[cell]), int(at.sex[cell])]:
                for t in range(start, end):
                    for sign in (1, -1):
                        self._options(offers, mode, place, t, sign, wide)
                        if offers.cost == 0:
                            return 0, offers.touches
        if offers.cost >= REPORTED and at.along_time and (place in at.verks or place == at.omrade):
            for mode in self.modes_of[int(at.member[cell]), int(at.sex[cell])]:
                for t in range(start, end):
                    for sign in (1, -1):
                        self._every_year(offers, mode, place, t, sign)
        if offers.cost >= _NEVER:
            raise ArithmeticError("a protected number without anything below it")
        return offers.cost, offers.touches

    def _options(self, offers: _Offers, mode: Mode, place: int, t: int, sign: int, wide: bool) -> None:
        """Moves that add the mode `sign` times at a place and month: carried by other units of its verksamhet, or
        wide.
        """
        at = self.layout
        verk = int(at.verk[place])
        below = verk >= 0 and place != verk
        for v in [verk] if verk >= 0 else [int(v) for v in at.verks]:
            mine = self._carried(v, mode, t, sign, only=place) if below else self._carried(v, mode, t, sign)
            if mine is None or mine.total[offers.outside].min() >= offers.cost:
                continue
            if below and not wide:
                other = self._carried(v, mode, t, -sign, but=place)
                if other is not None:
                    offers.offer(t, (mine, other))
            if wide:
                self._widely(offers, mode, v, t, sign, (mine,), area=verk < 0)
                if below and mode in self.twins:
                    twin, swap = self.twins[mode]
                    other = self._carried(v, twin, t, -sign, but=place)
                    if other is not None:
                        self._widely(offers, swap, v, t, sign, (mine, other))

    def _widely(
        self, offers: _Offers, mode: Mode, v: int, t: int, sign: int, inner: tuple[_Carried, ...], area: bool = False
    ) -> None:
        """Moves that change a verksamhet by the mode: against another one, or the area with it."""
        at = self.layout
        sofar = sum((c.total for c in inner), np.zeros(1, np.int64))
        mine = self._above(self.own[v], mode, t, sign)
        if (sofar + mine.total)[offers.outside].min() >= offers.cost:
            return
        offers.offer(t, (*inner, mine, self._above(at.omrade, mode, t, sign)))
        for w in at.verks:
            if w == v or area:
                continue
            theirs = self._above(self.own[int(w)], mode, t, -sign)
            if (sofar + mine.total + theirs.total)[offers.outside].min() >= offers.cost:
                continue
            carried = self._carried(int(w), mode, t, -sign)
            if carried is not None:
                offers.offer(t, (*inner, mine, theirs, carried))

    def _every_year(self, offers: _Offers, mode: Mode, place: int, t: int, sign: int) -> None:
        """Moves between a month and another of its tertial in as many years as possible: r12 stays but at their ends.

        The place is a verksamhet or the area. Another unit can carry them every year.
        """
        at = self.layout
        years = list(range(t % 12, self.months, 12))
        begin = (at.calendar + t) % 4
        carried: dict[tuple[int, int], list[_Carried | None]] = {}

        def pattern(steps: int, v: int, s: int) -> list[int]:
            """The years in which the verksamhet can carry the change."""
            if (v, s) not in carried:
                carried[v, s] = [self._carried(v, mode, y, s) for y in years]
            return [
                i
                for i, (y, c) in enumerate(zip(years, carried[v, s], strict=True))
                if c is not None and 0 <= y + steps < self.months and c.total[y + steps] < _NEVER
            ]

        for steps in (k - begin for k in range(4) if k != begin):
            if not 0 <= t + steps < self.months or not offers.outside[t + steps]:
                continue
            for v in [place] if place in at.verks else [int(v) for v in at.verks]:
                this_year = self._carried(v, mode, t, sign)
                if this_year is None or this_year.total[t + steps] >= _NEVER:
                    continue
                able = set(pattern(steps, v, sign))
                if len(able) == 1:
                    continue
                up = [q for q in (self.own[v], at.omrade) if q >= 0]
                ways = [(able, [(v, sign)], [(q, sign) for q in up])]
                if place != at.omrade:
                    for w in (int(w) for w in at.verks if w != v):
                        both = [(q, s) for q, s in ((self.own[v], sign), (self.own[w], -sign)) if q >= 0]
                        ways.append((able & set(pattern(steps, w, -sign)), [(v, sign), (w, -sign)], both))
                for possible, below, above in ways:
                    now = years.index(t)
                    if now not in possible:
                        continue
                    a = b = now
                    while a - 1 in possible:
                        a -= 1
                    while b + 1 in possible:
                        b += 1
                    if a == b:
                        continue
                    chosen = range(a, b + 1)
                    months = [(years[i], 1) for i in chosen] + [(years[i] + steps, -1) for i in chosen]
                    if sum(s for m, s in months if not offers.outside[m]) == 0:
                        continue
                    cost = sum(self._cost_of(mode, q, months) for q, _ in above)
                    for q, s in below:
                        for i in chosen:
                            c = carried[q, s][i]
                            assert c is not None
                            cost += int(c.total[years[i] + steps])
                    if cost >= offers.cost:
                        continue
                    touches = [Touch(mode, q, tuple((m, s * x) for m, x in months)) for q, s in above]
                    for q, s in below:
                        for i in chosen:
                            c = carried[q, s][i]
                            assert c is not None
                            touches += c.touches(years[i], years[i] + steps)
                    offers.cost, offers.touches = cost, touches

    def _cost_of(self, mode: Mode, place: int, months: list[tuple[int, int]]) -> int:
        """What a change of a place by a pattern of months costs; the sum over any period is then -1, 0 or 1."""
        at, signs = np.array([m for m, _ in months]), np.array([s for _, s in months])
        return int(sum(signs @ self.shared[member, place, sex][np.ix_(at, at)] @ signs for member, sex, _ in mode))

    def _above(self, place: int, mode: Mode, t: int, sign: int) -> _Carried:
        if place < 0:
            return _Carried(np.zeros(self.months + 1, np.int64), ())
        known = self._costs[place]
        cost = known.get((mode, t))
        if cost is None:
            cost = known[mode, t] = self.cost(mode, np.array([place]), t)[0]
        if place not in self._places:
            places = np.full(self.months + 1, place)
            self._places[place] = places, np.append(places[:-1], -1)
        return _Carried(cost, ((mode, sign, *self._places[place]),))

    def _carried(self, v: int, mode: Mode, t: int, sign: int, only: int = -1, but: int = -1) -> _Carried | None:
        """By which units of a verksamhet a change of it is carried; women against men also by two units, one each."""
        key, known = (mode, t, sign, only, but, self.whole), self._known[v]
        if key not in known:
            known[key] = self._carried_now(v, mode, t, sign, only, but)
        return known[key]

    def _carried_now(self, v: int, mode: Mode, t: int, sign: int, only: int, but: int) -> _Carried | None:
        one = self._by_units(v, mode, t, sign, only, but)
        if mode in self.halves and only < 0:
            first, second = self.halves[mode]
            a = self._by_units(v, first, t, sign, -1, but)
            b = self._by_units(v, second, t, -sign, -1, but)
            if a is not None and b is not None:
                two = _Carried(a.total + b.total, a.parts + b.parts)
                if one is None or (two.total < one.total).any():
                    return two if one is None else _cheaper(one, two)
        return one

    def _by_units(self, v: int, mode: Mode, t: int, sign: int, only: int, but: int) -> _Carried | None:
        """By one unit at both months, or one at each."""
        if not self.somewhere(v, mode, sign)[t]:
            return None
        more, less = self.feasible(mode)
        up, down = (more, less) if sign > 0 else (less, more)
        everyone = self.units[v]
        if but >= 0:
            everyone = everyone[everyone != but]
        here = up[everyone, t]
        units = everyone[here]
        if only >= 0:
            units = units[units == only]
        if not len(units):
            return None
        both = self.cost(mode, units, t)
        both[:, :-1][~down[units]] = _NEVER
        if len(units) == 1:
            total, first = both[0], np.full(self.months + 1, units[0])
        else:
            which = both.argmin(axis=0)
            total, first = both[which, self._columns], units[which]
        second = first.copy()
        if only < 0 and len(everyone) > 1 and self.layout.along_time:
            alone, away, taker = self._apart(v, mode, sign, but, everyone, down)
            given = alone[here, t]
            apart = given.min() + away
            better = apart < total
            if better.any():
                total = np.where(better, apart, total)
                first = np.where(better, units[given.argmin()], first)
                second = np.where(better, taker, second)
        second[-1] = -1
        return _Carried(np.minimum(total, _NEVER), ((mode, sign, first, second),))

    def _apart(self, v: int, mode: Mode, sign: int, but: int, everyone: Ints, down: Flags) -> _Apart:
        """What taking the mode away without adding it costs per month: each unit, the cheapest, and which that is."""
        key, known = (mode, sign, but, self.whole), self._alone[v]
        if key not in known:
            alone = self.single(mode, everyone)
            there = np.where(down[everyone], alone, _NEVER)
            cheapest, which = there.min(axis=0), there.argmin(axis=0)
            known[key] = _Apart(alone, np.append(cheapest, _NEVER), np.append(everyone[which], -1))
        return known[key]

    def changed(self, touches: list[Touch]) -> tuple[Ints, Ints]:
        """The cells that a move changes, and by how much."""
        at = self.layout
        net: dict[tuple[int, int, int], dict[int, int]] = {}
        for mode, place, months in touches:
            for member, sex, sign in mode:
                of = net.setdefault((member, place, sex), {})
                for t, by in months:
                    of[t] = of.get(t, 0) + sign * by
        cells, by_how_much = [], []
        for key, months_of in net.items():
            found = self.cells.get(key)
            if found is None:
                continue
            sums = np.zeros(len(found), np.int64)
            for t, by in months_of.items():
                sums += np.where((at.start[found] <= t) & (t < at.end[found]), by, 0)
            cells.append(found[sums != 0])
            by_how_much.append(sums[sums != 0])
        return np.concatenate(cells), np.concatenate(by_how_much)

    def take(self, touches: list[Touch]) -> Ints:
        """Make the move: what it changes is hidden from now on. Returns those cells."""
        cells, _ = self.changed(touches)
        self.moved[cells] = True
        for i in cells[~self.hidden[cells]].tolist():
            self.hidden[i] = True
            self._charge(i, -int(self.weight[i]))
            place = int(self.layout.place[i])
            self._costs.pop(place, None)
            if place in self._carriers:
                verk = int(self.layout.verk[place])
                self._known.pop(verk, None)
                self._alone.pop(verk, None)
        return cells


class _Offers:
    """The best move so far. outside: which second months leave the cell changed (last: none)."""

    def __init__(self, outside: Flags, months: int) -> None:
        self.outside, self.months = outside, months
        self.cost, self.touches = int(_NEVER), list[Touch]()

    def offer(self, t: int, carried: tuple[_Carried, ...]) -> None:
        total = np.where(self.outside, sum(c.total for c in carried), _NEVER)
        j = int(total.argmin())
        if total[j] >= self.cost:
            return
        self.cost = int(total[j])
        self.touches = [touch for c in carried for touch in c.touches(t, j)]


def _cheaper(one: _Carried, two: _Carried) -> _Carried:
    """The cheaper of two ways, per second month; the parts of the other one have no place (-1) there."""
    better = two.total < one.total
    parts = [(m, s, np.where(better, -1, a), np.where(better, -1, b)) for m, s, a, b in one.parts]
    parts += [(m, s, np.where(better, a, -1), np.where(better, b, -1)) for m, s, a, b in two.parts]
    return _Carried(np.where(better, two.total, one.total), tuple(parts))
