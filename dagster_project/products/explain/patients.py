"""What may be told of observations about patients, beside the published cell: the rules of `disclosure.split`.

Whoever reads one explanation may read them all, and the published cells of every kept release.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.catalogue.vocabulary import ALL_SEXES, DISTINCT_PATHS, HIDDEN, MONTH, NOT_APPLICABLE, RESULT_TABLE
from dagster_project.disclosure.split import (
    ADDRESS,
    UNDATED,
    Group,
    Kin,
    Months,
    exclusions_told,
    file_groups,
    kin,
    months_told,
)
from dagster_project.products.explain.calculation import COUNTS, Observations, all_observations
from dagster_project.products.explain.cell import Cell, Context
from dagster_project.products.explain.model import Definition, Exclusion
from dagster_project.releases.evidence import find, reading, same_cells_key
from dagster_project.releases.store import kept_table, release_ids
from dagster_project.releases.tables import INDICATOR_TABLE

_NOT_SPLIT = "Fördelningen på leveranser visas inte"
_NOT_LISTED = "Rader visas inte"
_HIDDEN_INSIDE = (
    ", för något inom cellen (en enhet, ett kön eller en månad) är dolt, här eller i en annan sparad utgåva, och kunde "
    "räknas ut."
)
_NOT_PUBLISHED = ", för perioden har månader som inte är publicerade."


@dataclass(frozen=True)
class Basis:
    """What is asked of a cell before its observations are told.

    kin: the indicators that share its observations. asked: the cell's months, but for those that have not come: they
    have no rows and hold nothing. months: what is hidden of its months, in this or any kept release,
    for any of the kin. moved: months of which an older kept release hides other cells than this one. deliveries: month
    -> the deliveries that hold something of it, of any of the kin at any place.
    """

    kin: Kin
    asked: frozenset[date]
    months: Months
    moved: frozenset[date]
    deliveries: dict[date, frozenset[str]]

    def tree(self, cell: Cell) -> frozenset[date]:
        """The months in which the cell is one of sets that lie in one another."""
        nested = self.kin.nested and cell.address.kon == ALL_SEXES
        return self.months.shown - self.moved if nested else frozenset()


@dataclass(frozen=True)
class Split:
    """The cell's observations by delivery, or why they are not told (`note`)."""

    groups: list[Group] | None = None
    note: str | None = None


def basis(context: Context) -> Basis:
    """Raises ResultattavlaError when the evidence of an indicator that may share observations is gone."""
    cell = context.cell
    data, manifest, asked = context.data, cell.release.manifest, cell.indicator.id
    catalogue = [
        Definition.of(row, reading(data, cell.release.id, row["indicator_id"]))
        for row in cell.release.table(INDICATOR_TABLE).filter("patient").iter_rows(named=True)
    ]
    near = [i for i in catalogue if set(i.sources) & set(cell.indicator.sources)]
    observations = {i.id: all_observations(find(data, manifest, i.id, asked)) for i in near}
    found = kin(cell.indicator.id, observations, [i.id for i in near if i.path in DISTINCT_PATHS])
    hidden, moved = _hidden_in_any(context, found.members)
    return basis_of(cell, found, observations, hidden, moved)


def basis_of(
    cell: Cell,
    found: Kin,
    observations: Mapping[str, pl.DataFrame],
    hidden: pl.DataFrame,
    moved: frozenset[date] = frozenset(),
) -> Basis:
    """observations: by indicator. hidden: cells of type manad that are hidden anywhere (period_start, ADDRESS)."""
    deliveries: dict[date, set[str]] = {}
    for member in found.members:
        counting = observations[member].filter(COUNTS, pl.col("month").is_in(cell.months))
        for month, delivery in counting.select("month", "delivery").unique().iter_rows():
            deliveries.setdefault(month, set()).add(delivery)
    newest = max(cell.rows.filter(pl.col("period_typ") == MONTH)["period_start"].to_list(), default=date.max)
    return Basis(
        found,
        frozenset(m for m in cell.months if m in deliveries or m <= newest),
        months_told(hidden, set(cell.monthly["period_start"]), cell.address, cell.months),
        moved,
        {month: frozenset(of) for month, of in deliveries.items()},
    )


