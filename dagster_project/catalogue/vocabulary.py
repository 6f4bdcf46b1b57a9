"""Every closed list, once. Values are published or delivered ones (Swedish); names are English.

What people read for a value stands where it is shown (products, cli), keyed by these lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

# --- Cells (indicators.md, published.md) ------------------------------------------------------------------------
AREA, VERKSAMHET, UNIT = LEVELS = ("omrade", "verksamhet", "enhet")
MONTH, TERTIAL, DELAR, YEAR, R12 = PERIOD_TYPES = ("manad", "tertial", "delar", "ar", "r12")
ALL_SEXES, WOMEN, MEN = SEXES = ("T", "K", "M")
MET, NOT_MET, NO_TARGET, NO_DATA, PRELIMINARY, NOT_APPLICABLE, HIDDEN = STATUSES = (
    "uppfyllt",
    "ej_uppfyllt",
    "inget_mal",
    "inga_data",
    "preliminar",
    "ej_tillamplig",
    "dold",
)
JUDGED = (MET, NOT_MET)
"""Statuses that say how the value stands to its target."""
HIDDEN_MARK, FEW_MARK = MARKS = ("MSK", "FA")
"""Hidden; judged on so few that pages give no alarm."""
GOOD, WARNED, FROZEN = QUALITIES = ("godkand", "varning", "fryst")

# --- Indicators -------------------------------------------------------------------------------------------------
SHARE, COUNT, MEDIAN, MEAN, COVERAGE, AMOUNT = KINDS = ("andel", "antal", "median", "medel", "tackning", "belopp")
PERCENT, DAYS, POINTS, CROWNS, NUMBER = MEASURE_UNITS = ("procent", "dagar", "poäng", "kr", "antal")
"""What a value is told in."""
UNIT_OF_KIND = {
    **dict.fromkeys(KINDS, NUMBER),
    **dict.fromkeys((SHARE, COVERAGE), PERCENT),
    MEDIAN: DAYS,
    MEAN: POINTS,
}
"""The usual one."""
PROPORTIONS = (SHARE, COVERAGE)
"""Kinds whose value is how much of namnare taljare is, in percent."""
TOTALS = (COUNT, AMOUNT)
"""Kinds without a namnare: the value is taljare."""
ADDS_UP, DISTRIBUTION, PERSONS, DISTINCT, WINDOW = PATHS = ("adds_up", "distribution", "persons", "distinct", "window")
"""How cells come from observations: summed; from the distribution of values; distinct persons; distinct things; summed
over the months that end with the period's last one, whatever its length."""
DISTINCT_PATHS = (PERSONS, DISTINCT)
"""Whoever or whatever it is counts once per cell: nothing adds up."""
PATHS_OF_KIND: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(KINDS, (ADDS_UP,)),
    COUNT: (ADDS_UP, DISTINCT, WINDOW),
    MEDIAN: (DISTRIBUTION,),
    COVERAGE: (PERSONS,),
}
"""Those that a kind can have, the usual one first."""
LAST_YEAR, BASE_YEAR = COMPARISON_BASES = ("foregaende_ar", "basar")
"""The same period a year earlier; the same months of the base year."""
OPERATORS = (">=", ">", "<=", "<")
UP, DOWN, NEUTRAL = DIRECTIONS = ("upp", "ned", "neutral")
"""Which way is better; neutral: neither, where no target says so."""

# --- Signals: is it a change or noise? (products.md) ------------------------------------------------------------
OUTSIDE, TREND, TWO_OF_THREE, SHIFT, NO_SIGNAL, TOO_FEW = SIGNALS = (
    "utanfor",
    "trend",
    "tva_av_tre",
    "skift",
    "ingen",
    "for_fa",
)
"""The first rule that a point fulfils, in this order; none; too few points to tell."""
BETTER, WORSE, RISING, FALLING = SIGNAL_DIRECTIONS = ("battre", "samre", "okar", "minskar")
SURELY_MET, SURELY_NOT, UNSURE = ("nas_sakert", "nas_inte", "osakert")
CAPABILITIES = (SURELY_MET, SURELY_NOT, UNSURE, NO_TARGET)
"""Whether a fixed target is met whatever month, as things work today."""
CHARTED_MONTHS, FEWEST_POINTS = 24, 12
"""How many complete months a chart looks back over, and how few points tell nothing."""
REACH, FARTHEST_RANGE = 2.66, 3.267
"""Of an XmR chart: mean moving ranges from the mean to a limit; a range of more than so many mean ones is left out."""
BETTER_UP, BETTER_DOWN = ("battre_upp", "battre_ned")
BETTER_WAYS = {UP: BETTER_UP, DOWN: BETTER_DOWN, NEUTRAL: NEUTRAL}
"""The same, as `dim_indikator` says it."""

