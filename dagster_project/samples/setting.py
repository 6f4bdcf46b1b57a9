"""What all sources of a sample share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from dagster_project.samples.people import Persons


@dataclass(frozen=True)
class Setting:
    """Where to, how much, from when to when, and who.

    ordinary: extraction days of ordinary deliveries, oldest first and the last one as_of; without any the sample is
    made of history, the month end before as_of and the newest delivery with its defects.
    """

    raw: Path
    scale: float
    first: date
    as_of: date
    persons: Persons
    seed: int
    ordinary: tuple[date, ...] = ()

    @property
    def month(self) -> date:
        """First day of the newest month."""
        return self.as_of.replace(day=1)

    def rng(self, stream: int) -> np.random.Generator:
        """The random numbers of one source (its STREAM), so that a change in one leaves the others as they are."""
        return np.random.default_rng([self.seed, stream])
