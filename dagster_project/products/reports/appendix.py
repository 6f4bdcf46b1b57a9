"""The last chapter of a report: how to read it, what its numbers are, where they come from, how small ones are kept."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ACCEPTED,
    HIDDEN,
    MET,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_MET,
    PARTLY,
    PLAN_STATUSES,
    PRELIMINARY,
    TOTALS,
)
from dagster_project.core.printable import printable
from dagster_project.core.swedish import day_in_words, fixed, joined
from dagster_project.gates.suites import suite_titles
from dagster_project.products.measured import measured, published_figures
from dagster_project.products.names import source_title
from dagster_project.products.reading import IndicatorInfo
from dagster_project.products.reports.asked import Followed, Row
from dagster_project.products.reports.document import NOTHING, Block, Bullets, Column, Heading, Paragraph, Table
from dagster_project.products.reports.items import FEW_WORDS
from dagster_project.products.telling import gap_words
from dagster_project.products.words import SOURCE_OUTCOME_WORDS


def appendix(followed: Followed) -> Iterator[Block]:
    """The chapter."""
    yield Heading(1, "Bilaga: så är rapporten gjord", "bilaga")
    yield from _how_to_read(followed)
    yield from _small_numbers(followed)
    yield from _definitions(followed)
    yield from _sources(followed)
    yield from _release(followed)


def _how_to_read(followed: Followed) -> Iterator[Block]:
    yield Heading(2, "Så läser du rapporten", "sa-laser-du")
    statuses = followed.reading.statuses
    used = [statuses[code] for code in PLAN_STATUSES if code in statuses]
    yield Paragraph(
        "Varje punkt börjar med hur den står, med ett tecken och ett ord. Meningen efter är densamma som på tavlan."
    )
    yield Bullets(tuple((f"{s.symbol or ''} {s.ord}.".strip(), _MEANINGS[s.kod]) for s in used))
    few = followed.reading.release.manifest.few_limit
    entries = [
        ("Täljare och nämnare:", "hur många som uppfyller måttet, och av hur många. Värdet är deras andel."),
        ("Året innan:", "samma period ett år tidigare, räknad på samma sätt."),
        (f"{FEW_WORDS.capitalize()}:", f"bedömningen vilar på färre än {few}, så att något enstaka fall ändrar den."),
        (f"Streck ({NOTHING}):", "uppgiften finns inte eller får inte visas; det står aldrig för noll."),
        (
            "Diagram:",
            "streckad linje är målet, ljust band hur mycket månaderna varierar utan att något har ändrats.",
        ),
    ]
    yield Bullets(tuple(entries))


_MEANINGS = {
    MET: "Alla mål för punkten är nådda.",
    PARTLY: "Några av målen, eller av delarna, är nådda.",
    NOT_MET: "Inget av målen är nått.",
    NO_TARGET: "Det finns inget mål på den här nivån eller för den här perioden.",
    NO_DATA: "Det saknas uppgifter att bedöma målet med.",
    PRELIMINARY: "Perioden är inte slut eller inte fullständigt levererad.",
    HIDDEN: "Talet är så litet att det skyddas.",
    NOT_APPLICABLE: "Punkten gäller inte verksamheten.",
}


def _small_numbers(followed: Followed) -> Iterator[Block]:
    yield Heading(2, "Så skyddas små tal", "sma-tal")
    yield Paragraph(gap_words(followed.reading, HIDDEN))
    yield Paragraph(
        "Det gäller indikatorer om patienter. Ett dolt tal står inte heller i rapportens fil, och går inte att räkna "
        "ut ur de tal som visas, varken i den här rapporten eller i resten av utgåvan."
    )


def _definitions(followed: Followed) -> Iterator[Block]:
    """What is counted, of each indicator in the report, once."""
    yield Heading(2, "Definitioner", "definitioner")
    known = followed.reading.indicators
    used = dict.fromkeys(followed.row(item)["indicator_id"] for item in followed.items)
    for indicator in (known[i] for i in used if i is not None and i in known):
        yield Paragraph(indicator.definition or "", label=f"{indicator.titel}.")
        yield Paragraph(_particulars(indicator), "note")


def _particulars(indicator: IndicatorInfo) -> str:
    parts = []
    if indicator.taljare_text:
        parts.append(f"{'Räknas' if indicator.art in TOTALS else 'Täljare'}: {indicator.taljare_text}.")
    if indicator.namnare_text and indicator.art not in TOTALS:
        parts.append(f"Nämnare: {indicator.namnare_text}.")
    if indicator.kallor:
        parts.append(f"Källa: {joined([source_title(s) for s in indicator.kallor])}.")
    parts.append(f"Id {indicator.indicator_id}, version {indicator.version}.")
    return " ".join(parts)


def _sources(followed: Followed) -> Iterator[Block]:
    """Every source with deliveries: its newest one, how many rows, and what the gates said."""
    yield Heading(2, "Källor och leveranser", "kallor")
    manifest = followed.reading.release.manifest
    ledger = followed.reading.ledger
    sums = (
        ledger.filter(pl.col("status") == ACCEPTED)
        .group_by("source")
        .agg(pl.len().alias("files"), pl.col("uttagsdatum").max().alias("newest"), pl.col("rows_accepted").sum())
    )
    accepted = {row["source"]: row for row in sums.iter_rows(named=True)}
    rows = [_source_row(source, accepted.get(source), outcome) for source, outcome in manifest.sources.items()]
    columns = (
        Column("Källa", 3.0), Column("Nyaste leverans", 1.8), Column("Leveranser", 1.3, number=True),
        Column("Godkända rader", 1.5, number=True), Column("Kvalitetskontroll", 1.6),
    )  # fmt: skip
    about = "Per källa: datum för nyaste leverans, antal leveranser och rader, och vad kvalitetskontrollen sade."
    yield Table("Källor och leveranser i utgåvan", columns, tuple(rows), about)
    told = {s: "; ".join(_failure(followed, f) for f in found) for s, found in followed.warned.items()}
    found = [(f"{source_title(source)}:", f"{text}.") for source, text in told.items()]
    if found:
        yield Paragraph("Anmärkningar:")
        yield Bullets(tuple(found))


def _source_row(source: str, found: Row | None, outcome: str) -> tuple[str, ...]:
    told = SOURCE_OUTCOME_WORDS[outcome]
    if found is None:
        return source_title(source), NOTHING, "0", "0", told
    newest = day_in_words(found["newest"]) if found["newest"] is not None else NOTHING
    return source_title(source), newest, fixed(found["files"], 0), fixed(found["rows_accepted"], 0), told


def _failure(followed: Followed, row: Row) -> str:
    """What a gate found, with its figure and limit: as the steward's page words it."""
    manifest = followed.reading.release.manifest
    title = suite_titles(row["suite"]).get((row["suite"], row["expectation"])) or str(row["expectation"])
    figure = measured(published_figures(row, manifest.as_of, manifest.parameters))
    return printable(f"{title} ({figure})" if figure else title)


def _release(followed: Followed) -> Iterator[Block]:
    yield Heading(2, "Utgåvan", "utgava")
    release = followed.reading.release
    manifest = release.manifest
    yield Paragraph(
        f"Rapporten är gjord ur utgåva {release.id} av Resultattavlan och visar ingenting som inte finns där. Utgåvan "
        f"är byggd av {len(manifest.inputs)} leveranser, med katalog {manifest.catalogue_version} och program "
        f"{manifest.code_version}."
    )
    if manifest.held_back:
        names = [followed.reading.indicators[i].titel for i in manifest.held_back if i in followed.reading.indicators]
        yield Paragraph(f"Kvarhållna indikatorer, som inte har räknats om: {joined(names)}.")
    for waiver in manifest.waivers:
        reason = printable(str(waiver.get("reason", "")))
        yield Paragraph(f"Undantag från kvalitetskontrollen: {waiver.get('expectation')} ({reason}).", "note")
