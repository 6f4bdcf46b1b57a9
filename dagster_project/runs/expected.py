"""Which delivery is expected next of each source, and which are overdue: by the agreed age, on the day of asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.catalogue.vocabulary import ACCEPTED, LATER
from dagster_project.core.clock import told_day
from dagster_project.runs.ledger import Delivery


@dataclass(frozen=True)
class Expected:
    """A source's newest delivery, and the last day on which the next one keeps what is agreed; None: never delivered.

    The gate judges ages at the run's as-of date, so that a past day comes out the same; this is about today.
    """

    source: str
    newest: date | None
    by: date | None

    def is_overdue(self, today: date) -> bool:
        """Whether the next delivery should have come. A source that was never delivered is not late (a gate tells)."""
        return self.by is not None and self.by < today

    @property
    def sentence(self) -> str:
        """What is overdue, the same on every day that it is."""
        assert self.newest and self.by
        return f"{self.source}: väntades senast {told_day(self.by)} (nyaste uttag {told_day(self.newest)})"


def expected_deliveries(ledger: Iterable[Delivery], ages: Mapping[str, int], today: date) -> list[Expected]:
    """What is expected of every source of `ages` (agreed age in days).

    Files that came for a day after the run's as-of date have come too; one that is dated in the future says nothing.
    """
    newest: dict[str, date] = {}
    for d in ledger:
        if d.status in (ACCEPTED, LATER) and d.uttagsdatum and d.uttagsdatum <= today:
            newest[d.source] = max(d.uttagsdatum, newest.get(d.source, date.min))
    return [
        Expected(source, newest.get(source), newest[source] + timedelta(days) if source in newest else None)
        for source, days in ages.items()
    ]
