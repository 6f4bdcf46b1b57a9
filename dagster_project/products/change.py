"""Which change of an indicator's months may be told, and in what words: the one answer of board and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import polars as pl

from dagster_project.catalogue import vocabulary as v
from dagster_project.core.swedish import counted, month_in_words
from dagster_project.releases.labels import DIRECTION_WORDS

if TYPE_CHECKING:
    from dagster_project.products.reading import IndicatorInfo, Reading

Row = Mapping[str, Any]

CHANGED, PASSED, FEW, ALIKE, CONSTANT, FILLS_UP, STILL, UNKNOWN = (
    "forandrad",
    "over",
    "fa_fall",
    "nastan_lika",
    "lika",
    "fylls_pa",
    "ingen",
    "okand",
)
"""What may be told of a signal: a change; one that is over; none, since the cases are few, almost all months are alike,
all of them are, or the newest fill up; that nothing stands out; that it is not known."""
UNJUDGED = (FEW, ALIKE, FILLS_UP, UNKNOWN)
FILLS_UP_WORDS = "fylls på i efterhand"
FEW_A_MONTH = 5
"""Counts whose mean is below it are rare events: that such a month differs says nothing."""
_RUN: Mapping[str, int] = {v.OUTSIDE: 1, v.TWO_OF_THREE: 3, v.TREND: 7, v.SHIFT: 7}
_AGAINST = f"medelvärdet för de senaste {v.CHARTED_MONTHS} månaderna"
_MEANS: Mapping[str, str] = {
    v.BETTER: "En förändring till det bättre",
    v.WORSE: "En förändring till det sämre",
    v.RISING: "En ökning",
    v.FALLING: "En minskning",
}
_CAPABLE: Mapping[str, str] = {
    v.SURELY_MET: "Som det fungerar nu nås målet varje månad.",
    v.SURELY_NOT: "Som det fungerar nu nås målet inte, inte ens i en bra månad: det krävs ett nytt sätt att arbeta.",
}


@dataclass(frozen=True)
class ShownMonth:
    """A point of the months that a signal is asked of: first day, value, denominator, status to the month's target."""

    start: date
    value: float
    n: float | None = None
    status: str = v.NO_TARGET


@dataclass(frozen=True)
class Change:
    """What may be told of an indicator's months at a place: the one answer of board and reports.

    kind: of the list above. sentence: in words, with what it is against. direction: better, worse, rising or falling,
    where a change is told; month: the month that it is told of. able: what `malformaga` says, where limits say it;
    months: the points.
    """

    kind: str
    sentence: str
    direction: str | None = None
    month: date | None = None
    able: str | None = None
    months: Sequence[ShownMonth] = ()

    @property
    def word(self) -> str | None:
        """`bättre på sistone`: of the newest months, unlike an arrow, which is against the year before."""
        return None if self.direction is None else f"{DIRECTION_WORDS[self.direction]} på sistone"

    def capability(self, until: date | None = None) -> str | None:
        """Whether the target is met whatever month, as things work today: in how many months it was, where the limits
        do not say that it always or never is, or months are against them. until: no months after that day."""
        if self.able not in (v.SURELY_MET, v.SURELY_NOT, v.UNSURE):
            return None
        shown = [m for m in self.months if m.status in (v.MET, v.NOT_MET) and (until is None or m.start <= until)]
        met = sum(m.status == v.MET for m in shown)
        if self.able in _CAPABLE and met == (len(shown) if self.able == v.SURELY_MET else 0):
            return _CAPABLE[self.able]
        if not shown:
            return None
        span = f"{month_in_words(shown[0].start)}–{month_in_words(shown[-1].start)}"
        if met == 0:
            return f"Målet har inte nåtts någon av {len(shown)} månader ({span})."
        if met == len(shown):
            return f"Målet har nåtts alla {met} månader ({span})."
        return f"Målet har nåtts {met} av {len(shown)} månader ({span})."


def fills_up(info: IndicatorInfo) -> bool:
    """Whether the newest months rise as time goes: persons of a period are registered after it (a coverage that is no
    stock). That such a month lies low says nothing."""
    return info.art == v.COVERAGE and not info.bestand


def has_limits(signal: Row | None) -> bool:
    """Whether the limits of a row of `signal` say how months vary: of zero width they do not."""
    return signal is not None and signal.get("medel") is not None and signal["undre_grans"] < signal["ovre_grans"]


