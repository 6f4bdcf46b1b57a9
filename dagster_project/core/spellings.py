"""Personal numbers in delivered texts, however they are spelled: which part of a text may be one.

Wider than what messages and logs need (`masking.mask`): in a text that somebody typed a number too many hidden costs
little, one left open does not heal.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]

DIGITS_AT_LEAST = 7
"""`3 mars 94-9907`: the fewest digits that tell a birthday and a number's last four."""
LONG_RUN = 10
"""So many digits on end are hidden, whatever they are."""

_GAP = r"[\W_]{0,6}"
_CENTURY = rf"(?:1{_GAP}[89]|2{_GAP}0){_GAP}"
_MONTH_AND_DAY = (
    rf"(?:(?:0{_GAP}[1-9]|1{_GAP}[0-2]){_GAP}(?:0{_GAP}[1-9]|[1278]{_GAP}[0-9]|3{_GAP}[01]|6{_GAP}[1-9]|9{_GAP}[01])"
    rf"|0{_GAP}0{_GAP}6{_GAP}0)"
)
_BORN = rf"[0-9]{_GAP}[0-9]{_GAP}{_MONTH_AND_DAY}"
_FOUR = rf"[0-9](?:{_GAP}[0-9]){{3}}"
_NUMBER = re.compile(rf"(?=(?:(?:{_CENTURY})?{_BORN}{_GAP}(?P<last>{_FOUR})))(?P<first>[0-9])")

_DAY = r"(?<![0-9])(?:18|19|20)[0-9]{2}(?P<sep>[-./ ]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
_DAYS = re.compile(_DAY)
_CLOCK = r"(?:[01]?[0-9]|2[0-4])(?P<colon>[:.])[0-5][0-9](?![0-9])"
_CLOCK_AT = re.compile(_CLOCK)
_AFTER_DAY = re.compile(
    rf"(?:T|[\W_]{{1,6}})(?:{_CLOCK}(?:[:.][0-5][0-9](?:[.,][0-9]{{1,9}})?)?(?:[+-][01][0-9]:[0-5][0-9])?|(?={_DAY}))"
)
_DAY_AT = re.compile(rf"{_DAY}|(?:18|19|20)[0-9]{{2}}-(?:0[1-9]|1[0-2])(?![0-9])")
_YEAR_OR_TIME = re.compile(r"(?:19|20)[0-9]{2}|(?:[01][0-9]|2[0-3])[0-5][0-9]")

_MONTHS = ("jan", "feb", "mar", "apr", "ma[jy]", "jun", "jul", "aug", "sep", "o[kc]t", "nov", "dec")
_MONTH = "(?:" + "|".join(_MONTHS) + r")[^\W\d_]*"
_D, _M, _Y, _S = r"(?P<d>[0-3]?[0-9])", rf"(?P<m>{_MONTH})", r"(?P<y>(?:18|19|20)?[0-9]{2})", r"[\W_]{0,4}"
_BIRTHDAYS = tuple(
    re.compile(rf"(?<![0-9]){shape}(?![0-9])", re.IGNORECASE)
    for shape in (
        r"(?P<y>(?:18|19|20)?[0-9]{2})[\W_]{0,3}(?P<m>0[0-9]|1[0-2])[\W_]{0,3}(?P<d>[0-36-9][0-9])",
        r"(?P<d>[0-3]?[0-9])[\W_]{1,3}(?P<m>[01]?[0-9])[\W_]{1,3}(?P<y>(?:18|19|20)[0-9]{2})",
        r"(?P<d>[0-3]?[0-9])/(?P<m>[01]?[0-9])[\W_]{1,3}(?P<y>[0-9]{2})",
        r"(?P<m>[01]?[0-9])/(?P<d>[0-3]?[0-9])/(?P<y>(?:18|19|20)?[0-9]{2})",
        r"(?P<y>(?:18|19|20)?[0-9]{2})(?P<sep>[-./ ])(?P<m>[01]?[0-9])(?P=sep)(?P<d>[0-3]?[0-9])",
        rf"{_D}(?::?(?:e|a|st|nd|rd|th))?{_S}{_M}{_S}{_Y}",
        rf"{_M}{_S}{_D}{_S}{_Y}",
        rf"{_Y}{_S}{_M}{_S}{_D}",
    )
)
_LAST_FOUR = re.compile(r"(?<![0-9])(?=(?P<four>[0-9](?:[\W_]{0,3}[0-9]){3})(?![0-9]))")
_CLOCK_WORD = re.compile(r"\bkl(?:ockan)?[\W_]{0,2}$", re.IGNORECASE)
_RESERVE = re.compile(
    r"(?<![0-9])(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[\W_]{0,6}"
    r"(?=[0-9]{0,3}[A-Zptf])(?=[A-Zptf]{0,3}[0-9])[0-9A-Zptf]{4}(?![0-9A-Za-z])"
)
_NEAR, _FAR = 30, 60
_ABOUT_A_PERSON = re.compile(r"f[öo]dd|pers|p(?:er)?s?\.?n(?:umme)?r|sista|fyra|siffr|identitet", re.IGNORECASE)

