"""A small release with every kind of cell that exports tell: all kinds of indicators, levels, periods, sexes, gaps, and
names that a spreadsheet or a parser could take for something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import load_workbook

from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.releases.labels import labels, period_label
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import (
    DIMENSION_SCHEMAS,
    LEDGER_TABLE,
    PLAN_SCHEMA,
    PLAN_TABLE,
    QUALITY_TABLE,
    RESULT_SCHEMA,
    SIGNAL_SCHEMA,
)
from tests.releases.small import small_release, with_tables

KINDS = {
    "andel": ("vantat_kort", "Väntat kort", "procent", 1),
    "antal": ("besok", '=Besök; "alla"', "antal", 0),
    "medel": ("poang", "+Poäng", "poäng", 1),
    "median": ("vantan", "Väntan", "dagar", 1),
    "belopp": ("resultat", "-Resultat", "kr", 0),
    "tackning": ("tackning", "@Täckning", "procent", 1),
}
"""Kind -> id, title, unit of measure, decimals."""
BY_SEX = ("vantat_kort", "besok")
NODES = {"HH": "Hela området", "BB": "Barn & <unga>", "AA": "=AA()"}
UNITS = {"SE2321000164-DEMO01": ("AA", "Enhet ett"), "SE2321000164-DEMO02": ("BB", "@Enhet & <två>")}
PERIODS = (
    ("manad", date(2022, 7, 1), date(2022, 7, 31)),
    ("manad", date(2022, 8, 1), date(2022, 8, 31)),
    ("tertial", date(2022, 5, 1), date(2022, 8, 31)),
    ("delar", date(2022, 1, 1), date(2022, 8, 31)),
    ("ar", date(2021, 1, 1), date(2021, 12, 31)),
    ("ar", date(2022, 1, 1), date(2022, 12, 31)),
    ("r12", date(2021, 9, 1), date(2022, 8, 31)),
)
COMMENT = '=HYPERLINK("http://x")\n+46 är & <b>inte</b> ett tal \u202e'


def _cells() -> Iterator[dict[str, Any]]:
    places = [("omrade", None, None), *(("verksamhet", code, None) for code in ("BB", "AA"))]
    places += [("enhet", node, unit) for unit, (node, _) in UNITS.items()]
    number = 0
    for kind, (indicator, *_) in KINDS.items():
        for niva, node, unit in places:
            for typ, start, end in PERIODS:
                for sex in ("K", "M", "T") if indicator in BY_SEX else ("T",):
                    number += 1
                    open_ = typ == "ar" and start == date(2022, 1, 1)
                    yield dict.fromkeys(RESULT_SCHEMA) | {
                        "indicator_id": indicator, "niva": niva, "verksamhet": node, "enhet": unit,
                        "period_typ": typ, "period_start": start, "period_slut": end, "kon": sex,
                        "kvalitet": "godkand", "release_id": "x", "komplett": not open_,
                        **_content(kind, number, open_, node),
                    }  # fmt: skip


def _content(kind: str, n: int, open_: bool, node: str | None) -> dict[str, Any]:
    if kind == "tackning" and node == "BB":
        return {"status": "ej_tillamplig"}
    if n % 7 == 3:
        return {"status": "dold", "markering": "MSK", "malvarde": 90.0}
    if n % 11 == 5:
        return {"status": "inga_data", "taljare": 0.0, "namnare": 0.0} if kind == "andel" else {"status": "inga_data"}
    namnare, taljare = 200.0 + n, 101.0 + n
    numbers = {
        "andel": (taljare, namnare, 100 * taljare / namnare),
        "tackning": (taljare, namnare, 100 * taljare / namnare),
        "antal": (taljare, None, taljare),
        "belopp": (-1234.56 - n, None, -1234.56 - n),
        "medel": (taljare / 3, namnare, taljare / 3 / namnare),
        "median": (None, namnare, n / 2),
    }[kind]
    shown = dict(zip(("taljare", "namnare", "varde"), numbers, strict=True))
    shown["jamforelse_varde"] = 0.001 * n
    return shown | {"status": "preliminar" if open_ else "uppfyllt", "malvarde": 90.0, "mal_operator": ">="}


def is_open(cell: Mapping[str, Any]) -> bool:
    """Whether a cell's period is not over: here that is the year 2022, whatever its cells say of themselves."""
    return bool(cell["period_typ"] == "ar" and cell["period_slut"].year == 2022)


def results() -> pl.DataFrame:
    return pl.DataFrame(list(_cells()), schema=RESULT_SCHEMA)


def _rows(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(DIMENSION_SCHEMAS[name]) | row for row in rows], schema=DIMENSION_SCHEMAS[name])