def change_of(
    signal: Row | None,
    info: IndicatorInfo,
    months: Sequence[ShownMonth] = (),
    few_limit: float = 0,
    year_on_year: int = 0,
) -> Change:
    """Which change a row of `signal` may be told as. No other place decides it.

    None is told where the limits have no width, where the signal rests on few cases (a denominator of 1 up to
    few_limit, or a count whose mean is below FEW_A_MONTH), where the newest month is back on the other side of the
    mean, or where it is the newest months of what `fills_up` that lie low. months: the points, oldest first.
    year_on_year: 1 or -1 where the newest twelve months are above or below the twelve before, intervals apart.
    """
    if signal is None:
        return Change(UNKNOWN, "Om det är en förändring bedöms inte för det här måttet.")
    if signal["signal"] == v.TOO_FEW:
        points = signal["antal_punkter"]
        told = f"bara {counted(points, 'månad', 'månader')}" if points else "ingen månad"
        words = f"Det går inte att säga om något har förändrats: {told} har ett värde att visa, och det behövs 12."
        return Change(UNKNOWN, words, months=months)
    if signal.get("medel") is not None and not has_limits(signal):
        if len({m.value for m in months}) == 1 or (not months and signal["signal"] == v.NO_SIGNAL):
            return Change(CONSTANT, "Inget har förändrats: värdet har varit detsamma alla månader.", months=months)
        words = "Det går inte att säga om något har förändrats: nästan alla månader är lika."
        return Change(ALIKE, words, months=months)
    able, fills = signal["malformaga"], fills_up(info)
    rising = " De senaste månaderna stiger när fler hinner registreras." if fills else ""
    if signal["signal"] == v.NO_SIGNAL:
        words = f"Ingen enskild månad sticker ut mot {_AGAINST}"
        if year_on_year:
            higher = "högre" if year_on_year > 0 else "lägre"
            words += f", men de senaste tolv månaderna ligger {higher} än de tolv före, mer än vad slumpen gör."
        else:
            words += ": det som syns är den vanliga variationen."
        return Change(STILL, words + rising, able=able, months=months)
    month: date = signal["signal_manad"]
    when = month_in_words(month)
    if _on_few(signal, info, months, few_limit):
        words = f"Få fall: vänta med slutsatser. {_first_up(when)} sticker ut mot {_AGAINST}, men vilar på få fall."
        return Change(FEW, words, able=able, months=months)
    if fills and signal["riktning"] == v.WORSE:
        words = f"Det går inte att säga om det har blivit sämre: talet {FILLS_UP_WORDS}.{rising}"
        return Change(FILLS_UP, words, able=able, months=months)
    if (was_high := _over(signal, months)) is not None:
        words = f"{_first_up(_passed(signal['signal'], when, was_high))}; sedan dess är månaderna tillbaka inom det"
        return Change(PASSED, f"{words} vanliga.{rising}", able=able, months=months)
    words = f"{_MEANS[signal['riktning']]} som är mer än slump, jämfört med {_AGAINST} och inte med året innan"
    words += f": {_rule(signal, when)}.{rising}"
    return Change(CHANGED, words, signal["riktning"], month, able, months)


def _first_up(text: str) -> str:
    return text[0].upper() + text[1:]


def _rule(signal: Row, when: str) -> str:
    """By which rule, in words."""
    if signal["signal"] == v.OUTSIDE:
        return f"{when} ligger utanför de gränser inom vilka den vanliga variationen håller sig"
    if signal["signal"] == v.TWO_OF_THREE:
        newest = signal.get("till") in (None, signal["signal_manad"])
        which = "två av de tre senaste månaderna" if newest else f"två av de tre månaderna till och med {when}"
        return f"{which} ligger nära samma gräns"
    if signal["signal"] == v.TREND:
        return f"{when} är den sista av sju månader i rad i samma riktning"
    return f"{when} är den sista av sju månader i rad på samma sida om medelvärdet"


def _passed(rule: str, when: str, high: bool) -> str:
    if rule == v.TREND:
        return f"sju månader i rad till och med {when} {'steg' if high else 'föll'}"
    if rule == v.SHIFT:
        return f"sju månader i rad till och med {when} låg {'över' if high else 'under'} {_AGAINST}"
    if rule == v.TWO_OF_THREE:
        return f"två av tre månader till och med {when} var ovanligt {'höga' if high else 'låga'} mot {_AGAINST}"
    return f"{when} var ovanligt {'hög' if high else 'låg'} mot {_AGAINST}"


