"""The quarantine: open rows by source and reason, with what their values were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import CONFLICT, OPEN, RESOLVED
from dagster_project.ingestion.quarantine import open_by_reason
from dagster_project.products.names import source_title, with_unit_names
from dagster_project.products.words import SETTLED_MANY_WORDS, reason_action, reason_text

ROWS_PER_GROUP = 200
ROWS_SHOWN = 6000
"""Quarantined rows in the page, all groups together: with very many groups each shows fewer than ROWS_PER_GROUP."""

_SHOWN = ["nr", "file", "followed_by", "line", "values", "key", "age", "first_seen", "reasons"]


def quarantine_view(quarantine: pl.DataFrame, as_of: date | None, units: Mapping[str, str]) -> dict[str, Any]:
    """Open rows by source and reason; of each group the rows that have waited longest. units: HSA-id -> name."""
    counts = open_by_reason(quarantine)
    waiting = quarantine.filter(pl.col("state") == OPEN)
    rows = _longest_waiting(waiting, as_of, min(ROWS_PER_GROUP, max(1, ROWS_SHOWN // max(1, len(counts)))))
    sources: dict[str, list[dict[str, Any]]] = {}
    for source, reason, count in counts:
        groups = sources.setdefault(source, [])
        groups.append(
            {"id": f"karantan-{source}-{len(groups) + 1}", **_group(reason, count, rows[source, reason], units)}
        )
    by_source = dict(waiting.group_by("source").len().iter_rows())
    oldest = waiting["first_seen"].min()
    return {
        "open": waiting.height,
        "resolved": quarantine.height - waiting.height,
        "settled": _settled(quarantine),
        "oldest": (as_of - oldest).days if as_of and isinstance(oldest, date) else None,
        "sources": [
            {"name": name, "title": source_title(name), "count": by_source[name], "groups": groups}
            for name, groups in sources.items()
        ],
        "shortened": any(g["count"] > len(g["rows"]) for groups in sources.values() for g in groups),
    }


def _settled(quarantine: pl.DataFrame) -> list[tuple[int, str]]:
    """How many resolved rows there are by what settled them, in words."""
    counts = dict(quarantine.filter(pl.col("state") == RESOLVED).group_by("settled_by").len().iter_rows())
    return [(counts[way], words) for way, words in SETTLED_MANY_WORDS.items() if way in counts]


def _longest_waiting(waiting: pl.DataFrame, as_of: date | None, limit: int) -> dict[tuple, list[dict[str, Any]]]:
    """Per source and reason at most `limit` rows; rows in conflict stand with those that they are in conflict with."""
    age = pl.lit(as_of, dtype=pl.Date) - pl.col("first_seen")
    shown = (
        waiting.with_row_index("nr")
        .with_columns(reason=pl.col("reasons").str.split("|"), age=age.dt.total_days())
        .explode("reason")
        .sort("first_seen", "file", pl.when(pl.col("reason") == CONFLICT).then("key"), "line")
        .group_by("source", "reason", maintain_order=True)
        .head(limit)
    )
    groups = shown.partition_by("source", "reason", as_dict=True)
    return {key: list(part.select(_SHOWN).iter_rows(named=True)) for key, part in groups.items()}


def _group(reason: str, count: int, rows: list[dict[str, Any]], units: Mapping[str, str]) -> dict[str, Any]:
    """One reason's rows, each with its other reasons; of rows in conflict the columns that differ."""
    alone = [row["values"] for row in rows if row["reasons"] == reason == CONFLICT]
    for row in rows:
        row["values"] = with_unit_names(row["values"], units)
        row["others"] = "; ".join(reason_text(r) for r in row.pop("reasons").split("|") if r != reason)
    return {
        "reason": reason,
        "text": reason_text(reason),
        "action": reason_action(reason),
        "columns": list(dict.fromkeys(v.partition("=")[0] for values in alone for v in values.split("|") if v)),
        "count": count,
        "rows": rows,
        "several": any(row["others"] for row in rows),
    }
