"""The run, the ones before it, and what it holds back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dagster_project.catalogue.vocabulary import CRITICAL, WARNING
from dagster_project.core.clock import swedish_time
from dagster_project.core.swedish import counted
from dagster_project.products.names import source_name
from dagster_project.products.steward_page.checks import FAILED, PASSED
from dagster_project.releases.retractions import Retraction
from dagster_project.runs.history import RunRecord


def local_time(started: str) -> str:
    """A UTC time of a record as a Swedish clock showed it: `2022-09-30 06:15`."""
    return f"{swedish_time(started):%Y-%m-%d %H:%M}"


def run_labels(records: Sequence[RunRecord]) -> list[str]:
    """What tells runs apart in a heading: their as-of date, and where another has the same, when they were run."""
    days = Counter(r.as_of for r in records)
    started = {r.as_of: {local_time(o.started)[:10] for o in records if o.as_of == r.as_of} for r in records}
    labels = []
    for r in records:
        day, time = r.as_of or "okänd dag", local_time(r.started)
        when = f" kl. {time[11:]}" if len(started[r.as_of]) == 1 else f" körd {time[5:]}"
        labels.append(day + when if days[r.as_of] > 1 else day)
    return labels


def run_view(
    run: RunRecord, names: Mapping[str, str], retracted: Mapping[str, Retraction] = MappingProxyType({})
) -> dict[str, Any]:
    """One run. names: indicator -> title. retracted: the retractions that hold, by release."""
    by_source: dict[str, list[str]] = {}
    for indicator, sources in run.held_back.items():
        for source in sources:
            by_source.setdefault(source, []).append(names.get(indicator, indicator))
    status, text = _outcome(run)
    if run.release_id is not None and (retraction := retracted.get(run.release_id)):
        status, text = FAILED[CRITICAL][0], retraction.text
    return {
        "started": local_time(run.started),
        "as_of": run.as_of,
        "run_id": run.run_id,
        "release_id": run.release_id,
        "error": run.error,
        "rejected": run.rejected,
        "shrunk": run.shrunk,
        "notices": run.notices,
        "status": status,
        "text": text,
        "held": [(source_name(source), sorted(titles)) for source, titles in sorted(by_source.items())],
        "held_count": len(run.held_back),
    }


def _outcome(run: RunRecord) -> tuple[str, str]:
    """Class and text of what a run came to."""
    if run.release_id is None:
        return FAILED[CRITICAL][0], "Ingenting publicerades"
    published = f"Publicerad bredvid {run.beside}, som är den aktuella" if run.beside else "Publicerad"
    if held := len(run.held_back):
        return FAILED[WARNING][0], f"{published}, {counted(held, 'indikator', 'indikatorer')} hålls tillbaka"
    if run.shrunk or run.notices or any(not c.success and c.consequence == WARNING for c in run.checks):
        return FAILED[WARNING][0], f"{published}, med varning"
    return PASSED[0], published


def held_back_view(run: RunRecord, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Held-back indicators in groups of the same sources and the same origin of their rows."""
    groups: dict[tuple[tuple[str, ...], str | None], list[str]] = {}
    for indicator, sources in run.held_back.items():
        key = (tuple(sorted(sources)), run.frozen.get(indicator))
        groups.setdefault(key, []).append(names.get(indicator, indicator))
    return [
        {
            "sources": [source_name(s) for s in sources],
            "since": origin[:10] if origin else None,
            "origin": origin,
            "titles": sorted(titles),
        }
        for (sources, origin), titles in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    ]
