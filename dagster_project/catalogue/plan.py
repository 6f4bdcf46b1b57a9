"""The plans as data: goals, items, the indicators that items are followed up by, and their targets (spec: plan.md).

Read from the seeds `plan`, `planmal`, `planpunkt`, `planmatt` and `maltal`, which dbt reads too. What the seeds say
must fit together: whatever contradicts raises PlanError with the file, the row and what to do. One plan is followed up
(`foljs_upp`); the others are kept as they were decided.

Two things that follow from the data, and who follows up the plan must ask for:

* An item whose `omfattning` is the code of the area (HH-2022-I09: styrelsen och nämnderna) is about the area as a
  whole: `Item.scope` is empty, it has a row at `omrade` only and no verksamhet reports on it. An empty cell means all
  verksamheter.
* An item that has parts and only supporting indicators (HH-2022-12, 21) is a parent: its numbers are its parts'
  (`parts_of`). An item with parts but an own way of being followed up (HH-2022-03) is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import isfinite
from typing import Any

from dagster_project.catalogue import vocabulary as v
from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.organisation import area_codes, verksamhet_codes
from dagster_project.catalogue.seeds import Row, SeedError, day_of, filled, read_rows, said_twice, seed


class PlanError(SeedError):
    """A row of the plan's seeds that cannot be read or contradicts another; the message names it and what to do."""


@dataclass(frozen=True)
class Plan:
    """A plan. owner: whose it is, a node of the organisation for the one that is followed up. Valid on both days."""

    id: str
    title: str
    owner: str
    valid_from: date
    valid_to: date
    followed_up: bool

    @property
    def years(self) -> range:
        return range(self.valid_from.year, self.valid_to.year + 1)


@dataclass(frozen=True)
class Goal:
    """A goal or strategy of a plan; its id is one within the plan. perspective: None where the plan has none."""

    plan_id: str
    id: str
    perspective: str | None
    title: str
    order: int


@dataclass(frozen=True)
class Item:
    """An item of a plan. short_title begins a sentence. scope: verksamheter, in the order of reports; empty where the
    item is about the area as a whole. follow_up: of `vocabulary.FOLLOW_UPS`. number: of the assignment in the plan."""

    id: str
    plan_id: str
    goal_id: str | None
    type: str
    title: str
    short_title: str
    scope: tuple[str, ...]
    follow_up: str
    parent: str | None
    responsible: str | None
    number: str | None
    reporting: tuple[str, ...]
    order: int

    @property
    def computed(self) -> bool:
        return self.follow_up in (v.COMPUTED, v.BOTH)

    @property
    def reported(self) -> bool:
        """Whether its verksamheter are asked to report on it."""
        return self.follow_up in (v.REPORTED, v.BOTH)


@dataclass(frozen=True)
class Measure:
    """An indicator that an item is followed up by. role: huvud (the item's number) or stod."""

    item_id: str
    indicator_id: str
    role: str


@dataclass(frozen=True)
class Target:
    """A target of an item: the indicator's value against `value`, or against the comparison with `base`.

    base_year: of the base `basar`. levels: that it is set for. prorated: an annual amount by days for periods within a
    year. judged_on: period types, empty for all. from_year, to_year: None where it holds always. main: shown in
    `indicator_result`.
    """

    item_id: str
    indicator_id: str
    operator: str
    value: float | None
    base: str | None
    base_year: int | None
    levels: tuple[str, ...]
    prorated: bool
    judged_on: tuple[str, ...]
    from_year: int | None
    to_year: int | None
    main: bool

    def overlaps(self, other: Target) -> bool:
        """Whether there is a year in which both hold."""
        first = max(self.from_year or 0, other.from_year or 0)
        return first <= min(self.to_year or 9999, other.to_year or 9999)


@dataclass(frozen=True)
class PlanData:
    """All that the seeds say, in their order; items and goals of a plan in the plan's."""

    plans: tuple[Plan, ...]
    goals: tuple[Goal, ...]
    items: tuple[Item, ...]
    measures: tuple[Measure, ...]
    targets: tuple[Target, ...]


# --- Reading a row --------------------------------------------------------------------------------------------------


def _one_of(text: str, allowed: Sequence[str]) -> str:
    if text not in allowed:
        raise ValueError(f"{text or 'ingenting'} står där något av {', '.join(allowed)} ska stå")
    return text


def _some_of(text: str, allowed: Sequence[str]) -> tuple[str, ...]:
    parts = tuple(text.split("|")) if text else ()
    if len(set(parts)) < len(parts):
        raise ValueError(f"{text} nämner samma sak två gånger")
    return tuple(sorted((_one_of(part, allowed) for part in parts), key=allowed.index))


