"""What a reader computes from a published `indicator_result`, and nothing else: no truth, none of the project's code.

The reader knows what `docs/disclosure.md` says is known: all rows of all period types, comparisons (also of the year
before the grid), that a longer period is its months, T its women and men where they add up, a verksamhet its units, the
area its verksamheter, that zeros are shown. Unknown are the numbers of every unit, sex and month.

Exact arithmetic: sparse elimination over fractions, or for a whole release modulo two primes, which must agree.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

LENGTH = {"manad": 1, "tertial": 4, "delar": 8, "ar": 12, "r12": 12}
PRIMES = (2**61 - 1, 2**89 - 1)
Vector = dict[tuple[object, ...], int]


class Place(NamedTuple):
    """A row's place and sex within its indicator."""

    niva: str
    verksamhet: str | None
    enhet: str | None
    kon: str


class Published(NamedTuple):
    """A row as a reader sees it: its months (numbers since the year 0, start <= m < end) and its number, if any."""

    indicator: str
    period_typ: str
    place: Place
    start: int
    end: int
    number: int | None
    hidden: bool


def read(rows: Iterable[Mapping[str, object]], counts: Collection[str], stocks: Collection[str]) -> list[Published]:
    """Rows of indicators about patients. counts: indicators whose value is the protected number (else namnare is).

    A row of status `utelämnad` stands for one that is not published (publicera_preliminart = nej): its number is
    unknown.

    A comparison of a count tells the cell of the year before; where that is no row, it is one more.
    """
    found: dict[tuple[object, ...], Published] = {}
    told: list[Published] = []
    for row in rows:
        if row["status"] == "ej_tillamplig":
            continue
        indicator, typ = str(row["indicator_id"]), str(row["period_typ"])
        start = row["period_start"]
        assert isinstance(start, date)
        first = start.year * 12 + start.month - 1
        place = Place(str(row["niva"]), _text(row["verksamhet"]), _text(row["enhet"]), str(row["kon"]))
        hidden = row["status"] == "dold"
        value = row["varde"] if indicator in counts else row["namnare"]
        if value is None and not hidden and row["status"] != "utelämnad":
            continue  # before the data begin
        last = first + LENGTH[typ]
        at = (last - 1, last) if indicator in stocks else (first, last)
        published = Published(indicator, typ, place, *at, None if value is None else round(float(str(value))), hidden)
        found[indicator, typ, place, first] = published
        if indicator in counts and row["jamforelse_varde"] is not None:
            before = published._replace(
                start=at[0] - 12, end=at[1] - 12, number=round(float(str(row["jamforelse_varde"])))
            )
            told.append(before._replace(hidden=False, period_typ=f"{typ} året innan"))
    seen = {(p.indicator, p.place, p.start, p.end) for p in found.values()}
    return list(found.values()) + [p for p in told if (p.indicator, p.place, p.start, p.end) not in seen]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


Broken = Collection[tuple[str, Place, str, int]]


def computable(
    published: Sequence[Published],
    parts: Sequence[tuple[str, str]] = (),
    broken: Broken = (),
    fractions: bool = False,
) -> list[tuple[Published, int]]:
    """The hidden rows whose number follows, with the number. parts: (part, whole): the rows of both are looked at
    together, and differences from 1 to 4 between them are told as rows of "whole - part".

    A reader takes equations to hold that cannot be seen to fail. Those that do fail (`broken`: indicator, the whole,
    level of the parts, month) lead to wrong numbers and stand in the way of right ones: whoever knows them gives them
    away here.
    """
    groups: dict[str, str] = {p.indicator: p.indicator for p in published}
    for part, whole in parts:
        if part in groups and whole in groups:
            groups[part] = groups[whole]
    found = []
    for group in sorted(set(groups.values())):
        rows = [p for p in published if groups[p.indicator] == group]
        inner = [(p, w) for p, w in parts if groups.get(p) == groups.get(w) == group]
        found += _computable(rows, inner, broken, fractions)
    return found


