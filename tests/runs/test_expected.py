"""Which delivery is expected next, and which are overdue."""

from __future__ import annotations

from datetime import date

import pytest

from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, REJECTED, WITHDRAWN
from dagster_project.runs.expected import Expected, expected_deliveries
from dagster_project.runs.ledger import Delivery

TODAY = date(2022, 10, 3)


def kva(day: int, status: str = ACCEPTED, month: int = 8) -> Delivery:
    return Delivery("kva", f"kva/{month}-{day}.csv", "a", date(2022, month, day), status)


@pytest.mark.parametrize(
    ("ledger", "newest"),
    [
        pytest.param([kva(1), kva(29), kva(15)], date(2022, 8, 29), id="the newest one counts"),
        pytest.param([kva(1), kva(29, REJECTED)], date(2022, 8, 1), id="what was rejected did not come"),
        pytest.param([kva(1), kva(29, WITHDRAWN)], date(2022, 8, 1), id="nor what was withdrawn"),
        pytest.param([kva(1), kva(29, LATER)], date(2022, 8, 29), id="a past day is run: the later ones have come"),
        pytest.param([kva(1), kva(29, LATER, 12)], date(2022, 8, 1), id="a date in the future says nothing"),
    ],
)
def test_the_next_one_is_expected_within_the_agreed_age(ledger: list[Delivery], newest: date) -> None:
    (found,) = expected_deliveries(ledger, {"kva": 35}, TODAY)
    assert found.newest == newest and found.by is not None and (found.by - newest).days == 35


def test_overdue_is_the_day_after() -> None:
    (found,) = expected_deliveries([kva(29)], {"kva": 35}, TODAY)
    assert found.by == TODAY and not found.is_overdue(TODAY) and found.is_overdue(date(2022, 10, 4))
    assert found.sentence == "kva: väntades senast 3 okt 2022 (nyaste uttag 29 aug 2022)"


def test_what_was_never_delivered_is_not_late() -> None:
    assert expected_deliveries([kva(1)], {"gas": 35}, TODAY) == [Expected("gas", None, None)]
    assert not Expected("gas", None, None).is_overdue(TODAY)
