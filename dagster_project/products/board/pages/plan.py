"""The pages of each plan that is followed up, in its own order: perspective, goal, item, and how it stands where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from dagster_project.products.board.site import PLAN, Page, Site
from dagster_project.products.board.standing import Occasion, Standing, occasions, standings
from dagster_project.products.reading import ItemInfo
from dagster_project.products.words import PERSPECTIVE_WORDS


@dataclass(frozen=True)
class ItemView:
    """An item: how it stands at the area, and at each verksamhet in the order of reports (None: it is not about it)."""

    item: ItemInfo
    area: Standing | None
    places: tuple[Standing | None, ...]

    @property
    def target(self) -> str | None:
        """All its targets in words; the same everywhere."""
        return next((s.target for s in (self.area, *self.places) if s is not None and s.target is not None), None)

    @property
    def indicator_id(self) -> str | None:
        return next((s.indicator_id for s in (self.area, *self.places) if s is not None), None)


@dataclass(frozen=True)
class GoalView:
    """A goal and its items (rows); items of no goal stand under one without id and title."""

    id: str | None
    title: str | None
    rows: tuple[ItemView, ...]


@dataclass(frozen=True)
class PerspectiveView:
    """A perspective and its goals; code: None of what has none."""

    code: str | None
    name: str
    goals: tuple[GoalView, ...]


def pages(site: Site) -> Iterator[Page]:
    """A page per plan and occasion, the latest first."""
    reading = site.reading
    found = occasions(reading)
    followed = set(reading.plan["plan_id"].unique())
    codes = tuple(reading.verksamheter)
    at = {occasion: standings(reading, occasion) for occasion in found}
    for plan_id, title in site.plans:
        if plan_id not in followed:
            continue
        items = [item for item in reading.items.values() if item.plan_id == plan_id]
        for occasion in found:
            yield Page(
                path=path_of(plan_id, occasion),
                title=title if not occasion.slug else f"{title}, {occasion.title.lower()}",
                template="plan.html.j2",
                context={
                    "plan_title": title,
                    "occasion": occasion,
                    "occasions": [(o, path_of(plan_id, o)) for o in found],
                    "perspectives": plan_view(items, at[occasion], codes),
                },
                section=PLAN,
            )


def path_of(plan_id: str, occasion: Occasion) -> str:
    """Where a plan's page of an occasion lies."""
    return Site.plan_path(f"{plan_id}{occasion.slug}")


def plan_view(
    items: Sequence[ItemInfo], at: Mapping[str | None, Sequence[Standing]], codes: Sequence[str]
) -> list[PerspectiveView]:
    """A plan's items as it orders them. at: `standings` of one occasion. codes: verksamheter, as reports order them."""
    by_place = {place: {s.item.item_id: s for s in found} for place, found in at.items()}

    def view(item: ItemInfo) -> ItemView:
        area, *places = (by_place.get(place, {}).get(item.item_id) for place in (None, *codes))
        return ItemView(item, area, tuple(places))

    return [
        PerspectiveView(
            code,
            PERSPECTIVE_WORDS.get(code or "", "Hela planen"),
            tuple(
                GoalView(goal, inside[0].mal_titel, tuple(view(item) for item in inside))
                for goal, of_goal in groupby(of_perspective, key=lambda item: item.mal_id)
                if (inside := list(of_goal))
            ),
        )
        for code, of_perspective in groupby(items, key=lambda item: item.perspektiv)
    ]