# --- The plan (plan.md) -----------------------------------------------------------------------------------------
YES, NO = ANSWERS = ("ja", "nej")
ITEM_TYPES = ("indikator", "aktivitet", "nyckeltal", "uppdrag", "delmal", "arbetssatt")
COMPUTED, REPORTED, BOTH, NOT_FOLLOWED = FOLLOW_UPS = ("beraknad", "sjalvrapporterad", "bada", "ingen")
"""How an item is followed up: by an indicator, by what the verksamheter report, by both, not at all."""
MAIN, SUPPORT = ROLES = ("huvud", "stod")
PERSPECTIVES = ("invanare_samhalle", "process", "resurs")
LATEST = "senaste"
OCCASIONS = (DELAR, YEAR, LATEST)
"""When the plan is followed up: at two of the period types, and as it stands now."""
PARTLY = "delvis"
"""Some targets of an item are met and some are not."""
PLAN_STATUSES = (MET, PARTLY, *STATUSES[1:])
"""How an item stands to its targets."""
NOT_BEGUN, UNDER_WAY, DONE, DROPPED = REPORT_STATUSES = ("ej_paborjad", "pagar", "genomford", "utgar")
"""What a verksamhet says of an item."""
NOT_REPORTED = "ej_rapporterad"

# --- Gates ------------------------------------------------------------------------------------------------------
DELIVERY, STAGING, RESULTS = GATES = ("delivery", "staging", "results")
DRIFT = "drift"
"""What has changed since earlier deliveries: judged with the first gate, told as a tier of its own."""
TIERS = (DELIVERY, DRIFT, STAGING, RESULTS)
"""What an expectation belongs to, in the order in which they are judged."""
SIGNS = ("column_gone", "day_volume", "month_volume", "new_ids")
COLUMN_GONE, DAY_VOLUME, MONTH_VOLUME, NEW_IDS = SIGNS
"""What of a source's deliveries is compared with earlier ones (`ingestion.drift`)."""
CRITICAL, WARNING, INFO = SEVERITIES = ("critical", "warning", "info")
"""The gravest first."""
PASSED, PASSED_WITH_WARNING, FAILED = SOURCE_OUTCOMES = ("godkand", "varning", "underkand")

RESULT_TABLE = "indicator_result"
"""The published cells: what the results gate judges and a release holds."""

# --- Deliveries -------------------------------------------------------------------------------------------------
ACCEPTED, REJECTED, SAME_CONTENT, WITHDRAWN, LATER = DELIVERY_STATUSES = (
    "accepterad",
    "avvisad",
    "samma_innehall",
    "aterkallad",
    "senare",
)
OPEN, RESOLVED = QUARANTINE_STATES = ("open", "resolved")
BY_KEY, BY_CLEAN, BY_COVERING, BY_PERSON = SETTLED_BY = ("key", "clean", "covering", "person")
"""What resolves a quarantined row: an accepted row with its key; where the key was unreadable, a newer delivery without
any quarantined row, or one that covers its unit and month (`ingestion.quarantine`); a reviewed line."""
FIRST_DATE = date(1900, 1, 1)
"""A row carries no date before this."""
UNKNOWN_UNIT, UNIT_NOT_VALID, OVERLAP = "enhet:okand", "enhet:ej_giltig", "overlapp:giltighet"
CONFLICT = "dubblett:konflikt"


def gravity(severity: str) -> int:
    """Sorts severities: the gravest is 0."""
    return SEVERITIES.index(severity)


def consequence(severity: str, waived: bool) -> str:
    """What a failure counts as: its severity, or one step milder when it is waived; never nothing, so that it shows."""
    return SEVERITIES[min(gravity(severity) + waived, len(SEVERITIES) - 1)]


def outcome_of(consequences: Iterable[str]) -> str:
    """What failures with these consequences make of a source: godkand, varning or underkand."""
    found = set(consequences)
    return FAILED if CRITICAL in found else PASSED_WITH_WARNING if WARNING in found else PASSED


RULE_BROKEN = "nej"
"""The answer of an observation where a rule was not followed."""

APPROPRIATION = "anslag"
"""The account group of the income that a verksamhet gets from the region."""
