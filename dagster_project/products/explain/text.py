"""An Explanation in Swedish words: sections of sentences and tables, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE
from dagster_project.catalogue.indicators import exclusion_words
from dagster_project.catalogue.organisation import area_codes
from dagster_project.catalogue.vocabulary import DELAR, VERKSAMHET
from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.tables import escaped_texts
from dagster_project.products.explain.model import UNDATED, Exclusion, Explanation, Line
from dagster_project.products.explain.text_change import change_sentences
from dagster_project.products.explain.text_numbers import number_sentences
from dagster_project.products.measured import failure_sentence
from dagster_project.products.names import source_name, verksamhet_name, with_unit_names
from dagster_project.products.words import PERIOD_WORDS
from dagster_project.releases.labels import SEX_WORDS

MOST_LINES = 200
MOST_DELIVERIES = 40
HASH_SHOWN = 12
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and perhaps a table (columns, rows; `numbers`: columns that are right-aligned)."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[int, ...] = ()


def sections(
    explanation: Explanation, csv: bool = False, whole_hashes: bool = False, units: Mapping[str, str] = NO_NAMES
) -> list[Section]:
    """The explanation in reading order.

    csv: the lines go to a file, so they are left out here. whole_hashes: checksums are shown to their last character,
    else their first HASH_SHOWN. units: HSA-id -> name.
    """
    e = explanation
    found = [Section(e.indicator.title, tuple(_definition(e, units)))]
    if e.refusal:
        return found
    found.append(Section("Talet", tuple(number_sentences(e))))
    found.append(_excluded(e))
    found.append(_by_file(e))
    if e.lines is not None and not csv:
        found.append(Section("Rader i leveranserna", tuple(_line_sentences(e.lines))))
    if e.lines_note:
        found.append(Section("Rader i leveranserna" if e.lines is None else "", (e.lines_note,)))
    found.append(_delivered(e, whole_hashes))
    found.append(Section("Kvalitetsgrindar", tuple(_gates(e))))
    found.append(Section("Utgåva", tuple(_versions(e))))
    found.append(Section("Sedan förra utgåvan", tuple(change_sentences(e, MOST_DELIVERIES))))
    return found


def _where(e: Explanation, units: Mapping[str, str]) -> str:
    """The address with names beside ids."""
    if e.address.verksamhet is None:
        return f"hela området {', '.join(map(verksamhet_name, area_codes()))}"
    verksamhet = verksamhet_name(e.address.verksamhet)
    return f"{with_unit_names(e.address.enhet, units)}, {verksamhet}" if e.address.enhet else verksamhet


def _definition(e: Explanation, units: Mapping[str, str]) -> Iterator[str]:
    where = _where(e, units)
    period = e.period.start.year if e.period.type == DELAR else e.period.name
    yield f"{e.indicator.id}: {where}, {PERIOD_WORDS[e.period.type]} {period}, {SEX_WORDS[e.address.kon]}."
    yield e.indicator.text
    if e.indicator.numerator:
        yield f"Täljare: {e.indicator.numerator}."
    if e.indicator.denominator:
        yield f"Nämnare: {e.indicator.denominator}."


def _excluded(e: Explanation) -> Section:
    title = "Uteslutna observationer"
    if not e.exclusions:
        return Section(title, ("Inga.",))
    rows = tuple((_reason(x.reason), _count(x)) for x in e.exclusions)
    notes: tuple[str, ...] = ()
    if e.address.niva == VERKSAMHET and any("enhet" in x.reason for x in e.exclusions):
        notes = ("Observationer vid en enhet som inte var giltig hör till området och enheten.",)
    if any(x.count is None for x in e.exclusions):
        notes += ("Antal som inte visas i sin helhet är små, eller så kunde små antal räknas ut ur dem.",)
    return Section(title, notes, ("orsak", "antal"), rows, (1,))


def _reason(reason: str) -> str:
    code = reason.removeprefix(UNDATED)
    words = exclusion_words().get(code, code)
    return f"{words} (utan datum, hör till ingen period)" if reason.startswith(UNDATED) else words


def _count(exclusion: Exclusion) -> str:
    if exclusion.count is not None:
        return str(exclusion.count)
    return f"minst {exclusion.at_least}" if exclusion.at_least else "visas inte"


def _by_file(e: Explanation) -> Section:
    title, files = "Observationer per leverans", e.files
    notes: tuple[str, ...] = (f"{e.undelivered} som ingen har rapporterat: de har ingen rad.",) if e.undelivered else ()
    if files is None:
        return Section(title, (e.files_note or "Inga.",))
    if not files:
        return Section(title, notes or ("Inga.",))
    if len(files) == 1 and len(files[0].files) > 1:
        one = files[0]
        together = f"{one.count} i {len(one.files)} leveranser tillsammans: {', '.join(one.files)}."
        return Section(title, (together, *notes))
    rows = tuple(("övriga filer" if g.rest else ", ".join(g.files), str(g.count)) for g in files)
    notes += tuple(f"Övriga filer: {', '.join(g.files)}." for g in files if g.rest)
    return Section(title, notes, ("leverans", "observationer"), rows, (1,))


def _line_sentences(lines: Sequence[Line]) -> Iterator[str]:
    """Line numbers by file, the excluded ones by reason; at most MOST_LINES of them."""
    by_place: dict[tuple[str, str], list[int]] = {}
    for line in lines[:MOST_LINES]:
        by_place.setdefault((line.file, line.reason or ""), []).append(line.line)
    for (file, reason), numbers in by_place.items():
        label = f" (räknas inte: {_reason(reason)})" if reason else ""
        yield f"{file}{label}: rad {', '.join(map(str, numbers))}."
    if not lines:
        yield "Inga."
    if len(lines) > MOST_LINES:
        yield f"Visar {MOST_LINES} av {len(lines)} rader; alla skrivs till en fil med --csv FIL."


def _delivered(e: Explanation, whole_hashes: bool) -> Section:
    shown = set(sorted(e.deliveries, key=lambda d: d.uttagsdatum, reverse=True)[:MOST_DELIVERIES])
    sentences = []
    if len(shown) < len(e.deliveries):
        sentences.append(
            f"De {len(shown)} senaste av {len(e.deliveries)} leveranser; alla står i utgåvans leveranser.parquet."
        )
    sentences += [
        f"{d.file}  sha256 {d.sha256 if whole_hashes else d.sha256[:HASH_SHOWN]}" for d in e.deliveries if d in shown
    ]
    register = any(d.source == REGISTER_SOURCE for d in e.deliveries)
    read = "indikatorns källor och enhetsregistret" if register else "indikatorns källor"
    return Section(f"Lästa leveranser ({read})", tuple(sentences))


def _gates(e: Explanation) -> Iterator[str]:
    yield f"{e.checks_passed} kontroller godkända, {len(e.checks)} med anmärkning."
    for c in e.checks:
        waived = f" Undantag {c.waived}." if c.waived else ""
        yield f"{failure_sentence(c.severity, source_name(c.source), c.title, c.found)}{waived}"


def _versions(e: Explanation) -> Iterator[str]:
    yield f"Utgåva {e.release_id}, per {e.as_of}."
    if e.frozen_from:
        yield f"Raden är fryst: den räknades i utgåvan {e.frozen_from}, och underlaget ovan är den utgåvans."
    yield (
        f"Kodversion {e.code_version}, katalogversion {e.catalogue_version}, indikatorns version {e.indicator.version}."
    )


def write_lines_csv(lines: Sequence[Line], path: Path) -> None:
    """The observations by file and line as CSV (`,`, UTF-8); `reason` is empty for those that count."""
    frame = pl.DataFrame(
        [(x.file, x.line, x.reason) for x in lines],
        schema={"file": pl.String, "line": pl.Int64, "reason": pl.String},
        orient="row",
    )
    try:
        with replacing(path) as part:
            escaped_texts(frame).write_csv(part)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {system_reason(error)}.") from error
