"""A small release with the tables that products read, written by hand: no run, no model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.releases.labels import labels
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import DIMENSION_SCHEMAS, PLAN_SCHEMA, RESULT_SCHEMA
from tests.releases.small import small_release, with_tables

SHARE, CROWNS = "vantat_kort", "inkopt"
"""Its two indicators: a share of patients, an amount in crowns."""


def cell(indicator_id: str, start: date, end: date, **said: Any) -> dict[str, Any]:
    """A row of `indicator_result`: the area's for a complete month, unless something else is said."""
    row = dict.fromkeys(RESULT_SCHEMA) | {"niva": "omrade", "kon": "T", "period_typ": "manad", "komplett": True}
    row |= {"indicator_id": indicator_id, "period_start": start, "period_slut": end}
    return row | {"status": "inget_mal", "kvalitet": "godkand", "release_id": "x"} | said


def results() -> pl.DataFrame:
    """Two complete months and one that is not, of the share; one older month of the amount; a year of both."""
    year = {"period_typ": "ar"}
    rows = [
        cell(SHARE, date(2022, 7, 1), date(2022, 7, 31), taljare=40.0, namnare=50.0, varde=80.0),
        cell(SHARE, date(2022, 8, 1), date(2022, 8, 31), taljare=45.0, namnare=50.0, varde=90.0),
        cell(SHARE, date(2022, 8, 1), date(2022, 8, 31), taljare=20.0, namnare=25.0, varde=80.0, kon="K"),
        cell(SHARE, date(2022, 8, 1), date(2022, 8, 31), niva="verksamhet", verksamhet="AA", status="dold"),
        cell(SHARE, date(2022, 9, 1), date(2022, 9, 30), status="preliminar", komplett=False),
        cell(SHARE, date(2021, 1, 1), date(2021, 12, 31), varde=70.0, **year),
        cell(SHARE, date(2022, 1, 1), date(2022, 12, 31), status="preliminar", komplett=False, **year),
        cell(CROWNS, date(2022, 5, 1), date(2022, 5, 31), taljare=1_250_000.0, varde=1_250_000.0),
    ]
    return pl.DataFrame(rows, schema=RESULT_SCHEMA)


def dimensions() -> dict[str, pl.DataFrame]:
    """The dimensions, with columns as the release has them."""
    told = {"version": "1.0", "definition": "d", "taljare_text": "t", "namnare_text": "n", "decimaler": 1}
    told |= {"bestand": False, "patient": True, "perspektiv": "process", "mal_id": "P1", "mal_titel": "Korta väntor"}
    told |= {"planpunkt": "X-01", "kallor": "enheter|vantetider", "omfattning": "BB|AA", "mal_text": "minst 90 procent"}
    told |= {"ansvarig": "Chefen", "rapportering": "delarsrapport|aktivitetsberattelse", "jamforelse": None}
    share = {"indicator_id": SHARE, "titel": "Väntat kort", "art": "andel", "mattenhet": "procent"}
    crowns = {"indicator_id": CROWNS, "titel": "Inköpt", "art": "belopp", "mattenhet": "kr", "omfattning": None}
    months = [(date(2022, 7, 1), date(2022, 7, 31), "juli 2022"), (date(2022, 8, 1), date(2022, 8, 31), "augusti 2022")]
    item = {"plan_id": "X", "plan_titel": "Planen", "mal_id": "P1", "perspektiv": "process", "typ": "indikator"}
    item |= {"mal_titel": "Korta väntor", "kort_titel": "Kort", "uppfoljning": "beraknad", "overordnad_item": None}
    item |= {"ansvarig": None, "nr": None, "rapportering": "delarsrapport"}
    return {
        "dim_indikator": pl.DataFrame(
            [told | crowns | {"riktning": "neutral"}, told | share | {"riktning": "battre_upp"}],
            schema_overrides={"jamforelse": pl.String},
        ),
        "dim_verksamhet": pl.DataFrame(
            [
                {"verksamhet": "HH", "namn": "Hela området", "niva": "omrade", "gren": None, "ordning": 0},
                {"verksamhet": "AA", "namn": "Avdelning A", "niva": "verksamhet", "gren": "g", "ordning": 2},
                {"verksamhet": "BB", "namn": "Barn & <unga>", "niva": "verksamhet", "gren": "g", "ordning": 1},
            ]
        ),
        "dim_period": pl.DataFrame(
            [
                {"period_nyckel": f"manad-{a}", "period_typ": "manad", "period_start": a, "period_slut": b}
                | {"etikett": label, "ar": 2022, "manad_nr": a.month, "komplett": True}
                for a, b, label in months
            ]
        ),
        "dim_status": pl.DataFrame(
            [
                {"kod": "ej_uppfyllt", "typ": "status", "ord": "Inte uppnått", "symbol": "✗", "ordning": 2},
                {"kod": "uppfyllt", "typ": "status", "ord": "Uppnått", "symbol": "✓", "ordning": 1},
            ]
        ),
        "dim_planpunkt": pl.DataFrame(
            [
                item | {"item_id": "X-02", "titel": "Andra", "omfattning": "AA", "ordning": 2},
                item | {"item_id": "X-01", "titel": "Första", "omfattning": "AA|BB", "ordning": 1},
            ],
            schema_overrides=dict.fromkeys(("overordnad_item", "ansvarig", "nr"), pl.String),
        ),
        "brott": pl.DataFrame(schema=DIMENSION_SCHEMAS["brott"]),
        "planmatt": pl.DataFrame([{"item_id": "X-01", "indicator_id": SHARE, "roll": "huvud"}]),
    }


