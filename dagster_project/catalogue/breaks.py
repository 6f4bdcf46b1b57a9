"""Breaks of series: days from which a number means something else, rows of the seed `brott`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import area_codes, verksamhet_codes
from dagster_project.catalogue.seeds import Row, SeedError, day_of, filled, read_rows, said_twice, seed


class BreakError(SeedError):
    """A break that cannot be read or is about nothing that there is; the message names its row and what to do."""


@dataclass(frozen=True)
class SeriesBreak:
    """A break. indicator_id: None for all. verksamhet: None for all of them and the area. day: the first of the new
    series. reason: in Swedish, as readers see it."""

    indicator_id: str | None
    verksamhet: str | None
    day: date
    reason: str


def _break(row: Row, indicators: Collection[str]) -> SeriesBreak:
    indicator, verksamhet = row["indicator_id"], row["verksamhet"]
    if indicator and indicator not in indicators:
        raise ValueError(f"indikatorn {indicator} saknas i catalogue.csv, skriv en som finns eller ingen (alla)")
    if verksamhet in area_codes():
        raise ValueError(f"{verksamhet} är hela området, som har sina brott där verksamhet är tom")
    if verksamhet and verksamhet not in verksamhet_codes():
        raise ValueError(f"verksamheten {verksamhet} saknas i organisation.csv, skriv en som finns eller ingen (alla)")
    return SeriesBreak(indicator or None, verksamhet or None, day_of(row, "datum"), filled(row, "orsak"))


def read_breaks(rows: Iterable[Row], indicators: Collection[str]) -> tuple[SeriesBreak, ...]:
    """The breaks in the seed's rows, in its order. indicators: the ids of the catalogue.

    Raises BreakError with one sentence: the first row that cannot be read, or that is there twice.
    """
    found: tuple[SeriesBreak, ...] = read_rows("brott", rows, partial(_break, indicators=indicators), BreakError)
    keys = ((b.indicator_id or "alla indikatorer", b.verksamhet or "alla verksamheter", str(b.day)) for b in found)
    for sentence in said_twice("brott", keys):
        raise BreakError(sentence)
    return found


@cache
def load_breaks() -> tuple[SeriesBreak, ...]:
    """The breaks of the seed. Raises BreakError (`read_breaks`)."""
    return read_breaks(seed("brott"), {i.id for i in load_catalogue()})
