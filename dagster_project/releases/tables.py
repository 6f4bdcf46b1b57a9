"""The published tables: names, columns and types are the contract with whoever reads a release (published.md)."""

from __future__ import annotations

import polars as pl

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
