"""The waivers: what each is for, how long it holds and what it does in this run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dagster_project.gates.outcomes import GATE_TITLES, Outcome
from dagster_project.gates.waivers import Waiver
from dagster_project.products.names import source_name
from dagster_project.products.steward_page.checks import Titles

SOON_DAYS = 14
"""A waiver that ends within this many days is pointed out."""


def waiver_view(waiver: Waiver, outcomes: Sequence[Outcome], as_of: date | None, titles: Titles) -> dict[str, Any]:
    """One waiver and what it does in this run."""
    outcome = next((o for o in outcomes if (o.suite, o.expectation, o.source) == waiver.names), None)
    left = (waiver.last_date - as_of).days if as_of else None
    status, text = _use(outcome, left)
    return {
        "title": titles.of(waiver.suite, waiver.expectation),
        "name": source_name(waiver.source),
        "gate": GATE_TITLES[waiver.suite.split("/")[0]],
        "reason": waiver.reason,
        "who": waiver.approved_by,
        "last_date": waiver.last_date,
        "left": left,
        "soon": left is not None and 0 <= left <= SOON_DAYS,
        "used": outcome is not None and outcome.undantag is not None,
        "status": status,
        "text": text,
        "line": waiver.line,
    }


def _use(outcome: Outcome | None, left: int | None) -> tuple[str, str]:
    """Class and text of what a waiver does. outcome: of its expectation; left: days until it ends."""
    if left is not None and left < 0:
        return "stopp", "Har gått ut: ta bort raden eller låt den som ansvarar förnya den"
    if outcome is None:
        return "oprovad", "Inte prövat i den här körningen"
    if outcome.success:
        return "upplysning", "Behövs inte längre: förväntan är uppfylld"
    if outcome.undantag is None:
        return "oprovad", "Används inte i den här körningen"
    return "varning", "Används i den här körningen"
