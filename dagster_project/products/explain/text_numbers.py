"""The numbers of a cell in Swedish sentences: formula, interval, comparison, target, status."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from math import isclose

from dagster_project.catalogue.vocabulary import (
    COVERAGE,
    DISTINCT_PATHS,
    MEAN,
    MEDIAN,
    MONTH,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    PRELIMINARY,
    R12,
    SHARE,
    TOTALS,
)
from dagster_project.core.swedish import number
from dagster_project.products.explain.model import Calculation, Definition, Explanation
from dagster_project.products.names import verksamhet_name
from dagster_project.products.words import MARK_WORDS, OPERATOR_SIGNS, QUALITY_WORDS, STATUS_WORDS, VALUE_UNITS


def number_sentences(e: Explanation) -> Iterator[str]:
    """What the cell shows and how it comes about."""
    cell = e.cell
    if e.indicator.stock and e.period.type != MONTH:
        yield f"Ett läge: värdet är det för periodens sista månad, {e.period.end:%Y-%m}."
    elif e.indicator.window_months:
        first = e.period.months(e.indicator)[0]
        yield (
            f"Värdet räknar de {e.indicator.window_months} månader som slutar med perioden: {first:%Y-%m} till "
            f"{e.period.end:%Y-%m}."
        )
    yield from _formula(e.indicator, e.calculation)
    if cell["ki_lag"] is not None:
        yield (
            "95 % intervall (Wilson): (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) med "
            f"p = {number(cell['taljare'])}/{number(cell['namnare'])}, n = {number(cell['namnare'])}, z = 1,959964: "
            f"{number(cell['ki_lag'])} till {number(cell['ki_hog'])} %."
        )
    if cell["forandring"] is not None:
        yield (
            f"Samma cell {_compared(e)}: "
            f"{number(cell['jamforelse_varde'])}; förändring {number(cell['varde'])} − "
            f"{number(cell['jamforelse_varde'])} = {number(cell['forandring'])}."
        )
    elif cell["varde"] is not None:
        yield f"Ingen jämförelse med {e.indicator.base_year or 'året före'} visas."
    yield from _target(e)
    yield f"Status: {STATUS_WORDS[cell['status']]}."
    if cell["markering"] is not None:
        yield f"Märkning: {MARK_WORDS[cell['markering']]}."
    if cell["status"] in (PRELIMINARY, NO_DATA):
        yield from _incomplete(e)
    if e.indicator.kind != MEDIAN and cell["status"] == NOT_APPLICABLE:
        yield f"Indikatorn gäller {', '.join(map(verksamhet_name, e.indicator.scope))}."
    yield f"Kvalitet: {QUALITY_WORDS[cell['kvalitet']]}."


def _compared(e: Explanation) -> str:
    """When the compared cell was."""
    year = e.indicator.base_year
    if year is None:
        return "ett år tidigare"
    # Twelve months that end in the base year are not all of it.
    return (
        f"de tolv månaderna till och med {year}-{e.period.end:%m}" if e.period.type == R12 else f"samma månader {year}"
    )


def _formula(indicator: Definition, c: Calculation) -> Iterator[str]:
    """The value from its numbers; nothing where there is none."""
    kind = indicator.kind
    if c.varde is None:
        return
    value = f"{number(c.varde)} {VALUE_UNITS[kind]}".rstrip()
    if kind in (SHARE, COVERAGE):
        who = "personer, var och en räknad en gång: " if kind == COVERAGE else ""
        yield f"Värde: {who}100 × {number(c.taljare)} / {number(c.namnare)} = {value}."
    elif kind == MEAN:
        yield f"Värde: {number(c.taljare)} / {number(c.namnare)} = {value}."
    elif kind == MEDIAN:
        yield f"Värde: {_median(int(c.namnare or 0), c.middle)} = {value}."
    elif indicator.path in DISTINCT_PATHS:
        yield f"Värde: {value} (olika, vart och ett räknat en gång hur många observationer det än har)."
    else:
        yield f"Värde: {value} (observationerna summerade)."


def _median(n: int, middle: tuple[float, ...]) -> str:
    if len(middle) == 2:
        a, b = map(number, middle)
        return (
            f"medelvärdet av de två mittersta av {n} värden (nummer {n // 2} och {n // 2 + 1} i storleksordning): "
            f"({a} + {b}) / 2"
        )
    return f"det mittersta av {n} värden (nummer {n // 2 + 1} i storleksordning)"


def _target(e: Explanation) -> Iterator[str]:
    target, annual = e.cell["malvarde"], e.indicator.target
    if target is None:
        if e.cell["status"] == NO_TARGET and (annual is not None or e.indicator.target_base):
            yield _why_no_target(e)
        return
    days = (e.period.end - e.period.start).days + 1
    year = 366 if isleap(e.period.start.year) else 365
    origin = ""
    # The definition has the target of the release's own year; a cell of another year may have had another.
    if e.indicator.target_base and target == e.cell["jamforelse_varde"]:
        origin = f" (värdet {_compared(e)})"
    elif annual is not None and annual != target and days < year and isclose(annual * days / year, target):
        origin = f" ({number(annual)} per år × {days} / {year} dagar)"
    yield f"Mål: {OPERATOR_SIGNS[e.cell['mal_operator']]} {number(target)}{origin}."


def _why_no_target(e: Explanation) -> str:
    """Why a row of an indicator that has a target has none."""
    if e.indicator.target_base and e.cell["jamforelse_varde"] is None:
        return f"Indikatorns mål jämför med värdet {_compared(e)}, som inte finns: utan jämförelse finns inget mål."
    return (
        "Indikatorn har ett mål, men det bedöms inte på den här nivån och periodtypen eller gäller inte det här året."
    )


def _incomplete(e: Explanation) -> Iterator[str]:
    """Why a cell has no data, or is preliminary."""
    first = e.period.months(e.indicator)[0]
    if e.data_start is None:
        yield "Indikatorns källor har inga händelser."
    elif e.lacking is not None:
        yield f"Ingen levererad rad har den uppgift som indikatorn bygger på ({e.lacking}): talen är okända."
    elif e.period.end < e.data_start:
        yield f"Underlaget börjar {e.data_start:%Y-%m}: vad som hände dessförinnan är okänt."
    elif e.cell["status"] == NO_DATA and e.indicator.kind in TOTALS:
        yield "Ingen har lämnat något värde till och med periodens slut."
    elif e.cell["status"] == NO_DATA:
        yield "Nämnaren är 0: det finns ingenting att räkna ett värde av."
    if e.data_start is not None and first < e.data_start <= e.period.end:
        inside = "de månader som räknas" if e.indicator.window_months else "perioden"
        yield f"Underlaget börjar {e.data_start:%Y-%m}, inne i {inside}."
    ended = e.evidence_as_of is not None and e.evidence_as_of >= e.period.end
    if ended and e.data_start is not None and e.data_start <= first and e.cell["status"] == PRELIMINARY:
        yield "Källan har levererat färre än hälften så många händelser som vanligt: månaden är troligen ofullständig."
    if e.evidence_as_of is not None and e.evidence_as_of < e.period.end:
        yield f"Källorna når till {e.evidence_as_of}, perioden till {e.period.end}."
