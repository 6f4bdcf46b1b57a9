"""The invented persons: every personnummer has a birth number 980-999, the series that Skatteverket keeps for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Bools, Days, Floats, Ints, choose
from dagster_project.samples.days import date_column, day_number, month_number

STREAM = 99  # the number of the persons' random stream; sources have theirs
BIRTH_NUMBERS = 20  # 980-999: the test numbers of one birth date


@dataclass(frozen=True)
class Persons:
    """Test persons sorted by birth date: day numbers, sex (M, K, O) and the parts of the personnummer (text)."""

    birth: Days
    kon: pl.Series
    lang: pl.Series  # 8 characters YYYYMMDD
    sista: pl.Series  # 4 characters
    reserv: Bools
    style: npt.NDArray[np.uint8]  # how this person's number is usually spelled: 0 `12`, 1 `8-4`, 2 `10`

    def pick(self, rng: np.random.Generator, days: npt.NDArray[Any], low: Floats, high: Floats) -> Ints:
        """One person per row, uniformly among those whose age on the day is low..high years."""
        start = np.searchsorted(self.birth, days - (high + 1) * 365.25)
        stop = np.searchsorted(self.birth, days - low * 365.25)
        stop = np.maximum(stop, start + 1)
        index = start + (rng.random(len(days)) * (stop - start)).astype(np.int64)
        return np.clip(index, 0, len(self.birth) - 1)

    def draw(self, rng: np.random.Generator, count: int, low: float, high: float, day: int) -> Ints:
        """At most `count` different persons aged low..high years on the day, in birth order."""
        start = int(np.searchsorted(self.birth, day - (high + 1) * 365.25))
        stop = int(np.searchsorted(self.birth, day - low * 365.25))
        return np.sort(rng.permutation(np.arange(start, stop))[:count])

    def spelled(self, index: Ints, extracted: date, spelling: str) -> pl.Series:
        """Personnummer column: spelling `12`, `8-4`, `10` (with the sign for 100 years and more) or `blandat`."""
        rows = pl.Series(index.astype(np.uint32))
        head, tail = self.lang.gather(rows), self.sista.gather(rows)
        plain, hyphen = head + tail, head + "-" + tail
        born = date_column(self.birth)
        before_birthday = born.dt.strftime("%m%d") > f"{extracted:%m%d}"
        old = (extracted.year - born.dt.year() - before_birthday.cast(pl.Int32)) >= 100
        short = head.str.slice(2) + choose(("-", "+"), old.to_numpy()[index]) + tail
        frame = pl.DataFrame(
            {
                "a": plain,
                "b": hyphen,
                "c": short,
                "r": pl.Series(self.reserv[index]),
                "s": pl.Series(self.style[index]),
            }
        )
        by_name = {"12": 0, "8-4": 1, "10": 2}
        style = pl.col("s") if spelling == "blandat" else pl.lit(by_name[spelling])
        picked = pl.when(pl.col("r") | (style == 0)).then("a").when(style == 1).then("b").otherwise("c")
        return frame.select(picked.alias("personnummer")).to_series()


def _luhn(digits: Ints) -> Ints:
    """Check digit of 9-digit numbers (the ten-digit personnummer without its last digit)."""
    total = np.zeros(len(digits), dtype=np.int64)
    for place in range(9):
        value = (digits // 10**place) % 10 * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10


def make_persons(rng: np.random.Generator, count: int, first: date, as_of: date) -> Persons:
    """About `count` persons (fewer when the test numbers run out): children, adults, elderly, a few above 100."""
    bands = (  # youngest, oldest at as_of (years), share, share of men
        (0.35, 4.0, 0.08, 0.6),
        (4.0, 18.0, 0.24, 0.59),
        (18.0, 50.0, 0.24, 0.5),
        (50.0, 70.0, 0.16, 0.48),
        (70.0, 88.0, 0.22, 0.46),
        (88.0, 99.0, 0.06, 0.4),
    )
    last = day_number(as_of)
    codes = []  # code = birth day number * 20 + birth number - 980
    for young, old, share, men in bands:
        low, high = last - int(old * 365.25) + 1, last - int(young * 365.25)
        half = (high - low + 1) * (BIRTH_NUMBERS // 2)
        for want, odd in ((men, 1), (1 - men, 0)):
            drawn = rng.choice(half, size=min(round(count * share * want), half), replace=False)
            codes.append((low + drawn // 10) * BIRTH_NUMBERS + drawn % 10 * 2 + odd)
    seniors = max(3, min(count // 2500, 4000))
    low = last - int(103.9 * 365.25)
    codes.append(low * BIRTH_NUMBERS + rng.choice(3 * 365 * BIRTH_NUMBERS, size=seniors, replace=False))
    code = np.sort(np.concatenate(codes)).astype(np.int64)

    birth, number = (code // BIRTH_NUMBERS).astype(np.int32), 980 + code % BIRTH_NUMBERS
    stamp = birth.astype("datetime64[D]")
    year = stamp.astype("datetime64[Y]").astype(np.int64) + 1970
    month = month_number(birth) % 12 + 1
    day = (stamp - stamp.astype("datetime64[M]")).astype(np.int64) + 1
    kind = rng.random(len(code))
    young_enough = birth > last - int(90 * 365.25)
    reserv = (kind < 0.008) & young_enough
    samordning = (kind > 0.988) & young_enough
    day = day + np.where(samordning, 60, 0)
    nine = (year % 100 * 10000 + month * 100 + day) * 1000 + number
    check = _luhn(nine)
    head = pl.Series(year * 10000 + month * 100 + day).cast(pl.String)
    text = pl.DataFrame({"n": number, "c": check, "r": reserv}).select(
        s=pl.when("r")
        .then(pl.concat_str(pl.lit("T"), pl.col("n").cast(pl.String)))
        .otherwise(pl.concat_str(pl.col("n").cast(pl.String), pl.col("c").cast(pl.String)))
    )["s"]
    kon = choose(("K", "M", "O"), np.where(reserv, 2, number % 2))
    style = rng.choice(np.array([0, 1, 2], dtype=np.uint8), size=len(code), p=(0.72, 0.18, 0.1))
    style[birth < last - int(99 * 365.25)] = 2
    return Persons(birth, kon, head, text, reserv, style)
