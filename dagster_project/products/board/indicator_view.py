"""What the page of one indicator shows, as plain values made from a release's cells; nothing is computed here that the
release does not say, but counts of cells and where a unit stands in its funnel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from dagster_project.catalogue.vocabulary import JUDGED, MEN, MET, MONTH, PERIOD_TYPES, PROPORTIONS, R12, WOMEN
from dagster_project.core.swedish import fixed, joined
from dagster_project.products.board.cells import Cell, IndicatorCells, State
from dagster_project.products.board.series import (
    HIDDEN_WHY,
    Span,
    Words,
    drawable,
    known_from,
    newest_months,
    period_words,
    series_words,
    span,
)
from dagster_project.products.charts import Break, Limits
from dagster_project.products.funnel import funnel_limits
from dagster_project.products.telling import break_words

ROUNDING = 1e-9


@dataclass(frozen=True)
class Measure:
    """What the page must know of the indicator to show its cells.

    stock: longer periods are their last month. window: the months that a cell looks back over, where these are not its
    period's. words: a value with its unit.
    """

    kind: str
    stock: bool
    window: int | None
    words: Words

    @property
    def proportion(self) -> bool:
        return self.kind in PROPORTIONS

    @property
    def long_run(self) -> str:
        """What a series of the longest periods is, which the verksamheter, sexes and units are told in."""
        if self.stock:
            return "Läget i slutet av varje månad"
        return f"{self.window} månader i taget" if self.window else "Tolv månader i taget"

    def latest(self, cell: Cell) -> str:
        """The longest period that ends with a cell's."""
        if self.stock:
            return f"Läget sista {period_words(cell)}"
        return f"{self.window or 'Tolv'} månader till och med {period_words(cell)}"


@dataclass(frozen=True)
class Development:
    """A series that is drawn: its cells, oldest first, what it says, and what the chart is read against.

    drawn: whether there are numbers enough for a chart. breaks: within the series. limits, signal_month: of the months
    that the signal was asked of.
    """

    cells: tuple[Cell, ...]
    sentence: str
    drawn: bool
    breaks: tuple[Break, ...] = ()
    limits: Limits | None = None
    signal_month: date | None = None

    @property
    def told(self) -> bool:
        """Whether any cell has a number: else there is nothing but the sentence."""
        return any(cell.value is not None for cell in self.cells)

    @property
    def target(self) -> float | None:
        """The target where it is one number for the whole series."""
        found = {cell.target for cell in self.cells}
        return found.pop() if len(found) == 1 else None

    @property
    def compares(self) -> bool:
        return any(cell.compared is not None for cell in self.cells)

    def has(self, state: State) -> bool:
        return any(cell.state == state for cell in self.cells)


@dataclass(frozen=True)
class Multiple:
    """A verksamhet beside the others. latest: its newest complete cell."""

    code: str
    name: str
    latest: Cell | None
    development: Development


@dataclass(frozen=True)
class Sexes:
    """Women and men of the area over the same periods, oldest first."""

    women: tuple[Cell, ...]
    men: tuple[Cell, ...]
    sentence: str
    drawn: bool

    @property
    def pairs(self) -> list[tuple[Cell, Cell]]:
        return list(zip(self.women, self.men, strict=True))

    @property
    def told(self) -> bool:
        return any(cell.value is not None for cell in (*self.women, *self.men))


@dataclass(frozen=True)
class UnitLine:
    """A unit in the table: its name, its cell, and where it stands to the funnel's limits."""

    name: str
    cell: Cell
    place: str | None


@dataclass(frozen=True)
class Units:
    """Units of the newest complete twelve months, verksamhet by verksamhet in the order of reports, never ranked.

    centre: the area's share, around which the funnel stands; None where there is no funnel.
    """

    lines: tuple[UnitLine, ...]
    centre: float | None
    sentence: str

    @property
    def by_verksamhet(self) -> list[tuple[str, list[UnitLine]]]:
        """The lines of each verksamhet, by its code."""
        return [(code, list(lines)) for code, lines in groupby(self.lines, key=lambda line: line.cell.verksamhet or "")]


