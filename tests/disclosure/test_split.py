"""What explanations tell by delivery and by line, attacked by a reader who has all of them and the published cells."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date

import numpy as np
import polars as pl
import pytest

from dagster_project.catalogue.vocabulary import HIDDEN
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.split import (
    ADDRESS,
    Address,
    counts,
    file_groups,
    joined,
    masked_exclusions,
    month_groups,
)

MONTH = date(2022, 5, 1)
LIMIT = 5
Atom = tuple[str, str, str, str]  # verksamhet, enhet, kon, delivery


def observations(atoms: dict[Atom, int], month: date = MONTH) -> pl.DataFrame:
    rows = [(month, *atom, 100 * i + j) for i, (atom, n) in enumerate(sorted(atoms.items())) for j in range(n)]
    names = ["month", "verksamhet", "enhet", "kon", "delivery", "line"]
    return pl.DataFrame(
        rows,
        schema={n: pl.Date if n == "month" else pl.Int64 if n == "line" else pl.String for n in names},
        orient="row",
    )


def published(found: pl.DataFrame, month: date = MONTH, limit: int = LIMIT) -> pl.DataFrame:
    """Cells as a release shows them: every address of the units, hidden by disclosure control."""
    units = sorted(set(found.select("verksamhet", "enhet").iter_rows()))
    places = [("omrade", None, None), *(("verksamhet", v, None) for v in sorted({v for v, _ in units}))]
    places += [("enhet", v, u) for v, u in units]
    cells = pl.DataFrame(
        [(*place, kon) for place in places for kon in "TKM"], schema=dict.fromkeys(ADDRESS, pl.String), orient="row"
    ).join(counts(found, []), on=ADDRESS, how="left", nulls_equal=True)
    cells = cells.with_columns(
        indicator_id=pl.lit("x"),
        period_typ=pl.lit("manad"),
        period_start=pl.lit(month),
        protected_number=pl.col("n").fill_null(0).cast(pl.Float64),
    )
    hidden = hidden_cells(cells, limit).select(*ADDRESS, "hidden")
    return cells.join(hidden, on=ADDRESS, how="left", nulls_equal=True).with_columns(
        status=pl.when(pl.col("hidden").fill_null(False)).then(pl.lit(HIDDEN)).otherwise(pl.lit("inget_mal"))
    )


def random_atoms(seed: int) -> dict[Atom, int]:
    """A few units, one to four deliveries, many small numbers, now and then a sex that is unknown."""
    rng = random.Random(seed)
    files = [f"f{i}" for i in range(rng.randint(1, 4))]
    atoms = {}
    for v in range(rng.randint(1, 3)):
        for u in range(rng.randint(1, 4)):
            own = rng.sample(files, rng.randint(1, len(files)))
            for kon in "KMO" if rng.random() < 0.2 else "KM":
                for file in own:
                    if rng.random() < 0.75:
                        atoms[(f"V{v}", f"V{v}U{u}", kon, file)] = rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 30])
    return atoms


def contains(cell: dict, atom: Atom) -> bool:
    return cell["verksamhet"] in (None, atom[0]) and cell["enhet"] in (None, atom[1]) and cell["kon"] in ("T", atom[2])


def address(cell: dict) -> Address:
    return Address(cell["verksamhet"], cell["enhet"], cell["kon"])


def computable(atoms: dict[Atom, int]) -> list[dict]:
    """Hidden cells that follow from the published cells and every explanation of the month."""
    found = observations(atoms)
    cells = published(found)
    groups = month_groups(found, cells, [MONTH])
    assert groups is not None, "observations add up: one group is always safe"
    group_of = groups[MONTH]
    single = [f for f in group_of if list(group_of.values()).count(group_of[f]) == 1]
    unknowns = sorted(atoms)
    shown = cells.filter(pl.col("status") != HIDDEN)
    known = []
    for cell in shown.iter_rows(named=True):
        known.append([contains(cell, a) for a in unknowns])
        known += [[contains(cell, a) and group_of[a[3]] == g for a in unknowns] for g in set(group_of.values())]
    # Lines: atoms that lie in exactly the same lists can be told from all others.
    with_lines = [
        c for c in shown.iter_rows(named=True) if not (cells.filter(address(c).inside())["status"] == HIDDEN).any()
    ]
    alike = defaultdict(list)
    for a in unknowns:
        lists = tuple(i for i, c in enumerate(with_lines) if contains(c, a) and a[3] in single)
        if lists:
            alike[(a[3], lists)].append(a)
    known += [[a in members for a in unknowns] for members in alike.values()]
    matrix = np.array(known, dtype=float).reshape(len(known), len(unknowns))
    rank = np.linalg.matrix_rank(matrix)
    leaks = []
    for cell in cells.filter(pl.col("status") == HIDDEN).iter_rows(named=True):
        target = np.array([contains(cell, a) for a in unknowns], dtype=float)
        if target.any() and np.linalg.matrix_rank(np.vstack([matrix, target])) == rank:
            leaks.append(cell)
    return leaks


@pytest.mark.parametrize("seed", range(60))
def test_no_hidden_number_follows_from_all_explanations_of_a_month(seed: int) -> None:
    assert computable(random_atoms(seed)) == []


def test_the_attack_finds_a_split_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two hidden units comes in a delivery of its own: by delivery, their verksamhet gives both away."""
    atoms = {
        ("V0", "A", "K", "f0"): 3,
        ("V0", "B", "K", "f1"): 6,
        ("V0", "C", "K", "f0"): 20,
        ("V0", "C", "K", "f1"): 9,
    }
    assert computable(atoms) == []
    found = observations(atoms)
    groups = month_groups(found, published(found), [MONTH])
    assert groups is not None
    assert set(groups[MONTH].values()) == {"f0"}
    import tests.disclosure.test_split as here

    monkeypatch.setattr(here, "month_groups", lambda *_: {MONTH: {"f0": "f0", "f1": "f1"}})
    assert {c["enhet"] for c in computable(atoms)} >= {"A", "B"}