def _yes(text: str) -> bool:
    return _one_of(text, v.ANSWERS) == v.YES


def _number(row: Row, column: str, convert: Callable[[str], Any] = int) -> Any:
    if not row[column]:
        return None
    try:
        found = convert(row[column])
        if isfinite(found):
            return found
        raise ValueError
    except ValueError:
        raise ValueError(f"{row[column]} i {column} är inget {'heltal' if convert is int else 'tal'}") from None


def _order(row: Row) -> int:
    filled(row, "ordning")
    return int(_number(row, "ordning"))


def _scope(text: str) -> tuple[str, ...]:
    if not text:
        return verksamhet_codes()
    return () if text in area_codes() else _some_of(text, verksamhet_codes())


def _plan(row: Row) -> Plan:
    return Plan(
        id=filled(row, "plan_id"),
        title=filled(row, "titel"),
        owner=filled(row, "agare"),
        valid_from=day_of(row, "giltig_fran"),
        valid_to=day_of(row, "giltig_till"),
        followed_up=_yes(row["foljs_upp"]),
    )


def _goal(row: Row) -> Goal:
    return Goal(
        plan_id=row["plan_id"],
        id=filled(row, "mal_id"),
        perspective=_one_of(row["perspektiv"], v.PERSPECTIVES) if row["perspektiv"] else None,
        title=filled(row, "titel"),
        order=_order(row),
    )


def _item(row: Row) -> Item:
    return Item(
        id=filled(row, "item_id"),
        plan_id=row["plan_id"],
        goal_id=row["mal_id"] or None,
        type=_one_of(row["typ"], v.ITEM_TYPES),
        title=filled(row, "titel"),
        short_title=filled(row, "kort_titel"),
        scope=_scope(row["omfattning"]),
        follow_up=_one_of(row["uppfoljning"], v.FOLLOW_UPS),
        parent=row["overordnad_item"] or None,
        responsible=row["ansvarig"] or None,
        number=row["nr"] or None,
        reporting=tuple(row["rapportering"].split("|")) if row["rapportering"] else (),
        order=_order(row),
    )


def _measure(row: Row) -> Measure:
    return Measure(row["item_id"], filled(row, "indicator_id"), _one_of(row["roll"], v.ROLES))


def _target(row: Row) -> Target:
    found = Target(
        item_id=row["item_id"],
        indicator_id=filled(row, "indicator_id"),
        operator=_one_of(row["operator"], v.OPERATORS),
        value=_number(row, "varde", float),
        base=_one_of(row["bas"], v.COMPARISON_BASES) if row["bas"] else None,
        base_year=_number(row, "basar"),
        levels=_some_of(filled(row, "nivaer"), v.LEVELS),
        prorated=_yes(row["prorateras"]),
        judged_on=_some_of(row["bedoms_pa"], v.PERIOD_TYPES),
        from_year=_number(row, "giltig_fran_ar"),
        to_year=_number(row, "giltig_till_ar"),
        main=_yes(row["huvudmal"]),
    )
    if (found.value is None) == (found.base is None):
        raise ValueError("antingen varde eller bas ska vara ifylld, och bara en av dem")
    if (found.base == v.BASE_YEAR) != (found.base_year is not None):
        raise ValueError(f"basar ska vara ifylld när bas är {v.BASE_YEAR}, annars tom")
    if found.prorated and found.value is None:
        raise ValueError("prorateras kan bara vara ja för ett mål med varde")
    if found.from_year and found.to_year and found.from_year > found.to_year:
        raise ValueError("giltig_fran_ar ligger efter giltig_till_ar")
    return found


# --- What must fit together -----------------------------------------------------------------------------------------


def _contradictions(p: PlanData, catalogue: Mapping[str, Indicator]) -> Iterator[str]:
    yield from said_twice("plan", (x.id for x in p.plans))
    yield from said_twice("planmal", ((x.plan_id, x.id) for x in p.goals))
    yield from said_twice("planpunkt", (x.id for x in p.items))
    yield from said_twice("planmatt", ((x.item_id, x.indicator_id) for x in p.measures))
    yield from _of_plans(p)
    yield from _of_items(p)
    yield from _of_measures(p, catalogue)
    yield from _of_targets(p, catalogue)


