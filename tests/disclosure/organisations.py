"""Small organisations over some years: their cells of every level, sex and period type, and what a release shows
of them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import polars as pl

from dagster_project.disclosure.system import CELL
from tests.disclosure.attack import LENGTH

Numbers = dict[tuple[str, str, str, int], int]
"""(verksamhet, unit, sex, month from 0) -> how many."""

FIRST = 2019
SCHEMA = {**dict.fromkeys(CELL, pl.String), "period_start": pl.Date, "protected_number": pl.Int64, "stock": pl.Boolean}


def periods(months: int) -> Iterator[tuple[str, int]]:
    """Every period of a grid of so many months from January on: (type, first month)."""
    for m in range(months):
        yield "manad", m
        if m >= 11:
            yield "r12", m - 11
        if m % 4 == 0:
            yield "tertial", m
        if m % 12 == 0:
            yield "delar", m
            yield "ar", m


def day(month: int) -> date:
    return date(FIRST + month // 12, month % 12 + 1, 1)


def cells(numbers: Numbers, months: int, sexes: str = "TKM", indicator: str = "x", stock: bool = False) -> pl.DataFrame:
    """All cells of an organisation (SCHEMA); units that have no number in a period have none there."""
    held: dict[tuple[str, str | None, str | None, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for (verksamhet, enhet, kon, month), n in numbers.items():
        for place in (("omrade", None, None), ("verksamhet", verksamhet, None), ("enhet", verksamhet, enhet)):
            for sex in {"T", kon} & set(sexes):
                held[(*place, sex)][month] += n
            for sex in set(sexes) - {"T", kon}:
                held[(*place, sex)][month] += 0
    rows = []
    for (niva, verksamhet, enhet, kon), of in held.items():
        for typ, first in periods(months):
            last = first + LENGTH[typ] - 1
            wanted = [last] if stock else range(first, last + 1)
            number = sum(of.get(m, 0) for m in wanted)
            rows.append((indicator, typ, day(first), niva, verksamhet, enhet, kon, number, stock))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def some(
    seed: int,
    verks: int = 2,
    units: int = 3,
    months: int = 36,
    sexes: str = "KM",
    means: tuple[float, ...] = (0.4, 1.5, 3, 6, 15, 60),
) -> Numbers:
    """Random numbers: units of every size, some with people of unknown sex (O)."""
    chance = random.Random(seed)
    numbers: Numbers = {}
    for v in range(chance.randint(1, verks)):
        for u in range(chance.randint(1, units)):
            mean = chance.choice(means)
            for m in range(months):
                for kon in sexes:
                    numbers[f"V{v}", f"E{v}{u}", kon, m] = _poisson(chance, mean)
                if sexes == "KM" and chance.random() < 0.03:
                    numbers[f"V{v}", f"E{v}{u}", "O", m] = chance.randint(1, 2)
    return numbers


def persons(seed: int, months: int) -> pl.DataFrame:
    """Cells of persons, some of whom come in two months or units: longer periods and levels hold fewer than their
    parts.
    """
    chance = random.Random(seed)
    found = cells(some(seed, months=months, means=(0.4, 1.5, 3, 6, 15)), months).to_dicts()
    for row in found:
        if row["period_typ"] != "manad" and row["protected_number"] > 2 and chance.random() < 0.4:
            row["protected_number"] -= chance.randint(1, max(1, min(3, row["protected_number"] // 3)))
    address = [c for c in CELL if c != "kon"]
    of_sexes: dict[tuple[object, ...], int] = defaultdict(int)
    for row in found:
        if row["kon"] != "T":
            of_sexes[tuple(row[c] for c in address)] += row["protected_number"]
    for row in found:
        if row["kon"] == "T":
            row["protected_number"] = max(row["protected_number"], of_sexes[tuple(row[c] for c in address)])
    return pl.DataFrame(found, schema=SCHEMA)


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(chance.gauss(mean, mean**0.5)))
    left, n = 2.718281828459045**-mean, 0
    product = chance.random()
    while product > left:
        product *= chance.random()
        n += 1
    return n


def published(cells: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """What a release shows: counts with their comparisons, hidden ones empty."""
    shown = (
        cells.join(hidden, on=CELL, how="left", nulls_equal=True)
        .with_columns(status=pl.when("hidden").then(pl.lit("dold")).otherwise(pl.lit("inget_mal")))
        .with_columns(
            varde=pl.when(pl.col("status") != "dold").then(pl.col("protected_number").cast(pl.Float64)),
            namnare=pl.lit(None, pl.Float64),
        )
        .drop("hidden")
    )
    before = shown.select(*CELL[:2], pl.col("period_start").dt.offset_by("1y"), *CELL[3:], jamforelse_varde="varde")
    return shown.join(before, on=CELL, how="left", nulls_equal=True).with_columns(
        jamforelse_varde=pl.when(pl.col("status") != "dold").then("jamforelse_varde")
    )


def rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return frame.iter_rows(named=True)


Build = Callable[[int], pl.DataFrame]
