"""What people read for a value of a closed list (`catalogue.vocabulary`), once, for every product.

Why an observation does not count is said by a seed (`catalogue.indicators.exclusion_words`).
"""

from __future__ import annotations

from collections.abc import Mapping

from dagster_project.catalogue.vocabulary import (
    ACCEPTED,
    ALL_SEXES,
    AMOUNT,
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
    MEN,
    MET,
    MONTH,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_MET,
    OPEN,
    PASSED,
    PASSED_WITH_WARNING,
    PRELIMINARY,
    R12,
    REJECTED,
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
    WOMEN,
    YEAR,
)
from dagster_project.gates.outcomes import GATE_TITLES

# --- Cells ------------------------------------------------------------------------------------------------------
PERIOD_WORDS: Mapping[str, str] = {
    MONTH: "månad",
    TERTIAL: "tertial",
    DELAR: "delår (januari-augusti)",
    YEAR: "år",
    R12: "tolv månader till och med",
}
SEX_WORDS: Mapping[str, str] = {ALL_SEXES: "alla", WOMEN: "kvinnor", MEN: "män"}
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

_REASONS: Mapping[str, str] = {
    "format:rad": "Raden har fler celler än det finns rubriker",
    "overlapp:giltighet": "Giltighetstiden överlappar en annan rads",
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


def reason_text(reason: str) -> str:
    """Why a row is in quarantine, in words; a code that is not known here as it is."""
    if reason in _REASONS:
        return _REASONS[reason]
    kind, _, columns = reason.partition(":")
    first, _, second = columns.partition(">")
    return _REASON_KINDS[kind].format(first, second) if kind in _REASON_KINDS and first else reason
