"""The organisation: the area and its verksamheter, rows of one seed; no code names one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from dagster_project.catalogue.seeds import Row, SeedError, filled, read_rows, said_twice, seed
from dagster_project.catalogue.vocabulary import AREA, VERKSAMHET


class OrganisationError(SeedError):
    """A node that cannot be read or is there twice; the message names its row and what to do."""


@dataclass(frozen=True)
class Node:
    """One node of the tree. type: omrade or verksamhet; parent is None at the top. order: in reports.

    regionskod, hsaid, kolada_ou: what it is called by those who receive exports (`docs/exports.md`), None where it is
    not: then it is left out of what needs it. The sample's are invented; a region sets its own.
    """

    code: str
    parent: str | None
    type: str
    name: str
    order: int
    branch: str | None = None
    regionskod: str | None = None
    hsaid: str | None = None
    kolada_ou: str | None = None


def _node(row: Row) -> Node:
    if row["type"] not in (AREA, VERKSAMHET):
        raise ValueError(f"{row['type'] or 'ingenting'} i type står där {AREA} eller {VERKSAMHET} ska stå")
    if not row["sort_order"].isdecimal():
        raise ValueError(f"{row['sort_order'] or 'ingenting'} i sort_order är inget heltal")
    return Node(
        code=filled(row, "node"),
        parent=row["parent"] or None,
        type=row["type"],
        name=filled(row, "name"),
        order=int(row["sort_order"]),
        branch=row["branch"] or None,
        regionskod=row["regionskod"] or None,
        hsaid=row["hsaid"] or None,
        kolada_ou=row["kolada_ou"] or None,
    )


def read_nodes(rows: Iterable[Row]) -> tuple[Node, ...]:
    """The nodes in the seed's rows, in the order of reports.

    Raises OrganisationError with one sentence: the first row that cannot be read or is there twice, one below nothing,
    or that there is no area.
    """
    found: tuple[Node, ...] = read_rows("organisation", rows, _node, OrganisationError)
    for sentence in _contradictions(found):
        raise OrganisationError(sentence)
    return tuple(sorted(found, key=lambda node: node.order))


def _contradictions(found: Sequence[Node]) -> Iterator[str]:
    yield from said_twice("organisation", (node.code for node in found))
    codes = {node.code for node in found}
    for node in found:
        if node.parent is not None and node.parent not in codes:
            yield f"dbt/seeds/organisation.csv: {node.code} ligger under {node.parent}, som saknas: lägg till den."
    if not any(node.type == AREA for node in found):
        yield f"dbt/seeds/organisation.csv har ingen rad med type {AREA}: området självt ska vara en."


@cache
def nodes() -> tuple[Node, ...]:
    """All nodes in the order of reports. Raises OrganisationError (`read_nodes`)."""
    return read_nodes(seed("organisation"))


def verksamhet_codes() -> tuple[str, ...]:
    """Codes of all verksamheter, in the order of reports."""
    return tuple(node.code for node in nodes() if node.type == VERKSAMHET)


def area_codes() -> tuple[str, ...]:
    """Codes of the areas above the verksamheter."""
    return tuple(node.code for node in nodes() if node.type == AREA)