_ROUND, _UPRIGHT = "OoÖöØø\u041e\u043e\u039f\u03bf", "lIi|\u0406\u0456\u0399"
_LOOSE = {"S": "5", "s": "5", "B": "8", "Z": "2", "z": "2"}
"""Letters that codes begin with as often as they are mistaken for a digit."""
_FOLD = str.maketrans({**dict.fromkeys(_ROUND, "0"), **dict.fromkeys(_UPRIGHT, "1"), **_LOOSE})
_LIKE = f"0-9{_ROUND}{_UPRIGHT}{''.join(_LOOSE)}"
_C, _CLEAR = f"[{_LIKE}]", f"[0-9{_ROUND}{_UPRIGHT.replace('|', '')}]"
_LIKE_NUMBERS = tuple(
    re.compile(rf"(?<![0-9])(?=({shape})(?![0-9]))")
    for shape in (
        *(rf"{_C}{{{n}}}(?P<sep>[-./ ]?){_C}{{2}}(?P=sep){_C}{{2}}[\W_]{{0,3}}{_C}{{4}}" for n in (2, 4)),
        *(rf"{_C}(?P<sep>[\W_]){_C}(?:(?P=sep){_C}){{{n}}}" for n in (8, 10)),
    )
)
_LIKE_BIRTHDAY = re.compile(rf"(?<![^\W_])(?:[0-9]{_CLEAR}{{5}}|{_CLEAR}{{8}})(?![^\W_])")
_DAY_AND_CODE = re.compile(r"(?:19|20)[0-9]{2}(?P<sep>[-./ ])[0-9]{2}(?P=sep)[0-9]{2}\s+[BIOSZ][0-9]{3}")
"""`2022-03-25 I109`: a diagnosis without its point."""
_BORN_ON_END = re.compile(rf"(?:18|19|20)?[0-9]{{2}}{_MONTH_AND_DAY}")

_UNUSUAL = r"[\p{Nd}&&[^0-9]]|\p{No}|(?s:[0-9].*\p{Cf})|(?s:\p{Cf}.*[0-9])"
MAY_BE_SPELLED = rf"[0-9](?:[^0-9]*[0-9]){{{DIGITS_AT_LEAST - 1}}}|{_UNUSUAL}"
"""A pattern for columnar engines that matches at least every text in which `number_spans` finds something."""
_MAY_BE_LIKE = rf"[{_LIKE}\x{{80}}-\x{{10FFFF}}]"
MAY_BE_TEN_DIGITS = rf"[0-9](?:[^0-9]*[0-9]){{9}}|{_UNUSUAL}|{_MAY_BE_LIKE}(?:[^0-9A-Za-z]*{_MAY_BE_LIKE}){{9}}"
"""The same for `holds_valid`, with letters that look like digits too."""


def plain(text: str) -> tuple[str, list[int] | None]:
    """`text` as numbers are looked for in it, and the place in `text` of each of its characters (None: the same).

    Digits of every script and form are 0-9; characters that are not seen are left out.
    """
    if text.isascii():
        return text, None
    shown: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if unicodedata.category(char) in ("Cf", "Mn", "Me"):
            continue
        for c in unicodedata.normalize("NFKC", char):
            digit = unicodedata.digit(c, None)
            shown.append(c if digit is None else str(digit))
            places.append(place)
    return "".join(shown), places


