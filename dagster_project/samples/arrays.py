"""Whole columns of a sample: the array types, and text chosen by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def gather(column: pl.Series, index: npt.NDArray[Any]) -> pl.Series:
    """The column's values at the positions."""
    return column.gather(pl.Series(index.astype(np.uint32)))


def choose(values: Sequence[str], index: npt.NDArray[Any]) -> pl.Series:
    """Text column: values[index]."""
    return gather(pl.Series(values, dtype=pl.String), index)


def with_gaps(rng: np.random.Generator, column: pl.Series, share: float = 0.04) -> pl.Series:
    """The column with some cells empty, as an optional one is delivered."""
    return column.set(pl.Series(rng.random(len(column)) < share), None)
