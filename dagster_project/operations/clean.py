"""Remove a data folder that is ours: what we made in it, and every folder in which nothing else lies."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.erasures import load_erasures
from dagster_project.operations.claim import MARK, names_of_ours
from dagster_project.operations.lock import run_lock, told_by_the_machine
from dagster_project.operations.upkeep import sweep
from dagster_project.products.make import files_and_links

_ID = r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9a-f]{16}"
_RELEASE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{12}"
_BRONZE = (
    rf"\.erased|\.(seen|evidence)\.json|[a-z_]+/(0\.accepted\.parquet|{_ID}\.(json|(accepted|quarantine)\.parquet))"
)
_MADE = {
    "bronze": _BRONZE,
    "bronze.fore": _BRONZE,
    "dbt": r"[^/]+\.(json|version|msgpack)|(compiled|run)/.+\.(sql|csv|ya?ml)|logs/.*",
    "docs": r"index\.html|(karantan|visade)[a-z_]*\.csv|datadokumentation/([a-z]+/)?([a-z_]+\.html|style\.css)",
    "evidence": rf"{_RELEASE}\.json|[a-z0-9_]+/[0-9a-f]+-[0-9a-f]{{32}}\.parquet",
    "history": r"[0-9]{8}T[^/]+\.(json|log\.jsonl)|visade_forut\.parquet",
    "published": (
        rf"current|aterkallade/{_RELEASE}\.json|"
        rf"releases/{_RELEASE}/([a-z_]+\.(csv|parquet)|(manifest|datapackage)\.json|resultat\.duckdb)"
    ),
    "run": (
        r"[a-z_]+\.parquet|results_[a-z]+\.json|(identity|release|warehouse)\.json|delivery\.duckdb|log\.jsonl|finished|asked_day"
    ),
}
"""Folder of ours -> the names that we give below it. What Dagster and packages keep is theirs to name."""
_WHOLE = {"dagster", "dagster.skadad", "spark", "tmp"}


def _remove_ours(root: Path, name: str) -> list[str]:
    """Remove what we made under one of our names; returns what is left of it, below root. No link is followed."""
    top = root / name
    if top.is_symlink():
        return [name]  # it leads to where somebody put it
    if not top.is_dir() or name in _WHOLE:
        remove(top)
        return []
    left = []
    of_products = files_and_links(top) if name == "published" else set()
    for folder, folders, files in os.walk(top, topdown=False):
        links = [f for f in folders if (Path(folder) / f).is_symlink()]
        for entry in (*files, *links):
            path = Path(folder) / entry
            below = path.relative_to(top).as_posix()
            ours = re.fullmatch(_MADE[name], below) and (below == "current" or not path.is_symlink())
            if ours or path in of_products:
                path.unlink()
            else:
                left.append(path.relative_to(root).as_posix())
        if not any(os.scandir(folder)):
            Path(folder).rmdir()
    return left


def clean(data: DataPaths) -> list[str]:
    """Remove all that is ours below a data folder; returns what stays, by path below it.

    What is not ours stays, in our folders too, and, where persons were erased, their list and the key: from raw they
    would come back else. Ask first whether the folder is ours (`claim.is_ours`): one that is not there would be made.
    The mark goes last, so that a removal that was killed can be asked for again. Raises BusyError while a run holds the
    folder.
    """
    with run_lock(data), told_by_the_machine(data):
        sweep(data)
        erasures = load_erasures(data)
        kept = {data.erasures.name, "person.key"} if erasures is not None and erasures.persons else set()
        left = list(kept & {path.name for path in data.root.iterdir()})
        ours = names_of_ours(data)
        left += [path.name for path in data.root.iterdir() if path.name not in {*ours, ".run.lock", MARK}]
        for name in ours:
            if name not in kept:
                left += _remove_ours(data.root, name)
        for name in (".run.lock",) if kept else (".run.lock", MARK):
            remove(data.root / name)
        if not any(data.root.iterdir()) and not data.root.is_symlink():
            data.root.rmdir()
        return sorted(left)
