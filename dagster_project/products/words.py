"""What people read for a value of a closed list (`catalogue.vocabulary`), once, for every product.

Why an observation does not count is said by a seed (`catalogue.indicators.exclusion_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagster_project.catalogue.vocabulary import (
    ACCEPTED,
    AMOUNT,
    BY_CLEAN,
    BY_COVERING,
    BY_KEY,
    BY_PERSON,
    CONFLICT,
    COUNT,
    COVERAGE,
    CRITICAL,
    DELAR,
    DELIVERY,
    DRIFT,
    FAILED,
    FEW_MARK,
    FROZEN,
    GATES,
    GOOD,
    HIDDEN,
    HIDDEN_MARK,
    INFO,
    LATER,
    MEAN,
    MEDIAN,
    MET,
    MONTH,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_MET,
    OPEN,
    OVERLAP,
    PASSED,
    PASSED_WITH_WARNING,
    PERSPECTIVES,
    PRELIMINARY,
    R12,
    REJECTED,
    REPORT_STATUSES,
    RESOLVED,
    RESULTS,
    SAME_CONTENT,
    SHARE,
    STAGING,
    TERTIAL,
    UNIT_NOT_VALID,
    UNKNOWN_UNIT,
    WARNED,
    WARNING,
    WITHDRAWN,
    YEAR,
)
from dagster_project.gates.outcomes import GATE_TITLES
from dagster_project.releases.labels import REPORT_WORDS

if TYPE_CHECKING:
    import polars as pl

# --- Cells ------------------------------------------------------------------------------------------------------
PERIOD_WORDS: Mapping[str, str] = {
    MONTH: "månad",
    TERTIAL: "tertial",
    DELAR: "delår (januari-augusti)",
    YEAR: "år",
    R12: "tolv månader till och med",
}
PERSPECTIVE_WORDS: Mapping[str, str] = dict(
    zip(PERSPECTIVES, ("Invånare och samhälle", "Process", "Resurs"), strict=True)
)
REPORT_STATUS_WORDS: Mapping[str, str] = {status: REPORT_WORDS[status] for status in REPORT_STATUSES}
"""Those that a verksamhet can choose."""
STATUS_WORDS: Mapping[str, str] = {
    MET: "målet är uppfyllt",
    NOT_MET: "målet är inte uppfyllt",
    NO_TARGET: "det finns inget mål",
    NO_DATA: "det finns inga data",
    PRELIMINARY: "preliminärt: perioden är inte komplett",
    NOT_APPLICABLE: "indikatorn gäller inte den här verksamheten",
    HIDDEN: "dold av sekretesskäl",
}
MARK_WORDS: Mapping[str, str] = {
    HIDDEN_MARK: "dold av sekretesskäl (MSK)",
    FEW_MARK: "få observationer (FA): bedömningen vilar på så få att någon enstaka ändrar den",
}
QUALITY_WORDS: Mapping[str, str] = {
    GOOD: "godkänd",
    WARNED: "varning: en kvalitetsgrind har anmärkt på en källa, se nedan",
    FROZEN: "fryst: källan hålls tillbaka, talet är från en tidigare utgåva",
}
VALUE_UNITS: Mapping[str, str] = {SHARE: "%", COVERAGE: "%", MEDIAN: "dagar", MEAN: "", COUNT: "", AMOUNT: ""}
"""What stands after a value, by kind of indicator."""
OPERATOR_SIGNS: Mapping[str, str] = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}

# --- Gates ------------------------------------------------------------------------------------------------------
SEVERITY_WORDS: Mapping[str, str] = {CRITICAL: "Stopp", WARNING: "Varning", INFO: "Upplysning"}
PLAIN_SEVERITY_WORDS: Mapping[str, str] = {**SEVERITY_WORDS, CRITICAL: SEVERITY_WORDS[CRITICAL].upper()}
"""Where there is no colour: what stops stands out by its capitals."""
SEVERITY_VERBS: Mapping[str, str] = {CRITICAL: "Stoppar", WARNING: "Varnar", INFO: "Upplyser"}
SOURCE_OUTCOME_WORDS: Mapping[str, str] = {PASSED: "godkänd", PASSED_WITH_WARNING: "varning", FAILED: "UNDERKÄND"}
GATE_HEADINGS: Mapping[str, str] = {
    **{gate: f"Grind {number}: {GATE_TITLES[gate].lower()}" for number, gate in enumerate(GATES, start=1)},
    DRIFT: GATE_TITLES[DRIFT],
}
GATE_QUESTIONS: Mapping[str, str] = {
    DELIVERY: "Går det att lita på det som har levererats?",
    DRIFT: "Liknar leveranserna dem som kom före?",
    STAGING: "Är uppgifterna rätt sammanställda och kopplade till rätt verksamhet?",
    RESULTS: "Kan resultaten publiceras?",
}

# --- Deliveries -------------------------------------------------------------------------------------------------
DELIVERY_STATUS_WORDS: Mapping[str, str] = {
    ACCEPTED: "Godkänd",
    REJECTED: "Avvisad",
    SAME_CONTENT: "Samma innehåll som en annan fil",
    WITHDRAWN: "Återkallad",
    LATER: "Väntar: uttagen efter körningens datum",
}
QUARANTINE_STATE_WORDS: Mapping[str, str] = {OPEN: "öppen", RESOLVED: "åtgärdad"}
SETTLED_WORDS: Mapping[str, str] = {
    BY_KEY: "rättad i {file}",
    BY_CLEAN: "ersatt av {file}, som inte har någon rad i karantän",
    BY_COVERING: "ersatt av {file}, som omfattar enhet och månad",
    BY_PERSON: "kvitterad {note}",
}
"""What settled a resolved row; `file`: the delivery's name, `note`: who acknowledged it, when and why."""
SETTLED_MANY_WORDS: Mapping[str, str] = {
    BY_KEY: "rättade i en nyare leverans",
    BY_CLEAN: "ersatta av en nyare leverans som inte har någon rad i karantän",
    BY_COVERING: "ersatta av en nyare leverans som omfattar enhet och månad",
    BY_PERSON: "kvitterade",
}
"""The same of several rows."""