def with_digits_for_letters(text: str, known: Iterable[Span]) -> str:
    """A `plain` text, as long as before, with digits for letters that look like them: O for 0, l and I for 1.

    Only where a birthday and four characters stand, or a birthday alone, seven characters of the number (four of the
    birthday) are digits and it lies outside `known`. Only where the check digit is right are S, B and Z read as 5, 8
    and 2, and any letter that comes first in ten characters or behind a blank, in ten without a sign, or in a number
    glued to other letters.
    """
    if _count(text) < DIGITS_AT_LEAST or text.isdigit():
        return text
    shown, known = list(text), list(known)

    def fold(start: int, end: int) -> None:
        if not any(a < end and start < b for a, b in known):
            shown[start:end] = text[start:end].translate(_FOLD)

    for shape in _LIKE_NUMBERS:
        for match in shape.finditer(text):
            if _may_be_number(text, *match.span(1)):
                fold(*match.span(1))
    for match in _LIKE_BIRTHDAY.finditer(text):
        born = match.group()
        if _count(born) >= 4 and _BORN_ON_END.fullmatch(born.translate(_FOLD)):
            fold(*match.span())
    return "".join(shown)


def _may_be_number(text: str, start: int, end: int) -> bool:
    written = re.sub(rf"[^{_LIKE}]", "", text[start:end])
    if len(written) not in (10, 12) or _count(written) < DIGITS_AT_LEAST or written.isdigit():
        return False
    digits = written.translate(_FOLD)
    if not _BORN_ON_END.fullmatch(digits[:-4]) or written[0] in _LOOSE:
        return False
    glued = text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()
    if _DAY_AND_CODE.fullmatch(text, start, end):
        return False
    apart = not written[-4].isdigit() and text[end - 5].isspace()
    certain = any(c in _LOOSE for c in written) or glued or apart
    if len(written) == 10:
        certain = certain or not written[0].isdigit() or end - start == 10
    return not certain or checks(digits[-10:])


def _count(text: str) -> int:
    return sum(map(text.count, "0123456789"))


def number_spans(text: str, known: Iterable[Span]) -> list[Span]:
    """Where a `plain` text may hold a personal number; `known`: ids, hashes and units, which hold none."""
    if _count(text) < DIGITS_AT_LEAST:
        return []
    parts, done = [], 0
    for start, end in sorted(known):
        parts += [text[done:start], "x" * (end - max(start, done))]
        done = max(done, end)
    text = "".join([*parts, text[done:]])
    runs = _Runs(text)
    reserve = (m.span() for m in _RESERVE.finditer(text))
    return [*_long_runs(runs), *_written_together(text, runs), *_apart(text), *reserve]


def holds_valid_on_end(digits: str) -> bool:
    """Whether a run of digits begins with a birthday, or ten digits of it or more are a personal number and check."""
    found = [(m.start(), _digits(digits[m.start() : m.end("last")])) for m in _NUMBER.finditer(digits)]
    return any(start == 0 or checks(number[-10:]) for start, number in found)


def holds_valid(text: str) -> bool:
    """Whether a `plain` text holds ten or twelve digits, however parted, that are a personal number and check."""
    runs = _Runs(text)
    return any(
        runs.around(start)[0] == start and runs.around(end - 1)[1] == end and checks(_digits(text[start:end])[-10:])
        for start, end in _windows(text, runs)
    )


class _Runs:
    """The runs of digits of a text."""

    def __init__(self, text: str) -> None:
        self.spans = [m.span() for m in re.finditer("[0-9]+", text)]
        self._starts = [start for start, _ in self.spans]

    def around(self, place: int) -> Span:
        """The run that the digit at `place` is in."""
        return self.spans[bisect_right(self._starts, place) - 1]


def _long_runs(runs: _Runs) -> Iterator[Span]:
    return (s for s in runs.spans if s[1] - s[0] >= LONG_RUN)


