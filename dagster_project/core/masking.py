"""Masking of personal numbers in everything that is stored or that people read: bronze, ledger, messages, logs.

Wider than a valid personnummer on purpose: a mistyped one is still somebody's. Narrower than any digits: dates, units,
amounts, release ids and hashes stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dagster_project.core import spellings

MASK = "***"
LONGEST_VALUE = 100
"""Longer offending values are cut: a 10 MB cell must not travel through reports."""

_GAP = r"[\s._:/+\u00ad\u2010-\u2015\u2212-]{1,3}"
"""What people and systems put between the birthday and the last four, or around it."""
_MONTH = r"(?:0[0-9]|1[0-2])"
_DAY_OF_MONTH = r"(?:0[1-9]|[12][0-9]|3[01]|6[0-9]|[78][0-9]|9[01])"
_DAY = rf"[0-9]{{2}}{_MONTH}{_DAY_OF_MONTH}"
"""YYMMDD; a samordningsnummer's day is 60 more (60 alone, with month 00, where it is unknown)."""
_CENTURY = r"(?:18|19|20)"
_TIME = r"(?:[01][0-9]|2[0-4])[0-5][0-9]"
# Ten or twelve digits with an optional sign; a birthday, something between, four digits; one digit too few or too many.
_DIGITS = (
    rf"(?:[0-9]{{2}})?[0-9]{{6}}[-+]?[0-9]{{4}}|(?:[0-9]{{2}})?{_DAY}{_GAP}[0-9]{{4}}(?!-[0-9]{{2}}-)"
    rf"|{_CENTURY}{_DAY}[-+]?[0-9]{{3}}(?:[0-9]{{2}})?|{_DAY}[0-9]{{5}}"
)
# A birthday written with separators and four digits that are no time of day.
_SPACED = (
    rf"(?:{_CENTURY})?[0-9]{{2}}(?P<sep>[-./\s]){_MONTH}(?P=sep){_DAY_OF_MONTH}[\s.+\u2010-\u2015\u2212-]{{1,3}}"
    rf"(?!{_TIME})[0-9]{{4}}(?!-[0-9]{{2}})"
)
# Reservnummer: eight digits and four characters with a letter, in capitals (or, behind a birthday, in any).
_RESERVE = (
    rf"{_CENTURY}{_DAY}(?:{_GAP})?(?=[0-9A-Za-z]{{0,3}}[A-Za-z])[0-9A-Za-z]{{4}}"
    r"|[0-9]{8}-?(?=[0-9ptf]{0,3}[A-Z])[0-9A-Zptf]{4}"
    rf"|{_DAY}[-+](?=[0-9A-Za-z]{{0,3}}[A-Za-z])[0-9A-Za-z]{{4}}"
)
# SE and ten digits begin every HSA-id: an organisation number stays readable (its third digit is 2 or more), a birthday
# behind SE does not.
_AFTER_SE = rf"(?<=[Ss][Ee])(?:{_CENTURY})?{_DAY}(?:{_GAP})?[0-9]{{4}}"
_LOOKS_LIKE = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_RESERVE})(?![0-9A-Za-z])"
    rf"|(?<![0-9])(?:(?<![Ss][Ee])(?:{_DIGITS}|{_SPACED})|{_AFTER_SE})(?![0-9])"
)
_OWN_ID = re.compile(
    r"(?:(?<![0-9A-Za-z-])[0-9]{4}-[0-9]{2}-[0-9]{2}[-_](?=[0-9]*[a-f])[0-9a-f]{12,64}"
    r"|(?<![0-9A-Za-z-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?<![0-9A-Za-z])(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}))(?![0-9A-Za-z])"
)
"""Ids of runs, releases and deliveries, UUIDs, and hashes."""
_ID_IN_CAPITALS = re.compile(
    r"(?<![0-9A-Za-z-])[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?:[0-9A-F]{64}|[0-9A-F]{40}|[0-9A-F]{32})(?![0-9A-Za-z])"
)
"""UUIDs and hashes as others write them: a B in one is no 8."""
_SHORT_HASH = re.compile(
    r"(?<![0-9A-Za-z])(?:(?=[0-9]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{12})"
    r"|(?<=(?:18|19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}-)[0-9]{12})(?![0-9A-Za-z])"
)
"""A hash's beginning (that of one release in 280 has no letter); a run of digits in it is nobody's number unless it
begins with a birthday."""
_BORN = re.compile(rf"(?:{_CENTURY})?{_DAY}")

MAY_HOLD_NUMBER = (
    r"(?:^|[^0-9])(?:(?:[0-9]{2})?[0-9]{6}[\s._:/+\x{ad}\x{2010}-\x{2015}\x{2212}-]{0,3}[0-9]{4}|[0-9]{11}|[0-9]{13})(?:[^0-9]|$)"
    r"|(?:^|[^0-9])(?:18|19|20)[0-9]{6}[-+][0-9]{3}(?:[0-9]{2})?(?:[^0-9]|$)"
    r"|[0-9]{2}[-./\s][0-9]{2}[-./\s][0-9]{2}[\s._:/+\x{ad}\x{2010}-\x{2015}\x{2212}-]{1,3}[0-9]{4}"
    r"|[0-9]{8}[\s._:/+\x{ad}\x{2010}-\x{2015}\x{2212}-]{0,3}[0-9A-Za-z]{4}|[0-9]{6}[-+][0-9A-Za-z]{4}"
)
"""A pattern for columnar engines (no look-around) that matches at least every text that `mask` would change."""


