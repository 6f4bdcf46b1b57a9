"""What the workbook's sheets hold: their rows and columns, from the release's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from dagster_project.catalogue.vocabulary import (
    AREA,
    BETTER_DOWN,
    BETTER_UP,
    DELAR,
    FEW_MARK,
    FROZEN,
    LATEST,
    MONTH,
    NOT_APPLICABLE,
    PERSPECTIVES,
    PRELIMINARY,
    R12,
    TERTIAL,
    UNIT,
    VERKSAMHET,
    WARNED,
    YEAR,
)
from dagster_project.gates.suites import suite_titles
from dagster_project.products.exports.cells import cells, places
from dagster_project.products.names import source_title
from dagster_project.products.reading import Reading
from dagster_project.products.words import DELIVERY_STATUS_WORDS, GATE_HEADINGS, SEVERITY_WORDS
from dagster_project.releases.labels import SEX_WORDS, STATUS_WORDS

TEXT, WRAPPED, DATE, ORDINAL, WHOLE, NUMBER = "text", "wrapped", "date", "ordinal", "whole", "number"
"""Kinds of columns: text on one line, text in several, a day, a year, a number without decimals, a number with those
of its row's indicator (column `decimaler`)."""


@dataclass(frozen=True)
class Column:
    """A column of a sheet: what stands above it, which column of the rows it is, its width in characters, its kind."""

    header: str
    name: str
    width: float
    kind: str = TEXT


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, what it is in a sentence, its columns and rows; how many of the columns are printed (all)."""

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame
    printed: int | None = None


def sheets(reading: Reading, units: bool = False) -> Iterator[Sheet]:
    """All sheets but the cover, in their order; units: the cells of units too."""
    yield plan_sheet(reading)
    yield results_sheet(reading, AREA)
    yield results_sheet(reading, VERKSAMHET)
    if units:
        yield results_sheet(reading, UNIT)
    yield definitions_sheet(reading)
    yield quality_sheet(reading)
    yield deliveries_sheet(reading)


# --- Results ---------------------------------------------------------------------------------------------------------

_SHEETS = {
    AREA: ("Område", "Resultaten för området: en rad per indikator, period och kön."),
    VERKSAMHET: ("Verksamheter", "Resultaten för verksamheterna: en rad per indikator, verksamhet, period och kön."),
    UNIT: ("Enheter", "Resultaten för enheterna: en rad per indikator, enhet, period och kön."),
}
_PERIOD_WORDS = {MONTH: "Månad", TERTIAL: "Tertial", DELAR: "Delår", YEAR: "År", R12: "Tolv månader"}
_WHERE = {
    AREA: (),
    VERKSAMHET: (Column("Verksamhet", "platsnamn", 30), Column("Kod", "plats", 7)),
    UNIT: (Column("Enhet", "platsnamn", 30), Column("HSA-id", "hsaid", 24), Column("Verksamhet", "plats", 11)),
}


def results_sheet(reading: Reading, level: str) -> Sheet:
    """The cells of a level, without those of verksamheter that an indicator is not about."""
    statuses = {s.kod: s.ord for s in reading.statuses.values()}
    rows = cells(reading, (level,)).with_columns(
        periodtyp=pl.col("period_typ").replace_strict(_PERIOD_WORDS),
        konsord=pl.col("kon").replace_strict({k: w.capitalize() for k, w in SEX_WORDS.items()}),
        status=pl.col("status").replace_strict(statuses),
        anmarkning=_remark(),
    )
    columns = (
        Column("Indikator", "titel", 44),
        *_WHERE[level],
        Column("Periodtyp", "periodtyp", 15),
        Column("Period", "etikett", 20),
        Column("Till och med", "period_slut", 13, DATE),
        Column("Kön", "konsord", 9),
        Column("Täljare", "taljare", 11, WHOLE),
        Column("Nämnare", "namnare", 11, WHOLE),
        Column("Värde", "varde", 11, NUMBER),
        Column("Måttenhet", "mattenhet", 10),
        Column("Jämförelse", "jamforelse_varde", 11, NUMBER),
        Column("Målvärde", "malvarde", 10, NUMBER),
        Column("Status", "status", 22),
        Column("Anmärkning", "anmarkning", 26),
        Column("Indikator-id", "indicator_id", 26),
    )
    name, about = _SHEETS[level]
    return Sheet(name, about, columns, rows)


def _remark() -> pl.Expr:
    """What a reader should know of a cell besides its status, joined (`Få fall; källa med varning`); null of most."""
    remarks = {
        "fryst": pl.col("kvalitet") == FROZEN,
        STATUS_WORDS[PRELIMINARY].lower(): pl.col("preliminar") & (pl.col("status") != PRELIMINARY),
        "få fall": pl.col("markering") == FEW_MARK,
        "källa med varning": pl.col("kvalitet") == WARNED,
    }
    told = [pl.when(said).then(pl.lit(words)) for words, said in remarks.items()]
    text = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return pl.when(text != "").then(text.str.head(1).str.to_uppercase() + text.str.slice(1))


# --- The plan --------------------------------------------------------------------------------------------------------

_OCCASIONS = {LATEST: "Senaste läget", DELAR: "Delår", YEAR: "År"}
"""The newest first."""
_PERSPECTIVES = dict(zip(PERSPECTIVES, ("Invånare och samhälle", "Process", "Resurs"), strict=True))


def plan_sheet(reading: Reading) -> Sheet:
    """The follow-up of the plan in its own order, without what an item is not about and nobody has reported on."""
    words = {s.kod: s.ord for s in reading.statuses.values()}
    order = {code: n for n, code in enumerate(places(reading))}
    items = pl.DataFrame(
        [
            (item.item_id, n, _PERSPECTIVES.get(item.perspektiv or ""), item.mal_titel, item.titel)
            for n, item in enumerate(reading.items.values())
        ],
        schema={
            "item_id": pl.String, "item_order": pl.Int64, "perspektiv": pl.String, "mal_titel": pl.String,
            "titel": pl.String,
        },
        orient="row",
    )  # fmt: skip
    measured = pl.DataFrame(
        [(i.indicator_id, i.mattenhet, i.decimaler) for i in reading.indicators.values()],
        schema={"indicator_id": pl.String, "mattenhet": pl.String, "decimaler": pl.Int64},
        orient="row",
    )
    place = pl.col("verksamhet").fill_null(reading.area.verksamhet)
    rows = (
        reading.plan.filter((pl.col("malstatus") != NOT_APPLICABLE) | pl.col("rapporterad_status").is_not_null())
        .with_columns(plats=place)
        .join(items, on="item_id", how="left")
        .join(measured, on="indicator_id", how="left")
        .with_columns(
            plats_order=pl.col("plats").replace_strict(order, return_dtype=pl.Int64),
            platsnamn=pl.col("plats").replace_strict({c: p.namn for c, p in places(reading).items()}),
            tillfalle_order=pl.col("tillfalle").replace_strict(
                {code: n for n, code in enumerate(_OCCASIONS)}, return_dtype=pl.Int64
            ),
            tillfalle_ord=pl.col("tillfalle").replace_strict(_OCCASIONS),
            malstatus=pl.col("malstatus").replace_strict(words),
            rapporterad_status=pl.col("rapporterad_status").replace_strict(words, default=None),
            decimaler=pl.col("decimaler").fill_null(0),
        )
        .sort("item_order", "ar", "tillfalle_order", "plats_order", descending=[False, True, False, False])
    )
    columns = (
        Column("Punkt", "titel", 44, WRAPPED),
        Column("Verksamhet", "platsnamn", 30),
        Column("Tillfälle", "tillfalle_ord", 14),
        Column("År", "ar", 7, ORDINAL),
        Column("Måluppfyllelse", "malstatus", 22),
        Column("Rapporterat", "rapporterad_status", 16),
        Column("Så gick det", "mening", 80, WRAPPED),
        Column("Värde", "varde", 11, NUMBER),
        Column("Måttenhet", "mattenhet", 10),
        Column("Täljare", "taljare", 11, WHOLE),
        Column("Nämnare", "namnare", 11, WHOLE),
        Column("Jämförelse", "jamforelse_varde", 11, NUMBER),
        Column("Mål", "mal_text", 30, WRAPPED),
        Column("Rapporterade", "rapporterade", 13, WHOLE),
        Column("Av verksamheter", "i_omfattning", 15, WHOLE),
        Column("Antal", "antal", 9, WHOLE),
        Column("Kommentar", "kommentar", 60, WRAPPED),
        Column("Perspektiv", "perspektiv", 20),
        Column("Strategi eller mål", "mal_titel", 44, WRAPPED),
        Column("Från", "period_start", 11, DATE),
        Column("Till", "period_slut", 11, DATE),
        Column("Punkt-id", "item_id", 14),
        Column("Indikator-id", "indicator_id", 26),
    )
    about = "Så går det med varje punkt i planen, per verksamhet och rapporttillfälle."
    return Sheet("Planen", about, columns, rows, printed=7)


# --- Definitions and quality -----------------------------------------------------------------------------------------


def definitions_sheet(reading: Reading) -> Sheet:
    """What every indicator is."""
    found = [
        {
            "titel": i.titel,
            "definition": i.definition,
            "taljare_text": i.taljare_text,
            "namnare_text": i.namnare_text,
            "mattenhet": i.mattenhet,
            "mal_text": i.mal_text,
            "riktning": {BETTER_UP: "Högre är bättre", BETTER_DOWN: "Lägre är bättre"}.get(i.riktning),
            "verksamheter": ", ".join(i.omfattning),
            "kallor": ", ".join(source_title(s) for s in i.kallor),
            "personer": "Ja" if i.patient else "Nej",
            "ansvarig": i.ansvarig,
            "indicator_id": i.indicator_id,
            "version": i.version,
        }
        for i in reading.indicators.values()
    ]
    columns = (
        Column("Indikator", "titel", 44, WRAPPED),
        Column("Definition", "definition", 80, WRAPPED),
        Column("Täljare", "taljare_text", 50, WRAPPED),
        Column("Nämnare", "namnare_text", 50, WRAPPED),
        Column("Måttenhet", "mattenhet", 10),
        Column("Mål", "mal_text", 30, WRAPPED),
        Column("Riktning", "riktning", 16),
        Column("Verksamheter", "verksamheter", 34, WRAPPED),
        Column("Källor", "kallor", 34, WRAPPED),
        Column("Små tal döljs", "personer", 12),
        Column("Ansvarig", "ansvarig", 40, WRAPPED),
        Column("Indikator-id", "indicator_id", 26),
        Column("Version", "version", 8),
    )
    about = "Vad varje indikator är, hur den räknas och vad den kommer ur."
    return Sheet("Definitioner", about, columns, _frame(found, columns), printed=6)


def quality_sheet(reading: Reading) -> Sheet:
    """What the gates checked and found, what failed first; an expectation that is no more has its id for a title."""
    quality = reading.quality
    titles = {key: title for suite in quality["suite"].unique() for key, title in suite_titles(suite).items()}
    rows = quality.select(
        grind=pl.col("suite").str.split("/").list.first().replace_strict(GATE_HEADINGS, default=None),
        kalla=pl.col("source").map_elements(source_title, return_dtype=pl.String),
        kontroll=pl.struct("suite", "expectation").map_elements(
            lambda row: titles.get((row["suite"], row["expectation"]), row["expectation"]), return_dtype=pl.String
        ),
        allvar=pl.col("severity").replace_strict(SEVERITY_WORDS),
        utfall=pl.when("success").then(pl.lit("Godkänd")).otherwise(pl.lit("Underkänd")),
        kontrollerade="checked",
        avvikande="unexpected",
        iakttaget="observed",
        success="success",
    ).sort("success", "grind", "kalla", "kontroll", maintain_order=True)
    columns = (
        Column("Kontroll", "kontroll", 64),
        Column("Källa", "kalla", 34),
        Column("Grind", "grind", 30),
        Column("Allvar", "allvar", 12),
        Column("Utfall", "utfall", 12),
        Column("Kontrollerade rader", "kontrollerade", 14, WHOLE),
        Column("Avvikande rader", "avvikande", 14, WHOLE),
        Column("Iakttaget", "iakttaget", 60),
    )
    return Sheet("Kvalitet", "Vad kvalitetsgrindarna prövade och fann, det underkända först.", columns, rows)


def deliveries_sheet(reading: Reading) -> Sheet:
    """The deliveries that the release is made of, the newest first."""
    rows = reading.ledger.with_columns(
        kalla=pl.col("source").map_elements(source_title, return_dtype=pl.String),
        utfall=pl.col("status").replace_strict(DELIVERY_STATUS_WORDS, default=None),
    ).sort("kalla", "uttagsdatum", "file", descending=[False, True, False])
    columns = (
        Column("Källa", "kalla", 34),
        Column("Fil", "file", 50),
        Column("Uttagsdatum", "uttagsdatum", 12, DATE),
        Column("Utfall", "utfall", 18),
        Column("Lästa rader", "rows_read", 12, WHOLE),
        Column("Godkända rader", "rows_accepted", 12, WHOLE),
        Column("I karantän", "rows_quarantined", 12, WHOLE),
        Column("Dubbletter", "rows_duplicate", 12, WHOLE),
        Column("Orsak", "orsak", 80),
    )
    return Sheet("Leveranser", "De filer som utgåvan är gjord av, nyast först.", columns, rows)


def _frame(found: Sequence[dict[str, str | None]], columns: Sequence[Column]) -> pl.DataFrame:
    return pl.DataFrame(found, schema={c.name: pl.String for c in columns}, orient="row")
