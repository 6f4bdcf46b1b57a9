"""How far an explained cell may be split without giving a hidden cell away: by delivery, by line, by exclusion.

Whoever may read one explanation may read them all, and the published cells too. The rules therefore look at the whole
period of the indicator, never at one cell, and give every cell of a month the same split:

* Files are grouped so that, within every group, no hidden number follows from the shown ones (`month_groups` asks
  `disclosure.system`, which knows all subtractions along level and sex). Zeros count as known.
* A longer period is split no finer than its months, and only where each of its months is shown for the same cell:
  it adds up what the months' explanations show already.
* A month in which another kept release hides other cells is not split: what was delivered before is, by delivery,
  what the earlier release counted.
* Lines are given only where no cell inside the explained one is hidden, in any kept release: the lines that
  two lists share are then a shown cell too, so that lists tell nothing that the published numbers do not.

`docs/explain.md` says why this is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, NOT_APPLICABLE
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.system import build, determined

ADDRESS = ["niva", "verksamhet", "enhet", "kon"]
_LEVELS: tuple[tuple[str, list[str]], ...] = (
    ("omrade", []),
    ("verksamhet", ["verksamhet"]),
    ("enhet", ["verksamhet", "enhet"]),
)


@dataclass(frozen=True)
class Address:
    """One cell's place and sex: verksamhet and enhet are None above their level."""

    verksamhet: str | None
    enhet: str | None
    kon: str

    @property
    def niva(self) -> str:
        return "enhet" if self.enhet else "verksamhet" if self.verksamhet else "omrade"

    def same(self) -> pl.Expr:
        """Published rows of exactly this address."""
        return (
            (pl.col("niva") == self.niva)
            & pl.col("verksamhet").eq_missing(pl.lit(self.verksamhet, pl.String))
            & pl.col("enhet").eq_missing(pl.lit(self.enhet, pl.String))
            & (pl.col("kon") == self.kon)
        )

    def inside(self) -> pl.Expr:
        """Rows (published ones and observations) that belong to this address or to a part of it."""
        wanted = pl.lit(True)
        if self.verksamhet:
            wanted &= pl.col("verksamhet") == self.verksamhet
        if self.enhet:
            wanted &= pl.col("enhet") == self.enhet
        if self.kon != "T":
            wanted &= pl.col("kon") == self.kon
        return wanted

    def excluded(self) -> pl.Expr:
        """Excluded observations of this address; one whose unit had no verksamhet that day is placed by its unit."""
        wanted = pl.lit(True)
        if self.enhet:
            wanted &= (pl.col("enhet") == self.enhet) & (
                pl.col("verksamhet").is_null() | (pl.col("verksamhet") == self.verksamhet)
            )
        elif self.verksamhet:
            wanted &= pl.col("verksamhet") == self.verksamhet
        if self.kon != "T":
            wanted &= pl.col("kon") == self.kon
        return wanted


@dataclass(frozen=True)
class Group:
    """Deliveries (ids) whose observations are counted together; `rest`: put together because single ones are few."""

    deliveries: tuple[str, ...]
    count: int
    rest: bool = False


