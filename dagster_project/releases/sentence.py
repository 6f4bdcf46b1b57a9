"""The sentence that tells a row of `plan_uppfoljning` (`mening`), and an item's targets in words (`mal_text`).

One place for the board, the reports and alternative texts: they show what the release says. Pure: a row, what the item
is called and how its indicator is measured give the text; a hidden row has no number to give (plan.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from math import ceil, floor
from typing import Any

from dagster_project.catalogue.plan import Item, Target
from dagster_project.catalogue.vocabulary import (
    AREA,
    COUNT,
    CROWNS,
    DAYS,
    DELAR,
    FROZEN,
    HIDDEN,
    LAST_YEAR,
    MEAN,
    MEDIAN,
    MET,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_MET,
    NOT_REPORTED,
    NUMBER,
    PARTLY,
    PRELIMINARY,
    PROPORTIONS,
    VERKSAMHET,
    YEAR,
)
from dagster_project.core.printable import printable
from dagster_project.core.swedish import day_in_words, fixed, joined, month_in_words
from dagster_project.releases.labels import REPORT_WORDS

LONGEST_COMMENT = 200
"""Characters of a comment that a sentence quotes; the whole of it stands in `kommentar`."""
MOST_DECIMALS = 6

HIDDEN_WORDS = "för få för att visas"
_JUDGED = {MET: "uppnått", PARTLY: "delvis uppnått", NOT_MET: "inte uppnått"}
_HELD_BACK = "senare leveranser är inte godkända."
_COUNTED_IN = {CROWNS: "kronor"}
"""A unit as a word, where it is not one."""
_OPERATORS = {">=": "minst", ">": "mer än", "<=": "högst", "<": "mindre än"}


@dataclass(frozen=True)
class Measured:
    """How an indicator is measured and called: what a sentence needs to know of it.

    unit: of `vocabulary.MEASURE_UNITS`.
    window_months: a cell looks back so far, whatever its period. base_year: what it is compared with, else the year
    before. of_reports: made of the numbers that verksamheter report, so that these are not told beside it.
    """

    title: str
    kind: str
    stock: bool = False
    unit: str = NUMBER
    window_months: int | None = None
    base_year: int | None = None
    of_reports: bool = False


def sentence(
    row: Mapping[str, Any],
    item: Item,
    measured: Measured | None,
    *,
    applies: bool = True,
    parts_preliminary: bool = False,
) -> str:
    """What a row of `plan_uppfoljning` says, in one or two plain Swedish sentences.

    row: the table's columns but this one. measured: of the row's indicator; None where it has none (self-reported only,
    or a parent, which is judged over its parts). applies: whether any target applies at the row's level and period.
    parts_preliminary: a parent cannot be judged, only since parts of it are preliminary.
    """
    parts = list(_computed(row, item, measured, applies, parts_preliminary))
    if row["rapporterad_status"] is not None:
        counts = measured is None or not measured.of_reports
        parts += _reported(row, None if parts else item, counts)
    return " ".join([*parts, *_frozen(row, measured)])


def _frozen(row: Mapping[str, Any], measured: Measured | None) -> Iterator[str]:
    """From which day frozen numbers and reports are: once where it is the same."""
    days: dict[str, list[str]] = {}
    if measured is not None and row["malstatus"] != NOT_APPLICABLE and row["kvalitet"] == FROZEN:
        days.setdefault(_since(row["release_id"]), []).append("siffrorna")
    reported = row["rapporterad_status"] is not None and row["rapport_release_id"] is not None
    if reported and row["rapport_kvalitet"] == FROZEN:
        days.setdefault(_since(row["rapport_release_id"]), []).append("rapporterna")
    for day, what in days.items():
        yield f"{joined(what).capitalize()} är från den {day}: {_HELD_BACK}"


# --- What was computed ---------------------------------------------------------------------------------------------


def _computed(
    row: Mapping[str, Any], item: Item, measured: Measured | None, applies: bool, parts_preliminary: bool
) -> Iterator[str]:
    status, when = row["malstatus"], _when(row, measured)
    if measured is None:
        if row["mal_text"] is not None:
            told = _JUDGED.get(status, "kan inte bedömas")
            why = ", eftersom uppgifterna är preliminära" if status == NO_DATA and parts_preliminary else ""
            yield f"{item.short_title}: {told}{when}{why}. Mål: {row['mal_text']}."
        elif not item.reported:
            yield f"{item.short_title}: följs inte upp."
        return
    if status == NOT_APPLICABLE:
        yield f"{item.short_title}: gäller inte verksamheten."
        return
    if status == HIDDEN:
        yield f"{item.short_title}: {HIDDEN_WORDS}{when}."
    elif row["varde"] is None:
        yield f"{item.short_title}: inga uppgifter{when}."
    else:
        yield from _told(row, item, measured, when, applies)


def _told(row: Mapping[str, Any], item: Item, measured: Measured, when: str, applies: bool) -> Iterator[str]:
    """A shown number, its target and what it is compared with."""
    status, target, before = row["malstatus"], row["mal_text"], row["jamforelse_varde"]
    aim = row["malvarde"]
    prorated = target is not None and aim is not None and row["tillfalle"] == DELAR and " per år" in target
    if prorated:
        aim = deciding(measured, row["mal_operator"], aim)
    write = _writer(measured, row["varde"], aim)
    value = f"{item.short_title}: {_with_basis(row, measured, write)}"
    goal = f"{target} ({write(aim)} för perioden)" if prorated else target or ""
    if status in _JUDGED:
        yield f"{value}{when}, mot målet {goal} – {_JUDGED[status]}."
    elif status == PRELIMINARY:
        yield f"{value}{_so_far(row, measured)} (preliminärt){f'; målet är {goal}' if goal and applies else ''}."
    else:
        yield f"{value}{when}."
        if target is not None and status == NO_DATA:
            why = " eftersom jämförelsen saknas" if before is None else ""
            yield f"Målet {goal} kan inte bedömas{why}."
    if target is not None and (status == NO_TARGET or not applies):
        yield f"Målet {target} bedöms inte här."
    if before is not None:
        yield f"{_compared_with(row, measured)}: {write(before)}."


def _compared_with(row: Mapping[str, Any], measured: Measured) -> str:
    """What a number is compared with: the whole of it, where the number's own period is not over yet."""
    whole = measured.stock or measured.window_months is not None  # a day, or a window that no period cuts
    if whole or row["malstatus"] != PRELIMINARY or row["period_slut"] <= _day(row["release_id"]):
        return "Året innan" if measured.base_year is None else f"Samma månader {measured.base_year}"
    if row["tillfalle"] == YEAR:
        return "Hela året innan" if measured.base_year is None else f"Hela {measured.base_year}"
    before = "året innan" if measured.base_year is None else str(measured.base_year)
    return f"Hela perioden {before}"