def _computable(
    rows: list[Published], parts: Sequence[tuple[str, str]], broken: Broken, fractions: bool
) -> list[tuple[Published, int]]:
    equations = list(_equations(rows, set(broken)))
    wanted: list[tuple[Published, Vector]] = [(p, _vector(p)) for p in rows if p.hidden]
    at = {(p.indicator, p.period_typ, p.place, p.start): p for p in rows}
    for part, whole in parts:
        for p in rows:
            other = at.get((whole, p.period_typ, p.place, p.start))
            if p.indicator == part and other is not None and not (p.number == 0 and other.hidden):
                difference = _vector(other)
                for key, value in _vector(p).items():
                    difference[key] = difference.get(key, 0) - value
                wanted.append((p._replace(indicator=f"{whole} - {part}"), difference))
    vectors = [v for _, v in wanted]
    if fractions:
        answers = [_solve(equations, vectors, None)]
    else:
        answers = [[_signed(n, p) for n in _solve(equations, vectors, p)] for p in PRIMES]
    result = []
    for i, (row, _) in enumerate(wanted):
        said = {of[i] for of in answers}
        number = said.pop()
        if number is not None and not said and (" - " not in row.indicator or 1 <= number <= 4):
            assert number == int(number)
            result.append((row, int(number)))
    return result


def _signed(number: int | Fraction | None, prime: int) -> int | None:
    return None if number is None else int(number) - prime if number > prime // 2 else int(number)


def _vector(row: Published) -> Vector:
    """A row's number as a difference of running sums."""
    series = (row.indicator, *row.place)
    return {(*series, row.end): 1, (*series, row.start): -1}


def _equations(rows: list[Published], broken: set[tuple[str, Place, str, int]]) -> Iterable[tuple[Vector, int]]:
    """Everything that a reader knows, as linear equations of running sums."""
    for row in rows:
        if row.number is not None:
            yield _vector(row), row.number
    number = {(p.indicator, p.place, p.start, p.end): p.number for p in rows}
    months: dict[tuple[str, Place], set[int]] = defaultdict(set)
    newest: dict[str, int] = {}
    oldest: dict[str, int] = {}
    for row in rows:
        if row.period_typ == "manad":
            months[row.indicator, row.place].add(row.start)
            newest[row.indicator] = max(newest.get(row.indicator, 0), row.end)
            oldest[row.indicator] = min(oldest.get(row.indicator, 10**9), row.start)
    series = {(p.indicator, p.place) for p in rows}
    stocks = {p.indicator for p in rows if p.period_typ != "manad" and p.end - p.start == 1}
    for indicator, place in series:
        # A month of the grid without a row: the unit was not there. Months that have not come hold nothing.
        for month in range(oldest.get(indicator, 0), newest.get(indicator, 0)):
            if month not in months[indicator, place]:
                yield {(indicator, *place, month + 1): 1, (indicator, *place, month): -1}, 0
        for month in range(newest.get(indicator, 0), newest.get(indicator, 0) + 12) if indicator not in stocks else ():
            yield {(indicator, *place, month + 1): 1, (indicator, *place, month): -1}, 0
    families: dict[tuple[str, Place], list[Place]] = defaultdict(list)
    for indicator, place in sorted(series, key=str):
        if place.kon != "T":
            families[indicator, place._replace(kon="T")].append(place)
        if place.niva == "enhet":
            families[indicator, place._replace(niva="verksamhet", enhet=None)].append(place)
        elif place.niva == "verksamhet":
            families[indicator, place._replace(niva="omrade", verksamhet=None)].append(place)
    for (indicator, whole), members in families.items():
        if (indicator, whole) not in series:
            continue
        by_kind = [[m for m in members if m.niva == whole.niva], [m for m in members if m.niva != whole.niva]]
        for parts in filter(None, by_kind):
            for month in range(oldest.get(indicator, 0), newest.get(indicator, 0)):
                if (indicator, whole, parts[0].niva, month) in broken:
                    continue
                said = [number.get((indicator, p, month, month + 1), 0) for p in (whole, *parts)]
                shown = [n for n in said if n is not None]
                if len(shown) == len(said) and shown[0] != sum(shown[1:]):
                    continue  # it does not add up: persons of unknown sex, persons in two units
                vector: Vector = {}
                for sign, p in [(1, whole), *((-1, p) for p in parts)]:
                    vector[(indicator, *p, month + 1)] = sign
                    vector[(indicator, *p, month)] = -sign
                yield vector, 0


