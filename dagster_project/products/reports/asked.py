"""What a report is asked for, and the rows of the release that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    DELAR,
    FEW_MARK,
    HIDDEN,
    INFO,
    PRELIMINARY,
    VERKSAMHET,
    YEAR,
)
from dagster_project.core.errors import UsageError
from dagster_project.core.swedish import joined
from dagster_project.products.change import Change, change_at
from dagster_project.products.reading import ItemInfo, Reading
from dagster_project.releases.tables import PLAN_NUMBERS

Row = Mapping[str, Any]

TITLES: Mapping[str, str] = {DELAR: "Delårsrapport", YEAR: "Aktivitetsberättelse"}
"""What a report of an occasion is called."""
LATER = timedelta(days=92)
"""A report is made at most so long after its period, if it is to tell how the months vary."""
FILES: Mapping[str, str] = {DELAR: "delarsrapport", YEAR: "aktivitetsberattelse"}


@dataclass(frozen=True)
class Asked:
    """Which report: an occasion (DELAR or YEAR), a year, and a verksamhet's code; None is the whole area."""

    occasion: str
    year: int
    verksamhet: str | None = None

    @property
    def file_name(self) -> str:
        """Of its files, without what they end with: `delarsrapport_2022_BUH`."""
        return "_".join([FILES[self.occasion], str(self.year), *([self.verksamhet] if self.verksamhet else [])])


class Followed:
    """The plan followed up at one occasion, as one place sees it: the area, or a verksamhet.

    Raises UsageError for a verksamhet that the release does not know, and where it has no such follow-up.
    """

    def __init__(self, reading: Reading, asked: Asked) -> None:
        self.reading = reading
        self.asked = asked
        known = reading.verksamheter
        if asked.verksamhet is not None and asked.verksamhet not in known:
            raise UsageError(f"Verksamheten {asked.verksamhet} finns inte i utgåvan: ange {joined(list(known))}.")
        frame = reading.plan.filter(pl.col("tillfalle") == asked.occasion)
        years = sorted(set(frame["ar"].to_list()))
        frame = frame.filter(pl.col("ar") == asked.year)
        if frame.is_empty():
            has = f"den har {joined([str(year) for year in years])}" if years else "den har ingen alls"
            raise UsageError(
                f"Utgåva {reading.release.id} har ingen {TITLES[asked.occasion].lower()} för {asked.year}: {has}."
            )
        hidden = pl.col("malstatus") == HIDDEN  # whatever it holds against the rules
        frame = frame.with_columns(pl.when(~hidden).then(pl.col(name)).alias(name) for name in PLAN_NUMBERS)
        self._rows = {(row["item_id"], row["verksamhet"]): row for row in frame.iter_rows(named=True)}
        self.period: tuple[date, date] = frame.select("period_start", "period_slut").row(0)
        self.code = asked.verksamhet

    @property
    def is_area(self) -> bool:
        return self.code is None

    @property
    def level(self) -> str:
        return AREA if self.is_area else VERKSAMHET

    @property
    def place(self) -> str:
        """The name of what the report is about."""
        return self.reading.area.namn if self.code is None else self.reading.verksamheter[self.code].namn

    @cached_property
    def items(self) -> Sequence[ItemInfo]:
        """The items that concern the place: in the plan's order, perspective by perspective and goal by goal."""
        found = [item for item in self.reading.items.values() if (item.item_id, self.code) in self._rows]
        perspectives = list(dict.fromkeys(item.perspektiv for item in found))
        goals = list(dict.fromkeys(item.mal_id for item in found))
        return sorted(found, key=lambda i: (perspectives.index(i.perspektiv), goals.index(i.mal_id), i.ordning))

    @cached_property
    def plan_title(self) -> str:
        return self.items[0].plan_titel if self.items else ""

    @property
    def planned(self) -> int:
        """How many items the whole plan has."""
        return len({item_id for item_id, _ in self._rows})

    def row(self, item: ItemInfo) -> Row:
        """The place's row of an item."""
        return self._rows[item.item_id, self.code]

    def rows(self, item: ItemInfo) -> list[tuple[str, Row]]:
        """Rows to show together, each with the place's name: every verksamhet in the area's report, then the area."""
        codes = list(self.reading.verksamheter) if self.code is None else [self.code]
        names = {code: self.reading.verksamheter[code].namn for code in codes}
        shown: list[tuple[str, Row]] = [
            (name, self._rows[item.item_id, code]) for code, name in names.items() if (item.item_id, code) in self._rows
        ]
        if (item.item_id, None) in self._rows:
            shown.append(("Hela området", self._rows[item.item_id, None]))
        return shown

    @property
    def label(self) -> str:
        """The period as people read it."""
        return self.reading.period_label(self.asked.occasion, self.period[0])

    @property
    def ended(self) -> bool:
        """Whether the period was over on the day that the release shows."""
        return self.period[1] <= date.fromisoformat(self.reading.release.as_of)

    @cached_property
    def few(self) -> frozenset[tuple[str, str | None]]:
        """Indicator and verksamhet (None: the area) of the period's cells that are judged on few."""
        cells = self.reading.results.filter(
            pl.col("markering") == FEW_MARK,
            pl.col("niva").is_in([AREA, VERKSAMHET]),
            pl.col("kon") == ALL_SEXES,
            pl.col("period_typ") == self.asked.occasion,
            pl.col("period_start") == self.period[0],
        )
        return frozenset(cells.select("indicator_id", "verksamhet").iter_rows())

    def signal(self, indicator_id: str) -> Row | None:
        """What the months say of an indicator at the place; None where the release's newest months are another time's.

        A release tells of its newest months only: of a period that has long been over it has nothing to say.
        """
        row = self._signals.get(indicator_id)
        return row if row is not None and row["till"] is not None and row["till"] <= self.period[1] + LATER else None

    def change(self, indicator_id: str | None) -> Change | None:
        """The change that may be told of an indicator at the place; None where there is none, or none before the
        period's end."""
        if indicator_id is None or self.signal(indicator_id) is None:
            return None
        told = change_at(self.reading, indicator_id, self.code)
        return told if told.month is not None and told.month <= self.period[1] else None

    def capability(self, indicator_id: str) -> str | None:
        """Whether its target is met whatever month, up to the period's end."""
        if self.signal(indicator_id) is None:
            return None
        return change_at(self.reading, indicator_id, self.code).capability(self.period[1])

    @cached_property
    def _signals(self) -> Mapping[str, Row]:
        rows = self.reading.signals.filter(pl.col("niva") == self.level)
        if self.code is not None:
            rows = rows.filter(pl.col("verksamhet") == self.code)
        return {row["indicator_id"]: row for row in rows.iter_rows(named=True)}

    @cached_property
    def warned(self) -> Mapping[str, Sequence[Row]]:
        """What the gates had to say of each source that marks its indicators: rows of `kvalitet`."""
        failed = self.reading.quality.filter(~pl.col("success"), pl.col("severity") != INFO)
        found: dict[str, list[Row]] = {}
        for row in failed.iter_rows(named=True):
            found.setdefault(row["source"], []).append(row)
        return found

    @cached_property
    def preliminary(self) -> Sequence[ItemInfo]:
        """Items whose number may still change, since a source does not cover the whole period."""
        return [item for item in self.items if self.row(item)["malstatus"] == PRELIMINARY]