def deciding(measured: Measured, operator: str, target: float) -> float:
    """A target as people read it: no count is 499,3, but the whole number that decides the same."""
    if measured.kind != COUNT:
        return target
    return float(ceil(target) if operator in (">=", "<") else floor(target))


def _with_basis(row: Mapping[str, Any], measured: Measured, write: Callable[[float], str]) -> str:
    value, number = write(row["varde"]), row["namnare"]
    if measured.kind in PROPORTIONS:
        return f"{value} ({fixed(row['taljare'], 0)} av {fixed(number, 0)})"
    if measured.kind in (MEDIAN, MEAN):
        named = "i median" if measured.kind == MEDIAN else "i medeltal"
        return f"{named} {value} ({fixed(number, 0)} observationer)"
    return value


def _writer(measured: Measured, value: float, target: float | None) -> Callable[[float], str]:
    """How the row's numbers are written: as coarsely as is usual, and so finely that what is read does not contradict
    how it was judged: 99,96 is not 100, and 499 does not reach 499,04."""
    others = [] if target is None else [target]
    others += [0.0, 100.0] if measured.kind in PROPORTIONS else []
    for finer in range(MOST_DECIMALS):
        shown = _rounded(measured, value, finer)
        if all(_order(shown, _rounded(measured, o, finer)) == _order(value, o) for o in others):
            break
    return lambda number: _written(measured, number, finer)


