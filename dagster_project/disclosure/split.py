"""How far the observations of a shown cell may be told: by delivery, by line, by reason of exclusion.

Whoever may read one explanation may read them all, and the published cells of every kept release. So what is told
must leave every answer that the release itself leaves (`docs/disclosure.md` has the proof):

* `known` months of a cell: every cell inside it (a unit, a sex) is shown. What is told of it divides known numbers.
* Months whose observations all come from one delivery, at every place: naming it tells the published number only.
* T of a unit, of its verksamhet, of the area: sets of which one lies in the other or apart. Whatever the hidden numbers
  inside are, deliveries can be dealt out to them.

All of it is asked of an indicator together with those that share observations with it (`kin`), and a longer period is
told where each of its months is: it is their sum.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.system import CELL

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
    """A delivery (id) and its observations; `rest`: several together because single ones are few."""

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


@dataclass(frozen=True)
class Kin:
    """Indicators that share observations with one (itself too).

    nested: they count the same observations, or one a part of the other's, each at the same place; then T may be told
    at every level. linked: the one's reasons of exclusion whose observations another counts.
    """

    members: tuple[str, ...]
    nested: bool
    linked: frozenset[str] = frozenset()


_ROW = ["delivery", "line"]
_PLACED = [*_ROW, "month", "verksamhet", "enhet", "kon"]


def kin(of: str, observations: Mapping[str, pl.DataFrame], persons: Collection[str] = ()) -> Kin:
    """The kin of an indicator.

    observations: by indicator, all of them, also excluded ones: _PLACED, exclusion. persons: indicators that count
    persons, who do not add up.
    """
    counted = {i: o.filter(pl.col("exclusion").is_null()) for i, o in observations.items()}
    members = [of]
    for one in members:
        members += [
            other
            for other in sorted(observations)
            if other not in members
            and (_shared(observations[one], counted[other]) or _shared(counted[one], observations[other]))
        ]
    different: list[pl.DataFrame] = []
    for rows in (counted[m].select(_PLACED).unique() for m in members):
        if not any(rows.height == d.height and _within(rows, d) for d in different):
            different.append(rows)
    different.sort(key=lambda rows: rows.height)
    nested = (
        not set(members) & set(persons)
        and (len(different) == 1 or (len(different) == 2 and _within(*different)))
        and all(
            _shared(observations[one], counted[other]) == _shared(observations[one], counted[other], _PLACED)
            for one in members
            for other in members
        )
    )
    excluded = observations[of].filter(pl.col("exclusion").is_not_null())
    linked = {
        reason
        for other in members
        if other != of
        for reason in excluded.join(counted[other], on=_ROW, how="semi")["exclusion"].unique()
    }
    return Kin(tuple(sorted(members)), nested, frozenset(linked))


def _shared(rows: pl.DataFrame, others: pl.DataFrame, by: Sequence[str] = _ROW) -> int:
    return rows.join(others, on=list(by), how="semi", nulls_equal=True).height


def _within(rows: pl.DataFrame, whole: pl.DataFrame) -> bool:
    return rows.join(whole, on=_PLACED, how="anti", nulls_equal=True).height == 0


@dataclass(frozen=True)
class Months:
    """The months of a cell: `shown` at its address, and of them `known` (nothing inside is hidden either)."""

    shown: frozenset[date]
    known: frozenset[date]


def months_told(hidden: pl.DataFrame, published: Collection[date], address: Address, months: Sequence[date]) -> Months:
    """hidden: cells of type manad (period_start, ADDRESS) of the kin that this or another kept release hides.
    published: the months that the release has.
    """
    there = set(months) & set(published)
    return Months(
        frozenset(there - set(hidden.filter(address.same())["period_start"])),
        frozenset(there - set(hidden.filter(address.inside())["period_start"])),
    )


def file_groups(own: pl.DataFrame, limit: int) -> list[Group]:
    """The explained cell's observations by delivery; deliveries of 1 to limit-1 are put together.

    Put together they must be `limit` at least, and more than one: otherwise the next smallest goes with them.
    """
    size = dict(own.group_by("delivery").len().iter_rows())
    ordered = sorted(size, key=lambda d: (size[d], d))
    small = sum(size[d] < limit for d in ordered)
    if small:
        while small < len(ordered) and (small < 2 or sum(size[d] for d in ordered[:small]) < limit):
            small += 1
    whole = [Group((d,), size[d]) for d in sorted(ordered[small:])]
    if rest := ordered[:small]:
        whole.append(Group(tuple(sorted(rest)), sum(size[d] for d in rest), rest=True))
    return whole


UNDATED = date(1, 1, 1)
"""The month of observations without a date: a time of its own."""


def exclusions_told(excluded: pl.DataFrame, places: pl.DataFrame, address: Address, limit: int) -> pl.DataFrame:
    """The excluded observations of an address by reason and month: columns reason, month, n, told (bool).

    excluded: at every place, with `reason` and `month` (UNDATED where it has none). places: the addresses of every such
    month (ADDRESS, month, left_out: what is not told there anyway). Every month is protected for itself along levels
    and sexes like published numbers, whichever address is asked for; a month that is not told holds 1 or more.
    """
    on = ["month", "reason"]
    # Observations of a unit that had no verksamhet that day belong to no sum but the area's: that alone is told.
    apart = excluded.filter(pl.col("verksamhet").is_null()).select(on).unique()
    placed = excluded.join(apart, on=on, how="anti")
    cells = (
        places.join(placed.select(on).unique(), on="month")
        .join(counts(placed, on), on=[*ADDRESS, *on], how="left", nulls_equal=True)
        .select(
            *ADDRESS,
            "left_out",
            indicator_id="reason",
            period_typ=pl.lit("för sig"),
            period_start="month",
            protected_number=pl.col("n").fill_null(0).cast(pl.Float64),
        )
    )
    kept_back = hidden_cells(cells, limit).select(CELL)
    untold = pl.concat([kept_back, cells.filter("left_out").select(CELL)]).filter(address.same())
    untold = untold.select(month="period_start", reason="indicator_id").unique().with_columns(kept_back=True)
    whole = address.niva == "omrade" and address.kon == "T"
    return (
        excluded.filter(address.excluded())
        .group_by(on)
        .agg(pl.len().alias("n"))
        .join(untold, on=on, how="left")
        .join(apart.with_columns(apart=True), on=on, how="left")
        .select(
            "reason",
            "month",
            "n",
            told=pl.when("apart").then(pl.lit(whole) & (pl.col("n") >= limit)).otherwise(pl.col("kept_back").is_null()),
        )
        .sort(on)
    )