def mask(text: str) -> str:
    """`text` with everything that looks like a personnummer replaced by `***`; ids and hashes of ours are left."""
    return _masked(text, lambda number: True)


def mask_valid(text: str) -> str:
    """`text` with valid personnummer and reservnummer masked only; for names where other numbers must stay readable."""
    return _masked(text, _is_valid)


def mask_delivered(text: str) -> str:
    """A delivered text with everything masked that may be a personal number, however it is spelled.

    Digits of every script, or letters that look like some of them, with anything but letters between them or among more
    digits, and a birthday with the last four in another place of the text (`core/spellings.py`). Days, times of day,
    ids, hashes and units are left.
    """
    plain, places = spellings.plain(text)
    known = [m.span() for pattern in (_UNIT, _OWN_ID) for m in pattern.finditer(plain)]
    known += [m.span() for m in _SHORT_HASH.finditer(plain) if not spellings.holds_valid_on_end(m.group())]
    spans = _spans(plain, lambda number: True) + spellings.number_spans(plain, known)
    folded = spellings.with_digits_for_letters(plain, [*known, *_others_ids(plain)])
    if folded != plain:
        spans += _spans(folded, lambda number: True) + spellings.number_spans(folded, known)
    return _without(text, spans if places is None else [(places[a], places[b - 1] + 1) for a, b in spans])


def may_be_key_of_person(text: str) -> bool:
    """Whether a key text holds what looks like a personnummer, or one that checks however it is spelled."""
    plain, _ = spellings.plain(text)
    if mask(text) != text or mask(plain) != plain or spellings.holds_valid(plain):
        return True
    known = [m.span() for pattern in (_UNIT, _OWN_ID) for m in pattern.finditer(plain)]
    folded = spellings.with_digits_for_letters(plain, [*known, *_others_ids(plain)])
    return folded != plain and spellings.holds_valid(folded)


def _others_ids(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in _ID_IN_CAPITALS.finditer(text)]


_UNIT = re.compile(rf"(?<![0-9A-Za-z])[Ss][Ee](?!{_DAY})[0-9]{{10}}(?![0-9])")


def _masked(text: str, wanted: Callable[[str], bool]) -> str:
    return _without(text, _spans(text, wanted))


def _spans(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
    if _LOOKS_LIKE.search(text) is None:
        return []
    own, short = ([m.span() for m in pattern.finditer(text)] for pattern in (_OWN_ID, _SHORT_HASH))

    def kept(match: re.Match[str]) -> bool:
        spans = own if _BORN.match(match.group()) else [*own, *short]
        return any(start <= match.start() and match.end() <= end for start, end in spans)

    return [m.span() for m in _LOOKS_LIKE.finditer(text) if not kept(m) and wanted(m.group())]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """`text` with `***` in the place of each span; those that overlap are one."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


VALUE_BAR = "¦"
"""What a `|` within a shown value is shown as: `|` joins the values and the parts of a key."""


def display(text: str) -> str:
    """An offending value fit to be shown: masked, on one line and at most 100 characters, `|` in it as `¦`."""
    # Masking is slow on long texts; ten times the length is more than masking can shorten to what is shown.
    shown = mask_delivered(" ".join(text.split())[: 10 * LONGEST_VALUE]).replace("|", VALUE_BAR)
    return shown if len(shown) <= LONGEST_VALUE else shown[:LONGEST_VALUE] + "…"


def looks_like_one(digits: str, amount: bool) -> bool:
    """Whether the digits of a number can be a person's: valid, or a birthday and what follows, one digit more or less.

    amount: ten digits that merely begin with a birthday are an amount as likely as not, and are left.
    """
    if re.fullmatch(rf"{_CENTURY}{_DAY}[0-9]{{3,5}}", digits) or _is_valid(digits):
        return True
    return not amount and re.fullmatch(rf"{_DAY}[0-9]{{4,5}}", digits) is not None


def _is_valid(number: str) -> bool:
    """Whether a match is a personnummer that checks, or has a reservnummer's form behind a birthday."""
    if any(c.isalpha() for c in number):
        plain = re.sub(rf"{_GAP}", "", number)
        if re.fullmatch(rf"{_CENTURY}{_DAY}(?=.*[0-9])(?=.{{8}}.*[A-Zptf])[0-9A-Zptf]{{4}}", plain):
            return True
        return any(_is_valid(digits) for digits in re.findall("[0-9]{10,12}", plain))  # one glued to letters
    if re.search(rf"_{_TIME}$", number):
        return False  # 20220831_1203 is a day and a time
    digits = re.sub(r"\D", "", number)
    if len(digits) not in (10, 12):
        return False
    digits = digits[-10:]
    return re.match(_DAY, digits) is not None and spellings.checks(digits)