def dimensions() -> dict[str, pl.DataFrame]:
    said = {"version": "1.0", "definition": "d & <e>", "taljare_text": "=t", "namnare_text": "n", "bestand": False}
    said |= {"patient": True, "perspektiv": "process", "kallor": "vantetider", "omfattning": "AA|BB"}
    item = {"plan_id": "X", "plan_titel": "Planen", "mal_titel": "Mål", "perspektiv": "process", "typ": "aktivitet"}
    item |= {"item_id": "X-01", "titel": "-Punkt", "kort_titel": "Punkt", "uppfoljning": "bada", "ordning": 1}
    way = {"andel": "battre_upp", "median": "battre_ned"}
    return {
        "dim_indikator": _rows(
            "dim_indikator",
            [
                {**said, "indicator_id": i, "titel": t, "art": kind, "mattenhet": u, "decimaler": d}
                | {"riktning": way.get(kind, "neutral")}
                for kind, (i, t, u, d) in KINDS.items()
            ],
        ),
        "dim_verksamhet": _rows(
            "dim_verksamhet",
            [
                {"verksamhet": code, "namn": name, "niva": "verksamhet" if n else "omrade", "ordning": n}
                | {"regionskod": "18", "hsaid": f"SE2321000164-DEMO{code}", "kolada_ou": f"V99E0018DEMO{code}"}
                for n, (code, name) in enumerate(NODES.items())
            ],
        ),
        "dim_enhet": _rows(
            "dim_enhet",
            [
                {"enhet_nyckel": f"{u}|{n}", "hsaid": u, "namn": name if n else "Förr", "verksamhet": node}
                | {"giltig_fran": date(2020 + n, 1, 1)}
                for u, (node, name) in UNITS.items()
                for n in (0, 1)
            ],
        ),
        "dim_period": _rows(
            "dim_period",
            [
                {"period_nyckel": f"{t}:{a}", "period_typ": t, "period_start": a, "period_slut": b}
                | {"etikett": period_label(t, a, b), "ar": b.year, "manad_nr": b.month, "komplett": True}
                for t, a, b in PERIODS
            ],
        ),
        "dim_status": _rows(
            "dim_status",
            [{"kod": x.code, "typ": x.kind, "ord": x.word, "symbol": x.symbol, "ordning": x.order} for x in labels()],
        ),
        "dim_planpunkt": _rows("dim_planpunkt", [item]),
        "planmatt": _rows("planmatt", [{"item_id": "X-01", "indicator_id": "vantat_kort", "roll": "huvud"}]),
        "signal": pl.DataFrame(schema=SIGNAL_SCHEMA),
        "brott": pl.DataFrame(schema=DIMENSION_SCHEMAS["brott"]),
    }  # fmt: skip


def plan() -> pl.DataFrame:
    row = dict.fromkeys(PLAN_SCHEMA) | {"plan_id": "X", "item_id": "X-01", "tillfalle": "delar", "ar": 2022}
    row |= {"period_start": date(2022, 1, 1), "period_slut": date(2022, 8, 31), "indicator_id": "vantat_kort"}
    numbers = {"taljare": 45.0, "namnare": 50.0, "varde": 90.0, "jamforelse_varde": 88.25}
    area = {"niva": "omrade", "malstatus": "uppfyllt", "mening": "Punkt: 90,0 procent.", **numbers}
    hidden = {"niva": "verksamhet", "verksamhet": "BB", "malstatus": "dold", "mening": "Punkt: för få för att visas."}
    told = {"niva": "verksamhet", "verksamhet": "AA", "malstatus": "inget_mal", "rapporterad_status": "pagar"}
    told |= {"mening": "Punkt: Pågår."}
    return pl.DataFrame(
        [row | area, row | hidden, row | told | {"kommentar": COMMENT, "antal": 3.0}], schema=PLAN_SCHEMA
    )


def planted(rows: pl.DataFrame, status: str, numbers: list[str], first: int) -> tuple[pl.DataFrame, list[float]]:
    """The rows with numbers in their hidden cells that nothing else has, and those numbers."""
    hidden = pl.col(status) == "dold"
    counted = hidden.cum_sum() - 1
    told = rows.with_columns(
        pl.when(hidden).then(first + 0.25 + (counted * len(numbers) + n) * 7).otherwise(pl.col(name)).alias(name)
        for n, name in enumerate(numbers)
    )
    found = told.filter(hidden).select(numbers).to_numpy().ravel().tolist()
    assert len(found) == len(set(found)) > 0
    return told, found


def quality() -> pl.DataFrame:
    rows = [
        ("delivery/_all", "vantetider", "har_rader", "critical", True, 12, 0, 0.0, "12"),
        ("results/indicator_result", "_all", "andelar", "warning", False, 100, 3, 0.03, "=3 & <4>"),
    ]
    names = ["suite", "source", "expectation", "severity", "success", "checked", "unexpected", "share", "observed"]
    return pl.DataFrame(rows, schema=names, orient="row")


def ledger() -> pl.DataFrame:
    day = date(2022, 9, 1)
    rows = [
        ("vantetider", "vantetider/a.csv", "aa", day, 12, 10, 2, 0, "accepterad", None),
        ("vantetider", "vantetider/b.csv", "bb", date(2022, 8, 1), 7, 7, 0, 0, "accepterad", None),
        ("kva", "kva/x.csv", "cc", date(2022, 9, 30), 5, 0, 0, 0, "avvisad", "=Filen kan inte läsas"),
    ]
    names = ["source", "file", "sha256", "uttagsdatum", "rows_read", "rows_accepted", "rows_quarantined"]
    names += ["rows_duplicate", "status", "orsak"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names), orient="row")


def exported_release(data: DataPaths, tables: Mapping[str, pl.DataFrame] | None = None, day: int = 30) -> Reading:
    """The release of a day in September 2022, read; other tables instead where given."""
    release_id = small_release(data, day, held_back=["gas_antal"])
    said = {"indicator_result": results(), PLAN_TABLE: plan(), QUALITY_TABLE: quality(), LEDGER_TABLE: ledger()}
    with_tables(data, release_id, {**said, **dimensions(), **(tables or {})})
    return Reading(read_release(data.releases / release_id))


def shown(reading: Reading) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The release's cells by key, as they stand in its file."""
    names = ("indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_slut", "kon")
    rows = pl.read_parquet(reading.release.folder / "indicator_result.parquet").iter_rows(named=True)
    return {tuple(row[n] for n in names): row for row in rows}


def sheet_rows(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a workbook's sheet by header, as openpyxl reads them."""
    book = load_workbook(path, read_only=True)
    header, *rows = book[name].iter_rows(values_only=True)
    book.close()
    return [dict(zip(header, row, strict=True)) for row in rows]