def _of_plans(p: PlanData) -> Iterator[str]:
    followed = [plan for plan in p.plans if plan.followed_up]
    if len(followed) != 1:
        yield f"dbt/seeds/plan.csv har {len(followed)} planer med foljs_upp = ja: det ska vara en."
    for plan in p.plans:
        if plan.valid_from > plan.valid_to:
            yield f"dbt/seeds/plan.csv: {plan.id} slutar innan den börjar: rätta giltig_fran eller giltig_till."
        if plan.followed_up and plan.owner not in area_codes():
            yield f"dbt/seeds/plan.csv: {plan.id} ägs av {plan.owner}, som inte är ett område i organisation.csv."
    known = {plan.id for plan in p.plans}
    for goal in p.goals:
        if goal.plan_id not in known:
            yield f"dbt/seeds/planmal.csv: {goal.id} hör till planen {goal.plan_id}, som saknas i plan.csv."


def _of_items(p: PlanData) -> Iterator[str]:
    plans = {plan.id: plan for plan in p.plans}
    goals = {(goal.plan_id, goal.id) for goal in p.goals}
    items = {item.id: item for item in p.items}
    tied = {measure.item_id for measure in p.measures}
    for item in p.items:
        where = f"dbt/seeds/planpunkt.csv: {item.id}"
        plan = plans.get(item.plan_id)
        if plan is None:
            yield f"{where} hör till planen {item.plan_id}, som saknas i plan.csv."
            continue
        if item.goal_id is not None and (item.plan_id, item.goal_id) not in goals:
            yield f"{where} har målet {item.goal_id}, som saknas i planmal.csv för {item.plan_id}."
        if item.parent is not None:
            parent = items.get(item.parent)
            if parent is None or parent.plan_id != item.plan_id:
                yield f"{where} har den överordnade punkten {item.parent}, som saknas i {item.plan_id}."
            elif parent.parent is not None:
                yield f"{where} är del av {item.parent}, som själv är del av en punkt: en del har inga delar."
            elif not set(item.scope) <= set(parent.scope):
                yield f"{where} gäller verksamheter som den överordnade punkten {item.parent} inte gäller."
        if not item.computed and item.id in tied:
            yield f"{where} har indikatorer i planmatt.csv men uppfoljning {item.follow_up}: skriv beraknad eller bada."
        if plan.followed_up and item.follow_up == v.NOT_FOLLOWED:
            yield f"{where} följs inte upp alls: välj beraknad, sjalvrapporterad eller bada."
        if plan.followed_up and item.computed and item.id not in tied:
            yield f"{where} ska beräknas men har ingen indikator: skriv en rad i planmatt.csv."
        if item.reported and not item.scope:
            yield f"{where} gäller området som helhet: ingen verksamhet kan rapportera den."


def _of_measures(p: PlanData, catalogue: Mapping[str, Indicator]) -> Iterator[str]:
    items = {item.id for item in p.items}
    for measure in p.measures:
        if measure.item_id not in items:
            yield f"dbt/seeds/planmatt.csv: punkten {measure.item_id} saknas i planpunkt.csv."
        if measure.indicator_id not in catalogue:
            yield (
                f"dbt/seeds/planmatt.csv: {measure.item_id} följs med {measure.indicator_id}, som saknas i "
                "catalogue.csv: rätta namnet eller lägg till indikatorn."
            )
    mains = Counter(measure.item_id for measure in p.measures if measure.role == v.MAIN)
    whole = {item.parent for item in p.items}
    for item_id in dict.fromkeys(measure.item_id for measure in p.measures):
        if mains[item_id] > 1:
            yield f"dbt/seeds/planmatt.csv: {item_id} har {mains[item_id]} indikatorer med roll huvud: behåll en."
        if not mains[item_id] and item_id not in whole:
            yield f"dbt/seeds/planmatt.csv: {item_id} har ingen indikator med roll huvud och inga delar: välj en."


def _of_targets(p: PlanData, catalogue: Mapping[str, Indicator]) -> Iterator[str]:
    tied = {(measure.item_id, measure.indicator_id) for measure in p.measures}
    shown: dict[str, list[Target]] = {}
    for target in p.targets:
        where = f"dbt/seeds/maltal.csv: målet för {target.indicator_id} i {target.item_id}"
        if (target.item_id, target.indicator_id) not in tied:
            yield f"{where} hör till en indikator som punkten inte följs med: skriv raden i planmatt.csv."
        if target.main:
            others = shown.setdefault(target.indicator_id, [])
            if any(target.overlaps(other) for other in others):
                yield (
                    f"dbt/seeds/maltal.csv: {target.indicator_id} har två mål med huvudmal = ja för samma år: låt ett "
                    "av dem vara nej, eller skilj åren åt (giltig_fran_ar, giltig_till_ar)."
                )
            others.append(target)
        indicator = catalogue.get(target.indicator_id)
        if indicator is None:  # told above: a target belongs to a row of planmatt, which names a known indicator
            continue
        if not set(target.levels) <= set(indicator.levels):
            yield f"{where} gäller nivåer som indikatorn inte har ({'|'.join(indicator.levels)})."
        if target.base is not None and target.base != indicator.comparison_base:
            yield f"{where} jämför med {target.base}, indikatorn med {indicator.comparison_base or 'ingenting'}."
        if target.base_year != (indicator.base_year if target.base == v.BASE_YEAR else None):
            yield f"{where} jämför med år {target.base_year}, indikatorn med {indicator.base_year}."
        if target.prorated and indicator.kind not in v.TOTALS:
            yield f"{where} prorateras, men bara antal och belopp växer under året."