def _solve(
    equations: Sequence[tuple[Vector, int]], wanted: Sequence[Vector], prime: int | None
) -> list[int | Fraction | None]:
    """The value of every wanted vector that follows from the equations; modulo a prime, or exactly."""

    def clean(value: Any) -> Any:
        return value % prime if prime else value

    right: tuple[object, ...] = ("=",)
    solved: dict[tuple[object, ...], dict[tuple[object, ...], Any]] = {}

    def reduce(vector: Vector) -> dict[tuple[object, ...], Any]:
        left: dict[tuple[object, ...], Any] = dict(vector)
        queue = [k for k in left if k in solved]
        while queue:
            pivot = queue.pop()
            factor = left.get(pivot, 0)
            if not factor:
                continue
            for key, value in solved[pivot].items():
                new = clean(left.get(key, 0) - factor * value)
                if new:
                    if key not in left and key in solved:
                        queue.append(key)
                    left[key] = new
                else:
                    left.pop(key, None)
        return left

    chance = random.Random(1)
    rank: dict[tuple[object, ...], tuple[int, float]] = {}

    def order(key: tuple[object, ...]) -> tuple[int, float]:
        if key not in rank:
            rank[key] = ({"enhet": 0, "verksamhet": 1, "omrade": 2}.get(str(key[1]), 3), chance.random())
        return rank[key]

    for vector, value in sorted(equations, key=lambda e: len(e[0])):
        left = reduce({**vector, **({right: value} if value else {})})
        keys = [k for k in left if k != right]
        if not keys:
            continue  # known already; or it contradicts what is known: persons who come twice do not add up
        pivot = min(keys, key=order)
        inverse = pow(left[pivot], -1, prime) if prime else Fraction(1) / left[pivot]
        solved[pivot] = {k: clean(v * inverse) for k, v in left.items()}
    answers: list[int | Fraction | None] = []
    for vector in wanted:
        left = reduce(vector)
        answers.append(clean(-left.get(right, 0)) if set(left) <= {right} else None)
    return answers


def broken_equations(truth: Iterable[Mapping[str, object]]) -> set[tuple[str, Place, str, int]]:
    """Which equations of a month do not hold of the true numbers (rows with `protected_number`, of the months)."""
    held: dict[tuple[str, int], dict[Place, int]] = defaultdict(dict)
    for row in truth:
        if row["period_typ"] == "manad" and row["protected_number"] is not None:
            start = row["period_start"]
            assert isinstance(start, date)
            place = Place(str(row["niva"]), _text(row["verksamhet"]), _text(row["enhet"]), str(row["kon"]))
            held[str(row["indicator_id"]), start.year * 12 + start.month - 1][place] = round(
                float(str(row["protected_number"]))
            )
    found = set()
    for (indicator, month), numbers in held.items():
        sums: dict[tuple[Place, str], int] = defaultdict(int)
        for place, number in numbers.items():
            for whole in (
                place._replace(kon="T") if place.kon != "T" else None,
                place._replace(niva="verksamhet", enhet=None) if place.niva == "enhet" else None,
                place._replace(niva="omrade", verksamhet=None) if place.niva == "verksamhet" else None,
            ):
                if whole is not None:
                    sums[whole, place.niva] += number
        found |= {(indicator, w, niva, month) for (w, niva), n in sums.items() if w in numbers and numbers[w] != n}
    return found
