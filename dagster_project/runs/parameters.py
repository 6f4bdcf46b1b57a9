"""What a user can set that changes results; part of a run's identity and shown in the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

import polars as pl
from annotated_types import Ge, Le

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.engines.engine import DUCKDB, EngineName

Share = Annotated[float, Ge(0), Le(1)]
Times = Annotated[float, Ge(1), Le(1000)]
Count = Annotated[int, Ge(0), Le(1_000_000)]


@dataclass(frozen=True)
class Thresholds:
    """Limits of the first gate, shares 0-1: the settings' keys and the suites' parameters have the same names.

    share_rows_min: a share of fewer rows never stops, it warns. rows_grown_times: how much more the newest day's
    delivery may add than any of the six before; additions below rows_grown_min are no growth.

    Raises ValueError where the limit that warns is above the one that stops.
    """

    quarantined_share_warning: Share = 0.05
    quarantined_share_stop: Share = 0.2
    rows_fallen_share: Share = 0.05
    list_missing_share: Share = 1 / 3
    share_rows_min: Count = 50
    rows_grown_times: Times = 3
    rows_grown_min: Count = 20

    def __post_init__(self) -> None:
        if self.quarantined_share_warning > self.quarantined_share_stop:
            raise ValueError("quarantined_share_warning ska inte vara större än quarantined_share_stop")


@dataclass(frozen=True)
class DriftLimits:
    """When the newest day's delivery differs too much from those before it; named as the suites' parameters are.

    column_filled_share, column_gone_share, column_rows_min: an optional column that was filled in so large a share of
    the earlier rows and now in less than so large a share of that, where so many filled cells were to be expected.
    day_times, day_rows_min: rows of a day below or above so many times the usual, where they are so many apart.
    month_share, month_events_min: events of a month below so large a share of the usual number, where that is at least
    so many. season_share, season_floor: a calendar month that in each of the two years before had less than this of a
    usual month is measured against that season, but never against less than the floor of a usual one. new_ids_share,
    new_ids_min: rows alike an older row in all but the id that the source system gave.
    """

    column_filled_share: Share = 0.5
    column_gone_share: Share = 0.1
    column_rows_min: Count = 5
    day_times: Times = 3
    day_rows_min: Count = 25
    month_share: Share = 0.5
    month_events_min: Count = 20
    season_share: Share = 0.7
    season_floor: Share = 0.3
    new_ids_share: Share = 0.2
    new_ids_min: Count = 20


@dataclass(frozen=True)
class Parameters:
    """Days are calendar days.

    tolerance_days: an återbesök this many days after the medical target date is still in time.
    suppression_limit: protected numbers from 1 to one less than this are hidden.
    few_limit: a cell that is judged on a namnare from 1 to one less than this is marked as few (`FEW_MARK`).
    publicera_preliminart: nej leaves rows of level enhet out, for patients, while their period is not complete: what
    one
        more day adds is then not told. skydda_taljare: nej; numerators are not protected (docs/disclosure.md).
    years_before: the grid begins on 1 January this many years before the as-of year.
    agreed_age_days: per source, how old its newest delivery may be.
    engine: what dbt's models are built on; the numbers are the same within 1e-9, not to the last bit.
    thresholds: limits of the first gate.
    drift: limits of the tier drift.
    """

    tolerance_days: int = 0
    suppression_limit: int = 5
    few_limit: int = 20
    publicera_preliminart: str = "ja"
    skydda_taljare: str = "nej"
    years_before: int = 3
    agreed_age_days: dict[str, int] = field(default_factory=lambda: agreed_ages({}))
    thresholds: Thresholds = Thresholds()
    drift: DriftLimits = DriftLimits()
    engine: EngineName = DUCKDB


def agreed_ages(changed: Mapping[str, int]) -> dict[str, int]:
    """Agreed age per source: the contract's, or what the settings say instead."""
    return {source: changed.get(source, c.agreed_age_days) for source, c in load_contracts().items()}


def parameter_row(run_id: str, as_of: date, parameters: Parameters) -> pl.DataFrame:
    """The run table `parameters` (one row): limits of the grid, of the year before it and of r12 that end there."""
    first = as_of.year - parameters.years_before
    return pl.DataFrame(
        {
            "as_of": [as_of],
            "grid_start": [date(first, 1, 1)],
            "comparison_start": [date(first - 1, 1, 1)],
            "first_month": [date(first - 2, 2, 1)],
            "last_month": [date(as_of.year, 12, 1)],
            "tolerance_days": [parameters.tolerance_days],
            "suppression_limit": [parameters.suppression_limit],
            "few_limit": [parameters.few_limit],
            "publish_preliminary": [parameters.publicera_preliminart == "ja"],
            "run_id": [run_id],
        }
    )