def number_in_words(measured: Measured, value: float, target: float | None = None) -> str:
    """A number with its unit as a sentence has it (`93,7 procent`); target: what it is read beside."""
    return _writer(measured, value, target)(value)


def _order(one: float, other: float) -> int:
    return (one > other) - (one < other)


def _scale(measured: Measured, number: float, finer: int) -> tuple[float, int]:
    """What a number is divided by and its decimals: a share and a mean have one, also where they are whole; crowns from
    a million on are told in millions; other numbers have decimals where they are not whole."""
    if measured.unit == CROWNS:
        return (1e6, 2) if finer == 0 and abs(number) >= 1e6 else (1.0, max(finer - 1, 0))
    if measured.kind in (*PROPORTIONS, MEAN):
        return 1.0, 1 + finer
    return 1.0, 0 if number == round(number) else 1 + finer


def _rounded(measured: Measured, number: float, finer: int) -> float:
    divisor, decimals = _scale(measured, number, finer)
    return round(number / divisor, decimals) * divisor


def _written(measured: Measured, number: float, finer: int, exact: bool = False) -> str:
    """A number with its unit; exact: without decimals that say nothing, as a target is told."""
    divisor, decimals = _scale(measured, number, finer)
    text = fixed(number / divisor, decimals)
    if exact and "," in text:
        text = text.rstrip("0").rstrip(",")
    if divisor > 1:
        return f"{text} miljoner {CROWNS}"
    if measured.unit == NUMBER:
        return text
    return f"{text} {'dag' if measured.unit == DAYS and text == '1' else measured.unit}"


# --- What was reported ---------------------------------------------------------------------------------------------


def _reported(row: Mapping[str, Any], item: Item | None, counts: bool) -> Iterator[str]:
    """The status that the verksamheter report; item: named where nothing was computed of it. counts: whether the number
    that they report is told.

    A status is that of the newest report up to the period's end, which need not have come: it is told as that.
    """
    status, told = row["rapporterad_status"], REPORT_WORDS[row["rapporterad_status"]]
    through = str(row["ar"]) if row["tillfalle"] == YEAR else month_in_words(row["period_slut"])
    area, silent = row["niva"] == AREA, status == NOT_REPORTED
    if counts and row["antal"] is not None:
        told += f", antal {_plain(row['antal'])}"
    if item is not None and silent:
        told += f" till och med {through}"
    elif item is not None:
        reports = "de senaste rapporterna" if area and row["rapporterade"] != 1 else "den senaste rapporten"
        told += f", enligt {reports} till och med {through}"
    if area and not silent:
        asked = row["i_omfattning"]
        told += f" ({row['rapporterade']} av {asked} {'verksamhet' if asked == 1 else 'verksamheter'} har rapporterat)"
    begins = f"{item.short_title}: " if item is not None else "" if silent else "Rapporterat: "
    yield f"{begins}{told}."
    if (comment := quoted(row["kommentar"])) is not None:
        yield f"Kommentar: {comment}"


def quoted(comment: str | None) -> str | None:
    """A comment within quotation marks, on one line and bounded; None where there is none."""
    text = printable(" ".join((comment or "").split())).translate({ord(c): "’" for c in "”“\"'"})
    if not text:
        return None
    if len(text) > LONGEST_COMMENT:
        text = text[:LONGEST_COMMENT].rsplit(" ", 1)[0].rstrip(" .,;:") + " …"
    return f"”{text}”"


def _plain(number: float) -> str:
    return fixed(number, 0) if number == round(number) else fixed(number, 1)


# --- When ----------------------------------------------------------------------------------------------------------


