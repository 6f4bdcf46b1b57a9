"""An indicator's numbers as its tables write them: without the unit, which stands in the column's heading."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from dagster_project.catalogue.vocabulary import COUNT, MEAN, MEDIAN, PROPORTIONS
from dagster_project.core.swedish import fixed
from dagster_project.products.board.cells import Cell
from dagster_project.products.words import OPERATOR_SIGNS

MOST_DECIMALS = 6
_TIES = (0.0, 100.0)
"""What a share is not written as unless it is."""


@dataclass(frozen=True)
class Figures:
    """How numbers are written. kind, unit: of the catalogue; decimals: of the catalogue, more where fewer would say
    that a target is met which is not."""

    kind: str
    unit: str
    decimals: int

    def number(self, value: float | None, *against: float | None) -> str:
        """A value; empty where there is none. against: what it must not seem to be on the other side of."""
        if value is None:
            return ""
        others = [a for a in against if a is not None] + (list(_TIES) if self.kind in PROPORTIONS else [])
        decimals = next(
            (
                d
                for d in range(self.decimals, MOST_DECIMALS)
                if all(_order(round(value, d), round(o, d)) == _order(value, o) for o in others)
            ),
            MOST_DECIMALS,
        )
        return fixed(value, decimals)

    def value(self, cell: Cell) -> str:
        return self.number(cell.value, cell.target)

    def numerator(self, cell: Cell) -> str:
        """What was counted or summed; a median and a sum of differences have none that tells anything."""
        return "" if cell.numerator is None or self.kind in (MEAN, MEDIAN) else fixed(cell.numerator, 0)

    def denominator(self, cell: Cell) -> str:
        return "" if cell.denominator is None else fixed(cell.denominator, 0)

    def basis(self, cell: Cell) -> str:
        """What a value rests on: `1 983 av 2 116`, `317 observationer`; empty where the value says it all."""
        if not cell.denominator or cell.state == "hidden":
            return ""
        if self.kind in PROPORTIONS:
            return f"{self.numerator(cell)} av {self.denominator(cell)}"
        return f"n = {self.denominator(cell)}"

    def interval(self, cell: Cell) -> str:
        """The 95 percent interval of a share: `91,2–95,0`."""
        if cell.low is None or cell.high is None:
            return ""
        return f"{fixed(cell.low, self.decimals)}–{fixed(cell.high, self.decimals)}"

    def target(self, cell: Cell) -> str:
        """`≥ 90`: as few decimals as tell it from the value. No count is 499,3: the whole number decides the same."""
        target = cell.target
        if target is None or cell.operator is None:
            return ""
        if self.kind == COUNT:
            target = float(ceil(target) if cell.operator in (">=", "<") else floor(target))
        text = self.number(target, cell.value)
        text = text.rstrip("0").rstrip(",") if "," in text else text
        return f"{OPERATOR_SIGNS[cell.operator]}\u00a0{text}"


def _order(one: float, other: float) -> int:
    return (one > other) - (one < other)
