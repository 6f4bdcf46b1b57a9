"""Parameters of a run: every one has a default; what changes results is part of the release id."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Parameters:
    """What a run may be told. Days are calendar days.

    tolerance_days: an återbesök this many days after the medical target date is still in time.
    suppression_limit: protected numbers from 1 to one less than this are hidden.
    years_before: the grid begins on 1 January this many years before the as-of year.
    """

    tolerance_days: int = 0
    suppression_limit: int = 5
    years_before: int = 3

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
