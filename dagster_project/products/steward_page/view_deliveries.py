"""The deliveries: the ledger, and sources whose newest delivery is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import ACCEPTED, CRITICAL, REJECTED
from dagster_project.gates.outcomes import Outcome
from dagster_project.products.measured import measure_of, measured
from dagster_project.products.names import source_name, source_title
from dagster_project.products.steward_page.checks import FAILED, NOT_TESTED, PASSED, graveness
from dagster_project.products.steward_page.view_sources import AGE
from dagster_project.products.words import DELIVERY_STATUS_WORDS

DELIVERIES_PER_SOURCE = 100
_CLASSES = {REJECTED: FAILED[CRITICAL][0], ACCEPTED: PASSED[0]}


def deliveries_view(ledger: pl.DataFrame) -> dict[str, Any]:
    """The ledger, rejected files first, then the newest; of each source at most DELIVERIES_PER_SOURCE of either."""
    rejected = pl.col("status") == REJECTED
    ordered = ledger.sort(~rejected, "uttagsdatum", "source", "file", descending=[False, True, False, False])
    shown = ordered.filter(pl.int_range(pl.len()).over("source", rejected) < DELIVERIES_PER_SOURCE)
    rows = [
        {
            **row,
            "title": source_title(row["source"]),
            "status": _CLASSES.get(row["status"], NOT_TESTED[0]),
            "text": DELIVERY_STATUS_WORDS.get(row["status"], row["status"]),
            "rejected": row["status"] == REJECTED,
        }
        for row in shown.iter_rows(named=True)
    ]
    return {
        "rows": rows,
        "count": ledger.height,
        "rejected": ledger.filter(rejected).height,
        "left_out": ledger.height - shown.height,
        "sources": sorted(set(ledger["source"])),
    }


def late_view(outcomes: Sequence[Outcome], ledger: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Sources whose newest delivery is older than agreed: the gravest of the two expectations, age and date."""
    newest: dict[str, date] = {}
    if ledger is not None:
        accepted = ledger.filter(pl.col("status") == ACCEPTED)
        newest = dict(accepted.group_by("source").agg(pl.col("uttagsdatum").max()).iter_rows())
    late: dict[str, Outcome] = {}
    for o in outcomes:
        graver = o.source not in late or graveness(o) < graveness(late[o.source])
        if not o.success and measure_of(o.suite, o.expectation) == AGE and graver:
            late[o.source] = o
    return [
        {
            "name": source_name(source),
            "measured": measured(o),
            "newest": newest.get(source),
            "status": FAILED[o.consequence][0],
            "word": FAILED[o.consequence][1],
            "waived": o.undantag is not None,
        }
        for source, o in sorted(late.items())
    ]
