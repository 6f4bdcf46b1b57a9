"""What may change together, so that sums over sexes and of a whole and its parts agree: the modes of `moves`."""

from __future__ import annotations

from typing import NamedTuple

from dagster_project.disclosure.layout import Layout

T, K, M, O = 0, 1, 2, 3  # noqa: E741


class Entry(NamedTuple):
    """What a mode changes beside each other: member (an indicator of the group, or a difference), sex, sign."""

    member: int
    sex: int
    sign: int


class Mode(tuple[Entry, ...]):
    """Entries that change together. A search has one of each (`Search.mode`), so that each is known by being itself and
    what it holds is not hashed at every look-up."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def modes_of(layout: Layout, member: int, sex: int) -> list[tuple[Entry, ...]]:
    """What can be changed together with a member and sex so that sums over sexes, and a whole and its parts, agree."""
    if layout.by_sex:
        other = {K: M, M: K}
        sexes: list[tuple[tuple[int, int], ...]] = (
            [((K, 1), (T, 1)), ((M, 1), (T, 1)), ((O, 1), (T, 1))]
            if sex == T
            else [((sex, 1), (other[sex], -1)), ((sex, 1), (T, 1)), ((sex, 1), (O, -1))]
        )
    else:
        sexes = [((T, 1),)]
    related: list[tuple[tuple[int, int], ...]] = []
    wholes = {whole for _, whole, _ in layout.pairs}
    mine = [(p, w, d) for p, w, d in layout.pairs if member in (p, w, d)]
    if not mine:
        related = [((member, 1),)]
    for part, whole, difference in mine:
        others = tuple((d, 1) for p, w, d in layout.pairs if w == whole and p != part)
        with_part = ((whole, 1), (part, 1), *others)
        with_rest = ((whole, 1), (difference, 1), *others)
        swap = ((part, 1), (difference, -1))
        turned = ((difference, 1), (part, -1))
        related += {part: [with_part, swap], difference: [with_rest, turned]}.get(member, [with_rest, with_part])
    assert not (wholes & {p for p, _, _ in layout.pairs})
    return [tuple(Entry(m, s, x * y) for m, x in r for s, y in k) for r in dict.fromkeys(related) for k in sexes]
