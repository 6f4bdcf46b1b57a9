"""The choice of what to hide: everything is hidden but zeros, then cells are shown in order of their worth.

A cell is shown unless a protected number would then be known: exactly (`freedom`), or because bounds leave it one
number (`bounds`). What is known with a cell that is shown is shown with it. So nothing that stays hidden is known, and
what is worth most is lost only where nothing that is worth more leaves room for it.

Cells are tried some hundred at once; bounds know which of them led to a number that is fixed, and that one stays
hidden. Ties are broken by position: the same cells give the same choice on every machine, in any order of rows.
"""

from __future__ import annotations

import numpy as np

from dagster_project.disclosure.bounds import Equations, pinned
from dagster_project.disclosure.freedom import Freedom
from dagster_project.disclosure.system import Flags, Ints, System, determined, narrow

_TOGETHER = 50  # at least; more of them in a large system, where they have less to do with each other


def choose(system: System, zero: Flags, never: Flags, protected: Flags, worth: Ints) -> Flags:
    """Which cells (rows) are hidden, of those that a reader could see.

    zero: shown to be 0. never: not seen whatever is chosen (virtual, left out). protected: must not be known; those of
    them that could be seen are hidden. worth: what is shown first.
    """
    choice = Choice(system, zero, never, protected)
    choice.show(np.argsort(-worth, kind="stable"))
    return _widened(system, choice.hidden, zero, never, protected, worth)


def _widened(system: System, hidden: Flags, zero: Flags, never: Flags, protected: Flags, worth: Ints) -> Flags:
    """With more hidden where a group of few unknowns has one whole-number answer only: the cheapest cells beside it."""
    many = 1
    while True:
        unseen = hidden | never
        fixed = narrow(system, unseen, protected | hidden)
        if many > 1:
            fixed = np.union1d(fixed, [c for c in determined(system, unseen).tolist() if protected[c]])
            fixed = np.union1d(fixed, pinned(system, unseen, protected))
        if not len(fixed):
            return hidden
        before = int(hidden.sum())
        for cell in fixed.astype(np.int64).tolist():
            near = _near(system, cell, ~hidden & ~zero & ~never, worth)
            hidden[near[:many]] = True
        if hidden.sum() == before:
            return hidden
        # What is known all the same is no help.
        unseen = hidden | never
        for known in (determined(system, unseen), pinned(system, unseen, hidden)):
            hidden[known[~protected[known] & hidden[known]]] = False
        many *= 2


def _near(system: System, cell: int, among: Flags, worth: Ints) -> Ints:
    """Cells that may help a cell, the cheapest first: of its verksamhet or the area, of its time or near it."""
    verksamhet = system.shapes["verksamhet"].to_list()
    own = verksamhet[system.series[cell]]
    related = np.array([v is None or own is None or v == own for v in verksamhet])[system.series]
    start, end = system.start, system.end
    tick = system.origin[end - 1] == start
    apart = np.maximum(start - end[cell], start[cell] - end) + 1
    apart = np.where(tick & tick[cell], np.abs(end - end[cell]), np.clip(apart, 0, None))
    found = np.flatnonzero(among & related & (apart < 12))
    return np.asarray(found[np.lexsort((worth[found], apart[found]))])


