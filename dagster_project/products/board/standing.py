"""How every item of the plan stands at every place, as the pages of a verksamhet and of the plan show it.

Plain values from a release's tables; an item's sentence is the release's own (`mening`), never made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    DELAR,
    DONE,
    DROPPED,
    FEW_MARK,
    FROZEN,
    GOOD,
    HIDDEN,
    LATEST,
    MET,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_BEGUN,
    NOT_MET,
    NOT_REPORTED,
    PARTLY,
    R12,
    UNDER_WAY,
    UNIT,
    YEAR,
)
from dagster_project.core.printable import printable
from dagster_project.products.reading import ItemInfo, Reading
from dagster_project.releases.sentence import quoted

FAILING = (NOT_MET, PARTLY)


@dataclass(frozen=True)
class Occasion:
    """When the plan is followed up. code: of `vocabulary.OCCASIONS`. year: None of the latest, which is of its own day.

    title: as a heading has it. short: as a link has it. slug: of file names, empty of the latest, which is what pages
    show first.
    """

    code: str
    year: int | None
    title: str
    short: str
    slug: str


@dataclass(frozen=True)
class Standing:
    """How one item stands at one place.

    target_status: of `vocabulary.PLAN_STATUSES`; report_status: what was reported, None where nobody is asked.
    few: judged on so few that it raises no alarm. sentence: `mening` without the comment that it quotes. comment: all
    of it, at a verksamhet only. target: all targets in words. quality: of the number; frozen_from, reports_from: the
    release that a frozen number and frozen reports are from. period: of the number, both days. row: of the table.
    """

    item: ItemInfo
    indicator_id: str | None
    target_status: str
    report_status: str | None
    few: bool
    sentence: str
    comment: str | None
    target: str | None
    value: float | None
    reported: int | None
    asked: int | None
    quality: str | None
    frozen_from: str | None
    reports_from: str | None
    period: tuple[date, date]
    row: Mapping[str, Any]

    @property
    def rest(self) -> str:
        """The sentence without the title that it begins with, for under a heading that is the title."""
        text = self.sentence.removeprefix(f"{self.item.kort_titel}: ")
        return text[:1].upper() + text[1:]

    @property
    def judged(self) -> bool:
        """Whether there is a target here, or a reason why there is no number to hold against one."""
        return self.target_status != NO_TARGET

    @property
    def undecided(self) -> bool:
        """Whether there is a number, but nothing to judge it by: what the target compares with is missing."""
        return self.target_status == NO_DATA and self.value is not None

    @property
    def doubted(self) -> bool:
        """Whether the number is shown with a warning, or is an older one."""
        return self.quality not in (None, GOOD)

    @property
    def failing(self) -> bool:
        """Whether a target is missed, be it on few cases."""
        return self.target_status in FAILING

    @property
    def group(self) -> str:
        """Which part of a verksamhet's page it stands in, of `GROUPS`."""
        if self.target_status == NOT_APPLICABLE or self.report_status == DROPPED:
            return OUTSIDE
        if self.failing and not self.few:
            return ACT
        if self.report_status in (NOT_REPORTED, NOT_BEGUN):
            return BEGIN
        if self.target_status == MET or (self.target_status == NO_TARGET and self.report_status == DONE):
            return REACHED
        if self.target_status == NO_TARGET and self.report_status == UNDER_WAY:
            return GOING_ON
        return FOLLOWED if self.target_status == NO_TARGET else UNSURE


ACT, BEGIN, UNSURE, GOING_ON, REACHED, FOLLOWED, OUTSIDE = GROUPS = (
    "atgarda",
    "borja",
    "osakert",
    "pagar",
    "uppnatt",
    "utan-mal",
    "utanfor",
)
"""What a reader must do about an item, the most pressing first; their names are anchors of the page."""


