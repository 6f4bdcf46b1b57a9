"""The catalogue of indicators: a row of the seed `catalogue` each, typed; it decides how a cell is computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.seeds import seed
from dagster_project.catalogue.vocabulary import BASE_YEAR, WINDOW
from dagster_project.core.errors import ResultattavlaError


class CatalogueError(ResultattavlaError):
    """A row of the catalogue that cannot be read: the message names it and what is wrong."""


@dataclass(frozen=True)
class Requirement:
    """What some current row of a source must say: the column is filled in, or has the value."""

    source: str
    column: str
    value: str | None = None


@dataclass(frozen=True)
class Indicator:
    """One indicator.

    kind, path, levels, comparison_base: values of `vocabulary`. stock: longer periods show their last month. patient:
    small numbers are hidden. by_sex: rows K and M beside T. timed: a share of cases resolved within limit_days, whose
    open cases are shown. window_months: what a cell of the path window looks back over, its period's last month
    included. register: of the register sources. code_list: of the seed code_lists. part_of: the indicator whose
    observations these are some of: their difference is protected too. base_year: of the comparison base with that
    name. read: the sources of its observations; sources: those and, where their rows belong to units, the unit
    register. requires: as long as no current row says it, nothing is known. whole_plan: about the plan as a whole,
    not about one of its items. Targets and items of the plan are data of their own (`catalogue.plan`).
    """

    id: str
    titel: str
    kind: str
    stock: bool
    patient: bool
    by_sex: bool
    path: str
    timed: bool
    limit_days: int | None
    window_months: int | None
    register: str | None
    code_list: str | None
    part_of: str | None
    levels: tuple[str, ...]
    comparison_base: str | None
    base_year: int | None
    read: tuple[str, ...]
    requires: Requirement | None
    whole_plan: bool
    scope: tuple[str, ...]
    unit: str
    direction: str

    @property
    def sources(self) -> tuple[str, ...]:
        return sources_behind(self.read)

    @property
    def report_source(self) -> str | None:
        """The source of verksamheter's reports on the plan, where the indicator is made of the numbers in them and of
        nothing else; None for any other, also for one about the plan as a whole."""
        contract = load_contracts().get(self.sources[0]) if len(self.sources) == 1 else None
        if self.whole_plan or contract is None or not any(column.plan_item for column in contract.columns):
            return None
        return contract.source


def sources_behind(read: Sequence[str]) -> tuple[str, ...]:
    """Sources that an indicator reads, and before them the unit register where rows of one of them belong to units: of
    rows that name a verksamhet themselves it is not asked (indicators.md)."""
    contracts = load_contracts()
    by_unit = any(contracts[source].unit is not None for source in read if source in contracts)
    return (REGISTER_SOURCE, *read) if by_unit else tuple(read)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text or 'ingenting'} står där true eller false ska stå")
    return text == "true"


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def _optional(text: str, convert: Callable[[str], Any] = str) -> Any:
    return convert(text) if text else None


def _requirement(text: str) -> Requirement:
    """`source.column` or `source.column=value`."""
    found = re.fullmatch(r"(\w+)\.(\w+)(?:=([\w ]+))?", text)
    if found is None:
        raise ValueError(f"requires är {text}, och ska vara källa.kolumn eller källa.kolumn=värde")
    return Requirement(*found.groups())


def _indicator(row: dict[str, str]) -> Indicator:
    return Indicator(
        id=row["indicator_id"],
        titel=row["titel"],
        kind=row["art"],
        stock=_flag(row["bestand"]),
        patient=_flag(row["patient"]),
        by_sex=_flag(row["konsuppdelad"]),
        path=row["path"],
        timed=_flag(row["timed"]),
        limit_days=_optional(row["limit_days"], int),
        window_months=_optional(row["window_months"], int),
        register=_optional(row["register"]),
        code_list=_optional(row["code_list"]),
        part_of=_optional(row["del_av"]),
        levels=_parts(row["levels"]),
        comparison_base=_optional(row["comparison_base"]),
        base_year=_optional(row["base_year"], int),
        read=_parts(row["kallor"]),
        requires=_optional(row["requires"], _requirement),
        whole_plan=_flag(row["whole_plan"]),
        scope=_parts(row["omfattning"]),
        unit=row["mattenhet"],
        direction=row["riktning"],
    )


def _faults(i: Indicator) -> Iterator[str]:
    """What of a row does not fit together and would else only be seen in its numbers."""
    if (i.window_months is not None) != (i.path == WINDOW) or (i.window_months is not None and i.window_months < 1):
        yield f"window_months hör till path {WINDOW}, och är minst 1"
    if (i.base_year is not None) != (i.comparison_base == BASE_YEAR):
        yield f"base_year hör till comparison_base {BASE_YEAR}"
    if i.stock and (i.path == WINDOW or i.base_year is not None):
        yield "ett bestånd visar sin sista månad: det har varken path window eller base_year"
    if i.requires is None:
        return
    contract = load_contracts().get(i.requires.source)
    if i.requires.source not in i.read or contract is None:
        yield f"requires nämner {i.requires.source}, som inte är någon av indikatorns källor"
    elif i.requires.column not in {c.name for c in contract.columns}:
        yield f"requires nämner {i.requires.column}, som inte är någon kolumn i {i.requires.source}"


@cache
def load_catalogue() -> tuple[Indicator, ...]:
    """All indicators in the order of the seed. Raises CatalogueError (which and why) for a row that cannot be read."""
    found = []
    for row in seed("catalogue"):
        try:
            found.append(_indicator(row))
        except (KeyError, ValueError, AttributeError) as error:
            name, why = row.get("indicator_id"), error.args[0] if isinstance(error, KeyError) else error
            raise CatalogueError(f"dbt/seeds/catalogue.csv: raden för {name} kan inte läsas: {why}.") from error
        if faults := list(_faults(found[-1])):
            raise CatalogueError(f"dbt/seeds/catalogue.csv: raden för {found[-1].id} kan inte läsas: {faults[0]}.")
    whole = {i.id: i for i in found}
    for i in found:
        if i.part_of is None:
            continue
        other = whole.get(i.part_of)
        if other is None or other.part_of or (other.stock, other.patient, True) != (i.stock, True, i.patient):
            raise CatalogueError(
                f"dbt/seeds/catalogue.csv: {i.id} är del av {i.part_of}, som ska finnas, gälla patienter, ha samma "
                "slags tid (bestand) och inte själv vara del av en annan indikator."
            )
    return tuple(found)


def parts_and_wholes() -> tuple[tuple[str, str], ...]:
    """(part, whole) of the catalogue: indicators whose difference is protected like their numbers."""
    return tuple((i.id, i.part_of) for i in load_catalogue() if i.part_of)


def exclusion_words() -> dict[str, str]:
    """Why an observation does not count: code -> Swedish words."""
    return {row["exclusion"]: row["text"] for row in seed("exclusions")}
