"""What has changed of an indicator's published numbers since the release before, as its page tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import ALL_SEXES, AREA, UNIT
from dagster_project.core.swedish import counted, day_in_words, joined
from dagster_project.products.names import source_title
from dagster_project.products.revisions.compare import CAUSE_WORDS

MOST_SHOWN = 30


@dataclass(frozen=True)
class Changed:
    """A cell that changed. before, after: its number, or why there is none."""

    period: str
    place: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """sentence: how many changed and what may be the cause. lines: the newest of them, of the area and verksamheter."""

    sentence: str
    lines: tuple[Changed, ...] = ()
    left_out: int = 0


def changes(
    rows: pl.DataFrame | None,
    before: str,
    places: Mapping[str, str],
    label: Callable[[str, date], str],
    told: Callable[[Mapping[str, Any], str], str],
) -> Changes:
    """Final numbers of one indicator that changed.

    rows: of `revisions.compare.REVISION_SCHEMA`, None for none. before: the id of the release before, which begins with
    its day. places: code -> name of verksamheter. label: a period's, by type and first day. told: a row's number on one
    side (fore, efter) as the page writes it, or why there is none.
    """
    since = f"utgåvan från den {day_in_words(date.fromisoformat(before[:10]))}"
    final = None if rows is None else rows.filter("slutlig")
    if final is None or not final.height:
        return Changes(f"Inget tal för en hel period har ändrats sedan {since}.")
    causes = sorted({c for text in final["orsaker"].drop_nulls() for c in text.split("|")}, key=list(CAUSE_WORDS).index)
    sources = sorted({s for text in final["kallor"].drop_nulls() for s in text.split("|")})
    words = f"{counted(final.height, 'tal för en hel period har', 'tal för hela perioder har')} ändrats sedan {since}"
    if causes:
        words += f"; möjliga orsaker: {joined([CAUSE_WORDS[c] for c in causes])}"
    if sources:
        words += f" ({joined([source_title(s) for s in sources])})"
    shown = final.filter((pl.col("niva") != UNIT) & (pl.col("kon") == ALL_SEXES)).sort(
        "period_slut", descending=True, maintain_order=True
    )
    lines = tuple(
        Changed(
            label(row["period_typ"], row["period_start"]),
            "Hela området" if row["niva"] == AREA else places.get(row["verksamhet"], row["verksamhet"]),
            told(row, "fore"),
            told(row, "efter"),
        )
        for row in shown.head(MOST_SHOWN).iter_rows(named=True)
    )
    return Changes(f"{words}.", lines, final.height - len(lines))