def occasions(reading: Reading) -> tuple[Occasion, ...]:
    """The occasions that the release follows the plan up at: the latest, then the years', newest first."""
    found = set(reading.plan.select("tillfalle", "ar").iter_rows())
    years = sorted({year for _, year in found}, reverse=True)
    named = {DELAR: "Delår", YEAR: "Helår"}
    return (
        *([Occasion(LATEST, None, "Läget nu", "Läget nu", "")] if any(code == LATEST for code, _ in found) else []),
        *(
            Occasion(code, year, f"{word} {year}", f"{word} {year}", f"-{code}-{year}")
            for year in years
            for code, word in named.items()
            if (code, year) in found
        ),
    )


def standings(reading: Reading, occasion: Occasion) -> dict[str | None, list[Standing]]:
    """Every item of the plan that is followed up, by place (verksamhet; None: the area), in the plan's order."""
    return standings_of(_rows(reading, occasion), reading.items)


def _rows(reading: Reading, occasion: Occasion) -> pl.DataFrame:
    """The occasion's rows of `plan_uppfoljning`, with the mark of the cell that each is about."""
    rows = reading.plan.filter(pl.col("tillfalle") == occasion.code)
    if occasion.year is not None:
        rows = rows.filter(pl.col("ar") == occasion.year)
    period_type = R12 if occasion.code == LATEST else occasion.code
    key = ["indicator_id", "niva", "verksamhet", "period_start"]
    marks = reading.results.filter(
        pl.col("niva") != UNIT, pl.col("kon") == ALL_SEXES, pl.col("period_typ") == period_type
    ).select(*key, "markering")
    return rows.join(marks, on=key, how="left", nulls_equal=True)


def standings_of(rows: pl.DataFrame, items: Mapping[str, ItemInfo]) -> dict[str | None, list[Standing]]:
    """The same of rows of `plan_uppfoljning` with `markering` beside them. items: of the plan, in its order."""
    found: dict[str | None, dict[str, Standing]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["verksamhet"], {})[row["item_id"]] = _standing(row, items[row["item_id"]])
    place = {item_id: number for number, item_id in enumerate(items)}
    return {
        where: [_with_parts(here[i], here.values()) for i in sorted(here, key=place.__getitem__)]
        for where, here in found.items()
    }


def _standing(row: Mapping[str, Any], item: ItemInfo) -> Standing:
    quote = quoted(row["kommentar"])
    sentence = row["mening"] if quote is None else row["mening"].replace(f" Kommentar: {quote}", "")
    return Standing(
        item=item,
        indicator_id=row["indicator_id"],
        target_status=row["malstatus"],
        report_status=row["rapporterad_status"],
        few=row["markering"] == FEW_MARK,
        sentence=sentence,
        comment=printable(row["kommentar"]) if quote is not None else None,
        target=row["mal_text"],
        value=row["varde"] if row["malstatus"] != HIDDEN else None,
        reported=row["rapporterade"],
        asked=row["i_omfattning"],
        quality=row["kvalitet"],
        frozen_from=row["release_id"] if row["kvalitet"] == FROZEN else None,
        reports_from=row["rapport_release_id"] if row["rapport_kvalitet"] == FROZEN else None,
        period=(row["period_start"], row["period_slut"]),
        row=row,
    )


def _with_parts(one: Standing, here: Iterable[Standing]) -> Standing:
    """A parent is judged on few where every part of it that misses its target is."""
    if one.indicator_id is not None or not one.failing:
        return one
    missed = [part for part in here if part.item.overordnad_item == one.item.item_id and part.failing]
    return replace(one, few=bool(missed) and all(part.few for part in missed))


def grouped(found: Sequence[Standing], worse: frozenset[str] = frozenset()) -> list[tuple[str, list[Standing]]]:
    """The groups that have items, the most pressing first; in each the plan's order, but what gets worse first.

    worse: indicators whose signal says so. Few cases lead nowhere: they are no part of what needs action, and last in
    their group.
    """
    ordered = sorted(found, key=lambda s: (s.few, s.indicator_id not in worse))
    parts = [(group, [s for s in ordered if s.group == group]) for group in GROUPS]
    return [(group, inside) for group, inside in parts if inside]
