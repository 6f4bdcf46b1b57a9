"""The published tables: names, columns and types are the contract with whoever reads a release (published.md)."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.vocabulary import RESULT_TABLE

INDICATOR_TABLE = "indicator"
QUALITY_TABLE = "kvalitet"
LEDGER_TABLE = "leveranser"
DATABASE_FILE = "resultat.duckdb"

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "indicator_id": pl.String(),
    "niva": pl.String(),
    "verksamhet": pl.String(),
    "enhet": pl.String(),
    "period_typ": pl.String(),
    "period_start": pl.Date(),
    "period_slut": pl.Date(),
    "kon": pl.String(),
    "taljare": pl.Float64(),
    "namnare": pl.Float64(),
    "varde": pl.Float64(),
    "ki_lag": pl.Float64(),
    "ki_hog": pl.Float64(),
    "jamforelse_varde": pl.Float64(),
    "forandring": pl.Float64(),
    "mal_operator": pl.String(),
    "malvarde": pl.Float64(),
    "status": pl.String(),
    "markering": pl.String(),
    "komplett": pl.Boolean(),
    "kvalitet": pl.String(),
    "release_id": pl.String(),
}
RESULT_KEY = ["indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon"]
"""What a cell is known by."""
NUMBERS = ["taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring"]
"""Empty where a cell is hidden."""
PLAN_TABLE = "plan_uppfoljning"
PLAN_SCHEMA: dict[str, pl.DataType] = {
    "plan_id": pl.String(),
    "item_id": pl.String(),
    "niva": pl.String(),
    "verksamhet": pl.String(),
    "tillfalle": pl.String(),
    "ar": pl.Int64(),
    "period_start": pl.Date(),
    "period_slut": pl.Date(),
    "indicator_id": pl.String(),
    "taljare": pl.Float64(),
    "namnare": pl.Float64(),
    "varde": pl.Float64(),
    "jamforelse_varde": pl.Float64(),
    "forandring": pl.Float64(),
    "mal_text": pl.String(),
    "malvarde": pl.Float64(),
    "mal_operator": pl.String(),
    "malstatus": pl.String(),
    "rapporterad_status": pl.String(),
    "rapporterade": pl.Int64(),
    "i_omfattning": pl.Int64(),
    "antal": pl.Float64(),
    "kommentar": pl.String(),
    "kvalitet": pl.String(),
    "release_id": pl.String(),
    "rapport_kvalitet": pl.String(),
    "rapport_release_id": pl.String(),
    "mening": pl.String(),
}
PLAN_KEY = ["plan_id", "item_id", "niva", "verksamhet", "tillfalle", "ar"]
"""What a row of the plan's follow-up is known by."""
PLAN_NUMBERS = ["taljare", "namnare", "varde", "jamforelse_varde", "forandring"]
"""Copied from the item's cell, empty where it is hidden."""
PLAN_REPORTED = ["rapporterad_status", "rapporterade", "i_omfattning", "antal", "kommentar"]
"""What the verksamheter report, in words and numbers."""
SIGNAL_TABLE = "signal"
SIGNAL_SCHEMA: dict[str, pl.DataType] = {
    "indicator_id": pl.String(),
    "niva": pl.String(),
    "verksamhet": pl.String(),
    "fran": pl.Date(),
    "till": pl.Date(),
    "antal_punkter": pl.Int64(),
    "medel": pl.Float64(),
    "undre_grans": pl.Float64(),
    "ovre_grans": pl.Float64(),
    "signal": pl.String(),
    "signal_manad": pl.Date(),
    "riktning": pl.String(),
    "malformaga": pl.String(),
    "release_id": pl.String(),
}
SIGNAL_KEY = ["indicator_id", "niva", "verksamhet"]
"""What a chart of months is known by."""
BREAK_TABLE = "brott"
UNIT_DIMENSION = "dim_enhet"
VERKSAMHET_DIMENSION = "dim_verksamhet"
PERIOD_DIMENSION = "dim_period"
INDICATOR_DIMENSION = "dim_indikator"
STATUS_DIMENSION = "dim_status"
ITEM_DIMENSION = "dim_planpunkt"
TIE_TABLE = "planmatt"
DIMENSION_SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    UNIT_DIMENSION: {
        "enhet_nyckel": pl.String(),
        "hsaid": pl.String(),
        "namn": pl.String(),
        "verksamhet": pl.String(),
        "lansdel": pl.String(),
        "giltig_fran": pl.Date(),
        "giltig_till": pl.Date(),
    },
    VERKSAMHET_DIMENSION: {
        "verksamhet": pl.String(),
        "namn": pl.String(),
        "niva": pl.String(),
        "gren": pl.String(),
        "ordning": pl.Int64(),
        "regionskod": pl.String(),
        "hsaid": pl.String(),
        "kolada_ou": pl.String(),
    },
    PERIOD_DIMENSION: {
        "period_nyckel": pl.String(),
        "period_typ": pl.String(),
        "period_start": pl.Date(),
        "period_slut": pl.Date(),
        "etikett": pl.String(),
        "ar": pl.Int64(),
        "manad_nr": pl.Int64(),
        "komplett": pl.Boolean(),
    },
    INDICATOR_DIMENSION: {
        "indicator_id": pl.String(),
        "version": pl.String(),
        "titel": pl.String(),
        "definition": pl.String(),
        "taljare_text": pl.String(),
        "namnare_text": pl.String(),
        "art": pl.String(),
        "mattenhet": pl.String(),
        "decimaler": pl.Int64(),
        "riktning": pl.String(),
        "bestand": pl.Boolean(),
        "patient": pl.Boolean(),
        "konsuppdelad": pl.Boolean(),
        "perspektiv": pl.String(),
        "mal_id": pl.String(),
        "mal_titel": pl.String(),
        "planpunkt": pl.String(),
        "kallor": pl.String(),
        "omfattning": pl.String(),
        "nivaer": pl.String(),
        "mal_text": pl.String(),
        "mal_operator": pl.String(),
        "mal_varde": pl.Float64(),
        "mal_jamforelse": pl.String(),
        "mal_nivaer": pl.String(),
        "ansvarig": pl.String(),
        "rapportering": pl.String(),
        "jamforelse": pl.String(),
        "basar": pl.Int64(),
        "fonster_manader": pl.Int64(),
        "ordning": pl.Int64(),
    },
    STATUS_DIMENSION: {
        "kod": pl.String(),
        "typ": pl.String(),
        "ord": pl.String(),
        "symbol": pl.String(),
        "ordning": pl.Int64(),
    },
    ITEM_DIMENSION: {
        "item_id": pl.String(),
        "plan_id": pl.String(),
        "plan_titel": pl.String(),
        "mal_id": pl.String(),
        "perspektiv": pl.String(),
        "mal_titel": pl.String(),
        "typ": pl.String(),
        "titel": pl.String(),
        "kort_titel": pl.String(),
        "omfattning": pl.String(),
        "uppfoljning": pl.String(),
        "overordnad_item": pl.String(),
        "ansvarig": pl.String(),
        "nr": pl.String(),
        "rapportering": pl.String(),
        "ordning": pl.Int64(),
    },
    TIE_TABLE: {"item_id": pl.String(), "indicator_id": pl.String(), "roll": pl.String()},
    BREAK_TABLE: {
        "indicator_id": pl.String(),
        "verksamhet": pl.String(),
        "datum": pl.Date(),
        "orsak": pl.String(),
    },
}
"""The tables that name what the others hold, for dashboards (products.md); their rows are told apart by TABLE_KEYS."""
TABLE_KEYS: dict[str, list[str]] = {
    RESULT_TABLE: RESULT_KEY,
    INDICATOR_TABLE: ["indicator_id"],
    PLAN_TABLE: PLAN_KEY,
    SIGNAL_TABLE: SIGNAL_KEY,
    UNIT_DIMENSION: ["enhet_nyckel"],
    VERKSAMHET_DIMENSION: ["verksamhet"],
    PERIOD_DIMENSION: ["period_nyckel"],
    INDICATOR_DIMENSION: ["indicator_id"],
    STATUS_DIMENSION: ["kod"],
    ITEM_DIMENSION: ["item_id"],
    TIE_TABLE: ["item_id", "indicator_id"],
    BREAK_TABLE: ["indicator_id", "verksamhet", "datum"],
}
QUALITY_COLUMNS = [
    "suite",
    "source",
    "expectation",
    "severity",
    "success",
    "checked",
    "unexpected",
    "share",
    "observed",
]
LEDGER_COLUMNS = [
    "source",
    "file",
    "sha256",
    "uttagsdatum",
    "rows_read",
    "rows_accepted",
    "rows_quarantined",
    "rows_duplicate",
    "status",
    "orsak",
]


def in_columns_of(table: pl.DataFrame, older: pl.DataFrame) -> pl.DataFrame:
    """Rows of an older release in a table's columns: one that it did not have yet is empty."""
    missing = [pl.lit(None).alias(n) for n in table.columns if n not in older.columns]
    return older.with_columns(missing).select(pl.col(n).cast(t) for n, t in table.schema.items())
