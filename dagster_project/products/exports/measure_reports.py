"""`measure_reports.json`: delår and years as FHIR R4 MeasureReports, a report per indicator, place and period."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    BETTER_DOWN,
    BETTER_UP,
    COUNT,
    CROWNS,
    DAYS,
    DELAR,
    HIDDEN,
    MEAN,
    MEDIAN,
    MEN,
    NUMBER,
    PERCENT,
    POINTS,
    PROPORTIONS,
    WOMEN,
    YEAR,
)
from dagster_project.products.exports.cells import PLACES, cells
from dagster_project.products.reading import IndicatorInfo, Reading

HSA_ID = "urn:oid:1.2.752.129.2.1.4.1"
"""What a Swedish HSA-id is an identifier of."""
MEASURE = "https://resultattavla.example/fhir/Measure/"
"""Names of our measures: identities only, nothing answers there."""
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_IMPROVEMENT = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_GENDER = "http://hl7.org/fhir/administrative-gender"
_UCUM = "http://unitsofmeasure.org"
_UNITS = {PERCENT: "%", DAYS: "d", POINTS: "{score}", CROWNS: "{SEK}", NUMBER: "1"}
"""UCUM codes; it has none for points and crowns, which are annotations of one."""
_SEXES = {WOMEN: ("female", "Kvinnor"), MEN: ("male", "Män")}
_IDS = UUID("6f0c1a1e-7a3a-5b0f-9d3f-3f6b2f1c9a10")
"""The namespace of our ids: the same cell has the same id in every release."""
_LARGEST = 2**31 - 1
"""Of FHIR's integers."""

_Cell = dict[str, Any]


def measure_reports(reading: Reading) -> dict[str, Any]:
    """The Bundle (collection). Places without an HSA-id are left out; women and men are strata of their report."""
    rows = cells(reading, PLACES, (DELAR, YEAR))
    found = rows.select(
        "indicator_id", "niva", "plats", "platsnamn", "hsaid", "period_typ", "period_start", "period_slut", "kon",
        "taljare", "namnare", "varde", "status", "preliminar",
    )  # fmt: skip
    reported = (row for row in found.iter_rows(named=True) if row["hsaid"] is not None)
    reports = [
        _report(reading.indicators[key[0]], list(group))
        for key, group in groupby(
            reported, key=lambda r: (r["indicator_id"], r["plats"], r["period_typ"], r["period_start"])
        )
    ]
    return {
        "resourceType": "Bundle",
        "id": str(uuid5(_IDS, reading.release.id)),
        "identifier": {"system": f"{MEASURE}release", "value": reading.release.id},
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{report['id']}", "resource": report} for report in reports],
    }


def _report(info: IndicatorInfo, group: list[_Cell]) -> dict[str, Any]:
    first = group[0]
    total = next((cell for cell in group if cell["kon"] == ALL_SEXES), None)
    strata = [cell for cell in group if cell["kon"] in _SEXES]
    name = f"{info.indicator_id}|{first['plats']}|{first['period_typ']}|{first['period_start']}"
    content: dict[str, Any] = _measured(info, total) if total is not None else {}
    if strata:
        content["stratifier"] = [
            {
                "code": [{"text": "Kön"}],
                "stratum": [{"value": _sex(cell["kon"]), **_measured(info, cell)} for cell in strata],
            }
        ]
    report: dict[str, Any] = {
        "resourceType": "MeasureReport",
        "id": str(uuid5(_IDS, name)),
        "status": "pending" if any(cell["preliminar"] for cell in group) else "complete",
        "type": "summary",
        "measure": f"{MEASURE}{info.indicator_id}|{info.version}",
        "reporter": {"identifier": {"system": HSA_ID, "value": first["hsaid"]}, "display": first["platsnamn"]},
        "period": {"start": str(first["period_start"]), "end": str(first["period_slut"])},
    }
    if (better := _IMPROVES.get(info.riktning)) is not None:
        report["improvementNotation"] = {"coding": [{"system": _IMPROVEMENT, "code": better}]}
    report["group"] = [{"code": {"text": info.titel}, **content}]
    return report


_IMPROVES = {BETTER_UP: "increase", BETTER_DOWN: "decrease"}


def _sex(sex: str) -> dict[str, Any]:
    code, display = _SEXES[sex]
    return {"coding": [{"system": _GENDER, "code": code}], "text": display}


def _measured(info: IndicatorInfo, cell: _Cell) -> dict[str, Any]:
    """Populations and score of a cell; of one without a value why, and no counts."""
    if cell["status"] == HIDDEN or cell["varde"] is None:
        reason = "masked" if cell["status"] == HIDDEN else "unknown"
        return {"measureScore": {"extension": [{"url": DATA_ABSENT, "valueCode": reason}]}}
    counts = [
        {"code": {"coding": [{"system": _POPULATION, "code": code}]}, "count": int(count)}
        for code, count in _populations(info.art, cell)
        if count is not None and float(count).is_integer() and 0 <= count <= _LARGEST
    ]
    score = {"value": cell["varde"], "unit": info.mattenhet, "system": _UCUM, "code": _UNITS[info.mattenhet]}
    return ({"population": counts} if counts else {}) | {"measureScore": score}


def _populations(kind: str, cell: _Cell) -> Iterable[tuple[str, float | None]]:
    """Which counts a kind of measure has, by FHIR's names: an amount of money or items is none."""
    if kind in PROPORTIONS:
        return (("numerator", cell["taljare"]), ("denominator", cell["namnare"]))
    if kind in (MEAN, MEDIAN):
        return (("measure-population", cell["namnare"]),)
    return (("numerator", cell["taljare"]),) if kind == COUNT else ()


def write(reading: Reading, path: Path) -> None:
    """Write the Bundle."""
    text = json.dumps(measure_reports(reading), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
