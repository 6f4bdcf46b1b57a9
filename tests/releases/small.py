"""Small releases, written as a run would leave them, without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import FROZEN, RESULT_TABLE
from dagster_project.core.files import sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.releases.manifest import Manifest, read_manifest
from dagster_project.releases.tables import INDICATOR_TABLE, PLAN_SCHEMA, PLAN_TABLE, RESULT_SCHEMA

INDICATORS = [i.id for i in load_catalogue()]
LIMIT = 5


def small_release(
    data: DataPaths,
    day: int,
    held_back: Sequence[str] = (),
    frozen: Mapping[str, str] | None = None,
    *,
    number: int = 0,
    indicators: Sequence[str] = INDICATORS,
    limit: int = LIMIT,
    version: str = "1.0",
    dold: bool = False,
    reports: str | None = None,
    frozen_reports: str | None = None,
) -> str:
    """A release of a day in September 2022 with a row of each indicator that passed or is frozen; returns its id.

    number: orders the releases of one day, as when they were published. version: of all definitions.
    dold: the numbers (3 of 7) are hidden. reports: the quality of the plan's reports (none: no such table);
    frozen_reports: the release that they are from.
    """
    frozen = frozen or {}
    release_id = f"2022-09-{day:02d}-{number:04x}{day:08x}"
    folder = data.releases / release_id
    folder.mkdir(parents=True)
    shown = [i for i in indicators if i not in held_back or i in frozen]
    rows = [
        {
            "indicator_id": i,
            "niva": "omrade",
            "period_typ": "manad",
            "period_start": date(2022, 8, 1),
            "period_slut": date(2022, 8, 31),
            "kon": "T",
            "status": "dold" if dold else "inget_mal",
            "taljare": None if dold else 3.0,
            "namnare": None if dold else 7.0,
            "komplett": True,
            "kvalitet": FROZEN if i in frozen else "godkand",
            "release_id": frozen.get(i, release_id),
        }
        for i in sorted(shown)
    ]
    tables = {
        RESULT_TABLE: pl.DataFrame(rows, schema=RESULT_SCHEMA),
        INDICATOR_TABLE: pl.DataFrame(
            {"indicator_id": sorted(shown), "version": version, "titel": "som den var"}
        ).with_columns(art=pl.lit("antal"), bestand=False, patient=True),
    }
    if reports is not None:
        row = {"plan_id": "P", "item_id": "P-1", "niva": "omrade", "tillfalle": "ar", "ar": 2022}
        row |= {"rapporterad_status": "pagar", "rapport_kvalitet": reports}
        row |= {"rapport_release_id": frozen_reports or release_id}
        tables[PLAN_TABLE] = pl.DataFrame([row], schema=PLAN_SCHEMA)
    files = {}
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        frame.write_parquet(path)
        files[path.name] = {"sha256": sha256_of(path), "rows": frame.height}
    Manifest(
        release_id=release_id,
        run_id=release_id,
        as_of=release_id[:10],
        published=f"2022-10-{day:02d}T05:00:00.{number:06d}+00:00",
        inputs=[],
        code_version="",
        catalogue_version="",
        packages={},
        parameters={"suppression_limit": limit},
        sources={},
        gates={},
        held_back={i: ["kva"] for i in held_back},
        frozen=dict(frozen),
        frozen_since={},
        frozen_reports=frozen_reports,
        waivers=[],
        files=files,
    ).write(folder)
    return release_id


def with_tables(data: DataPaths, release_id: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """Give a small release more tables, or others instead; it is whole afterwards."""
    folder = data.releases / release_id
    manifest = read_manifest(folder)
    assert manifest is not None
    files = dict(manifest.files)
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        frame.write_parquet(path)
        files[path.name] = {"sha256": sha256_of(path), "rows": frame.height}
    replace(manifest, files=files).write(folder)


def overwrite(path: Path, content: bytes) -> None:
    """Change a published file, as somebody with the right to could: it is read-only."""
    path.chmod(0o644)
    path.write_bytes(content)


def described(folder: Path, indicator_id: str, **said: object) -> None:
    """Let a release describe an indicator otherwise, as if its code had: the release is whole afterwards."""
    path = folder / f"{INDICATOR_TABLE}.parquet"
    table = pl.read_parquet(path)
    here = pl.col("indicator_id") == indicator_id
    changed = [pl.when(here).then(pl.lit(v)).otherwise(pl.col(n)).alias(n) for n, v in said.items()]
    path.chmod(0o644)
    table.with_columns(changed).write_parquet(path)
    manifest = read_manifest(folder)
    assert manifest is not None
    files = {**manifest.files, path.name: {**manifest.files[path.name], "sha256": sha256_of(path)}}
    replace(manifest, files=files).write(folder)