def read_plan(tables: Mapping[str, Iterable[Row]], catalogue: Mapping[str, Indicator]) -> PlanData:
    """The plan in the rows of the five seeds, held against the catalogue's indicators.

    Raises PlanError with one sentence: the first row that cannot be read, or the first contradiction.
    """
    plans = _read(tables, "plan", _plan)
    place = {plan.id: number for number, plan in enumerate(plans)}
    found = PlanData(
        plans=plans,
        goals=_sorted(_read(tables, "planmal", _goal), place),
        items=_sorted(_read(tables, "planpunkt", _item), place),
        measures=_read(tables, "planmatt", _measure),
        targets=_read(tables, "maltal", _target),
    )
    for sentence in _contradictions(found, catalogue):
        raise PlanError(sentence)
    return found


def _read(tables: Mapping[str, Iterable[Row]], name: str, convert: Callable[[Row], Any]) -> tuple[Any, ...]:
    return read_rows(name, tables[name], convert, PlanError)


def _sorted(found: tuple[Any, ...], place: Mapping[str, int]) -> tuple[Any, ...]:
    return tuple(sorted(found, key=lambda x: (place.get(x.plan_id, len(place)), x.order)))


# --- What is asked --------------------------------------------------------------------------------------------------

SEEDS = ("plan", "planmal", "planpunkt", "planmatt", "maltal")


@cache
def load_plan() -> PlanData:
    """The plans of the seeds. Raises PlanError (`read_plan`)."""
    return read_plan({name: seed(name) for name in SEEDS}, {i.id: i for i in load_catalogue()})


def plans() -> tuple[Plan, ...]:
    return load_plan().plans


def goals() -> tuple[Goal, ...]:
    return load_plan().goals


def items() -> tuple[Item, ...]:
    """All items, of all plans."""
    return load_plan().items


def measures() -> tuple[Measure, ...]:
    return load_plan().measures


def targets() -> tuple[Target, ...]:
    return load_plan().targets


def followed_up() -> Plan:
    """The plan that is followed up."""
    return next(plan for plan in plans() if plan.followed_up)


def followed_up_items() -> tuple[Item, ...]:
    """Its items, in its order."""
    return tuple(item for item in items() if item.plan_id == followed_up().id)


def measures_of(item_id: str) -> tuple[Measure, ...]:
    """The indicators of an item, as the seed orders them."""
    return tuple(measure for measure in measures() if measure.item_id == item_id)


def main_indicator(item_id: str) -> str | None:
    """The indicator whose number is the item's, or None (self-reported only, or a parent)."""
    return next((m.indicator_id for m in measures_of(item_id) if m.role == v.MAIN), None)


def targets_of(item_id: str) -> tuple[Target, ...]:
    """The targets of an item, as the seed orders them."""
    return tuple(target for target in targets() if target.item_id == item_id)


def parts_of(item_id: str) -> tuple[Item, ...]:
    """The items that a parent is judged over: of an item with parts and only supporting indicators; else none."""
    if main_indicator(item_id) is not None or not measures_of(item_id):
        return ()
    return tuple(item for item in items() if item.parent == item_id)


@cache
def may_report() -> frozenset[tuple[str, str]]:
    """Item and verksamhet of every report that may come: all items of all plans whose scope holds the verksamhet.

    Also those that nobody is asked to report on. One about the area as a whole (empty scope) is everybody's.
    """
    return frozenset((item.id, code) for item in items() for code in item.scope or verksamhet_codes())


def untied_indicators() -> list[str]:
    """Indicators of the catalogue that no item is followed up by, but those about the whole plan: there are none."""
    tied = {measure.indicator_id for measure in measures()}
    return [i.id for i in load_catalogue() if i.id not in tied and not i.whole_plan]
