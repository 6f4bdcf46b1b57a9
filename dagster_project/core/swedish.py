"""How numbers are written for Swedish readers, on every page and in every summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

NO_BREAK_SPACE = "\u00a0"
THIN_SPACE = "\u202f"
"""Between thousands in running text: the narrow space that no line is broken at."""


def number(value: float | str | None, decimals: int = 4) -> str:
    """A number with decimal comma, at most so many decimals, and a no-break space between thousands.

    None is an en dash. Text that holds a number (`Outcome.observed`) is written as that number, other text as it is.
    """
    if value is None:
        return "–"
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return str(value)
    if not math.isfinite(value):
        return str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text = "0" if text == "-0" else text
    return text.translate({ord(","): NO_BREAK_SPACE, ord("."): ",", ord("-"): "−"})


def percent(share: float) -> str:
    """A share (0-1) as percent with one decimal; more than nothing is never written as nothing."""
    if 0 < share < 0.001:
        return f"mindre än 0,1{NO_BREAK_SPACE}%"
    return number(round(100 * share, 1)) + f"{NO_BREAK_SPACE}%"


def few(limit: int) -> str:
    """What is said instead of a number of persons from 1 to limit-1."""
    return f"färre än {limit}"


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun: `1 rad`, `12 rader`."""
    return f"{number(count)} {one if count == 1 else many}"


def listed(names: Sequence[object], most: int) -> str:
    """Names in a row, at most so many of them: `a, b och 3 till`."""
    shown = ", ".join(map(str, names[:most]))
    return f"{shown} och {len(names) - most} till" if len(names) > most else shown


def fixed(value: float, decimals: int) -> str:
    """A number with exactly so many decimals, as running text has it: decimal comma, thin spaces between thousands."""
    text = f"{value:,.{decimals}f}"
    text = text.removeprefix("-") if not text.strip("-0.,") else text  # rounded to nothing: no sign
    return text.translate({ord(","): THIN_SPACE, ord("."): ",", ord("-"): "−"})


def day_in_words(day: date) -> str:
    """`31 augusti 2022`."""
    return f"{day.day} {month_in_words(day)}"


def month_in_words(day: date) -> str:
    """`augusti 2022`."""
    from babel.dates import format_date

    return format_date(day, "MMMM y", locale="sv")


def joined(parts: Sequence[str]) -> str:
    """`a, b och c`."""
    return " och ".join([*([", ".join(parts[:-1])] if parts[1:] else []), *parts[-1:]])