def _when(row: Mapping[str, Any], measured: Measured | None) -> str:
    """The period, as it follows upon a value."""
    end: date = row["period_slut"]
    if measured is not None and measured.window_months is not None:
        return f" under {measured.window_months} månader till och med {month_in_words(end)}"
    if measured is not None and measured.stock:
        return f", läget sista {month_in_words(end)}"
    if row["tillfalle"] == DELAR:
        return f" per sista {month_in_words(end)}"
    if row["tillfalle"] == YEAR:
        return f" för {end.year}"
    return f" för tolv månader till och med {month_in_words(end)}"


def _so_far(row: Mapping[str, Any], measured: Measured) -> str:
    """The period of a preliminary number, which may not have ended."""
    if row["tillfalle"] == DELAR and not measured.stock and measured.window_months is None:
        return f" för {month_in_words(row['period_start']).split()[0]}–{month_in_words(row['period_slut'])}"
    return _when(row, measured)


def _since(release_id: str) -> str:
    """The day that frozen rows show: a release's id begins with its as-of date."""
    return day_in_words(_day(release_id))


def _day(release_id: str) -> date:
    """The day that a release shows."""
    return date.fromisoformat(release_id[:10])


# --- Targets -------------------------------------------------------------------------------------------------------


def target_words(targets: Sequence[Target], main: str | None, measured: Mapping[str, Measured]) -> str | None:
    """All targets of an item in words: `minst 90 procent och mer än föregående år`; None where there is none.

    main: the item's own indicator; targets of others name theirs. measured: indicator -> how it is measured.
    """
    same: dict[str, list[Target]] = {}
    for target in targets:
        same.setdefault(_target(target, measured[target.indicator_id]), []).append(target)
    texts = chain.from_iterable(_named(text, alike, main, measured) for text, alike in same.items())
    return joined(list(texts)) or None


def _named(text: str, alike: Sequence[Target], main: str | None, measured: Mapping[str, Measured]) -> list[str]:
    """Targets of the same words, told apart: by what they are counted in where the indicators are one thing in several
    units (`Inköp, kronor` and `Inköp, antal`), else by the names of those that are not the item's own."""
    of = [measured[target.indicator_id] for target in alike]
    units = [_COUNTED_IN.get(m.unit, m.unit) for m in of]
    things = {m.title.rpartition(", ")[0] for m in of}
    one_thing = len(things) == 1 and things != {""} and main in {target.indicator_id for target in alike}
    if len(alike) > 1 and one_thing and len(set(units)) == len(units):
        return [f"{text}, räknat {joined([f'i {unit}' for unit in units])}"]
    return [
        text if target.indicator_id == main else f"{text} ({_begun_small(m.title)})"
        for target, m in zip(alike, of, strict=True)
    ]


def _target(target: Target, measured: Measured) -> str:
    if target.base == LAST_YEAR:
        text = f"{_OPERATORS[target.operator]} föregående år"
    elif target.base is not None:
        text = f"{_OPERATORS[target.operator]} {target.base_year}"
    else:
        assert target.value is not None
        number = _written(measured, target.value, 0, exact=True)
        best = measured.kind in PROPORTIONS and (target.operator, target.value) == (">=", 100)
        text = number if best else f"{_OPERATORS[target.operator]} {number}"
        text += " per år" if target.prorated or target.judged_on else ""
    if set(target.levels) == {AREA}:
        return f"{text} för området"
    return f"{text} för varje verksamhet" if set(target.levels) == {VERKSAMHET} else text


def parts_words(parts: Sequence[tuple[Item, str | None]]) -> str | None:
    """The targets of a parent's parts, each named: `avvikelser hanterade inom 7 dagar minst 70 procent; ...`."""
    told = [f"{_begun_small(part.short_title)} {text}" for part, text in parts if text is not None]
    return "; ".join(told) or None


def _begun_small(title: str) -> str:
    """A title within a sentence: `E-tjänster` and `GAS` keep their capital, an ordinary word does not."""
    ordinary = title[:2].isalpha() and title[1:2].islower()
    return title[0].lower() + title[1:] if ordinary else title
