"""Upkeep of the data folder: what killed runs leave is swept away, what is old is removed by the stated rule.

Both happen while this process holds the run lock, so nothing of another run can be touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.deliveries import REJECTED
from dagster_project.gates import catalogue
from dagster_project.paths import DataPaths
from dagster_project.release import releases

if TYPE_CHECKING:
    from dagster import DagsterInstance

_LEFTOVERS = (
    "**/.*.part",  # paths.replacing
    "person.*.part",
    "published/.current.*",
    "published/releases/.*.staging",
    "docs/.datadokumentation-*",
    "warehouse.duckdb.tmp",
    "run/*.tmp",
)


def sweep(data: DataPaths) -> list[Path]:
    """Remove what a killed run left half done; returns what was removed."""
    removed = [path for pattern in _LEFTOVERS for path in data.root.glob(pattern)]
    for path in removed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return removed


def kept_releases(data: DataPaths, keep: int) -> set[str]:
    """Ids of the releases to keep: the newest `keep`, the current one, and those that frozen rows need or may need."""
    found = releases(data)
    wanted = {release.id for release in found[:keep]}
    if data.current.is_symlink():
        wanted.add(data.current.readlink().name)
    # Should a source fail tomorrow, its indicators' rows come from the newest release in which they passed.
    for indicator in catalogue():
        wanted |= {next((r.id for r in found if indicator.id not in r.held_back), "")}
    return wanted | {origin for release in found if release.id in wanted for origin in release.frozen.values()}


def prune_releases(data: DataPaths, keep: int) -> set[str]:
    """Remove releases that the rule does not keep (`kept_releases`, returned); a damaged folder is left to be seen."""
    kept = kept_releases(data, keep)
    for release in releases(data):
        if release.id not in kept:
            # Out of sight first: a reader sees a whole release or none.
            hidden = release.folder.with_name(f".{release.id}.staging")
            release.folder.rename(hidden)
            shutil.rmtree(hidden)
    return kept


def prune_bronze(data: DataPaths, inputs: Collection[Mapping[str, str | None]]) -> None:
    """Remove notes of rejected files that have left raw: nothing counts on them. All other bronze stays for good."""
    shas = {(d["source"], (d["sha256"] or "")[:16]) for d in inputs}
    for path in data.bronze.glob("*/*.json"):
        if (path.parent.name, path.stem.rpartition("_")[2]) in shas:
            continue
        try:
            rejected = json.loads(path.read_text(encoding="utf-8")).get("status") == REJECTED
        except ValueError:
            continue  # damaged: reading deliveries deals with it
        if rejected:
            path.unlink()


def prune_dagster(instance: DagsterInstance, keep: int) -> None:
    """Remove Dagster's logs of finished runs beyond the newest `keep`."""
    import dagster as dg

    finished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    for record in instance.get_run_records(finished)[keep:]:
        instance.delete_run(record.dagster_run.run_id)
