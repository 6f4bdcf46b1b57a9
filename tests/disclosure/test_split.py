"""What explanations tell by delivery, by line and by reason, attacked by a reader who has all of them and the release.

The reader solves everything together: all cells of all months, levels, sexes and period types, with whole numbers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from dagster_project.catalogue.vocabulary import ADDS_UP, HIDDEN
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.split import ADDRESS, UNDATED, Address, exclusions_told, file_groups, kin
from dagster_project.disclosure.system import CELL
from dagster_project.products.explain import patients
from dagster_project.products.explain.calculation import Observations
from dagster_project.products.explain.cell import Cell, Context
from dagster_project.products.explain.model import Definition, Period
from tests.disclosure.attack import LENGTH, PRIMES, _solve
from tests.disclosure.organisations import cells, day, some

LIMIT, MONTHS = 5, 8
Atom = tuple[str, str, str, int]
"""verksamhet, unit, sex, month."""
Part = tuple[str, int]
"""What of an atom: an indicator or a reason (`p` counts in both indicators), and the delivery."""
World = dict[tuple[Atom, Part], int]
PARTS = {"p": ("p",), "w": ("p", "reason a", "reason b")}
"""Indicator -> the kinds of observations that it counts. What w counts and p does not, p excludes with a reason."""


def world(seed: int, alone: float = 0.4) -> World:
    """A small organisation: months that come in one delivery (a share `alone` of them) and months that come in three;
    a reason and a correction now and then.
    """
    chance = random.Random(seed)
    held: World = defaultdict(int)
    together = {m for m in range(MONTHS) if chance.random() < alone}
    for (verksamhet, unit, kon, month), n in some(seed, months=MONTHS, means=(0.6, 2, 5, 9, 20)).items():
        for _ in range(n):
            late = 0 if month in together else chance.choices((0, 1, 2), (12, 3, 1))[0]
            kind = chance.choices(("p", "reason a", "reason b"), (16, 3, 1))[0]
            held[(verksamhet, unit, kon, month), (kind, month + late)] += 1
    return dict(held)


def observations(held: World, indicator: str) -> pl.DataFrame:
    """The observations of an indicator as evidence keeps them."""
    rows, line = [], 0
    for ((verksamhet, unit, kon, month), (kind, delivery)), n in sorted(held.items()):
        reason = None if kind in PARTS[indicator] else kind
        for _ in range(n):
            line += 1
            rows.append((day(month), verksamhet, unit, kon, str(delivery), line, reason))
    names = ["month", "verksamhet", "enhet", "kon", "delivery", "line", "exclusion"]
    schema: Any = dict.fromkeys(names, pl.String) | {"month": pl.Date, "line": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(person=pl.lit(None, pl.Int64))


def release(held: World, pair: bool) -> pl.DataFrame:
    """Published rows of the indicators: every cell with its number, what is hidden and what may be known of it."""
    frames = []
    for indicator in PARTS if pair else ["w"]:
        numbers: dict[Atom, int] = defaultdict(int)
        for (atom, (kind, _)), n in held.items():
            numbers[atom] += n * (kind in PARTS[indicator])
        frames.append(cells(numbers, MONTHS, indicator=indicator))
    truth = pl.concat(frames)
    return (
        truth.join(hidden_cells(truth, LIMIT), on=CELL, how="left", nulls_equal=True)
        .with_columns(
            status=pl.when("hidden").then(pl.lit(HIDDEN)).otherwise(pl.lit("inget_mal")),
            period_slut=pl.col("period_start").dt.offset_by(
                pl.col("period_typ").replace_strict({t: f"{n}mo" for t, n in LENGTH.items()})
            ).dt.offset_by("-1d"),
        )
        .filter(pl.col("period_slut") <= day(MONTHS).replace(day=1))
    )  # fmt: skip


def meaning(indicator: str) -> Definition:
    return Definition(
        indicator, "1", "", "", None, None, "antal", False, True, ("s",), (), None, None, ADDS_UP, None, None
    )


Told = list[tuple[list[tuple[Atom, Part]], int, bool]]
"""Sums of unknowns, their number, and whether it is exact or the least."""


class Reader:
    """Whoever asks for every explanation of a release, and knows the release."""

    def __init__(self, held: World, pair: bool) -> None:
        self.held, self.rows = held, release(held, pair)
        indicators = sorted(set(self.rows["indicator_id"]))
        self.observations = {i: observations(held, i) for i in indicators}
        atoms = {a for a, _ in held}
        every = [(v, u, kon, m) for v, u in {a[:2] for a in atoms} for kon in "KMO" for m in range(MONTHS)]
        # A delivery comes in the month or later; which of them hold something is not known.
        self.unknowns = [(a, (k, d)) for a in sorted(every) for k in PARTS["w"] for d in range(a[3], a[3] + 3)]
        self.at = {u: i for i, u in enumerate(self.unknowns)}

    def sum_of(self, row: dict[str, Any], kinds: Sequence[str], deliveries: Sequence[int] | None = None) -> list:
        first = (row["period_start"].year - day(0).year) * 12 + row["period_start"].month - 1
        span = range(first, first + LENGTH[row["period_typ"]])
        address = Address(row["verksamhet"], row["enhet"], row["kon"])
        return [
            (a, part)
            for a, part in self.unknowns
            if a[3] in span
            and part[0] in kinds
            and (deliveries is None or part[1] in deliveries)
            and address.verksamhet in (None, a[0])
            and address.enhet in (None, a[1])
            and address.kon in ("T", a[2])
        ]

    def known(self) -> Told:
        """What the release shows; what it hides is 1 at least."""
        return [
            (self.sum_of(r, PARTS[r["indicator_id"]]), 1 if r["hidden"] else r["protected_number"], not r["hidden"])
            for r in self.rows.iter_rows(named=True)
        ]

    def explanations(self) -> Iterator[tuple[dict[str, Any], Told]]:
        """Per shown cell what its explanation tells."""
        hidden = self.rows.filter("hidden", pl.col("period_typ") == "manad").select("period_start", *ADDRESS).unique()
        kins = {i: kin(i, self.observations) for i in self.observations}
        lists: dict[int, list[Any]] = defaultdict(list)
        for r in self.rows.filter(pl.col("hidden").is_null()).iter_rows(named=True):
            address = Address(r["verksamhet"], r["enhet"], r["kon"])
            indicator = r["indicator_id"]
            rows = self.rows.filter(pl.col("indicator_id") == indicator)
            period = Period(r["period_typ"], r["period_start"], r["period_slut"])
            fake = SimpleNamespace(manifest=SimpleNamespace(suppression_limit=LIMIT), origin=None)
            fake.origin = fake.manifest
            cell = Cell(cast(Any, fake), meaning(indicator), address, period, rows, r)
            context = Context(cast(Any, None), cell, cast(Any, fake))
            given = patients.basis_of(cell, kins[indicator], self.observations, hidden)
            inside = (
                self.observations[indicator]
                .filter(pl.col("month").is_in(cell.months))
                .with_columns(reason="exclusion", event_date="month")
            )
            counting, excluded = (inside.filter(pl.col("exclusion").is_null() == c) for c in (True, False))
            seen = Observations(
                counting, excluded, counting.filter(address.inside()), excluded.filter(address.excluded())
            )
            found = patients.split(context, seen, given)
            told: Told = []
            if found.groups is not None:
                listed = {d for g in found.groups for d in g.deliveries}
                told += [
                    (self.sum_of(r, PARTS[indicator], [int(d) for d in g.deliveries]), g.count, True)
                    for g in found.groups
                ]
                others = [d for d in range(MONTHS + 3) if str(d) not in listed]
                told.append((self.sum_of(r, PARTS[indicator], others), 0, True))
            lines, _ = patients.listed(context, found, given)
            for delivery in lines or ():
                for unknown in self.sum_of(r, PARTS[indicator], [int(delivery)]):
                    lists[self.at[unknown]].append((indicator, delivery, r["period_typ"], r["period_start"], address))
            for e in patients.exclusions(context, seen, given):
                some = given.kin.linked.isdisjoint([e.reason]) or set(cell.months) <= given.months.known
                least = e.count if e.count is not None else e.at_least or int(some)
                told.append((self.sum_of(r, [e.reason]), least, e.count is not None))
            yield r, told
        # Observations that stand in the same lists cannot be told apart, those in different ones can.
        alike: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for i, of in lists.items():
            alike[tuple(of)].append(self.unknowns[i])
        yield {}, [(members, sum(self.held.get(u, 0) for u in members), True) for members in alike.values()]

    def ranges(self, told: Told, wanted: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
        """The least and the greatest whole number that hidden cells can have."""
        matrix = np.zeros((len(told), len(self.unknowns)))
        for i, (of, _, _) in enumerate(told):
            matrix[i, [self.at[u] for u in of]] = 1
        least = np.array([n for _, n, _ in told], float)
        most = np.array([n if exact else np.inf for _, n, exact in told])
        rules = LinearConstraint(csr_array(matrix), least, most)
        found = []
        for row in wanted:
            aim = np.zeros(len(self.unknowns))
            aim[[self.at[u] for u in self.sum_of(row, PARTS[row["indicator_id"]])]] = 1
            ends = []
            for sign in (1, -1):
                answer = milp(
                    sign * aim, constraints=rules, integrality=np.ones(len(aim)), bounds=Bounds(0, 200),
                    options={"time_limit": 20},
                )  # fmt: skip
                assert answer.success, answer.message
                ends.append(round(sign * answer.fun))
            found.append((ends[0], ends[1]))
        return found

    def computable(self, told: Told) -> list[dict[str, Any]]:
        """Hidden cells that follow from exact sums, by elimination."""
        wanted = list(self.rows.filter("hidden").iter_rows(named=True))
        equations = [({("x", "enhet", self.at[u]): 1 for u in of}, n) for of, n, exact in told if exact and of]
        vectors = [{("x", "enhet", self.at[u]): 1 for u in self.sum_of(r, PARTS[r["indicator_id"]])} for r in wanted]
        said = _solve(cast(Any, equations), cast(Any, vectors), PRIMES[0])
        return [r for r, n in zip(wanted, said, strict=True) if n is not None]


@pytest.mark.parametrize(("seed", "pair"), [(s, s % 2 == 0) for s in range(4)])
def test_no_hidden_number_follows_from_all_explanations(seed: int, pair: bool) -> None:
    """Of all cells, months, period types, levels and sexes together."""
    reader = Reader(world(seed), pair)
    explained = list(reader.explanations())
    told = [t for _, of in explained for t in of]
    assert reader.computable([*reader.known(), *told]) == []


@pytest.mark.parametrize(("seed", "pair"), [(21, False), (22, True), (23, False), (24, True)])
def test_explanations_exclude_no_answer_that_the_release_leaves(seed: int, pair: bool) -> None:
    """Whole numbers: what a hidden number can be, least and most, is the same with all explanations as without any."""
    reader = Reader(world(seed), pair)
    told = [t for _, of in reader.explanations() for t in of]
    hidden = reader.rows.filter("hidden")
    wanted = list(hidden.sample(min(hidden.height, 6), seed=seed).iter_rows(named=True))
    assert wanted
    without = reader.ranges(reader.known(), wanted)
    assert reader.ranges([*reader.known(), *told], wanted) == without


def test_the_attack_finds_lines_that_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """With lines of every shown cell, what two lists share is a hidden one: it is the rule that keeps it."""
    monkeypatch.setattr(patients, "nothing_hidden_inside", lambda given: True)
    found = 0
    for seed in range(4):
        reader = Reader(world(seed, alone=1), pair=False)
        told = [t for _, of in reader.explanations() for t in of]
        found += len(reader.computable([*reader.known(), *told]))
    assert found


def test_most_of_what_is_shown_is_split() -> None:
    """Months of one delivery, T of every level, and whatever has nothing hidden inside."""
    reader = Reader(world(3), pair=False)
    told = [(r, len(of)) for r, of in reader.explanations() if r and r["protected_number"] > 0]
    whole = [n for r, n in told if r["kon"] == "T" and r["period_typ"] == "manad"]
    assert whole and all(whole)
    assert sum(n > 0 for _, n in told) > 0.6 * len(told)


# --- The rules one by one --------------------------------------------------------------------------------------------


def rows_of(
    *found: tuple[str, str, str, str, int], month: date = date(2019, 1, 1), reason: str | None = None
) -> pl.DataFrame:
    """Observations: (verksamhet, unit, sex, delivery, how many)."""
    rows = [(month, v, u, kon, d, 100 * i + j, reason) for i, (v, u, kon, d, n) in enumerate(found) for j in range(n)]
    names = ["month", "verksamhet", "enhet", "kon", "delivery", "line", "exclusion"]
    schema: Any = dict.fromkeys(names, pl.String) | {"month": pl.Date, "line": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_indicators_that_share_observations_are_kin() -> None:
    every = rows_of(("V", "A", "K", "f", 9), ("V", "A", "M", "f", 9))
    women = every.filter(pl.col("kon") == "K")
    others = rows_of(("V", "A", "K", "g", 5))
    together = {"whole": every, "part": women, "other": others}
    assert kin("part", together).members == ("part", "whole")
    assert kin("part", together).nested
    assert kin("other", together).members == ("other",)
    # Not nested: persons; another month; two parts of one whole; parts that overlap.
    assert not kin("part", together, ["whole"]).nested
    assert not kin("part", together | {"part": women.with_columns(month=pl.lit(day(1)))}).nested
    assert not kin("part", together | {"second": every.filter(pl.col("kon") == "M")}).nested
    assert not kin("a", {"a": every.head(12), "b": every.tail(12)}).nested


def test_what_one_excludes_and_another_counts_is_linked() -> None:
    counted = rows_of(("V", "A", "K", "f", 9))
    excluded = counted.with_columns(exclusion=pl.when(pl.col("line") < 3).then(pl.lit("why")))
    nobody = rows_of(("V", "A", "K", "g", 2), reason="other")
    found = kin("part", {"part": pl.concat([excluded, nobody]), "whole": counted})
    assert found.members == ("part", "whole") and found.nested
    assert found.linked == {"why"}
    assert kin("whole", {"part": excluded, "whole": counted}).linked == frozenset()


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ([30, 20], [30, 20]),
        ([30, 20, 3, 4], [30, 20, "7"]),
        ([30, 20, 3], [30, "23"]),
        ([30, 20, 9, 1, 1], [30, 20, "11"]),
        ([30, 2], ["32"]),
        ([7], [7]),
    ],
)
def test_small_groups_are_put_together(sizes: list[int], shown: list) -> None:
    own = rows_of(*(("V0", "A", "K", f"f{i}", n) for i, n in enumerate(sizes)))
    assert [str(g.count) if g.rest else g.count for g in file_groups(own, LIMIT)] == shown


def places(months: Sequence[date], units: Sequence[str] = ("A", "B"), left_out: Sequence[str] = ()) -> pl.DataFrame:
    found = [("omrade", None, None), ("verksamhet", "V", None), *(("enhet", "V", u) for u in units)]
    rows = [(*p, kon, m, p[2] in left_out) for p in found for kon in "TKM" for m in months]
    schema: Any = dict.fromkeys(ADDRESS, pl.String) | {"month": pl.Date, "left_out": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_few_exclusions_are_not_counted_nor_left_to_subtraction() -> None:
    excluded = rows_of(("V", "A", "K", "f", 3), ("V", "A", "M", "f", 9)).with_columns(reason=pl.lit("a"))
    here = places([day(0)])
    told = {kon: exclusions_told(excluded, here, Address("V", "A", kon), LIMIT)["told"].to_list() for kon in "TKM"}
    # All men could be subtracted from all; so one of the two numbers goes.
    assert told["K"] == [False]
    assert sorted([told["T"], told["M"]]) == [[False], [True]]
    assert exclusions_told(excluded, here, Address("V", "A", "K"), LIMIT).row(0, named=True)["n"] == 3


@pytest.mark.parametrize("seed", range(8))
def test_no_number_of_excluded_ones_that_is_not_told_follows(seed: int) -> None:
    """Along levels, sexes and months, units without a verksamhet and observations without a date included."""
    chance = random.Random(seed)
    months = [day(0), day(1), UNDATED]
    frames = [
        rows_of((v, u, kon, "f", chance.choice([0, 0, 1, 2, 4, 6, 9])), month=m).with_columns(reason=pl.lit(reason))
        for m in months
        for v in ("V", None)
        for u in "AB"
        for kon in "KM"
        for reason in "xy"
        if v or chance.random() < 0.3
    ]
    excluded = pl.concat(frames).with_columns(pl.col("verksamhet").cast(pl.String))
    here = places(months, left_out=["B"] if chance.random() < 0.3 else [])
    atoms = [(v, u, kon) for v in ("V", None) for u in "AB" for kon in "KMO"]
    told_at = {
        (v, u, kon): exclusions_told(excluded, here, Address(v, u, kon), LIMIT)
        for _, v, u, kon, _, _ in here.filter(pl.col("month") == UNDATED).iter_rows()
    }
    for month in months:
        for reason in "xy":
            known, hidden = [], []
            for niva, v, u, kon, _, left_out in here.filter(pl.col("month") == month).iter_rows():
                found = told_at[v, u, kon].filter(pl.col("month") == month, pl.col("reason") == reason)
                vector = [
                    (niva == "omrade" or (a[0] == "V" and u is None) or a[1] == u) and kon in ("T", a[2]) for a in atoms
                ]
                n, told = found.select("n", "told").row(0) if found.height else (0, True)
                assert not (told and 1 <= n < LIMIT)
                if told:
                    known.append(vector)
                elif n < LIMIT and not left_out:
                    hidden.append(vector)
            rank = np.linalg.matrix_rank(np.array(known, float)) if known else 0
            for vector in hidden:
                assert np.linalg.matrix_rank(np.array([*known, vector], float)) > rank