def readable_release(data: DataPaths, day: int = 30, tables: Mapping[str, pl.DataFrame] | None = None) -> str:
    """A release of a day in September 2022 with everything of this module, or other tables instead; returns its id."""
    release_id = small_release(data, day)
    with_tables(data, release_id, {"indicator_result": results(), **dimensions(), **(tables or {})})
    return release_id


def reading_of(data: DataPaths, release_id: str) -> Reading:
    """A release, read."""
    return Reading(read_release(data.releases / release_id))


DELAR = {"period_start": date(2022, 1, 1), "period_slut": date(2022, 8, 31)}
SIGNAL = {"indicator_id": SHARE, "niva": "omrade", "verksamhet": None, "antal_punkter": 24, "signal": "ingen"}
SIGNAL |= {"signal_manad": None, "riktning": None, "malformaga": "osakert"}


def plan_row(item_id: str, **said: Any) -> dict[str, Any]:
    """A row of `plan_uppfoljning`: the area's for January to August 2022, unless something else is said."""
    row = dict.fromkeys(PLAN_SCHEMA) | {"plan_id": "X", "item_id": item_id, "niva": "omrade", "tillfalle": "delar"}
    return row | {"ar": 2022, "malstatus": "inget_mal", "mening": f"Mening om {item_id}."} | DELAR | said


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    """Plan items with the columns of the small release's."""
    like = dimensions()["dim_planpunkt"].row(0, named=True)
    made = [like | {"ordning": n, "titel": r["item_id"], "kort_titel": r["item_id"]} | r for n, r in enumerate(rows)]
    return pl.DataFrame(made, schema=dimensions()["dim_planpunkt"].schema)


def reading_with(tmp_path: Path, plan: list[dict[str, Any]], **tables: pl.DataFrame) -> Reading:
    """The small release with these rows of `plan_uppfoljning`, one quiet signal, and other tables as given."""
    data = DataPaths(tmp_path)
    words = [{"kod": s.code, "typ": s.kind, "ord": s.word, "symbol": s.symbol, "ordning": s.order} for s in labels()]
    signal = pl.DataFrame(
        [SIGNAL], schema_overrides={"signal_manad": pl.Date, "verksamhet": pl.String, "riktning": pl.String}
    )
    all_tables = {
        "plan_uppfoljning": pl.DataFrame(plan, schema=PLAN_SCHEMA),
        "dim_status": pl.DataFrame(words),
        "signal": signal,
        **tables,
    }
    return reading_of(data, readable_release(data, tables=all_tables))


# --- Counts ---------------------------------------------------------------------------------------------------------
