"""`datapackage.json`: every published table file described for machines (Frictionless Data Package 2).

https://datapackage.org/standard/data-package/. Said of a file is what the standard has a word for, and `unit` (what a
number is told in) besides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.core.files import sha256_of
from dagster_project.releases.descriptions import column_text, described
from dagster_project.releases.tables import TABLE_KEYS

DATAPACKAGE_FILE = "datapackage.json"
_PROFILES = "https://datapackage.org/profiles/2.0"
_TYPES: Mapping[pl.DataType, str] = {
    pl.String(): "string",
    pl.Date(): "date",
    pl.Float64(): "number",
    pl.Int64(): "integer",
    pl.Boolean(): "boolean",
}
CSV_SUFFIX = "_csv"
"""Of a resource that is the same table as CSV."""


def write_datapackage(folder: Path, tables: Mapping[str, pl.DataFrame], release_id: str) -> int:
    """Describe a release's staged files beside them; how many. tables: by name, as they were written."""
    resources = list(_resources(folder, tables))
    package = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": "resultattavla",
        "title": "Resultattavla: publicerade indikatorer",
        "description": "Indikatorer och uppföljning av aktivitetsplanen. Samma tabeller finns som Parquet och CSV, "
        "och i databasen resultat.duckdb. Läs en nivå, ett slag av period och ett kön i taget.",
        "version": release_id,
        "resources": resources,
    }
    (folder / DATAPACKAGE_FILE).write_text(
        json.dumps(package, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    return len(resources)


def _resources(folder: Path, tables: Mapping[str, pl.DataFrame]) -> Iterator[dict[str, Any]]:
    for name, frame in tables.items():
        for suffix, kind in (("", "parquet"), (CSV_SUFFIX, "csv")):
            path = folder / f"{name}.{kind}"
            if path.exists():
                yield {
                    "$schema": f"{_PROFILES}/dataresource.json",
                    "name": f"{name}{suffix}",
                    "type": "table",
                    "path": path.name,
                    "title": described(name).title,
                    "description": described(name).text,
                    **_form(kind),
                    "bytes": path.stat().st_size,
                    "hash": f"sha256:{sha256_of(path)}",
                    "schema": _schema(name, frame, set(tables), suffix),
                }


def _form(kind: str) -> dict[str, Any]:
    if kind == "parquet":
        return {"format": "parquet", "mediatype": "application/vnd.apache.parquet"}
    # Text that a sheet would run begins with an apostrophe (`core.tables`). The file begins with a byte order mark.
    return {"format": "csv", "mediatype": "text/csv", "encoding": "utf-8", "dialect": {"delimiter": ";"}}


def _schema(name: str, frame: pl.DataFrame, there: set[str], suffix: str) -> dict[str, Any]:
    said = described(name)
    schema: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(name, column, dtype, suffix) for column, dtype in frame.schema.items()],
        "missingValues": [""],
    }
    if name in TABLE_KEYS:
        key = TABLE_KEYS[name]
        # A part of a key can be empty (the area has no verksamhet), which a primary key does not allow.
        if _is_filled(name, key):
            schema["primaryKey"] = key
        else:
            schema["uniqueKeys"] = [key]
    references = [
        {
            "fields": list(reference.columns),
            "reference": {"resource": f"{reference.table}{suffix}", "fields": list(reference.named)},
        }
        for reference in said.references
        if reference.table in there
    ]
    return schema | ({"foreignKeys": references} if references else {})


def _is_filled(name: str, key: list[str]) -> bool:
    return len(key) == 1 or not {"verksamhet", "enhet"} & set(key)


def _field(name: str, column: str, dtype: pl.DataType, suffix: str) -> dict[str, Any]:
    said = described(name)
    kind = _TYPES[dtype]
    field: dict[str, Any] = {"name": column, "type": kind, "description": column_text(name, column)}
    if suffix and kind == "number":
        field["decimalChar"] = ","
    if kind == "boolean":
        field |= {"trueValues": ["true"], "falseValues": ["false"]}
    if column in said.units:
        field["unit"] = said.units[column]
    constraints: dict[str, Any] = {}
    if name in TABLE_KEYS and column in TABLE_KEYS[name] and _is_filled(name, TABLE_KEYS[name]):
        constraints["required"] = True
    if column in said.lists:
        constraints["enum"] = list(said.lists[column])
    return field | ({"constraints": constraints} if constraints else {})
