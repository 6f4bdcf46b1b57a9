"""What people read for the values of a release: words, symbols and names of periods, once.

They are published with the release (`dim_status`, `dim_period`, the view `resultat`), so they are part of its id;
products take them from here or read them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dagster_project.catalogue import vocabulary as v

STATUS_WORDS: Mapping[str, str] = {
    v.MET: "Uppnått",
    v.PARTLY: "Delvis uppnått",
    v.NOT_MET: "Inte uppnått",
    v.NO_TARGET: "Inget mål",
    v.NO_DATA: "Inga uppgifter",
    v.PRELIMINARY: "Preliminärt",
    v.HIDDEN: "För få för att visas",
    v.NOT_APPLICABLE: "Gäller inte",
}
"""How a cell, or an item of the plan, stands to its target; in the order in which people ask (plan.md)."""
REPORT_WORDS: Mapping[str, str] = {
    v.NOT_BEGUN: "Ej påbörjad",
    v.UNDER_WAY: "Pågår",
    v.DONE: "Genomförd",
    v.DROPPED: "Utgår",
    v.NOT_REPORTED: "Inte rapporterad",
}
"""What a verksamhet reports of an item: labels, not predicates, since they agree with no title."""
SIGNAL_WORDS: Mapping[str, str] = {
    v.OUTSIDE: "Utanför gränserna",
    v.TREND: "Sju månader i samma riktning",
    v.TWO_OF_THREE: "Två av tre nära en gräns",
    v.SHIFT: "Sju månader på samma sida om medel",
    v.NO_SIGNAL: "Ingen säker förändring",
    v.TOO_FEW: "För få månader",
}
QUALITY_WORDS: Mapping[str, str] = {v.GOOD: "Godkänd", v.WARNED: "Med varning", v.FROZEN: "Fryst"}
DIRECTION_WORDS: Mapping[str, str] = {
    v.BETTER: "bättre",
    v.WORSE: "sämre",
    v.RISING: "ökar",
    v.FALLING: "minskar",
}
"""What a signal means."""
CAPABILITY_WORDS: Mapping[str, str] = {
    v.SURELY_MET: "Målet nås varje månad",
    v.SURELY_NOT: "Målet nås inte som det fungerar nu",
    v.UNSURE: "Målet nås vissa månader",
    v.NO_TARGET: "Inget mål att bedöma",
}
"""Whether a target can be met as things work today (`malformaga`)."""
SEX_WORDS: Mapping[str, str] = {v.ALL_SEXES: "alla", v.WOMEN: "kvinnor", v.MEN: "män"}
LEVEL_WORDS: Mapping[str, str] = {v.AREA: "området", v.VERKSAMHET: "verksamhet", v.UNIT: "enhet"}

_SYMBOLS: Mapping[str, str] = {
    **{v.MET: "✓", v.PARTLY: "◐", v.NOT_MET: "✗", v.NO_TARGET: "○", v.NO_DATA: "–", v.PRELIMINARY: "…"},
    **{v.HIDDEN: "▪", v.NOT_APPLICABLE: "·"},
    **{v.NOT_BEGUN: "□", v.UNDER_WAY: "◧", v.DONE: "■", v.DROPPED: "⊘", v.NOT_REPORTED: "?"},
    **{v.OUTSIDE: "◆", v.TREND: "◇", v.TWO_OF_THREE: "◈", v.SHIFT: "⊓", v.NO_SIGNAL: "≈", v.TOO_FEW: "∅"},
    **{v.GOOD: "●", v.WARNED: "!", v.FROZEN: "❄"},
}
"""One per code, so that none is told by colour alone."""


@dataclass(frozen=True)
class Label:
    """A code of a closed list (kind: status, rapport, signal or kvalitet) as people read it, in its list's order."""

    code: str
    kind: str
    word: str
    symbol: str
    order: int


STATUS_KIND, REPORT_KIND, SIGNAL_KIND, QUALITY_KIND = LABEL_KINDS = ("status", "rapport", "signal", "kvalitet")


def labels() -> tuple[Label, ...]:
    """The rows of `dim_status`; a code is in one list only."""
    lists = zip(LABEL_KINDS, (STATUS_WORDS, REPORT_WORDS, SIGNAL_WORDS, QUALITY_WORDS), strict=True)
    return tuple(
        Label(code, kind, word, _SYMBOLS[code], order)
        for kind, words in lists
        for order, (code, word) in enumerate(words.items(), start=1)
    )


# --- Periods --------------------------------------------------------------------------------------------------------

MONTHS = ("jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec")


def period_label(period_typ: str, start: date, end: date) -> str:
    """A period as people read it: `aug 2022`, `jan-aug 2022`, `2022`, `sep 2021-aug 2022`."""
    last = f"{MONTHS[end.month - 1]} {end.year}"
    first = MONTHS[start.month - 1]
    if period_typ == v.YEAR:
        return str(end.year)
    if period_typ == v.MONTH:
        return last
    return f"{first}-{last}" if start.year == end.year else f"{first} {start.year}-{last}"


def decimals_of(kind: str) -> int:
    """How many decimals a value of a kind of measure has where it is written, as `mening` writes it: a share, a mean
    and a median one, what is counted none."""
    return 0 if kind in v.TOTALS else 1