WITHIN, BETWEEN, ABOVE, BELOW = PLACES = ("inom", "mellan", "over", "under")
PLACE_WORDS: Mapping[str, str] = {
    WITHIN: "som området",
    BETWEEN: "på gränsen",
    ABOVE: "klart över",
    BELOW: "klart under",
}
"""Where a unit stands to the 95 and the 99.8 percent limits."""


def development(what: str, series: Sequence[Cell], words: Words, breaks: Sequence[Break]) -> Development:
    """A series with its sentence. what: begins it. breaks: of the indicator at the place, of any time."""
    if not series:
        return Development((), f"{what}: inga uppgifter.", False)
    within = tuple(b for b in breaks if series[0].end < b.day <= series[-1].end)
    told = [series_words(what, series, words)]
    told += [break_words(b.day, b.reason) for b in within]
    return Development(tuple(series), " ".join(told), drawable(series), within)


def by_month(
    cells: IndicatorCells,
    measure: Measure,
    breaks: Sequence[Break] = (),
    limits: Limits | None = None,
    signal_month: date | None = None,
) -> Development:
    """The area month by month: the newest complete two years and what came after."""
    found = development("Hela området månad för månad", newest_months(cells.area(MONTH)), measure.words, breaks)
    return replace(found, limits=limits, signal_month=signal_month)


def by_year(cells: IndicatorCells, measure: Measure, breaks: Sequence[Break] = ()) -> Development | None:
    """The area by the twelve months that end with each month: calmer than single months. None for a stock, whose r12
    is its month, and for what looks back over more than its period anyway."""
    if measure.stock or measure.window:
        return None
    return development("Hela området, tolv månader i taget", known_from(cells.area(R12)), measure.words, breaks)


def occasions(cells: IndicatorCells) -> tuple[Cell, ...]:
    """The area's newest complete cell of each period type, the shortest period first."""
    found = (cells.newest(period_type) for period_type in PERIOD_TYPES)
    return tuple(cell for cell in found if cell is not None)


def multiples(
    cells: IndicatorCells, measure: Measure, names: Mapping[str, str], breaks: Mapping[str, Sequence[Break]]
) -> tuple[tuple[Multiple, ...], Span | None]:
    """The verksamheter that the indicator is about, and the span of what they show, where their charts have one scale:
    shares, means and medians can be held beside each other, counts and amounts cannot.

    names: code -> name, in the order of reports. breaks: by code.
    """
    newest, found = cells.newest(R12), []
    for code, name in names.items():
        series = cells.verksamhet(code, R12)
        if not series:
            continue
        latest = cells.at(newest, code) if newest is not None else None
        told = development(name, known_from(series), measure.words, breaks.get(code, ()))
        found.append(Multiple(code, name, latest, told))
    level = any(cell.denominator is not None for cell in cells.area(R12))
    return tuple(found), span([m.development.cells for m in found]) if level else None


def places_words(several: Sequence[Multiple]) -> str | None:
    """How many verksamheter meet their target: `3 av 7 verksamheter når målet (1 på få fall).`; None where none is
    judged."""
    judged = [m.latest for m in several if m.latest is not None and m.latest.status in JUDGED]
    if not judged:
        return None
    met, few = sum(cell.status == MET for cell in judged), sum(cell.few for cell in judged)
    some = " som kan bedömas" if len(judged) < len(several) else ""
    if len(judged) == 1:
        one = "Den enda verksamhet som kan bedömas" if some else "Verksamheten"
        told = f"{one} når {'' if met else 'inte '}målet"
    elif len(judged) == 2 and met != 1:
        told = f"{'Båda' if met else 'Ingen av de båda'} verksamheterna{some} når målet"
    elif met == len(judged):
        told = f"Alla {met} verksamheter{some} når målet"
    else:
        told = f"{met or 'Ingen'} av {len(judged)} verksamheter{some} når målet"
    return f"{told}{f'; {few} bedöms på få fall' if few else ''}."


def sexes(cells: IndicatorCells, measure: Measure) -> Sexes | None:
    """Women and men of the area, by the twelve months that end with each month; None where the indicator has none."""
    women, men = (known_from(cells.area(R12, sex)) for sex in (WOMEN, MEN))
    if not women or not men:
        return None
    both = sorted({c.start for c in women} & {c.start for c in men})
    women, men = (tuple(c for c in series if both[:1] and c.start >= both[0]) for series in (women, men))
    if [c.start for c in women] != [c.start for c in men]:
        return None
    return Sexes(women, men, _sexes_words(women, men, measure), drawable(women) and drawable(men))


