"""An Explanation in Swedish words: sections of sentences and tables, for the terminal."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.cli.summary import SEVERITY_WORDS
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import replacing
from dagster_project.core.swedish import number
from dagster_project.products.explain.explain import UNDATED, Explanation, period_name

if TYPE_CHECKING:
    from dagster_project.products.explain.explain import Change, Exclusion, Line

MOST_LINES = 200
MOST_DELIVERIES = 40
_PERIOD_WORDS = {"manad": "månad", "tertial": "tertial", "delar": "delår (januari-augusti)", "ar": "år"}
_SEX_WORDS = {"T": "alla", "K": "kvinnor", "M": "män"}
_STATUS_WORDS = {
    "uppfyllt": "målet är uppfyllt",
    "ej_uppfyllt": "målet är inte uppfyllt",
    "inget_mal": "det finns inget mål",
    "inga_data": "det finns inga data",
    "preliminar": "preliminärt: perioden är inte komplett",
    "ej_tillamplig": "indikatorn gäller inte den här verksamheten",
}
_QUALITY_WORDS = {
    "godkand": "godkänd",
    "varning": "varning: en kvalitetsgrind har anmärkt på en källa, se nedan",
    "fryst": "fryst: källan hålls tillbaka, talet är från en tidigare utgåva",
}
EXCLUSION_WORDS = {
    "ej_vardgaranti": "omfattas inte av vårdgarantin",
    "patientvald_vantan": "patientvald väntan (avvikelsekod 1)",
    "medicinskt_orsakad_vantan": "medicinskt orsakad väntan (avvikelsekod 2)",
    "stralbehandling": "koden avser strålbehandling",
    "rad_till_narstaende_i_alla_aldrar": "QT016 är råd till närstående i alla åldrar",
    "inget_bedomt_mal": "planen har inget bedömt mål",
    "ej_bedomt": "målet är inte bedömt",
    "oppet_arende": "öppet ärende vars tid inte gått ut",
    "enhet_stangd": "enheten var stängd den dagen",
    "enhet_ej_giltig": "enheten var inte giltig på händelsedagen",
    "utanfor_omfattning": "verksamheten ingår inte i indikatorn",
}
_UNIT_WORDS = {"andel": "%", "tackning": "%", "median": "dagar", "medel": "", "antal": "", "belopp": ""}


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and perhaps a table (columns, rows; `numbers`: columns that are right-aligned)."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[int, ...] = field(default=())


def sections(explanation: Explanation, csv: bool = False) -> list[Section]:
    """The explanation in reading order. csv: the lines go to a file, so they are left out here."""
    e = explanation
    found = [Section(e.indicator["titel"], tuple(_definition(e)))]
    if e.refusal:
        return found
    found.append(Section("Talet", tuple(_numbers(e))))
    found.append(_excluded(e))
    found.append(_by_file(e))
    if e.lines is not None and not csv:
        found.append(Section("Rader i leveranserna", tuple(_line_sentences(e.lines))))
    if e.lines_note:
        found.append(Section("Rader i leveranserna" if e.lines is None else "", (e.lines_note,)))
    found.append(_delivered(e))
    found.append(Section("Kvalitetsgrindar", tuple(_gates(e))))
    found.append(Section("Utgåva", tuple(_versions(e))))
    found.append(Section("Sedan förra utgåvan", tuple(_changed(e))))
    return found


def _definition(e: Explanation) -> Iterator[str]:
    where = e.address.enhet or e.address.verksamhet or "hela området"
    if e.address.enhet:
        where += f" ({e.address.verksamhet})"
    period = period_name(e.period_typ, e.period_start, e.period_slut)
    words = (
        f"tolv månader till och med {period}"
        if e.period_typ == "r12"
        else f"{_PERIOD_WORDS[e.period_typ]} {e.period_start.year if e.period_typ == 'delar' else period}"
    )
    yield f"{e.indicator['indicator_id']}: {where}, {words}, {_SEX_WORDS[e.address.kon]}."
    yield e.indicator["definition"]
    if e.indicator["taljare_text"]:
        yield f"Täljare: {e.indicator['taljare_text']}."
    if e.indicator["namnare_text"]:
        yield f"Nämnare: {e.indicator['namnare_text']}."


def _numbers(e: Explanation) -> Iterator[str]:
    cell, kind = e.cell, e.indicator["art"]
    if e.stock and e.period_typ != "manad":
        yield f"Ett läge: värdet är det för periodens sista månad, {e.period_slut:%Y-%m}."
    yield from _formula(e)
    if cell["ki_lag"] is not None:
        yield (
            "95 % intervall (Wilson): (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) med "
            f"p = {number(cell['taljare'])}/{number(cell['namnare'])}, n = {number(cell['namnare'])}, z = 1,959964: "
            f"{number(cell['ki_lag'])} till {number(cell['ki_hog'])} %."
        )
    if cell["forandring"] is not None:
        yield (
            "Samma cell ett år tidigare: "
            f"{number(cell['jamforelse_varde'])}; förändring {number(cell['varde'])} − "
            f"{number(cell['jamforelse_varde'])} = {number(cell['forandring'])}."
        )
    elif cell["varde"] is not None:
        yield "Ingen jämförelse med året före visas."
    yield from _target(e)
    yield f"Status: {_STATUS_WORDS.get(cell['status'], cell['status'])}."
    if cell["status"] in ("preliminar", "inga_data"):
        yield from _incomplete(e)
    if kind != "median" and cell["status"] == "ej_tillamplig":
        yield f"Indikatorn gäller {', '.join(e.indicator['omfattning'].split('|'))}."
    yield f"Kvalitet: {_QUALITY_WORDS.get(cell['kvalitet'], cell['kvalitet'])}."


def _formula(e: Explanation) -> Iterator[str]:
    """The value from its numbers; nothing where there is none."""
    c, kind = e.calculation, e.indicator["art"]
    if c.varde is None:
        return
    value = f"{number(c.varde)} {_UNIT_WORDS.get(kind, '')}".rstrip()
    if kind in ("andel", "tackning"):
        assert c.taljare is not None and c.namnare is not None
        who = "personer, var och en räknad en gång: " if kind == "tackning" else ""
        yield f"Värde: {who}100 × {number(c.taljare)} / {number(c.namnare)} = {value}."
    elif kind == "medel":
        assert c.taljare is not None and c.namnare is not None
        yield f"Värde: {number(c.taljare)} / {number(c.namnare)} = {value}."
    elif kind == "median":
        assert c.namnare is not None
        n = int(c.namnare)
        if len(c.middle) == 2:
            a, b = (number(m) for m in c.middle)
            yield (
                f"Värde: medelvärdet av de två mittersta av {n} värden (nummer {n // 2} och {n // 2 + 1} i "
                f"storleksordning): ({a} + {b}) / 2 = {value}."
            )
        else:
            yield f"Värde: det mittersta av {n} värden (nummer {n // 2 + 1} i storleksordning) = {value}."
    else:
        yield f"Värde: {value} (observationerna summerade)."


def _target(e: Explanation) -> Iterator[str]:
    cell, catalogue = e.cell, e.indicator
    if cell["malvarde"] is None:
        return
    days = (e.period_slut - e.period_start).days + 1
    year = 366 if isleap(e.period_start.year) else 365
    annual = catalogue["mal_varde"]
    origin = ""
    if catalogue["mal_jamforelse"]:
        origin = " (värdet ett år tidigare)"
    elif annual is not None and abs(annual - cell["malvarde"]) > 1e-9:
        origin = f" ({number(annual)} per år × {days} / {year} dagar)"
    sign = {">=": "≥", "<=": "≤"}.get(cell["mal_operator"], cell["mal_operator"])
    yield f"Mål: {sign} {number(cell['malvarde'])}{origin}."


def _incomplete(e: Explanation) -> Iterator[str]:
    """Why a cell has no data, or is preliminary."""
    if e.data_start is None:
        yield "Indikatorns källor har inga händelser."
    elif e.period_slut < e.data_start:
        yield f"Underlaget börjar {e.data_start:%Y-%m}: vad som hände dessförinnan är okänt."
    elif e.cell["status"] == "inga_data":
        yield "Nämnaren är 0: det finns ingenting att räkna ett värde av."
    if e.data_start is not None and not e.stock and e.period_start < e.data_start <= e.period_slut:
        yield f"Underlaget börjar {e.data_start:%Y-%m}, inne i perioden."
    if e.evidence_as_of is not None and e.evidence_as_of < e.period_slut:
        yield f"Källorna når till {e.evidence_as_of}, perioden till {e.period_slut}."


def _excluded(e: Explanation) -> Section:
    title = "Uteslutna observationer"
    if e.exclusions_note:
        return Section(title, (e.exclusions_note,))
    if not e.exclusions:
        return Section(title, ("Inga.",))
    rows = tuple((_reason(x.reason), _count(x, e.limit)) for x in e.exclusions)
    notes: tuple[str, ...] = ()
    if e.address.niva == "verksamhet" and any("enhet" in x.reason for x in e.exclusions):
        notes = ("Observationer vid en enhet som inte var giltig hör till området och enheten.",)
    return Section(title, notes, ("orsak", "antal"), rows, (1,))


def _reason(reason: str) -> str:
    code = reason.removeprefix(UNDATED)
    words = EXCLUSION_WORDS.get(code, code)
    return f"{words} (utan datum, hör till ingen period)" if reason.startswith(UNDATED) else words


def _count(exclusion: Exclusion, limit: int) -> str:
    if exclusion.count is not None:
        return str(exclusion.count)
    return f"{exclusion.at_least} eller fler" if exclusion.at_least else f"färre än {limit}"


def _by_file(e: Explanation) -> Section:
    title = "Observationer per leverans"
    if e.files is None:
        return Section(title, (e.files_note or "Inga.",))
    if not e.files:
        return Section(title, ("Inga.",))
    if len(e.files) == 1 and len(e.files[0].files) > 1:
        one = e.files[0]
        return Section(title, (f"{one.count} i {len(one.files)} leveranser tillsammans: {', '.join(one.files)}.",))
    rows = []
    notes = []
    for group in e.files:
        if group.rest:
            rows.append(("övriga filer", str(group.count)))
            notes.append(f"Övriga filer: {', '.join(group.files)}.")
        else:
            rows.append((", ".join(group.files), str(group.count)))
    return Section(title, tuple(notes), ("leverans", "observationer"), tuple(rows), (1,))


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


def _delivered(e: Explanation) -> Section:
    shown = sorted(e.deliveries, key=lambda d: d.uttagsdatum, reverse=True)[:MOST_DELIVERIES]
    sentences = []
    if len(shown) < len(e.deliveries):
        sentences.append(
            f"De {len(shown)} senaste av {len(e.deliveries)} leveranser; alla står i utgåvans leveranser.parquet."
        )
    for d in (d for d in e.deliveries if d in set(shown)):
        sentences += [d.file, f"  sha256 {d.sha256}"]
    return Section("Lästa leveranser (indikatorns källor och enhetsregistret)", tuple(sentences))


def _gates(e: Explanation) -> Iterator[str]:
    yield f"{e.checks_passed} kontroller godkända, {len(e.checks)} med anmärkning."
    for c in e.checks:
        found = f" ({c.found})" if c.found else ""
        waived = f" Undantag {c.waived}." if c.waived else ""
        yield f"{SEVERITY_WORDS.get(c.severity, c.severity)} {c.source} ({c.suite}): {c.title} – nej{found}.{waived}"


def _versions(e: Explanation) -> Iterator[str]:
    yield f"Utgåva {e.release_id}, per {e.as_of}."
    if e.frozen_from:
        yield f"Raden är fryst: den räknades i utgåvan {e.frozen_from}, och underlaget ovan är den utgåvans."
    yield f"Kodversion {e.code_version}, katalogversion {e.catalogue_version}, indikatorns version " + (
        f"{e.indicator['version']}."
    )


def _changed(e: Explanation) -> Iterator[str]:
    c = e.change
    if c is None:
        yield "Ingen tidigare sparad utgåva har den här cellen."
        return
    yield f"Förra utgåvan: {c.release_id}, per {c.as_of}."
    if c.hidden:
        yield "Där är cellen dold av sekretesskäl: ingen jämförelse mellan utgåvorna visas."
        return
    for name, before in zip(("taljare", "namnare", "varde"), c.before, strict=True):
        now = e.cell[name]
        word = {"taljare": "Täljare", "namnare": "Nämnare", "varde": "Värde"}[name]
        if before is not None or now is not None:
            same = " (oförändrat)" if before == now else ""
            yield f"{word}: {_or_none(before)} → {_or_none(now)}{same}."
    if c.status != e.cell["status"]:
        yield f"Status: {c.status} → {e.cell['status']}."
    yield from _causes(c)


def _causes(c: Change) -> Iterator[str]:
    if c.code_version:
        yield f"Koden har ändrats: {c.code_version[0]} → {c.code_version[1]}."
    if c.catalogue_version:
        yield f"Katalogen har ändrats: {c.catalogue_version[0]} → {c.catalogue_version[1]}."
    if c.parameters:
        yield f"Parametrar har ändrats: {', '.join(c.parameters)}."
    if c.new_files:
        yield f"Nya leveranser: {', '.join(c.new_files)}."
    if c.gone_files:
        yield f"Leveranser som inte längre läses: {', '.join(c.gone_files)}."
    if not (c.code_version or c.catalogue_version or c.parameters or c.new_files or c.gone_files):
        yield "Samma kod, katalog, parametrar och leveranser."
    if c.added is not None:
        changed = f", {c.changed} med ändrat utfall" if c.changed else ""
        yield f"Observationer: {c.added} har kommit till, {c.gone} har försvunnit{changed}."
    for file, added, gone in c.by_file[:MOST_DELIVERIES]:
        yield f"  {file}: {added} nya, {gone} borta"
    if c.note:
        yield c.note


def _or_none(value: float | None) -> str:
    return "–" if value is None else number(value)


def write_lines_csv(lines: Sequence[Line], path: Path) -> None:
    """The observations by file and line as CSV (`,`, UTF-8); `reason` is empty for those that count."""
    import polars as pl

    from dagster_project.releases.publish import escaped

    frame = pl.DataFrame(
        [(x.file, x.line, x.reason) for x in lines],
        schema={"file": pl.String, "line": pl.Int64, "reason": pl.String},
        orient="row",
    )
    try:
        with replacing(path) as part:
            frame.with_columns(escaped(pl.col("file")), escaped(pl.col("reason"))).write_csv(part)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {error.strerror}.") from error