def counts(observations: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Observations per address (every level, T, K and M) and `by`: columns ADDRESS, `by`, n."""
    base = observations.group_by("verksamhet", "enhet", "kon", *by).agg(pl.len().alias("n"))
    frames = []
    for niva, keys in _LEVELS:
        for kon, wanted in (("T", pl.lit(True)), ("K", pl.col("kon") == "K"), ("M", pl.col("kon") == "M")):
            frame = base.filter(wanted).group_by(*keys, *by).agg(pl.col("n").sum())
            empty = [pl.lit(None, pl.String).alias(k) for k in ("verksamhet", "enhet") if k not in keys]
            frames.append(frame.with_columns(*empty, niva=pl.lit(niva), kon=pl.lit(kon)).select(*ADDRESS, *by, "n"))
    return pl.concat(frames)


def month_groups(
    observations: pl.DataFrame,
    months: pl.DataFrame,
    limit_to: Sequence[date],
    undivided: Collection[date] = (),
    adds_up: bool = True,
) -> dict[date, dict[str, str]] | None:
    """Per month: delivery -> the name of its group (its first member), as fine as no hidden number follows.

    observations: counting ones with `month`, place, `kon`, `delivery`. months: the published cells of type manad of the
    same indicator. undivided: months that are not split. adds_up: the published number is the number of observations;
    all deliveries together then tell nothing new. Where it is not (persons), None when even all together would tell.
    """
    found = observations.group_by("month", "delivery").agg(pl.len().alias("n"))
    groups: dict[date, dict[str, str]] = {m: {} for m in limit_to}
    size: dict[tuple[date, str], int] = {}
    for month, delivery, n in found.sort("month", "delivery").iter_rows():
        group = next(iter(groups[month].values()), delivery) if month in undivided else delivery
        groups[month][delivery] = group
        size[(month, group)] = size.get((month, group), 0) + n
    cells = months.filter(pl.col("period_start").is_in(list(limit_to))).select(
        *ADDRESS, month="period_start", hidden=pl.col("status") == HIDDEN
    )
    with_hidden = set(cells.filter("hidden")["month"])
    by_delivery = counts(observations.filter(pl.col("month").is_in(list(with_hidden))), ["month", "delivery"])
    unsettled = {m for m in with_hidden if groups[m]}
    while unsettled:
        unsafe = _unsafe_groups(cells, by_delivery, {m: groups[m] for m in unsettled})
        unsettled = set()
        for month, names in unsafe.items():
            if len(set(groups[month].values())) == 1:
                if not adds_up:
                    return None
                continue
            unsettled.add(month)
            others = sorted(set(groups[month].values()) - names, key=lambda g: (size[(month, g)], g))
            if len(names) == 1:
                names = names | {others[0]}
            first = min(names)
            size[(month, first)] = sum(size[(month, g)] for g in names)
            groups[month] = {d: first if g in names else g for d, g in groups[month].items()}
    return groups


def _unsafe_groups(
    cells: pl.DataFrame, by_delivery: pl.DataFrame, groups: dict[date, dict[str, str]]
) -> dict[date, set[str]]:
    """Per month the groups within which a hidden number follows from the shown ones."""
    names = pl.DataFrame(
        [(m, d, g) for m, of in groups.items() for d, g in of.items()],
        schema={"month": pl.Date, "delivery": pl.String, "group": pl.String},
        orient="row",
    )
    by_group = (
        by_delivery.join(names, on=["month", "delivery"]).group_by(*ADDRESS, "month", "group").agg(pl.col("n").sum())
    )
    pairs = (
        cells.join(names.select("month", "group").unique(), on="month")
        .join(by_group, on=[*ADDRESS, "month", "group"], how="left", nulls_equal=True)
        .select(
            *ADDRESS,
            "hidden",
            indicator_id=pl.lit(""),
            period_typ="group",
            period_start="month",
            protected_number=pl.col("n").fill_null(0).cast(pl.Float64),
            stock=pl.lit(False),
            virtual=pl.lit(False),
        )
    )
    # A small part of a shown cell is nothing to protect here, only what is hidden in the release.
    unsafe = pairs[determined(build(pairs), pairs["hidden"].to_numpy())]
    found: dict[date, set[str]] = {}
    for month, group in unsafe.select("period_start", "period_typ").unique().iter_rows():
        found.setdefault(month, set()).add(group)
    return found


def joined(groups: dict[date, dict[str, str]]) -> dict[str, str]:
    """The finest split that splits no month finer than its own: delivery -> name of its group."""
    parent: dict[str, str] = {}

    def root(delivery: str) -> str:
        while parent.setdefault(delivery, delivery) != delivery:
            delivery = parent[delivery]
        return delivery

    for of in groups.values():
        for delivery, group in of.items():
            a, b = sorted((root(delivery), root(group)))
            parent[b] = a
    return {delivery: root(delivery) for delivery in parent}


def file_groups(own: pl.DataFrame, names: dict[str, str], limit: int) -> list[Group]:
    """The explained cell's observations by group of deliveries; groups of 1 to limit-1 are put together.

    Put together they must be `limit` at least, and more than one group: otherwise the next smallest goes with them.
    """
    # All deliveries of a group are named, also those that hold nothing of this cell: which ones do is what it hides.
    members: dict[str, list[str]] = {}
    for delivery, group in sorted(names.items()):
        members.setdefault(group, []).append(delivery)
    size: dict[str, int] = {}
    for delivery, n in own.group_by("delivery").agg(pl.len()).iter_rows():
        size[names[delivery]] = size.get(names[delivery], 0) + n
    ordered = sorted(size, key=lambda g: (size[g], g))
    small = sum(size[g] < limit for g in ordered)
    if small:
        while small < len(ordered) and (small < 2 or sum(size[g] for g in ordered[:small]) < limit):
            small += 1
    whole = [Group(tuple(members[g]), size[g]) for g in ordered[small:]]
    rest = ordered[:small]
    if rest:
        whole.append(Group(tuple(sorted(d for g in rest for d in members[g])), sum(size[g] for g in rest), rest=True))
    return sorted(whole, key=lambda g: (g.rest, g.deliveries))


def masked_exclusions(excluded: pl.DataFrame, rows: pl.DataFrame, address: Address, limit: int) -> dict[str, str]:
    """Per reason of the cell's excluded observations: `exact`, `few` (1 to limit-1) or `several` (limit or more).

    excluded: the period's excluded observations at every place, with `reason`; rows: the published cells of the period.
    What is few at any place is protected along levels and sexes like a published number; a reason that is the only
    one kept back in its cell takes the next smallest with it.
    """
    own = dict(excluded.filter(address.excluded()).group_by("reason").agg(pl.len()).sort("reason").iter_rows())
    cells = (
        rows.select(*ADDRESS, hidden=pl.col("status").is_in([HIDDEN, NOT_APPLICABLE]))
        .join(pl.DataFrame({"reason": sorted(own)}, schema={"reason": pl.String}), how="cross")
        .join(counts(excluded, ["reason"]), on=[*ADDRESS, "reason"], how="left", nulls_equal=True)
        .select(
            *ADDRESS,
            "hidden",
            indicator_id=pl.lit(""),
            period_typ="reason",
            period_start=pl.lit(date(1, 1, 1)),
            protected_number=pl.col("n").fill_null(0).cast(pl.Float64),
        )
    )
    kept_back = set(hidden_cells(cells, limit, hidden_already=True).filter(address.same())["period_typ"])
    masks = {reason: "few" if n < limit else "several" if reason in kept_back else "exact" for reason, n in own.items()}
    exact = sorted((s for s, m in masks.items() if m == "exact"), key=lambda s: (own[s], s))
    if len(masks) - len(exact) == 1 and exact:
        masks[exact[0]] = "several"
    return masks
