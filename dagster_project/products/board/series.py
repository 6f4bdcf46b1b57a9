"""A series of cells as a page tells it: what its chart is drawn from, its sentence, and why points are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from dagster_project.catalogue.vocabulary import MONTH, R12
from dagster_project.core.swedish import joined, month_in_words
from dagster_project.products.board.cells import Cell, newest_complete
from dagster_project.products.charts import Point
from dagster_project.releases.labels import period_label

NEWEST_MONTHS = 24
"""What a chart by month shows of complete months: those that the signal is asked of."""
MOST_NAMED = 4
"""Periods that a sentence names; of more it gives the number."""
HIDDEN_WHY = "för få fall, eller så kunde andra små tal räknas ut"
Words = Callable[[float], str]
"""A value of the indicator with its unit."""


@cache
def month_words(day: date) -> str:
    """`augusti 2022`."""
    return month_in_words(day)


@cache
def month_label(day: date) -> str:
    """`aug 2022`, as an axis has it."""
    return period_label(MONTH, day, day)


def period_words(cell: Cell) -> str:
    """A month, and the twelve months that end with one, by that month; other periods by their first and last."""
    if cell.period_type in (MONTH, R12):
        return month_words(cell.end)
    return _between(cell.start, cell.end)


def _between(start: date, end: date) -> str:
    """`augusti 2022`, `januari–augusti 2022`, `oktober 2020–september 2022`."""
    first, last = month_words(start), month_words(end)
    if first == last:
        return first
    return f"{first.split()[0]}–{last}" if start.year == end.year else f"{first}–{last}"


def known_from(series: Sequence[Cell]) -> tuple[Cell, ...]:
    """The series from its first complete period on: what begins before the data do is no period to tell of. Where none
    is complete, from the first one that has something to tell."""
    telling = [n for n, cell in enumerate(series) if cell.state != "no_data"]
    whole = [n for n in telling if series[n].complete]
    return tuple(series[(whole or telling or [len(series)])[0] :])


def newest_months(series: Sequence[Cell], count: int = NEWEST_MONTHS) -> tuple[Cell, ...]:
    """The newest complete months, so many of them, and those after them that are not complete."""
    newest = newest_complete(series)
    if newest is None:
        return known_from(series)[-count:]
    last = series.index(newest)
    return known_from(series[max(0, last + 1 - count) :])


def point(cell: Cell) -> Point:
    """A cell as a chart draws it, by the month that it ends in; a hidden one has no value to give."""
    value = cell.value if cell.state != "hidden" else None
    return Point(cell.end.replace(day=1), month_label(cell.end), value, cell.state)


def points(series: Sequence[Cell]) -> list[Point]:
    return [point(cell) for cell in series]


def comparison(series: Sequence[Cell]) -> list[float | None]:
    """What each cell is compared with."""
    return [cell.compared for cell in series]


def drawable(series: Sequence[Cell]) -> bool:
    """Whether there is a development to draw: at least two numbers."""
    return sum(cell.value is not None for cell in series) > 1


def series_words(what: str, series: Sequence[Cell], words: Words) -> str:
    """What a chart shows, in a sentence or a few: its alternative text, and what stands under it.

    what: begins the first sentence (`Hela området, månad för månad`). Lowest, highest and newest are of the numbers
    that are shown and settled.
    """
    known = [cell for cell in series if cell.shown]
    numbers = [cell.value for cell in known if cell.value is not None]
    if not numbers:
        return " ".join([f"{what}: inga siffror att visa.", *gap_sentences(series)])
    low, high = min(numbers), max(numbers)

    def at(value: float) -> str:
        """A value and when it was, the newest time of several."""
        when = known[len(numbers) - 1 - numbers[::-1].index(value)]
        return f"{words(value)} ({period_words(when)})"

    told = f"{what}, {_between(series[0].end, series[-1].end)}: senast {at(numbers[-1])}"
    if low == high:
        told += ", lika alla perioder som visas" if len(numbers) > 1 else ""
    elif numbers[-1] == low:
        told += f", det lägsta; högst {at(high)}"
    elif numbers[-1] == high:
        told += f", det högsta; lägst {at(low)}"
    else:
        told += f", lägst {at(low)} och högst {at(high)}"
    return " ".join([f"{told}.", *gap_sentences(series)])


def gap_sentences(series: Sequence[Cell]) -> list[str]:
    """Why points of a series are missing or hollow: a sentence per cause."""
    hidden = [cell for cell in series if cell.state == "hidden"]
    empty = [cell for cell in series if cell.state == "no_data"]
    early = [cell for cell in series if cell.state == "preliminary"]
    told = []
    if hidden:
        shown = "Ingen period visas" if len(hidden) == len(series) > 1 else f"{_counted(hidden, series)} visas inte"
        told.append(f"{shown}: {HIDDEN_WHY}.")
    if empty:
        told.append(f"{_counted(empty, series)} har inga uppgifter.")
    if early:
        one = len(early) == 1
        told.append(f"{_counted(early, series)} är {'preliminär' if one else 'preliminära'}.")
    return told


def _counted(cells: Sequence[Cell], series: Sequence[Cell]) -> str:
    """`Mars 2022`, `Mars och juni 2022` ... for few; `9 av 24 perioder` for more; `Alla perioder`."""
    if len(cells) == len(series) > 1:
        return "Alla perioder"
    if len(cells) > MOST_NAMED:
        return f"{len(cells)} av {len(series)} perioder"
    if len({cell.end.year for cell in cells}) == 1 and all(cell.period_type in (MONTH, R12) for cell in cells):
        named = joined([*(month_words(cell.end).split()[0] for cell in cells[:-1]), month_words(cells[-1].end)])
    else:
        named = joined([period_words(cell) for cell in cells])
    return named[0].upper() + named[1:]


@dataclass(frozen=True)
class Span:
    """The lowest and highest shown number of several series, so that their charts have one scale."""

    low: float
    high: float


def span(many: Sequence[Sequence[Cell]]) -> Span | None:
    """Of the numbers that are shown; None where there is none."""
    numbers = [cell.value for series in many for cell in series if cell.value is not None and cell.state != "hidden"]
    return Span(min(numbers), max(numbers)) if numbers else None