class Choice:
    """hidden: of each cell (row), whether it is hidden so far; what is never shown (virtual, left out) is not counted.

    never: cells that a reader does not see whatever is chosen. protected: must not be known. zero: known to be 0.
    """

    def __init__(self, system: System, zero: Flags, never: Flags, protected: Flags) -> None:
        self.hidden = ~zero & ~never
        self.never = never
        unseen = ~zero | never
        self.freedom = Freedom(system, unseen, self.hidden | protected)
        self.equations = Equations(system)
        self.bounds = self.equations.narrowing(unseen)
        self.bounds.narrow()
        # What is known with everything hidden (never so in true numbers) cannot be protected.
        self.protected = protected.copy()
        self.protected[[c for c in np.flatnonzero(protected).tolist() if not self.freedom.of[c]]] = False
        self.protected[self.bounds.pinned(protected)] = False
        for cell in np.flatnonzero(self.protected).tolist():
            if cell in self.freedom.of:
                self._tied(self.freedom.told_by(cell), cell)

    def show(self, order: Ints) -> None:
        """Show those of the cells that can be shown, in this order."""
        waiting = order[self.hidden[order] & ~self.protected[order]]
        many = max(_TOGETHER, len(self.hidden) // 400)
        while len(waiting):
            self._together(waiting[:many].tolist())
            waiting = waiting[many:]
            waiting = waiting[self.hidden[waiting]]

    def _tied(self, told: list[int], to: int) -> None:
        """What is known when a protected number is, and only then, stays hidden: one of them is asked about."""
        self.freedom.drop([c for c in told if c != to])

    def _together(self, cells: list[int]) -> None:
        offers: list[list[int]] = []  # a cell and what is known by it
        taken: set[int] = set()
        for cell in cells:
            if cell not in self.freedom.of or cell in taken:
                continue
            told = self.freedom.told_by(cell) or [cell]
            tied = next((c for c in told if self.protected[c]), -1)
            if tied >= 0:
                self._tied(told, tied)
            else:
                offers.append([cell, *(c for c in told if c != cell)])
                taken.update(told)
        low, high = self.bounds.low.copy(), self.bounds.high.copy()
        kept = list(range(len(offers)))
        while kept:
            wrong = self._bounded(offers, kept)
            if not wrong:
                self.freedom.mark()
                wrong, besides = self._exactly(offers, kept)
                if wrong:
                    kept = [i for i in kept if i not in wrong]
                    self.bounds.low[:], self.bounds.high[:] = low, high
                    self._bounded(offers, kept)
                wrong = self._known(offers, kept, besides)
                if not wrong:
                    return
                self.freedom.undo()
            kept = [i for i in kept if i not in wrong]
            self.bounds.low[:], self.bounds.high[:] = low, high

    def _bounded(self, offers: list[list[int]], kept: list[int]) -> set[int]:
        """Draw in what is kept (numbers in `offers`); which of it leads bounds to a protected number?"""
        self.bounds.cause[:] = -1
        if not kept:
            return set()
        cells = np.array([c for i in kept for c in offers[i]], np.int64)
        self.bounds.fix(cells, np.array([i for i in kept for _ in offers[i]], np.int64))
        return self._causes(self.bounds.pinned(self.protected))

    def _causes(self, cells: Ints) -> set[int]:
        return set(self.bounds.cause[self.equations.number[cells]].tolist())

    def _exactly(self, offers: list[list[int]], kept: list[int]) -> tuple[set[int], list[tuple[int, int]]]:
        """Show what is kept one by one: what would tell a protected number together with what came before it is
        left; and what more is known by which of the others.
        """
        wrong: set[int] = set()
        besides: list[tuple[int, int]] = []
        for i in kept:
            told = self.freedom.told_by(offers[i][0])
            if self.protected[told].any():
                wrong.add(i)
                continue
            self.freedom.show(offers[i][0])
            besides += [(c, i) for c in told if c not in offers[i]]
        return wrong, besides

    def _known(self, offers: list[list[int]], kept: list[int], besides: list[tuple[int, int]]) -> set[int]:
        """Show with what is kept all that is known by it; or else which of it is too much."""
        at, bounds, freedom = self.equations.number, self.bounds, self.freedom
        told = np.zeros(len(self.hidden), bool)
        told[[c for i in kept for c in offers[i]]] = True
        while True:
            besides = [(c, i) for c, i in besides if not told[c]]
            if besides:
                cells, causes = np.array(besides, np.int64).T
                told[cells] = True
                bounds.fix(cells, causes)
                if len(fixed := bounds.pinned(self.protected)):
                    return self._causes(fixed)
            wrong: set[int] = set()
            besides = []
            for cell in bounds.pinned(self.hidden & ~told).tolist():
                cause = int(bounds.cause[at[cell]])
                by = freedom.told_by(cell) if cell in freedom.of else []
                if cell not in freedom.of or self.protected[by].any():
                    wrong.add(cause)
                elif not wrong:
                    freedom.show(cell)
                    besides += [(c, cause) for c in by or [cell]]
            if wrong:
                return wrong
            if not besides:
                self.hidden[told] = False
                return wrong
