"""What is still free: every hidden number as a combination of unknowns that nothing shown ties together.

A number follows from what is shown when nothing is left of its combination; one more cell that is shown ties its
unknowns: it tells the numbers that are a multiple of it, and no others. All of it exactly, modulo a large prime.
"""

from __future__ import annotations

import numpy as np

from dagster_project.disclosure.system import PRIME, Flags, System, combinations

Combination = dict[int, int]


class Freedom:
    """The combinations of hidden cells (rows) of a system; unknowns are numbers without a meaning.

    of: cell -> its combination; `tracked`: the cells that are asked about.
    """

    def __init__(self, system: System, hidden: Flags, tracked: Flags) -> None:
        self.of: dict[int, Combination] = combinations(system, hidden, np.flatnonzero(tracked))
        self.holders: dict[int, set[int]] = {}
        for cell, combination in self.of.items():
            for unknown in combination:
                self.holders.setdefault(unknown, set()).add(cell)
        self._log: list[tuple[int, Combination]] = []

    def told_by(self, cell: int) -> list[int]:
        """The cells that are known when this one is, itself included; empty where it is known already."""
        mine = self.of[cell]
        if not mine:
            return []
        unknown = min(mine, key=self._held)
        factor, count = mine[unknown], len(mine)
        told = []
        for other in self.holders[unknown]:
            theirs = self.of[other]
            if len(theirs) != count:
                continue
            by = theirs[unknown]
            if all(u in theirs and (theirs[u] * factor - by * v) % PRIME == 0 for u, v in mine.items()):
                told.append(other)
        return sorted(told)

    def show(self, cell: int) -> None:
        """From now on this cell is shown."""
        mine = self.of[cell]
        if not mine:
            return
        unknown = min(mine, key=self._held)
        inverse = pow(mine[unknown], -1, PRIME)
        rest = [(u, v * inverse % PRIME) for u, v in mine.items() if u != unknown]
        for other in self.holders.pop(unknown):
            before = self.of[other]
            self._log.append((other, before))
            now = self.of[other] = dict(before)
            factor = now.pop(unknown)
            for u, v in rest:
                new = (now.get(u, 0) - factor * v) % PRIME
                if new:
                    now[u] = new
                    self.holders[u].add(other)
                else:
                    del now[u]
                    self.holders[u].discard(other)

    def _held(self, unknown: int) -> int:
        return len(self.holders[unknown])

    def drop(self, cells: list[int]) -> None:
        """These are not asked about any more. Not to be undone."""
        for cell in cells:
            for unknown in self.of.pop(cell):
                self.holders[unknown].discard(cell)

    def mark(self) -> None:
        """Where `undo` comes back to."""
        self._log.clear()

    def undo(self) -> None:
        """As it was at the last `mark`."""
        for cell, before in reversed(self._log):
            now = self.of[cell]
            for u in now.keys() - before.keys():
                self.holders[u].discard(cell)
            for u in before.keys() - now.keys():
                self.holders.setdefault(u, set()).add(cell)
            self.of[cell] = before
        self._log.clear()
