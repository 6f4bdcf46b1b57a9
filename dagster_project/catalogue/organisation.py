"""The organisation: the area and its verksamheter, rows of one seed; no code names one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from dagster_project.catalogue.seeds import seed
from dagster_project.catalogue.vocabulary import AREA, VERKSAMHET


@dataclass(frozen=True)
class Node:
    """One node of the tree. type: omrade or verksamhet; parent is None at the top; None dates: always valid.

    regionskod, hsaid, kolada_ou: what it is called by those who receive exports (`docs/exports.md`), None where it is
    not: then it is left out of what needs it. The sample's are invented; a region sets its own.
    """

    code: str
    parent: str | None
    type: str
    name: str
    valid_from: date | None
    valid_to: date | None
    branch: str | None = None
    regionskod: str | None = None
    hsaid: str | None = None
    kolada_ou: str | None = None


@cache
def nodes() -> tuple[Node, ...]:
    """All nodes in the order of reports."""
    rows = sorted(seed("organisation"), key=lambda row: int(row["sort_order"]))
    return tuple(
        Node(
            code=row["node"],
            parent=row["parent"] or None,
            type=row["type"],
            name=row["name"],
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            branch=row["branch"] or None,
            regionskod=row["regionskod"] or None,
            hsaid=row["hsaid"] or None,
            kolada_ou=row["kolada_ou"] or None,
        )
        for row in rows
    )


def verksamhet_codes() -> tuple[str, ...]:
    """Codes of all verksamheter, in the order of reports."""
    return tuple(node.code for node in nodes() if node.type == VERKSAMHET)


def area_codes() -> tuple[str, ...]:
    """Codes of the areas above the verksamheter."""
    return tuple(node.code for node in nodes() if node.type == AREA)