def _on_few(signal: Row, info: IndicatorInfo, months: Sequence[ShownMonth], limit: float) -> bool:
    """Whether a signal rests on few cases: its month does, or most of the months of its rule do."""
    if info.art == v.COUNT:
        return signal.get("medel") is not None and signal["medel"] < FEW_A_MONTH
    if info.art == v.AMOUNT:
        return False
    few = [m.n is not None and 0 < m.n < limit for m in months if m.start <= signal["signal_manad"]]
    run = few[-_RUN[signal["signal"]] :]
    return bool(run) and (run[-1] or 2 * sum(run) > len(run))


def _over(signal: Row, months: Sequence[ShownMonth]) -> bool | None:
    """Of a signal whose newest month is back on the other side of the mean: whether it was high; None of others."""
    until = [m for m in months if m.start <= signal["signal_manad"]]
    if not until or len(until) == len(months) or signal.get("medel") is None:
        return None
    mean, then, newest = signal["medel"], until[-1].value, months[-1].value
    if signal["signal"] == v.TREND and len(until) > 1:
        high = then > until[-2].value
        back = newest < then if high else newest > then
    else:
        high, back = then > mean, True
    return high if back and (newest <= mean if high else newest >= mean) else None


_told: WeakKeyDictionary[Reading, dict[tuple[str, str | None], Change]] = WeakKeyDictionary()


def changes(reading: Reading) -> Mapping[tuple[str, str | None], Change]:
    """What may be told of each row of `signal`, by indicator and verksamhet (None: the area); made once a release."""
    if reading not in _told:
        _told[reading] = _changes(reading)
    return _told[reading]


def change_at(reading: Reading, indicator_id: str, verksamhet: str | None = None) -> Change:
    """What may be told of an indicator at a place; that it is not judged where it has no signal."""
    found = changes(reading).get((indicator_id, verksamhet))
    return found if found is not None else change_of(None, reading.indicators[indicator_id])


def _changes(reading: Reading) -> dict[tuple[str, str | None], Change]:
    shown = reading.results.filter(
        pl.col("komplett"),
        pl.col("varde").is_not_null(),
        pl.col("status") != v.HIDDEN,
        pl.col("kon") == v.ALL_SEXES,
        pl.col("niva").is_in([v.AREA, v.VERKSAMHET]),
    )
    months: dict[tuple[str, str | None], list[ShownMonth]] = {}
    columns = ("indicator_id", "verksamhet", "period_start", "varde", "namnare", "status")
    of_months = shown.filter(pl.col("period_typ") == v.MONTH).sort("period_start").select(columns)
    for indicator, place, start, value, n, status in of_months.iter_rows():
        months.setdefault((indicator, place), []).append(ShownMonth(start, value, n, status))
    apart, limit = _years_apart(shown), reading.release.manifest.few_limit
    found = {}
    for row in reading.signals.iter_rows(named=True):
        key = (row["indicator_id"], row["verksamhet"] if row["niva"] == v.VERKSAMHET else None)
        info = reading.indicators.get(row["indicator_id"])
        if info is None:
            continue
        first, last = row.get("fran"), row.get("till")
        points = [
            m for m in months.get(key, ()) if (first is None or first <= m.start) and (last is None or m.start <= last)
        ]
        calm = info.bestand or info.fonster_manader or fills_up(info)  # their twelve months are not twelve months
        years = 0 if calm else apart.get(key, 0)
        if years and last is not None:
            of_old = last.replace(year=last.year - 2)
            if any(day > of_old for day, _ in reading.breaks_of(*key)):
                years = 0  # not the same series
        found[key] = change_of(row, info, points, limit, years)
    return found


def _years_apart(shown: pl.DataFrame) -> dict[tuple[str, str | None], int]:
    """Whether the newest twelve months lie above (1) or below (-1) the twelve before, where their intervals are apart
    and neither rests on few."""
    years = shown.filter(
        pl.col("period_typ") == v.R12,
        pl.col("ki_lag").is_not_null() & pl.col("ki_hog").is_not_null(),
        pl.col("markering").is_null() | (pl.col("markering") != v.FEW_MARK),
    ).select("indicator_id", "niva", "verksamhet", "period_start", "ki_lag", "ki_hog")
    place = ["indicator_id", "niva", "verksamhet"]
    newest = years.filter(pl.col("period_start") == pl.col("period_start").max().over(place))
    before = years.with_columns(pl.col("period_start").dt.offset_by("12mo"))
    both = newest.join(before, on=[*place, "period_start"], suffix="_fore", nulls_equal=True)
    return {
        (indicator, code): 1 if low > high_before else -1
        for indicator, code, low, high, low_before, high_before in both.select(
            "indicator_id", "verksamhet", "ki_lag", "ki_hog", "ki_lag_fore", "ki_hog_fore"
        ).iter_rows()
        if low > high_before or high < low_before
    }
