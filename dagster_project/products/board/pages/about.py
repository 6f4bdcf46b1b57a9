"""How the board is read, who answers for it, and its accessibility statement (lagen 2018:1937, Digg's form of it)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from dagster_project.catalogue import vocabulary as v
from dagster_project.products.board.site import ABOUT, Page, Site
from dagster_project.products.charts import Break, Limits, Point, trend
from dagster_project.releases.labels import DIRECTION_WORDS, SIGNAL_KIND, STATUS_KIND

ASSESSED = date(2026, 11, 26)
"""When the pages were last held against the law, by the tests of `tests/products/board` and by eye."""


def pages(site: Site) -> Iterator[Page]:
    """`om.html`."""
    reading = site.reading
    manifest = reading.release.manifest
    yield Page(
        "om.html",
        "Så läser du tavlan",
        "about.html.j2",
        {
            "statuses": [s for s in reading.statuses.values() if s.typ == STATUS_KIND],
            "signals": [s for s in reading.statuses.values() if s.typ == SIGNAL_KIND],
            "directions": DIRECTION_WORDS,
            "limit": manifest.suppression_limit,
            "few": manifest.few_limit,
            "example": example(),
            "assessed": ASSESSED,
            "responsible": any(item.ansvarig for item in reading.items.values()) and site.plans,
            "v": v,
        },
        ABOUT,
    )


def example() -> str:
    """A made-up series that has everything a chart can show."""
    values = [84.0, 85.5, 83.0, 86.0, None, 84.5, 86.5, 85.0, 87.0, 88.5, 90.0, 91.0, 89.5]
    months = [date(2021, 9, 1)]
    for _ in values[1:]:
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    points = [
        Point(month, f"månad {n}", value, "hidden" if value is None else "preliminary" if n == len(values) else "shown")
        for n, (month, value) in enumerate(zip(months, values, strict=True), start=1)
    ]
    return trend(
        points,
        alt="Påhittad serie som visar linje, band, mål, jämförelse, dold månad, preliminär månad och brott.",
        unit="procent",
        decimals=1,
        target=90.0,
        limits=Limits(86.3, 81.0, 91.6, months[0], months[-2]),
        comparison=[None if v is None else v - 3 for v in values],
        breaks=[Break(months[3], "ny definition")],
        signal_points=[months[-2]],
    )
