"""A reader with interval arithmetic: bounds of what every place and sex holds between any two month ends.

It takes a published `indicator_result` of counts and nothing else. `most[s, e]` is the most that months s to e - 1
can hold, `-most[e, s]` the least; a sum over two spans bounds the span of both (shortest paths), T = K + M + O, the
sums over levels, and a whole and its part bound each other, until nothing changes. No bound is better that a
spreadsheet finds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.disclosure.system import CELL
from tests.disclosure.attack import LENGTH

_SEXES = {"K": 0, "M": 1, "O": 2, "T": 3}


def fixed(release: pl.DataFrame, parts: Sequence[tuple[str, str]] = ()) -> pl.DataFrame:
    """The hidden rows (CELL) that one number is left for, with that number (`found`).

    release: CELL, status, varde; counts that add up, by sex. parts: (part, whole) of its indicators.
    """
    rows = release.sort(CELL, nulls_last=False).to_dicts()
    first = min(r["period_start"] for r in rows)
    month = [(r["period_start"].year - first.year) * 12 + r["period_start"].month - first.month for r in rows]
    ends = [m + LENGTH[r["period_typ"]] for m, r in zip(month, rows, strict=True)]
    newest = max(e for e, r in zip(ends, rows, strict=True) if r["period_typ"] == "manad")
    where = sorted({(r["verksamhet"] or "", r["enhet"] or "") for r in rows})
    kinds = [*sorted({r["indicator_id"] for r in rows}), *parts]  # a pair: what the whole has besides
    places = [(kind, *place) for kind in kinds for place in where]
    number = {p: i for i, p in enumerate(places)}
    at = [
        (number[r["indicator_id"], r["verksamhet"] or "", r["enhet"] or ""], _SEXES[r["kon"]], m, min(e, newest))
        for m, e, r in zip(month, ends, rows, strict=True)
    ]
    most = np.full((len(places), 4, newest + 1, newest + 1), 1e6)
    for s in range(newest + 1):
        most[:, :, s:, s] = 0  # never negative
    for (p, k, s, e), r in zip(at, rows, strict=True):
        if r["status"] == "dold":
            most[p, k, e, s] = min(most[p, k, e, s], -1)
        else:
            most[p, k, s, e], most[p, k, e, s] = r["varde"], -r["varde"]
    levels = {
        number[kind, v, ""]: [number[kind, v, u] for w, u in where if u and w == v]
        for kind in kinds
        for v, of in where
        if v and not of
    }
    for kind in kinds:
        levels[number[kind, "", ""]] = [number[kind, v, u] for v, u in where if v and not u]
    wholes = [
        (number[whole, *p], [number[part, *p], number[(part, whole), *p]]) for part, whole in parts for p in where
    ]
    before = None
    while before is None or not np.array_equal(before, most):
        before = most.copy()
        for m in range(newest + 1):
            np.minimum(most, most[:, :, :, m : m + 1] + most[:, :, m : m + 1, :], out=most)
        _sums(most[:, 3], [most[:, k] for k in range(3)])
        for whole, those in (*levels.items(), *wholes):
            _sums(most[whole], [most[p] for p in those])
    found = [
        {**{c: r[c] for c in CELL}, "found": most[p, k, s, e]}
        for (p, k, s, e), r in zip(at, rows, strict=True)
        if r["status"] == "dold" and most[p, k, s, e] <= -most[p, k, e, s]
    ]
    return pl.DataFrame(found, schema={**release.select(CELL).schema, "found": pl.Float64})


def _sums(whole: np.ndarray, parts: list[np.ndarray]) -> None:
    """whole = the sum of the parts, in both directions."""
    np.minimum(whole, np.sum(parts, axis=0), out=whole)
    for part in parts:
        others = np.sum([-p.swapaxes(-1, -2) for p in parts if p is not part], axis=0)  # the least they are
        np.minimum(part, whole - others, out=part)