def test_persons_that_do_not_add_up_can_make_every_split_unsafe() -> None:
    """Rows add up where persons do not: two persons of A are of B too, so the release need hide A only."""
    atoms = {("V0", "A", "K", "f0"): 4, ("V0", "B", "K", "f0"): 60}
    found = observations(atoms)
    cells = published(found).with_columns(
        status=pl.when(pl.col("enhet") == "A").then(pl.lit(HIDDEN)).otherwise(pl.lit("inget_mal"))
    )
    assert month_groups(found, cells, [MONTH], adds_up=False) is None
    assert month_groups(found, cells, [MONTH]) == {MONTH: {"f0": "f0"}}


def test_a_month_that_another_release_hides_otherwise_is_not_split() -> None:
    found = observations({("V0", "A", "K", "f0"): 40, ("V0", "A", "K", "f1"): 60})
    cells = published(found)
    assert month_groups(found, cells, [MONTH]) == {MONTH: {"f0": "f0", "f1": "f1"}}
    assert month_groups(found, cells, [MONTH], [MONTH]) == {MONTH: {"f0": "f0", "f1": "f0"}}


def test_a_longer_period_is_split_no_finer_than_its_months() -> None:
    april, may = date(2022, 4, 1), MONTH
    assert joined({april: {"a": "a", "b": "b", "c": "c"}, may: {"a": "a", "b": "a", "d": "d"}}) == {
        "a": "a",
        "b": "a",
        "c": "c",
        "d": "d",
    }
    assert joined({april: {"a": "a", "b": "a"}, may: {"b": "b", "c": "b"}}) == dict.fromkeys("abc", "a")


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
    own = observations({("V0", "A", "K", f"f{i}"): n for i, n in enumerate(sizes)})
    groups = file_groups(own, {f"f{i}": f"f{i}" for i in range(len(sizes))}, LIMIT)
    assert [str(g.count) if g.rest else g.count for g in groups] == shown


def test_few_exclusions_are_not_counted_nor_left_to_subtraction() -> None:
    def excluded(**sizes: int) -> pl.DataFrame:
        frames = []
        for key, n in sizes.items():
            kon, reason = key.split("_")
            frames.append(observations({("V0", "A", kon, "f"): n}).with_columns(reason=pl.lit(reason)))
        return pl.concat(frames)

    cells = published(observations({("V0", "A", "K", "f"): 40, ("V0", "A", "M", "f"): 40}))
    whole, women, men = (Address("V0", "A", kon) for kon in "TKM")
    few = excluded(K_a=3, M_a=9)
    assert masked_exclusions(few, cells, women, LIMIT) == {"a": "few"}
    # All men could be subtracted from all; so one of the two numbers goes.
    assert {masked_exclusions(few, cells, w, LIMIT)["a"] for w in (whole, men)} == {"exact", "several"}
    two = excluded(K_a=3, M_a=3, K_b=20, M_b=20)
    assert masked_exclusions(two, cells, women, LIMIT) == {"a": "few", "b": "several"}
    assert masked_exclusions(two, cells, whole, LIMIT) == {"a": "exact", "b": "exact"}
