"""Masking of personal numbers in everything that people read: quarantine, ledger, messages, logs."""

from __future__ import annotations

import re

MASK = "***"
LONGEST_VALUE = 100
"""Longer offending values are cut: a 10 MB cell must not travel through reports."""

# Ten or twelve digits with an optional sign, or eight digits and four characters with a letter (reservnummer). Wider
# than a valid personnummer on purpose: a mistyped one is still somebody's.
LOOKS_LIKE = r"(?:\d{2})?\d{6}[-+ ]?\d{4}|\d{8}-?[0-9A-Za-z]{4}|\d{6}[-+][0-9A-Za-z]{4}"
_ISOLATED = re.compile(rf"(?<![0-9A-Za-z])(?:{LOOKS_LIKE})(?![0-9A-Za-z])")
_DAY = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])"
# SE and ten digits begin every HSA-id: an organisation number stays readable (its third digit is 2 or more), a birthday
# behind SE does not.
_EMBEDDED = re.compile(rf"(?<!\d)(?:(?<![Ss][Ee])(?:\d{{2}})?\d{{6}}[-+]?\d{{4}}|(?:\d{{2}})?{_DAY}[-+]?\d{{4}})(?!\d)")


def mask(text: str) -> str:
    """`text` with everything that looks like a personnummer replaced by `***`."""
    return _EMBEDDED.sub(MASK, _ISOLATED.sub(MASK, text))


def display(text: str) -> str:
    """An offending value fit to be shown: masked, on one line and at most 100 characters."""
    # Masking is slow on long texts; ten times the length is more than masking can shorten to what is shown.
    shown = mask(" ".join(text.split())[: 10 * LONGEST_VALUE])
    return shown if len(shown) <= LONGEST_VALUE else shown[:LONGEST_VALUE] + "…"


MAY_HOLD_NUMBER = (
    r"(?:^|[^0-9])(?:[0-9]{2})?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])"
    r"[-+]?[0-9]{4}(?:[^0-9]|$)"
)
"""A pattern for columnar engines (no look-around) that matches at least every text `mask_valid` would change."""


def mask_valid(text: str) -> str:
    """`text` with valid personnummer masked only; for texts and names where other numbers must stay readable."""
    return _EMBEDDED.sub(lambda m: MASK if _is_valid(m.group()) else m.group(), text)


def _is_valid(number: str) -> bool:
    digits = re.sub(r"\D", "", number)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    if not (1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)) or digits[6:9] == "000":
        return False
    products = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(digits)]
    return sum(p // 10 + p % 10 for p in products) % 10 == 0
