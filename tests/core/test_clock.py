"""Days and times as a Swedish clock and calendar show them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dagster_project.core.clock import today_in_sweden, told_day, told_time


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-11-26T06:41:59+00:00", "26 nov 2026 kl. 07.41"),  # winter: an hour ahead of UTC
        ("2026-07-01T22:05:00+00:00", "2 juli 2026 kl. 00.05"),  # summer: two, and the next day
        ("2026-11-26T06:41:59", "26 nov 2026 kl. 07.41"),  # records say UTC where they say no zone
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "29 mars 2026 kl. 01.59"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "29 mars 2026 kl. 03.00"),  # the clock was put forward
    ],
)
def test_a_time_is_told_in_swedish(moment: str | datetime, told: str) -> None:
    assert told_time(moment) == told


def test_a_day_is_told_in_swedish() -> None:
    assert [told_day(date(2026, m, 1)) for m in (1, 4, 5, 9, 12)] == [
        "1 jan 2026",
        "1 april 2026",
        "1 maj 2026",
        "1 sep 2026",
        "1 dec 2026",
    ]


def test_today_is_today_in_sweden() -> None:
    assert today_in_sweden(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)) == date(2026, 11, 26)