def exclusions(context: Context, seen: Observations, given: Basis) -> tuple[Exclusion, ...]:
    """How many observations do not count, by reason, as far as that may be told."""
    cell, linked = context.cell, given.kin.linked
    excluded = seen.excluded.with_columns(pl.col("month").fill_null(UNDATED))
    here = cell.monthly.select(
        *ADDRESS, month="period_start", left_out=pl.col("status").is_in([HIDDEN, NOT_APPLICABLE])
    )
    # What has no date is the same in every period: told of all places that there ever were.
    undated = cell.rows.select(*ADDRESS).unique().with_columns(month=pl.lit(UNDATED), left_out=pl.lit(False))
    found = exclusions_told(excluded, pl.concat([here, undated]), cell.address, context.limit)
    shown = [UNDATED, *here.filter(~pl.col("left_out") & cell.address.same())["month"]]
    # Where another indicator counts them, they are the difference between two numbers: even that there are some is told
    # only where both are.
    both = given.months.known | given.tree(cell)
    of_another = pl.col("reason").is_in(list(linked)) & ~pl.col("month").is_in(list(both))
    found = found.with_columns(pl.col("told") & pl.col("month").is_in(shown) & ~of_another)
    numbers = found.group_by("reason").agg(pl.col("told").all(), n=pl.col("n").filter("told").sum())
    whole_period = given.asked <= both
    told = {reason: Exclusion(reason, None) for reason in linked if not whole_period}
    for reason, whole, n in numbers.iter_rows():
        exact = whole and (whole_period or reason not in linked)
        told[reason] = Exclusion(reason, n) if exact else Exclusion(reason, None, n or None)
    return tuple(told[reason] for reason in sorted(told))


def split(context: Context, seen: Observations, given: Basis) -> Split:
    """The cell's observations by delivery, as far as no hidden number follows from it."""
    cell, own = context.cell, seen.own
    if own.height == 0 or _from_one(cell, own, given, cell.months):
        return Split(file_groups(own, context.limit))
    one = {m for m in given.months.shown if _from_one(cell, own.filter(pl.col("month") == m), given, [m])}
    if given.asked <= given.months.known | given.tree(cell) | one:
        return Split(file_groups(own, context.limit))
    if not given.asked <= set(cell.monthly["period_start"]):
        return Split(note=_NOT_SPLIT + _NOT_PUBLISHED)
    return Split(note=_NOT_SPLIT + _HIDDEN_INSIDE)


def _from_one(cell: Cell, own: pl.DataFrame, given: Basis, months: Collection[date]) -> bool:
    """Whether everything that these months hold anywhere is from one delivery, and the cell's (`own`) add up.

    Not where an older kept release hides other cells of a month: that delivery may be all that it counted.
    """
    deliveries = frozenset().union(*(given.deliveries.get(m, frozenset()) for m in months))
    adds_up = cell.indicator.path not in DISTINCT_PATHS or own["person"].n_unique() == own.height
    return len(deliveries) <= 1 and adds_up and not set(months) & given.moved


def listed(context: Context, found: Split, given: Basis) -> tuple[list[str] | None, str | None]:
    """The deliveries (ids) whose lines may be told: those that stand alone; and why not all are, or none."""
    if found.groups is None:
        return None, (found.note or "").replace(_NOT_SPLIT, _NOT_LISTED)
    if not nothing_hidden_inside(given):
        return None, _NOT_LISTED + _HIDDEN_INSIDE
    alone = [g.deliveries[0] for g in found.groups if not g.rest]
    left_out = len(alone) < len(found.groups)
    return alone, "Rader i leveranser som räknas tillsammans visas inte." if left_out else None


def nothing_hidden_inside(given: Basis) -> bool:
    """Whether every month is published, and no cell of these months at the address or in a part of it is hidden."""
    return given.asked <= given.months.known


def _hidden_in_any(context: Context, members: Collection[str]) -> tuple[pl.DataFrame, frozenset[date]]:
    """Cells of the cell's months that this or another kept release hides (period_start, ADDRESS), of these indicators;
    and the months that an older one hides otherwise: what today's earlier deliveries hold is what that one counted.

    Releases that hide the same cells are looked at once.
    """
    data, cell = context.data, context.cell
    on = ["period_start", *ADDRESS]
    found, moved = [cell.rows.select(on).clear()], set[date]()
    names = release_ids(data)
    older = names[: names.index(cell.release.id)]
    for member in members:
        here = _months(kept_table(data, cell.release.id, RESULT_TABLE, member), cell.months)
        hidden = here.filter("hidden").select(on)
        found.append(hidden)
        seen = {same_cells_key(data, cell.release.id, member)}
        for name in names:
            key = same_cells_key(data, name, member)
            if key in seen or name == cell.release.id:
                continue
            seen.add(key)
            there = _months(kept_table(data, name, RESULT_TABLE, member), cell.months)
            in_both = pl.col("period_start").is_in(there["period_start"].unique().implode())
            found.append(there.filter("hidden").select(on))
            if name not in older:
                continue
            for one, other in ((found[-1], hidden), (hidden.filter(in_both), found[-1])):
                moved |= set(one.join(other, on=on, how="anti", nulls_equal=True)["period_start"])
    return pl.concat(found).unique(), frozenset(moved)


def _months(rows: pl.DataFrame, months: Collection[date]) -> pl.DataFrame:
    return rows.filter((pl.col("period_typ") == MONTH) & pl.col("period_start").is_in(list(months))).select(
        "period_start", *ADDRESS, hidden=pl.col("status") == HIDDEN
    )