def _written_together(text: str, runs: _Runs) -> Iterator[Span]:
    """Ten or twelve digits that begin with a birthday: whole runs of digits, so that no part is left."""
    return ((runs.around(start)[0], runs.around(end - 1)[1]) for start, end in _windows(text, runs))


def _windows(text: str, runs: _Runs) -> Iterator[Span]:
    """Such digits with signs and blanks between or within a longer run.

    Not a day with its time of day, nor a day and the one after it, nor (unless they check) a day and what is before it.
    """
    days = list(_DAYS.finditer(text))
    within = {p for m in days for p in range(m.start() + 1, _followed(text, m) or 0)}
    ends_of_days = [m.end() for m in days]
    for match in _NUMBER.finditer(text):
        start, last = match.start(), match.span("last")
        run = runs.around(start)
        if run[0] != start and run[1] - run[0] < DIGITS_AT_LEAST:
            continue  # in the middle of a short number
        if start in within or _DAY_AT.match(text, last[0]):
            continue
        clock = _CLOCK_AT.match(text, last[0])
        ten = _digits(text[start : last[1]])[-10:]
        if clock and runs.around(last[0])[0] == last[0] and (clock["colon"] == ":" or not checks(ten)):
            continue
        at = bisect_left(ends_of_days, last[1])
        if at < len(days) and start < days[at].start() < last[1] and not checks(ten):
            continue
        yield start, last[1]


def _followed(text: str, day: re.Match[str]) -> int | None:
    """Where a day ends with its time, or before another day; None where it may be the beginning of a number."""
    follows = _AFTER_DAY.match(text, day.end())
    return follows.end() if follows else None


def _apart(text: str) -> Iterator[Span]:
    """A birthday and a number's last four near each other, in either order.

    With words between them where the text speaks of a person's number (within `_FAR` characters) or the check digit is
    right (within `_NEAR`, unless the four may be a year or a time of day).
    """
    about = _ABOUT_A_PERSON.search(text) is not None
    rest, done = [], 0
    for day in _DAYS.finditer(text):
        if day.start() >= done:
            end = max(day.end(), _followed(text, day) or 0)
            rest += [text[done : day.start()], "x" * (end - day.start())]
            done = end
    fours = [m.span("four") for m in _LAST_FOUR.finditer("".join([*rest, text[done:]]))]
    starts = [start for start, _ in fours]
    for shape in _BIRTHDAYS if fours else ():
        for born in shape.finditer(text):
            six = _six(born)
            first, end = bisect_left(starts, born.start() - 2 * _FAR), bisect_right(starts, born.end() + _FAR)
            for start, stop in fours[first:end] if six else ():
                if stop <= born.start():
                    between = text[stop : born.start()]
                elif start >= born.end():
                    between = text[born.end() : start]
                else:
                    continue
                clock = _CLOCK_AT.match(text, start)
                if clock and (clock["colon"] == ":" or _CLOCK_WORD.search(text[max(0, start - 12) : start])):
                    continue
                last = _digits(text[start:stop])
                valid, other = checks(f"{six}{last}"), _YEAR_OR_TIME.fullmatch(last) is not None
                if re.fullmatch(_GAP, between) or (about and len(between) <= _FAR):
                    found = valid or not other
                else:
                    found = valid and not other and len(between) <= _NEAR
                if found:
                    yield born.span()
                    yield start, stop


def _six(born: re.Match[str]) -> str | None:
    """YYMMDD of a birthday as it was written, None where there is no such day."""
    month = born["m"]
    if not month.isdigit():
        month = str(next(i for i, name in enumerate(_MONTHS, 1) if re.match(name, month, re.IGNORECASE)))
    six = f"{born['y'][-2:]}{int(month):02}{int(born['d']):02}"
    return six if re.fullmatch(rf"[0-9]{{2}}{_MONTH_AND_DAY}", six) else None


def checks(ten: str) -> bool:
    """Whether ten digits have the check digit of a personal number, and a birth number that is given out."""
    products = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(ten)]
    return ten[6:9] != "000" and sum(p // 10 + p % 10 for p in products) % 10 == 0


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)
