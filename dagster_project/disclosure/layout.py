"""The cells of related indicators, numbered for `moves`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.disclosure.system import MONTHS, Ints, by_month, difference_of

_SEXES = {"T": 0, "K": 1, "M": 2}
_PLACE = ["niva", "verksamhet", "enhet"]


@dataclass
class Layout:
    """The cells of a group of related indicators, numbered.

    member, place, sex, start, end: of each cell; it holds the months start <= t < end. number: its protected number.
    base: places whose months everything is summed from; verk: of each place the number of its verksamhet (-1: none).
    verks: the verksamheter; omrade: the area (-1: none). pairs: (part, whole, difference) as members.
    month: what every member, place and sex holds per month. along_time: whether months add up to longer periods.
    calendar: the calendar month (0-11) of month 0.
    """

    member: Ints
    place: Ints
    sex: Ints
    start: Ints
    end: Ints
    number: Ints
    base: Ints
    verk: Ints
    verks: Ints
    omrade: int
    pairs: list[tuple[int, int, int]]
    members: int
    by_sex: bool
    month: Ints
    along_time: bool
    calendar: int


def layout_of(cells: pl.DataFrame, parts: Sequence[tuple[str, str]], exact: bool = True) -> Layout:
    """`cells`: CELL, protected_number, stock, of one group; also the cells of differences (`with_differences`).

    exact: the numbers are the true ones; else only whether they are 0 is asked, and what they leave over is nothing.
    """
    members = cells["indicator_id"].unique().sort().to_list()
    places = cells.select(_PLACE).unique().sort(_PLACE, nulls_last=False)
    frame = cells.join(
        places.with_row_index("place"), on=_PLACE, how="left", nulls_equal=True, maintain_order="left"
    ).select(
        pl.col("place").cast(pl.Int64),
        member=pl.col("indicator_id").replace_strict({m: i for i, m in enumerate(members)}, return_dtype=pl.Int64),
        sex=pl.col("kon").replace_strict(_SEXES, return_dtype=pl.Int64),
        first=pl.col("period_start").dt.year().cast(pl.Int64) * 12 + pl.col("period_start").dt.month(),
        length=pl.col("period_typ").replace_strict(MONTHS, default=0, return_dtype=pl.Int64),
        period_typ="period_typ",
        stock="stock",
        number=pl.col("protected_number").round().cast(pl.Int64),
    )
    first, length = frame["first"].to_numpy(), frame["length"].to_numpy()
    last = first + length - 1
    along_time = not (frame["stock"].any() or (length == 0).any())
    if along_time:
        smallest = length == 1
        low, high = int(first.min()), int(last[smallest].max() if smallest.any() else last.max())
        start = np.clip(first - low, 0, high - low + 1)
        end = np.clip(last - low + 1, 0, high - low + 1)
        width = high - low + 1
    else:
        moments = frame.select(
            typ=pl.when(pl.col("length") == 0).then("period_typ").otherwise(pl.lit("")),
            at=pl.when(pl.col("length") == 0).then("first").otherwise(pl.Series(last)),
        )
        start = (moments.select(pl.struct("typ", "at").rank("dense")).to_series().cast(pl.Int64) - 1).to_numpy()
        end, width = start + 1, int(start.max()) + 1
    member, place, sex = (frame[c].to_numpy() for c in ("member", "place", "sex"))
    number = frame["number"].to_numpy()
    by_sex = bool((sex > 0).any())
    shape = (len(members), places.height, 4, width)
    series = (member * places.height + place) * 4 + sex
    if along_time:
        r12 = (frame["period_typ"] == "r12").to_numpy()
        held = by_month(series, start, number.astype(float), smallest, r12, int(np.prod(shape[:3])), width)
        month = np.nan_to_num(held).clip(0).round().astype(np.int64)
        # What only a longer period has is taken to be in its first month that could have it: something must hold it.
        missing = (
            number - np.concatenate([np.zeros((len(month), 1), np.int64), month.cumsum(axis=1)], axis=1)[series, end]
        )
        missing += np.concatenate([np.zeros((len(month), 1), np.int64), month.cumsum(axis=1)], axis=1)[series, start]
        for i in np.flatnonzero(exact & (missing == number) & (number > 0)):
            month[series[i], start[i]] = max(month[series[i], start[i]], number[i])
        month = month.reshape(shape)
    else:
        month = np.zeros(shape, np.int64)
        month[member, place, sex, start] = number
    if by_sex and exact:
        month[:, :, 3] = np.maximum(month[:, :, 0] - month[:, :, 1] - month[:, :, 2], 0)
    elif by_sex:
        month[:, :, 3] = (month[:, :, 0] > 0) & (month[:, :, 1] + month[:, :, 2] == 0)
    rows = list(places.iter_rows())
    verks = {v: i for i, (niva, v, _) in enumerate(rows) if niva == "verksamhet"}
    omrade = next((i for i, (niva, _, _) in enumerate(rows) if niva == "omrade"), -1)
    with_units = {v for niva, v, _ in rows if niva == "enhet"}
    base = [
        i for i, (niva, v, _) in enumerate(rows) if niva == "enhet" or (niva == "verksamhet" and v not in with_units)
    ]
    # Where nothing stands between (or above), a place is its own verksamhet.
    verk = [verks.get(v, i) if niva != "omrade" else -1 for i, (niva, v, _) in enumerate(rows)]
    verks |= {f"{v}/{e}": i for i, (niva, v, e) in enumerate(rows) if niva == "enhet" and verk[i] == i}
    if not base and omrade >= 0:
        base, verk[omrade], verks, omrade = [omrade], omrade, {"": omrade}, -1
    # What a place holds beyond its parts is held by a place that nobody sees: no subtraction leads to it.
    wholes = [(verk_of, [i for i in base if verk[i] == verk_of]) for verk_of in verks.values() if verk_of not in base]
    if omrade >= 0:
        wholes.append((omrade, list(verks.values())))
    for whole, of in wholes if exact else ():
        beyond = np.clip(month[:, whole] - month[:, of].sum(axis=1), 0, None)
        if by_sex:
            beyond[:, 0] = beyond[:, 1:].sum(axis=1)
        if beyond.any():
            unseen = month.shape[1]
            month = np.concatenate([month, beyond[:, None]], axis=1)
            base.append(unseen)
            verk.append(unseen if whole == omrade else whole)
            if whole == omrade:
                verks["beyond"] = unseen
    index = {m: i for i, m in enumerate(members)}
    pairs = [(index[p], index[w], index[difference_of(p, w)]) for p, w in parts]
    return Layout(
        member,
        place,
        sex,
        start,
        end,
        number,
        np.array(base, np.int64),
        np.array(verk, np.int64),
        np.array(sorted(verks.values()), np.int64),
        omrade,
        pairs,
        len(members),
        by_sex,
        month,
        along_time,
        (low - 1) % 12 if along_time else 0,
    )
