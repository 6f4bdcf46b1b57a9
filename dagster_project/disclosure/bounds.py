"""What a reader finds by bounds: numbers are whole and never negative, what is hidden is at least 1, O at least 0.

Every equation narrows the numbers in it by the others' bounds, again and again over the whole system. That is less than
a solver finds, and what a patient reader with a spreadsheet finds: three hidden parts that sum to 3 are each 1.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dagster_project.disclosure.system import Flags, Floats, Ints, System

_TOLERANCE = 1e-9


def pinned(system: System, hidden: Flags, wanted: Flags, rounds: int = 40) -> Ints:
    """Those of the `wanted` hidden cells (rows) that bounds leave one number only.

    hidden: what a reader does not see, differences and what is left out with it.
    """
    told = _Equations(system, hidden)
    low, high = told.narrowed(rounds)
    cells = np.flatnonzero(wanted & hidden)
    own = np.array([told.variable[c] for c in cells.tolist()], np.int64)
    return np.asarray(cells[low[own] == high[own]])


class _Equations:
    """The system as sums of variables: one per series and tick, one per hidden longer cell.

    variable: hidden cell (row) -> its variable.
    """

    def __init__(self, system: System, hidden: Flags) -> None:
        self.system, self.hidden = system, hidden
        self.ticks = system.grid.shape[1]
        cells = system.cells
        self.number = cells["protected_number"].cast(float).to_numpy()
        free = cells["virtual"].to_numpy() | cells["left_out"].to_numpy()
        count = len(system.grid) * self.ticks
        low, high = np.zeros(count), np.where(system.zero.ravel(), 0, np.inf)
        self.low, self.high = low.tolist(), high.tolist()
        self.variable: dict[int, int] = {}
        self.equation: list[int] = []
        self.member: list[int] = []
        self.sign: list[int] = []
        self.constant: list[float] = []
        place: dict[tuple[int, int, int], int] = {}
        longer: list[int] = []
        for cell in range(cells.height):
            s, start, end = int(system.series[cell]), int(system.start[cell]), int(system.end[cell])
            place[s, start, end] = cell
            if end > 0 and system.origin[end - 1] == start:
                v = s * self.ticks + end - 1
                if hidden[cell]:
                    self._bound(cell, v, bool(free[cell]))
                else:
                    self.low[v] = self.high[v] = float(self.number[cell])
            else:
                longer.append(cell)
        # What is known tick for tick tells nothing of the sums above it.
        self.unknown = (np.array(self.low) != np.array(self.high)).reshape(len(system.grid), self.ticks)
        unknown_until = np.concatenate([np.zeros((len(system.grid), 1)), np.cumsum(self.unknown, axis=1)], axis=1)
        for cell in longer:
            s, start, end = int(system.series[cell]), int(system.start[cell]), int(system.end[cell])
            sums = [(x, 1) for x in self._through(s, start, end)]
            if hidden[cell]:
                v = len(self.low)
                self.low.append(0.0)
                self.high.append(np.inf)
                self._bound(cell, v, bool(free[cell]))
                self._add([*sums, (v, -1)], 0)
            elif unknown_until[s, end] > unknown_until[s, start]:
                self._add(sums, float(self.number[cell]))
        self._along(longer)
        for s, node, end, start in system.bridges:
            self._add([(s * self.ticks + node - 1, 1)] + [(x, -1) for x in self._through(s, start, end)], 0)
        self._between(place)

    def _bound(self, cell: int, variable: int, free: bool) -> None:
        self.variable[cell] = variable
        if not np.isnan(self.number[cell]) and self.number[cell] > _TOLERANCE and not free:
            self.low[variable] = max(self.low[variable], 1.0)
        if abs(self.number[cell]) <= _TOLERANCE:
            self.high[variable] = 0.0

    def _through(self, series: int, start: int, end: int) -> Iterable[int]:
        return range(series * self.ticks + start, series * self.ticks + end)

    def _add(self, terms: list[tuple[int, int]], constant: float) -> None:
        number = len(self.constant)
        self.constant.append(constant)
        for v, sign in terms:
            self.equation.append(number)
            self.member.append(v)
            self.sign.append(sign)

    def _along(self, longer: list[int]) -> None:
        """What two longer cells of a series differ by: one within the other at either end, or one a month later."""
        system = self.system
        of_series: dict[int, list[tuple[int, int, int]]] = {}
        for cell in longer:
            of_series.setdefault(int(system.series[cell]), []).append(
                (int(system.start[cell]), int(system.end[cell]), cell)
            )
        for s, cells in of_series.items():
            by_start: dict[int, list[tuple[int, int]]] = {}
            by_end: dict[int, list[tuple[int, int]]] = {}
            for start, end, cell in cells:
                by_start.setdefault(start, []).append((end, cell))
                by_end.setdefault(end, []).append((start, cell))
            for start, end, cell in cells:
                pairs: list[tuple[int, tuple[int, int], tuple[int, int] | None]] = []
                pairs += [(other, (shorter, end), None) for shorter, other in by_start[start] if shorter < end]
                pairs += [(other, (start, later), None) for later, other in by_end[end] if later > start]
                pairs += [
                    (other, (end - 1, end), (start - 1, start))
                    for first_end, other in by_start.get(start - 1, [])
                    if first_end == end - 1
                ]
                for other, more, less in pairs:
                    terms = [(x, -1) for x in self._through(s, *more)]
                    terms += [(x, 1) for x in self._through(s, *less)] if less else []
                    known = 0.0
                    for one, sign in ((cell, 1), (other, -1)):
                        if self.hidden[one]:
                            terms.append((self.variable[one], sign))
                        else:
                            known -= sign * float(self.number[one])
                    if any(self.low[v] != self.high[v] for v, _ in terms):
                        self._add(terms, known)

    def _between(self, place: dict[tuple[int, int, int], int]) -> None:
        """whole = sum of its parts, per tick and per longer cell."""
        spans = {(start, end) for _, start, end in place}
        for family in self.system.families:
            signs = [(family.whole, 1), *((p, -1) for p in family.parts)]
            signs += [(family.rest, -1)] if family.rest >= 0 else []
            for tick in np.flatnonzero(self.unknown[[s for s, _ in signs]].any(axis=0)).tolist():
                self._add([(s * self.ticks + tick, sign) for s, sign in signs], 0)
            for start, end in spans:
                of_span = [(place.get((s, start, end)), s, sign) for s, sign in signs]
                if end - start < 2 or self.system.origin[end - 1] == start or of_span[0][0] is None:
                    continue
                terms: list[tuple[int, int]] = []
                known = 0.0
                for cell, s, sign in of_span:
                    if cell is None:
                        terms += [(x, sign) for x in self._through(s, start, end)]
                    elif self.hidden[cell]:
                        terms.append((self.variable[cell], sign))
                    else:
                        known -= sign * float(self.number[cell])
                if terms:
                    self._add(terms, known)

    def narrowed(self, rounds: int) -> tuple[Floats, Floats]:
        """Lower and upper bounds of all variables, after so many rounds or when nothing changes any more."""
        equation, member = np.array(self.equation), np.array(self.member)
        plus = np.array(self.sign) > 0
        constant = np.array(self.constant)
        low, high = np.array(self.low), np.array(self.high)
        count = len(constant)
        usable = np.bincount(equation, np.isnan(low[member]) | np.isnan(high[member]), count) == 0
        usable &= ~np.isnan(constant)
        kept = usable[equation]
        equation, member, plus = equation[kept], member[kept], plus[kept]
        for _ in range(rounds):
            least = np.where(plus, low[member], -high[member])
            most = np.where(plus, high[member], -low[member])
            open_least, open_most = np.isinf(least), np.isinf(most)
            sum_least = np.bincount(equation, np.where(open_least, 0, least), count)
            sum_most = np.bincount(equation, np.where(open_most, 0, most), count)
            many_least, many_most = np.bincount(equation, open_least, count), np.bincount(equation, open_most, count)
            # What is left for one member when all others are as small, or as large, as they can be.
            others = many_least[equation] - open_least > 0
            top = np.where(others, np.inf, constant[equation] - (sum_least[equation] - np.where(open_least, 0, least)))
            others = many_most[equation] - open_most > 0
            bottom = np.where(others, -np.inf, constant[equation] - (sum_most[equation] - np.where(open_most, 0, most)))
            new_low, new_high = low.copy(), high.copy()
            np.maximum.at(new_low, member, np.where(plus, bottom, -top))
            np.minimum.at(new_high, member, np.where(plus, top, -bottom))
            if np.array_equal(new_low, low) and np.array_equal(new_high, high):
                break
            low, high = new_low, new_high
        return low, high
