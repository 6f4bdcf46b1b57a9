"""The store of releases: the one place that finds, orders and reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.releases.manifest import MANIFEST_FILE, Manifest, read_manifest
from dagster_project.releases.retractions import retractions


@dataclass(frozen=True)
class Release:
    """A published release: its folder and manifest."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        return self.manifest.release_id

    @property
    def as_of(self) -> str:
        return self.manifest.as_of

    @property
    def held_back(self) -> dict[str, list[str]]:
        return self.manifest.held_back

    @property
    def frozen(self) -> dict[str, str]:
        return self.manifest.frozen

    @property
    def origins(self) -> set[str]:
        """The older releases that some of what this one shows is from."""
        reports = self.manifest.frozen_reports
        return {*self.frozen.values(), *([reports] if reports is not None else [])}

    def has(self, name: str) -> bool:
        """Whether it has a published table; one by older code lacks those that came later."""
        return f"{name}.parquet" in self.manifest.files

    @property
    def whole(self) -> bool:
        """Whether every file is there and as the manifest says; reads them all."""
        try:
            return all(sha256_of(self.folder / name) == f["sha256"] for name, f in self.manifest.files.items())
        except OSError:
            return False

    @property
    def exit_code(self) -> int:
        """0 when everything was published, 2 when something is held back (published.md)."""
        return 2 if self.held_back or self.manifest.frozen_reports is not None else 0

    def table(self, name: str, indicator_id: str | None = None) -> pl.DataFrame:
        """A published table (`tables`), or its rows of one indicator. Raises OSError or PolarsError where damaged."""
        return _rows(self.scan(name), indicator_id)

    def scan(self, name: str) -> pl.LazyFrame:
        """A published table, lazily."""
        return _scan(self.folder, name)


def _scan(folder: Path, name: str) -> pl.LazyFrame:
    return pl.scan_parquet(folder / f"{name}.parquet")


def _rows(table: pl.LazyFrame, indicator_id: str | None) -> pl.DataFrame:
    return (table if indicator_id is None else table.filter(pl.col("indicator_id") == indicator_id)).collect()


def read_release(folder: Path) -> Release | None:
    """The release in a folder, or None when it is not there or not whole (every file as its manifest says)."""
    release = _release(folder)
    return release if release is not None and release.whole else None


def _release(folder: Path) -> Release | None:
    manifest = read_manifest(folder)
    return Release(folder, manifest) if manifest is not None else None


def current_release(data: DataPaths) -> Release | None:
    """The release that `current` names; None when nothing is published.

    Raises ResultattavlaError when `current` names something that is not whole: it says what, and how to mend it.
    """
    if not os.path.lexists(data.current):
        return None
    release = read_release(data.current.resolve())  # by its own name: the link goes on to other releases
    if release is None:
        named = data.current.readlink().name if data.current.is_symlink() else str(data.current)
        raise ResultattavlaError(
            f"Utgåvan {named} som {data.current} pekar på är skadad eller borta: kör `resultattavla run`, som gör den "
            "hel igen."
        )
    return release


def published_release(data: DataPaths, release_id: str | None = None) -> Release:
    """The current release, or a kept one. Raises ResultattavlaError (what there is) when it is not there or damaged."""
    if release_id is None:
        current = current_release(data)
        if current is None:
            taken = "".join(f" Utgåva {r.release_id}: {r.text}." for r in retractions(data).values())
            raise ResultattavlaError(f"Ingen utgåva är publicerad i {data.root}: kör `resultattavla run` först.{taken}")
        return current
    kept = sorted(release_ids(data), reverse=True)
    if release_id not in kept:
        names = ", ".join(kept[:10]) + (f" och {len(kept) - 10} äldre" if len(kept) > 10 else "")
        raise ResultattavlaError(f"Utgåvan {release_id} finns inte. Sparade utgåvor: {names or 'inga'}.")
    release = read_release(data.releases / release_id)
    if release is None:
        raise ResultattavlaError(
            f"Utgåvan i {data.releases / release_id} är skadad: en fil saknas eller stämmer inte med manifestet."
        )
    return release


def standing_release(data: DataPaths, release_id: str | None = None) -> Release:
    """`published_release`, unless it was retracted: nobody is to hand its numbers on. Raises ResultattavlaError then,
    with who and why."""
    release = published_release(data, release_id)
    if (retraction := retractions(data).get(release.id)) is not None:
        raise ResultattavlaError(f"Utgåva {release.id} gäller inte: {retraction.text}. Ange en annan utgåva.")
    return release


def release_ids(data: DataPaths) -> list[str]:
    """Ids of all kept releases, damaged ones too, oldest first: by as-of date, then by when they were published.

    Both as the manifest says: a restored backup has other file times and the same order. A day that was made again (a
    corrected delivery, another code version) follows its first making. A manifest that cannot be read comes first.
    """
    found = [(folder.name[:10], _published(read_manifest(folder)), folder.name) for folder in _folders(data)]
    return [name for _, _, name in sorted(found)]


def _published(manifest: Manifest | None) -> str:
    return manifest.published if manifest is not None else ""


def kept_table(data: DataPaths, release_id: str, name: str, indicator_id: str) -> pl.DataFrame:
    """`Release.table` of any kept release, also of one that is damaged elsewhere: what it told once is known."""
    return _rows(_scan(data.releases / release_id, name), indicator_id)


def _folders(data: DataPaths) -> Iterator[Path]:
    return (path.parent for path in data.releases.glob(f"[0-9]*/{MANIFEST_FILE}"))


def releases(data: DataPaths, retracted: bool = False) -> list[Release]:
    """The releases that stand, newest first, as `release_ids` orders them; with the retracted ones where asked.

    Whoever reads the files of one asks first whether it is `whole`.
    """
    left_out = set() if retracted else set(retractions(data))
    found = [
        release
        for folder in _folders(data)
        if folder.name not in left_out and (release := _release(folder)) is not None
    ]
    return sorted(found, key=lambda r: (r.folder.name[:10], r.manifest.published, r.folder.name), reverse=True)


def current_id(data: DataPaths) -> str | None:
    """Which release `current` names, whole or not; None where there is no link."""
    return data.current.readlink().name if data.current.is_symlink() else None