_REASONS: Mapping[str, str] = {
    "format:rad": "Raden har fler celler än det finns rubriker",
    OVERLAP: "Giltighetstiden överlappar en annan rads",
    CONFLICT: "Samma nyckel förekommer med olika innehåll",
    UNKNOWN_UNIT: "Enheten finns inte i enhetsregistret",
    UNIT_NOT_VALID: "Enheten var inte giltig på händelsedagen",
}
_REASON_KINDS: Mapping[str, str] = {
    "saknas": "{0} saknas",
    "format": "{0} kan inte läsas",
    "varde": "{0} har ett värde som inte är tillåtet",
    "framtid": "{0} ligger efter uttagsdatumet",
    "ordning": "{0} är senare än {1}",
}
_REASON_ACTIONS: Mapping[str, str] = {
    "format:rad": "Leta efter ett avgränsningstecken i en text (den ska stå inom citattecken) och leverera raden igen.",
    OVERLAP: "Avsluta den tidigare perioden i enhetsregistret (giltig_till) och leverera registret igen.",
    CONFLICT: "Låt källsystemet leverera nyckeln en gång: kolumnerna som skiljer sig står vid varje rad.",
    UNKNOWN_UNIT: "Lägg in enheten i enhetsregistret, eller rätta radens HSA-id i källsystemet.",
    UNIT_NOT_VALID: "Rätta enhetens giltighetstid i enhetsregistret, eller radens enhet eller datum i källsystemet.",
}
_REASON_KIND_ACTIONS: Mapping[str, str] = {
    "saknas": "Fyll i {0} i källsystemet och leverera raden igen.",
    "format": "Rätta hur {0} är skrivet (kolumnens form står i källans beskrivning) och leverera raden igen.",
    "varde": "Rätta {0} till ett av de tillåtna värdena och leverera raden igen.",
    "framtid": "Rätta {0}: det som har hänt kan inte ha ett datum efter uttaget.",
    "ordning": "Kontrollera vilket av {0} och {1} som är fel och rätta det i källsystemet.",
}


def reason_action(reason: str) -> str:
    """What a steward can do about a reason; empty for a code that is not known here."""
    if reason in _REASON_ACTIONS:
        return _REASON_ACTIONS[reason]
    return _of_kind(reason, _REASON_KIND_ACTIONS, "")


def quarantine_state_text(state: str, settled_by: str | None, followed_by: str | None, note: str | None) -> str:
    """What became of a quarantined row: its state and, beside it, what settled it or where it came again."""
    word = QUARANTINE_STATE_WORDS[state]
    file = (followed_by or "").rpartition("/")[2]
    if state == OPEN:
        return f"{word}, kom igen i {file}" if file else word
    return f"{word}: {SETTLED_WORDS[settled_by or BY_KEY].format(file=file, note=note)}"


def quarantine_states(rows: pl.DataFrame) -> list[str]:
    """What became of each row of a quarantine (QUARANTINE_SCHEMA), in words."""
    columns = ("state", "settled_by", "followed_by", "settled_note")
    return [quarantine_state_text(*row) for row in rows.select(columns).iter_rows()]


def reason_text(reason: str) -> str:
    """Why a row is in quarantine, in words; a code that is not known here as it is."""
    if reason in _REASONS:
        return _REASONS[reason]
    return _of_kind(reason, _REASON_KINDS, reason)


def _of_kind(reason: str, texts: Mapping[str, str], otherwise: str) -> str:
    """The text of a reason's kind (`ordning:<a>><b>`) with its columns in it."""
    kind, _, columns = reason.partition(":")
    first, _, second = columns.partition(">")
    return texts[kind].format(first, second) if kind in texts and first else otherwise
