"""The sources: who answers for each, what was read last, and how its deliveries have been over the kept runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, DRIFT
from dagster_project.core.swedish import number, percent
from dagster_project.gates.outcomes import Outcome
from dagster_project.ingestion.measures import newer_rejected
from dagster_project.products.measured import measure_of
from dagster_project.products.steward_page.charts import Chart, chart
from dagster_project.products.steward_page.view_runs import run_labels
from dagster_project.runs.history import CheckRecord, RunRecord
from dagster_project.runs.ledger import ledger_of

ROWS, QUARANTINED, AGE = "rows", "quarantine", "age"
"""The measures that are followed (`measure` of the suites); what changed in deliveries is counted beside them."""
TRENDS = (
    (ROWS, "Rader som räknas", lambda value: number(value)),
    (QUARANTINED, "Andel i karantän", percent),
    (AGE, "Ålder i dagar", lambda value: number(value)),
    (DRIFT, "Förändringar", lambda value: number(value)),
)


def sources_view(
    records: Sequence[RunRecord], outcomes: Sequence[Outcome], ledger: pl.DataFrame | None
) -> list[dict[str, Any]]:
    """Every source; its trends over the runs of `records` (newest first; the first is this run), oldest to newest.

    A run that judged no deliveries is a gap.
    """
    runs = [tuple(o.record() for o in outcomes), *(r.checks for r in records[1:])][::-1]
    labels = run_labels(records)[::-1]
    last, rejected = _last_read(ledger), _rejected(ledger)
    views = []
    for source, contract in load_contracts().items():
        found = [_values([c for c in checks if c.source == source]) for checks in runs]
        trends = [_trend(title, shown, [f.get(name, (None, None)) for f in found]) for name, title, shown in TRENDS]
        views.append(
            {
                "source": source,
                "name": contract.title,
                "owner": contract.owner,
                "contact": contract.contact,
                "agreed": contract.agreed_age_days,
                "last": last.get(source),
                "rejected": rejected.get(source, []),
                "trends": trends,
                "table": [(label, [t["texts"][n] for t in trends]) for n, label in enumerate(labels)][::-1],
            }
        )
    return views


def _values(checks: Sequence[CheckRecord]) -> dict[str, tuple[float | None, float | None]]:
    """The followed measures of a source in one run: value and the lowest limit."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for check in checks:
        name = measure_of(check.suite, check.expectation)
        if name not in (ROWS, QUARANTINED, AGE) or check.observed is None:
            continue
        try:
            value = float(check.observed)
        except ValueError:
            continue
        limits = [limit for limit in (found.get(name, (None, None))[1], check.limit) if limit is not None]
        found[name] = (value, min(limits, default=None) if name != ROWS else None)
    if found:  # deliveries were judged in this run
        found[DRIFT] = (float(sum(c.gate == DRIFT and not c.success for c in checks)), None)
    return found


def _trend(title: str, shown: Any, found: Sequence[tuple[float | None, float | None]]) -> dict[str, Any]:
    values = [value for value, _ in found]
    limit = next((limit for _, limit in reversed(found) if limit is not None), None)
    texts = ["–" if value is None else shown(value) for value in values]
    return {
        "title": title,
        "now": texts[-1] if texts else "–",
        "texts": texts,
        "chart": _drawn(title, values, limit, shown),
    }


def _drawn(title: str, values: Sequence[float | None], limit: float | None, shown: Any) -> Chart | None:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    told = f"{title}, {len(known)} körningar: från {shown(known[0])} till {shown(known[-1])}"
    told += f", lägst {shown(min(known))}, högst {shown(max(known))}"
    return chart(values, limit, told if limit is None else f"{told}, gräns {shown(limit)}")


def _last_read(ledger: pl.DataFrame | None) -> dict[str, dict[str, Any]]:
    """The newest accepted file of each source: file, day and rows."""
    if ledger is None:
        return {}
    newest = ledger.filter(pl.col("status") == ACCEPTED).sort("uttagsdatum", "position", "file")
    kept = newest.group_by("source", maintain_order=True).last()
    return {
        row["source"]: {"file": row["file"].rpartition("/")[2], "day": row["uttagsdatum"], "rows": row["rows_read"]}
        for row in kept.iter_rows(named=True)
    }


def _rejected(ledger: pl.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    """Rejected files that are newer than the newest accepted one, by source."""
    found: dict[str, list[dict[str, Any]]] = {}
    for d in newer_rejected(ledger_of(ledger)) if ledger is not None else ():
        found.setdefault(d.source, []).append({"file": d.name, "reason": d.orsak})
    return found
