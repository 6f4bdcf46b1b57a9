"""Which day it is in Sweden, whatever the machine's zone, and how a day and a time are told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")


def today_in_sweden(now: datetime | None = None) -> date:
    """The Swedish date now, or at a moment (with its zone)."""
    return (now or datetime.now(UTC)).astimezone(SWEDEN).date()


_MONTHS = ("jan", "feb", "mars", "april", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec")


def told_day(day: date) -> str:
    """A day in running text: `26 nov 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def swedish_time(moment: datetime | str) -> datetime:
    """A moment (ISO 8601; without a zone it is UTC) as a Swedish clock showed it."""
    time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(SWEDEN)


def told_time(moment: datetime | str) -> str:
    """A moment (`swedish_time`) in running text: `26 nov 2026 kl. 07.41`."""
    local = swedish_time(moment)
    return f"{told_day(local.date())} kl. {local:%H.%M}"