def _sexes_words(women: Sequence[Cell], men: Sequence[Cell], measure: Measure) -> str:
    pairs = [(w, m) for w, m in zip(women, men, strict=True) if w.shown and m.shown]
    if not pairs:
        return f"Kvinnor och män kan inte visas var för sig: {HIDDEN_WHY}."
    woman, man = pairs[-1]
    assert woman.value is not None and man.value is not None
    told = f"{measure.latest(woman)}: kvinnor {measure.words(woman.value)}"
    told += f", män {measure.words(man.value)}."
    if None in (woman.low, woman.high, man.low, man.high):
        return told
    apart = woman.low > man.high or man.low > woman.high  # type: ignore[operator]
    if woman.value == man.value:
        return told
    return f"{told} {_APART if apart else _TOGETHER}"


_APART = "Skillnaden är större än vad slumpen brukar ge (intervallen går isär)."
_TOGETHER = "Skillnaden kan vara slump (intervallen går i varandra)."


def units(
    cells: IndicatorCells, measure: Measure, names: Mapping[tuple[str, str], str], verksamheter: Mapping[str, str]
) -> Units | None:
    """The units of the newest complete twelve months; None where the indicator has no rows of units.

    names: (hsaid, verksamhet) -> name. verksamheter: code -> name, in the order of reports.
    """
    if not cells.units:
        return None
    order = {code: n for n, code in enumerate(verksamheter)}
    named = sorted(
        ((names.get((c.unit or "", c.verksamhet or ""), c.unit or ""), c) for c in cells.units),
        key=lambda pair: (order.get(pair[1].verksamhet or "", len(order)), pair[0], pair[1].unit or ""),
    )
    area = cells.newest(R12)
    centre = area.value if measure.proportion and area is not None and area.shown else None
    places = _places([cell for _, cell in named], centre)
    lines = tuple(UnitLine(name, cell, place) for (name, cell), place in zip(named, places, strict=True))
    drawn = sum(line.place is not None for line in lines) > 1
    return Units(lines, centre if drawn else None, _units_words(lines, measure, centre if drawn else None))


def _places(cells: Sequence[Cell], centre: float | None) -> list[str | None]:
    """Where each unit stands; None for one without a share that is shown."""
    if centre is None:
        return [None] * len(cells)
    sizes = [round(c.denominator) if c.shown and c.denominator else 0 for c in cells]
    limits = iter(funnel_limits([n for n in sizes if n], centre))
    found: list[str | None] = []
    for cell, size in zip(cells, sizes, strict=True):
        if not size or cell.value is None:
            found.append(None)
            continue
        at = next(limits)
        if not at.lower_outer - ROUNDING <= cell.value <= at.upper_outer + ROUNDING:
            found.append(ABOVE if cell.value > centre else BELOW)
        elif not at.lower_inner - ROUNDING <= cell.value <= at.upper_inner + ROUNDING:
            found.append(BETWEEN)
        else:
            found.append(WITHIN)
    return found


def _units_words(lines: Sequence[UnitLine], measure: Measure, centre: float | None) -> str:
    hidden = sum(line.cell.state == "hidden" for line in lines)
    told = []
    if hidden:
        told.append(f"{fixed(hidden, 0)} av {fixed(len(lines), 0)} enheter visas inte: {HIDDEN_WHY}.")
    if centre is not None:
        out = [line for line in lines if line.place in (ABOVE, BELOW)]
        if out:
            named = joined([_beside(line, measure) for line in out])
            told.append(f"Skiljer sig mer från området ({measure.words(centre)}) än slumpen brukar ge: {named}.")
        else:
            told.append(f"Ingen skiljer sig mer från området ({measure.words(centre)}) än slumpen brukar ge.")
    return " ".join(told)


def _beside(line: UnitLine, measure: Measure) -> str:
    cell = line.cell
    assert cell.value is not None
    few = ", få fall" if cell.few else ""
    return f"{line.name} ({measure.words(cell.value)}{few})"
