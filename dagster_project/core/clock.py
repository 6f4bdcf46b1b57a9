"""Which day it is: today in Sweden, whatever the machine's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")


def today_in_sweden(now: datetime | None = None) -> date:
    """The Swedish date now, or at a moment (with its zone)."""
    return (now or datetime.now(UTC)).astimezone(SWEDEN).date()
