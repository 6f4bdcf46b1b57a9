"""`kolada.json`, `kpi.json`, `ou.json`: years as objects of Kolada's API, version 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, YEAR
from dagster_project.products.exports.cells import PLACES, cells, places
from dagster_project.products.reading import Reading

PRIVATE, MISSING = "Private", "Missing"
"""Kolada's statuses of a value that is not there: hidden; not measured, or its year not at its end. One that is: ''."""
_REGION = "L"
"""Kolada's type of a region (landsting), as against a municipality."""


def kolada(reading: Reading) -> dict[str, list[dict[str, Any]]]:
    """File name -> objects: values per indicator, place and year; the indicators; the places. Places without an ou are
    left out."""
    rows = cells(reading, PLACES, (YEAR,)).filter(pl.col("kolada_ou").is_not_null())
    data: list[dict[str, Any]] = []
    key: tuple[Any, ...] = ()
    for kpi, ou, end, sex, status, value, open_ in rows.select(
        "indicator_id", "kolada_ou", "period_slut", "kon", "status", "varde", "preliminar"
    ).iter_rows():
        if (kpi, ou, end.year) != key:
            key = (kpi, ou, end.year)
            data.append({"kpi": kpi, "ou": ou, "period": end.year, "values": []})
        told = None if status == HIDDEN or open_ else value
        gap = PRIVATE if status == HIDDEN and not open_ else MISSING
        # count: how many places a value is the mean of, more than one only for Kolada's own groups.
        data[-1]["values"].append({"gender": sex, "count": 1, "status": gap if told is None else "", "value": told})
    return {"kolada.json": data, "kpi.json": _kpis(reading, rows), "ou.json": _ous(reading)}


def _kpis(reading: Reading, rows: pl.DataFrame) -> list[dict[str, Any]]:
    by_sex = set(rows.filter(pl.col("kon") != "T")["indicator_id"])
    newest = dict(
        rows.filter(pl.col("varde").is_not_null() & ~pl.col("preliminar"))
        .group_by("indicator_id")
        .agg(pl.col("period_slut").max().dt.year())
        .iter_rows()
    )
    present = set(rows["indicator_id"])
    return [
        {
            "id": info.indicator_id,
            "title": info.titel,
            "description": info.definition,
            "is_divided_by_gender": info.indicator_id in by_sex,
            "municipality_type": _REGION,
            "operating_area": reading.area.namn,
            "perspective": info.perspektiv,
            "auspices": None,
            "has_ou_data": True,
            "publ_period": newest.get(info.indicator_id),
            "publication_date": None,
            "ou_publication_date": reading.release.as_of,
        }
        for info in reading.indicators.values()
        if info.indicator_id in present
    ]


def _ous(reading: Reading) -> list[dict[str, Any]]:
    return [
        # A region's id at Kolada is its code, filled to four digits.
        {"id": p.kolada_ou, "municipality": p.regionskod.zfill(4) if p.regionskod else None, "title": p.namn}
        for p in places(reading).values()
        if p.kolada_ou is not None
    ]


def write(reading: Reading, folder: Path) -> None:
    """Write the three files, each an answer of the API in one page."""
    for name, values in kolada(reading).items():
        answer = {"count": len(values), "next_url": None, "previous_url": None, "values": values}
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
