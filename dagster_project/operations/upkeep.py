"""Upkeep of the data folder: what killed runs leave is swept away, what is old is removed by the stated rule.

Both happen while this process holds the run lock, so nothing of another run can be touched.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.core.files import PRIVATE, remove
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.bronze import read_note
from dagster_project.releases.frozen import holders, report_holder
from dagster_project.releases.store import Release, current_id, releases
from dagster_project.runs.ledger import Delivery

log = logging.getLogger("resultattavla")

_OLDER_NAMES = (
    "avvisade_rader.parquet",
    "grind_*",
    "indikatorer.parquet",
    "karantan.parquet",
    "leverans.duckdb",
    "leveranser.parquet",
    "matt.parquet",
    "parametrar.parquet",
    "state.json",
)
"""Run tables of older versions, some with rows of persons: nobody reads them any more."""
_LEFTOVERS = (
    *(f"run/{name}" for name in _OLDER_NAMES),
    # core.files.replacing, and what DuckDB keeps beside such a file; nobody else's folder is ever looked into.
    *(
        f"{name}/**/.*.part*"
        for name in ("bronze", "dagster", "dbt", "docs", "evidence", "history", "published", "run")
    ),
    ".warehouse.duckdb.*.part*",
    "person.*.part",
    "published/.current.*",
    "published/releases/.*.staging",
    "published/.*.lank",
    "published/.*.staging",
    "published/produkter/.*.staging",
    "published/produkter/*/.*.staging",
    "docs/.datadokumentation-*",
    "warehouse.duckdb.tmp",
    "run/*.tmp",
    "tmp",
)


def sweep(data: DataPaths) -> list[Path]:
    """Remove what a killed run left half done; returns what was removed."""
    removed = [path for pattern in _LEFTOVERS for path in data.root.glob(pattern)]
    for path in removed:
        remove(path)
    return removed


def keep_private(data: DataPaths) -> None:
    """Take from others what they may do with persons' data and stewards' pages, of older versions or copies.

    New files have the umask.
    """
    for top in (*data.person_level, data.docs):
        for path in (top, *top.rglob("*")):
            if not path.is_symlink() and path.exists() and (mode := path.stat().st_mode) & PRIVATE:
                path.chmod(mode & ~PRIVATE)


@contextmanager
def swept(data: DataPaths) -> Iterator[None]:
    """The data folder without leftovers, and with a place below it for what packages write for a while."""
    sweep(data)
    folder, before = data.root / "tmp", tempfile.tempdir
    folder.mkdir(exist_ok=True)
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def kept_releases(data: DataPaths, keep: int, as_of: str, limit: int) -> set[str]:
    """Ids of the releases to keep: the newest `keep`, the current one, and those that frozen rows need or may need.

    as_of, limit: the day and the suppression limit of the run that goes before.
    """
    found, every = releases(data), releases(data, retracted=True)
    wanted = {release.id for release in every[:keep]}
    if (current := current_id(data)) is not None:
        wanted.add(current)
    # Should a source fail tomorrow, its indicators' rows come from there; by runs of later days than this, or not.
    indicators = [i.id for i in load_catalogue()]
    for last_day in (as_of, None):
        wanted |= {release.id for release in holders(found, indicators, limit, last_day).values()}
        if (reports := report_holder(found, last_day)) is not None:
            wanted.add(reports.id)
    return wanted | {origin for release in every if release.id in wanted for origin in release.origins}


def prune_releases(data: DataPaths, keep: int, as_of: str, limit: int) -> set[str]:
    """Remove releases that the rule does not keep (`kept_releases`, returned); a damaged folder is left to be seen."""
    kept = kept_releases(data, keep, as_of, limit)
    for release in releases(data, retracted=True):
        if release.id not in kept:
            remove_release(release)
    return kept


def remove_release(release: Release) -> None:
    """Remove a release's folder."""
    # Out of sight first: a reader sees a whole release or none.
    hidden = release.folder.with_name(f".{release.id}.staging")
    release.folder.rename(hidden)
    shutil.rmtree(hidden)


def prune_bronze(data: DataPaths, ledger: Iterable[Delivery]) -> None:
    """Remove what bronze holds of rejected files that have left raw: nothing counts on it. All else stays for good."""
    shas = {(d.source, (d.sha256 or "")[:16]) for d in ledger}
    for path in data.bronze.glob("*/*.json"):
        if (path.parent.name, path.stem.rpartition("_")[2]) in shas:
            continue
        meta = read_note(path)
        if meta is not None and meta["status"] == REJECTED:  # a damaged note is for those who read deliveries
            # Rows of an earlier contract may be there; the note goes last.
            for rows in path.parent.glob(f"{path.stem}.*.parquet"):
                rows.unlink()
            path.unlink()
