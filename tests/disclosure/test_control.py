"""Disclosure control, judged by an independent solver: exact elimination over the equations of a reader."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from fractions import Fraction
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.disclosure.control import CELL, hidden_cells


class Cell(NamedTuple):
    """Address of a published cell within one indicator and period."""

    niva: str
    verksamhet: str | None
    enhet: str | None
    kon: str


OMRADE = "HH"
System = dict[Cell, int]


def build(people: dict[tuple[str, str], set[tuple[int, str]]], sexes: bool = True) -> System:
    """Cells of a hierarchy; `people` are (person, sex) per (verksamhet, unit), counted once at every level."""
    groups: dict[tuple[str, str | None, str | None], set[tuple[int, str]]] = defaultdict(set)
    for (verksamhet, enhet), members in people.items():
        for place in (("enhet", verksamhet, enhet), ("verksamhet", verksamhet, None), ("omrade", None, None)):
            groups[place] |= members
    system: System = {}
    for (niva, verk, enh), members in groups.items():
        system[Cell(niva, verk, enh, "T")] = len(members)
        if sexes:
            for kon in "KM":
                system[Cell(niva, verk, enh, kon)] = sum(k == kon for _, k in members)
    return system


def frame(system: System, indicator: str = "vg_forsta_besok_90", start: date = date(2022, 5, 1)) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "indicator_id": indicator,
                "period_typ": "manad",
                "period_start": start,
                **cell._asdict(),
                "protected_number": value,
            }
            for cell, value in system.items()
        ],
        schema={
            **dict.fromkeys(CELL, pl.String),
            "period_start": pl.Date,
            "protected_number": pl.Int64,
        },
    )


def hide(system: System, limit: int = 5) -> set[Cell]:
    return {Cell(*row) for row in hidden_cells(frame(system), limit).select(Cell._fields).iter_rows()}


def equations(system: System) -> list[tuple[Cell, list[Cell]]]:
    """Whole = sum of its parts, wherever that is true of the numbers."""
    found: list[tuple[Cell, list[Cell]]] = []
    for cell in system:
        if cell.kon == "T":
            found.append((cell, [c for c in system if c[:3] == cell[:3] and c.kon != "T"]))
        if cell.niva == "verksamhet":
            found.append(
                (cell, [c for c in system if c.niva == "enhet" and (c.verksamhet, c.kon) == (cell[1], cell.kon)])
            )
        if cell.niva == "omrade":
            found.append((cell, [c for c in system if c.niva == "verksamhet" and c.kon == cell.kon]))
    return [(whole, parts) for whole, parts in found if parts and system[whole] == sum(system[p] for p in parts)]


def computable(system: System, hidden: set[Cell]) -> set[Cell]:
    """Hidden cells that the published numbers determine: Gauss-Jordan elimination over fractions."""
    columns = {cell: i for i, cell in enumerate(sorted(hidden, key=str))}
    rows: list[dict[int, Fraction]] = []
    for whole, parts in equations(system):
        row = {columns[c]: Fraction(-1 if c in parts else 1) for c in (whole, *parts) if c in hidden}
        if row:
            rows.append(row)
    reduced: dict[int, dict[int, Fraction]] = {}
    for row in rows:
        for pivot in sorted(set(row) & set(reduced)):
            if factor := row.get(pivot):
                for column, value in reduced[pivot].items():
                    row[column] = row.get(column, Fraction(0)) - factor * value
        row = {c: v for c, v in row.items() if v}
        if not row:
            continue
        pivot = min(row)
        row = {c: v / row[pivot] for c, v in row.items()}
        for other in reduced.values():
            if factor := other.get(pivot):
                for column, value in row.items():
                    other[column] = other.get(column, Fraction(0)) - factor * value
        reduced = {p: {c: v for c, v in r.items() if v} for p, r in reduced.items()} | {pivot: row}
    fixed = {p for p, row in reduced.items() if set(row) == {p}}
    return {cell for cell, i in columns.items() if i in fixed}


def make(seed: int, shared: bool, with_unknown_sex: bool, sexes: bool) -> System:
    chance = random.Random(seed)
    people: dict[tuple[str, str], set[tuple[int, str]]] = {}
    pool = [(i, chance.choice("KMO" if with_unknown_sex else "KM")) for i in range(60)]
    serial = 1000
    for v in range(chance.randint(1, 4)):
        for u in range(chance.randint(0, 4)):
            size = chance.choice((0, 0, 1, 2, 3, 4, 5, 7, 12, 30))
            members = set()
            for _ in range(size):
                serial += 1
                new = (serial, chance.choice("KMO" if with_unknown_sex and chance.random() < 0.3 else "KM"))
                members.add(chance.choice(pool) if shared else new)
            people[f"V{v}", f"E{v}{u}"] = members
    return build(people, sexes)


SYSTEMS = st.builds(make, st.integers(0, 10**6), st.booleans(), st.booleans(), st.booleans())


def check(system: System, limit: int) -> set[Cell]:
    hidden = hide(system, limit)
    primary = {c for c, v in system.items() if 1 <= v < limit}
    assert primary <= hidden, "every small number is hidden"
    assert not any(system[c] == 0 for c in hidden), "a shown 0 stays shown"
    assert not computable(system, hidden), "no hidden number can be computed"
    if not primary:
        assert not hidden, "nothing is hidden without need"
    return hidden


@settings(deadline=None, max_examples=250)
@given(SYSTEMS, st.sampled_from((2, 3, 5, 10)))
def test_no_hidden_number_is_computable(system: System, limit: int) -> None:
    check(system, limit)


@settings(deadline=None, max_examples=60)
@given(SYSTEMS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(system: System, chance: random.Random) -> None:
    cells = list(system.items())
    chance.shuffle(cells)
    assert hide(dict(cells)) == hide(system)


def test_every_indicator_and_period_is_a_system_of_its_own() -> None:
    systems = [make(seed, False, True, True) for seed in range(12)]
    frames = [frame(s, f"i{n % 3}", date(2022, 1 + n // 3, 1)) for n, s in enumerate(systems)]
    together = hidden_cells(pl.concat(frames).sample(fraction=1, shuffle=True, seed=1))
    apart = pl.concat([hidden_cells(f) for f in frames])
    assert together.height > 12
    assert together.sort(CELL).equals(apart.sort(CELL))
    assert together["hidden"].all() and together.columns == [*CELL, "hidden"]


def test_hiding_is_not_wholesale() -> None:
    """What is hidden beyond the small numbers, in a random sample: bounded, and nearly always needed cell by cell."""
    cells = small = secondary = needless = 0
    for seed in range(150):
        system = make(seed, False, False, True)
        hidden = hide(system)
        primary = {c for c, v in system.items() if 1 <= v < 5}
        cells, small, secondary = cells + len(system), small + len(primary), secondary + len(hidden - primary)
        needless += sum(not computable(system, hidden - {c}) for c in hidden - primary)
    assert secondary < small
    assert small + secondary < 0.75 * cells
    assert needless < 0.2 * secondary


def units(**sizes: tuple[int, int]) -> System:
    """One verksamhet V with units of so many women and men."""
    serial = iter(range(10**6))
    return build(
        {
            ("V", e): {(next(serial), k) for k, n in zip("KM", ns, strict=True) for _ in range(n)}
            for e, ns in sizes.items()
        }
    )


def at(enhet: str | None, kon: str) -> Cell:
    return Cell("enhet" if enhet else "verksamhet", "V", enhet, kon)


def test_one_small_unit_takes_the_smallest_neighbour_with_it() -> None:
    system = {c: v for c, v in units(a=(3, 0), b=(20, 0), c=(9, 0)).items() if c.kon == "T"}
    assert hide(system) == {at("a", "T"), at("c", "T")}


def test_one_small_sex_hides_the_other_and_is_covered_in_a_second_unit() -> None:
    system = units(a=(2, 9), b=(20, 30), c=(8, 7))
    assert hide(system) == {at("a", "K"), at("a", "M"), at("c", "K"), at("c", "M")}


def test_zeros_cover_nothing() -> None:
    system = {c: v for c, v in units(a=(3, 0), b=(0, 0), c=(0, 0)).items() if c.kon == "T"}
    hidden = hide(system)
    assert hidden == {at("a", "T"), at(None, "T"), Cell("omrade", None, None, "T")}


def test_nothing_to_hide() -> None:
    assert hide(units(a=(5, 9), b=(0, 6))) == set()
    assert hidden_cells(frame({})).height == 0


def test_the_limit_is_a_parameter() -> None:
    system = {Cell("enhet", "V", "a", "T"): 5, Cell("enhet", "V", "b", "T"): 4, Cell("enhet", "V", "c", "T"): 1}
    assert {c.enhet for c in hide(system, 5)} == {"b", "c"}
    assert {c.enhet for c in hide(system, 6)} == {"a", "b", "c"}
    assert {c.enhet for c in hide(system, 2)} == {"c"}


def test_sums_that_do_not_hold_need_no_cover() -> None:
    # A person of unknown sex: T - K is not M.
    people = {("V", "a"): {(1, "K"), (2, "K"), *((n, "M") for n in range(3, 12)), (99, "O")}}
    hidden = hide(build(people))
    assert at("a", "K") in hidden and at("a", "M") not in hidden
    # Two units share a person: the verksamhet is not their sum, but a reader may take it to be.
    shared = build({("V", "a"): {(1, "K"), (2, "K")}, ("V", "b"): {(n, "K") for n in range(2, 20)}}, sexes=False)
    assert hide(shared) == {at("a", "T"), at("b", "T")}


def test_both_axes_together() -> None:
    """Each equation has two hidden members, yet together they give the numbers away: a reader solves the system."""
    system = units(a=(3, 3), b=(3, 20), c=(30, 31))
    hidden = check(system, 5)
    assert {at("a", "K"), at("a", "M"), at("b", "K")} < hidden


# --- The audit -------------------------------------------------------------------------------------------------------


def published(system: System, hidden: set[Cell], comparisons: dict[Cell, float] | None = None) -> pl.DataFrame:
    rows = frame(system).with_columns(
        status=pl.Series(["dold" if c in hidden else "inget_mal" for c in system], dtype=pl.String),
        jamforelse_varde=pl.Series([(comparisons or {}).get(c) for c in system], dtype=pl.Float64),
    )
    return rows.drop("protected_number")


def truth(system: System, before: System | None = None) -> pl.DataFrame:
    now = frame(system).with_columns(in_grid=pl.lit(True))
    year_before = frame(before or {}, start=date(2021, 5, 1)).with_columns(in_grid=pl.lit(False))
    return pl.concat([now, year_before])


LEAKY = units(a=(2, 9), b=(20, 30), c=(8, 7))


def test_a_sound_release_passes_the_audit() -> None:
    for seed in range(20):
        system = make(seed, seed % 2 == 0, seed % 3 == 0, True)
        assert audit_disclosure(published(system, hide(system)), truth(system), 5) == []


def test_the_audit_finds_every_planted_leak() -> None:
    hidden = hide(LEAKY)
    assert len(hidden) == 4
    for cell in hidden:
        assert computable(LEAKY, hidden - {cell}) or LEAKY[cell] < 5
        assert audit_disclosure(published(LEAKY, hidden - {cell}), truth(LEAKY), 5) != [], cell


def test_the_audit_agrees_with_the_solver_on_random_holes() -> None:
    """Cells are hidden at random beside the small ones; the audit complains exactly when something is computable."""
    complaints = 0
    for seed in range(120):
        system = make(seed, False, seed % 2 == 0, True)
        chance = random.Random(seed)
        hidden = {c for c, v in system.items() if 1 <= v < 5 or (v and chance.random() < 0.4)}
        problems = audit_disclosure(published(system, hidden), truth(system), 5)
        assert bool(problems) == bool(computable(system, hidden)), (seed, problems)
        complaints += bool(problems)
    assert 0 < complaints < 120


def test_the_audit_finds_shown_small_numbers_and_hidden_zeros() -> None:
    assert "litet tal" in " ".join(audit_disclosure(published(LEAKY, set()), truth(LEAKY), 5))
    zero = units(a=(0, 9), b=(20, 30))
    assert any("nolla" in p for p in audit_disclosure(published(zero, {at("a", "K")}), truth(zero), 5))


@pytest.mark.parametrize("what", ["before the grid", "inside the grid"])
def test_the_audit_finds_comparisons_that_show_a_hidden_year_before(what: str) -> None:
    now, before = units(a=(20, 9), b=(20, 30), c=(8, 7)), LEAKY
    for cell in hide(before):
        result = published(now, set(), {cell: 2.0})
        if what == "before the grid":
            full = truth(now, before)
        else:
            earlier = published(before, hide(before)).with_columns(period_start=pl.lit(date(2021, 5, 1)))
            result = pl.concat([result, earlier])
            full = pl.concat([truth(now), truth({}, before).with_columns(in_grid=pl.lit(True))])
        if what == "inside the grid" or before[cell] < 5:
            assert audit_disclosure(result, full, 5) == ["en jämförelse visar ett dolt tal"], cell
    other = at("b", "T")
    assert audit_disclosure(published(now, set(), {other: 50.0}), truth(now, before), 5) == []
