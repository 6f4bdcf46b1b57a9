"""What may be told of observations about patients, beside the published cell (docs/explain.md says why).

Whoever reads one explanation may read them all, and the published cells of every kept release.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dagster_project.catalogue.periods import months_of
from dagster_project.catalogue.vocabulary import COVERAGE, HIDDEN, RESULT_TABLE
from dagster_project.disclosure.split import ADDRESS, Group, file_groups, joined, masked_exclusions, month_groups
from dagster_project.products.explain.calculation import COUNTS, Observations, observations
from dagster_project.products.explain.cell import Cell, Context, monthly
from dagster_project.products.explain.model import Definition, Exclusion
from dagster_project.releases.evidence import find, same_cells_key
from dagster_project.releases.store import kept_table, release_ids
from dagster_project.releases.tables import INDICATOR_TABLE

_NOT_SPLIT = "Fördelningen på leveranser visas inte: "
_NOT_LISTED = "Rader visas inte: "


@dataclass(frozen=True)
class Split:
    """The cell's observations by group of deliveries, or why they are not told (`note`).

    cells: the published cells of its months, and those that another kept release hides or shows otherwise.
    """

    cells: pl.DataFrame
    groups: list[Group] | None = None
    note: str | None = None


def exclusions(context: Context, seen: Observations) -> tuple[tuple[Exclusion, ...], str | None]:
    """How many observations do not count, by reason, as far as that may be told; or why it is not told."""
    if _completes_another(context, seen):
        return (
            (),
            "Antalet uteslutna visas inte: en annan indikator som delar dessa observationer har ett dolt tal här.",
        )
    cell, limit = context.cell, context.limit
    masks = masked_exclusions(seen.excluded, cell.place, cell.address, limit)
    number = dict(seen.own_excluded.group_by("reason").len().iter_rows())
    return tuple(
        Exclusion(reason, number[reason] if mask == "exact" else None, limit if mask == "several" else None)
        for reason, mask in sorted(masks.items())
    ), None


def _completes_another(context: Context, seen: Observations) -> bool:
    """Whether another indicator about patients that shares observations with this cell is hidden at its address.

    Counted plus excluded here can be what another indicator counts: its hidden number would follow.
    """
    cell, mine = context.cell, set(context.cell.indicator.sources)
    catalogue = map(Definition.of, cell.release.table(INDICATOR_TABLE).filter("patient").iter_rows(named=True))
    others = [i for i in catalogue if i.id != cell.indicator.id and mine & set(i.sources)]
    hidden_here = (pl.col("status") == HIDDEN) & cell.period.same() & cell.address.same()
    hidden = cell.release.scan(RESULT_TABLE).filter(hidden_here).select("indicator_id").collect()["indicator_id"]
    own = pl.concat([seen.own, seen.own_excluded], how="diagonal")
    for other in others:
        if other.id in hidden:
            months = months_of(cell.period.start, cell.period.end, other.stock)
            theirs = observations(find(context.data, cell.release.manifest, other.id), months)
            theirs = theirs.filter(COUNTS & cell.address.inside())
            if own.join(theirs, on=["delivery", "line"], how="semi").height:
                return True
    return False


def split(context: Context, seen: Observations) -> Split:
    """The cell's observations by delivery, as fine as no hidden number follows from it."""
    cell = context.cell
    elsewhere = _hidden_elsewhere(context)
    cells = pl.concat([_cells(cell.monthly), elsewhere])
    if not set(cell.months) <= set(cell.monthly["period_start"]):
        return Split(cells, note=f"{_NOT_SPLIT}perioden har månader som inte är publicerade.")
    if (cell.monthly.filter(cell.address.same())["status"] == HIDDEN).any():
        return Split(cells, note=f"{_NOT_SPLIT}en månad i perioden är dold och kunde räknas ut ur den.")
    by_month = month_groups(
        seen.counting,
        cell.monthly,
        cell.months,
        set(elsewhere["period_start"]),
        adds_up=cell.indicator.kind != COVERAGE,
    )
    if by_month is None:
        return Split(cells, note=f"{_NOT_SPLIT}ett dolt tal kunde räknas ut ur den.")
    return Split(cells, file_groups(seen.own, joined(by_month), context.limit))


def listed(context: Context, split: Split) -> tuple[list[str] | None, str | None]:
    """The deliveries (ids) whose lines may be told: those that stand alone; and why not all are, or none."""
    if split.groups is None:
        return None, (split.note or "").replace(_NOT_SPLIT, _NOT_LISTED)
    if (split.cells.filter(context.cell.address.inside())["status"] == HIDDEN).any():
        return None, f"{_NOT_LISTED}en del av cellen (enhet, kön eller månad) är dold."
    alone = [g.deliveries[0] for g in split.groups if len(g.deliveries) == 1 and not g.rest]
    left_out = len(alone) < len(split.groups)
    return alone, "Rader i leveranser som räknas tillsammans visas inte." if left_out else None


def nothing_hidden_inside(cell: Cell) -> bool:
    """Whether every month is published, and no cell of these months at the address or in a part of it is hidden."""
    published = set(cell.months) <= set(cell.monthly["period_start"])
    return published and not (cell.monthly.filter(cell.address.inside())["status"] == HIDDEN).any()


def _cells(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("period_start", *ADDRESS, "status")


def _hidden_elsewhere(context: Context) -> pl.DataFrame:
    """Cells of these months that are hidden in another kept release and shown here, or the other way round.

    All with status dold, so that they count as hidden. Releases made from the same observations are looked at once.
    """
    data, cell = context.data, context.cell
    months = cell.monthly["period_start"].unique()
    here = _cells(cell.monthly).filter(pl.col("status") == HIDDEN)
    different = [here.clear()]
    seen = {same_cells_key(data, cell.release.id, cell.indicator.id)}
    for name in release_ids(data):
        key = same_cells_key(data, name, cell.indicator.id)
        if key in seen or name == cell.release.id:
            continue
        seen.add(key)
        rows = monthly(kept_table(data, name, RESULT_TABLE, cell.indicator.id), months.to_list())
        there = _cells(rows).filter(pl.col("status") == HIDDEN)
        both = here.filter(pl.col("period_start").is_in(rows["period_start"].unique().implode()))
        on = ["period_start", *ADDRESS]
        different += [
            there.join(here, on=on, how="anti", nulls_equal=True),
            both.join(there, on=on, how="anti", nulls_equal=True),
        ]
    return pl.concat(different).unique()
