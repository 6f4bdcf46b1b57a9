"""The tables of indicators.md: what each indicator is, its target, and the periods of the grid."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date

from .oracle import SEEDS, VERKSAMHETER, month_end

LEVNADSVANOR = {f"DV1{area}{level}" for area in "1234" for level in "123"} | {"DV200"}
NARSTAENDE_DU = {"DU055", "DU056", "DU057"}
ALL = frozenset(VERKSAMHETER)
NOT_TC = ALL - {"TC"}
NOT_FAM = ALL - {"FAM"}
KVA_SCOPE = frozenset({"AUD", "BUH", "SC", "VUH"})
BUH_VUH = frozenset({"BUH", "VUH"})
REGISTERS = ("register_population", "register_registreringar")


@dataclass(frozen=True)
class Indicator:
    """One catalogue row."""

    id: str
    kind: str  # share, count, median, mean, coverage, amount
    sources: tuple[str, ...]
    scope: frozenset[str]
    protected: bool
    stock: bool = False
    register: str = ""
    limit_days: int = 0
    path: str = ""  # part 2: adds_up, distinct, window, reports; empty: part 1
    months: int = 0  # of the window
    base_year: int | None = None  # the comparison is with this year
    requires: tuple[str, str, str] | None = None  # (source, column, value or ""): without such a row there are no data

    @property
    def sexes(self) -> tuple[str, ...]:
        """The rows along the sex axis."""
        return ("T", "K", "M") if self.protected else ("T",)

    @property
    def levels(self) -> tuple[str, ...]:
        """Sources that name a verksamhet give no rows of level enhet."""
        named = self.sources[0] in ("ekonomi", "aktiviteter")
        return ("omrade", "verksamhet") if named else ("omrade", "verksamhet", "enhet")

    @property
    def gated_by(self) -> tuple[str, ...]:
        """The sources whose gate decides whether it is published; the register, where it is asked."""
        return (*self.sources, "enheter") if "enhet" in self.levels else self.sources


_V, _A = ("vantetider",), ("avvikelser",)
INDICATORS: list[Indicator] = [
    Indicator("vg_forsta_besok_90", "share", _V, NOT_TC, True),
    Indicator("vg_vantande_90", "share", _V, NOT_TC, True, stock=True),
    Indicator("behandling_90", "share", _V, BUH_VUH, True),
    Indicator("aterbesok_maldatum", "share", _V, frozenset({"AUD", "SC"}), True),
    Indicator("vantetid_median", "median", _V, NOT_TC, True),
    Indicator("levnadsvanor", "count", ("kva",), KVA_SCOPE, True),
    Indicator("barn_narstaende", "count", ("kva",), KVA_SCOPE, True),
    Indicator("barn_narstaende_du", "count", ("kva",), KVA_SCOPE, True),
    Indicator("gas_antal", "count", ("gas",), BUH_VUH, True),
    Indicator("gas_t_forandring", "mean", ("gas",), BUH_VUH, True),
    Indicator("gas_maluppfyllelse", "share", ("gas",), BUH_VUH, True),
    Indicator("cpup_tackning", "coverage", REGISTERS, BUH_VUH, True, stock=True, register="cpup"),
    Indicator(
        "horselrehab_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD"}),
        True,
        register="horselrehab",
    ),
    Indicator(
        "grav_horsel_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD"}),
        True,
        stock=True,
        register="grav_horsel_vuxna",
    ),
    Indicator(
        "horsel_barn_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD", "BUH"}),
        True,
        stock=True,
        register="horsel_barn",
    ),
    Indicator("skrs_tackning", "coverage", REGISTERS, frozenset({"SC"}), True, register="skrs"),
    Indicator("avvikelser_antal", "count", _A, ALL, False),
    Indicator("avvikelser_7d", "share", _A, ALL, False, limit_days=7),
    Indicator("avvikelser_180d", "share", _A, ALL, False, limit_days=180),
    Indicator("utredning_60d", "share", _A, ALL, False, limit_days=60),
    Indicator("bhk_foljsamhet", "share", ("bhk",), ALL - {"FAM", "TC"}, False, path="adds_up"),
    Indicator("bhk_hygien", "share", ("bhk",), ALL - {"FAM", "TC"}, False, path="adds_up"),
    Indicator("bhk_klader", "share", ("bhk",), ALL - {"FAM", "TC"}, False, path="adds_up"),
    Indicator("patientsakerhetsrond", "count", ("ronder",), NOT_FAM, False, path="adds_up"),
    Indicator("miljorond", "count", ("ronder",), ALL, False, path="window", months=24),
    Indicator("klimatinkop_belopp", "amount", ("klimatinkop",), ALL, False, path="adds_up", base_year=2020),
    Indicator("klimatinkop_antal", "amount", ("klimatinkop",), ALL, False, path="adds_up", base_year=2020),
    Indicator("ekonomi_resultat", "amount", ("ekonomi",), ALL, False, path="adds_up"),
    Indicator("ekonomi_budgetavvikelse", "amount", ("ekonomi",), ALL, False, path="adds_up"),
    Indicator(
        "kvalitetsbrist_kostnad",
        "amount",
        ("ekonomi",),
        ALL,
        False,
        path="adds_up",
        requires=("ekonomi", "konto_grupp", "kvalitetsbrist"),
    ),
    Indicator("etjanster_antal", "count", ("etjanster",), NOT_TC, False, path="adds_up"),
    Indicator("etjanster_utbud", "count", ("etjanster",), ALL, False, path="distinct"),
    Indicator("np_behandling_90", "share", _V, BUH_VUH, True, requires=("vantetider", "flode", "")),
    Indicator("aktiviteter_genomforda", "share", ("aktiviteter",), ALL, False, stock=True, path="reports"),
    Indicator("forbattringsomraden_npe", "amount", ("aktiviteter",), NOT_FAM, False, stock=True, path="reports"),
    Indicator("forbattringsomraden_medarbetare", "amount", ("aktiviteter",), ALL, False, stock=True, path="reports"),
]


@dataclass(frozen=True)
class Target:
    """One row of maltal: what an item of the plan asks of an indicator."""

    item_id: str
    indicator_id: str
    operator: str
    value: float | None
    relative: bool  # the comparison is its value
    levels: tuple[str, ...]
    prorated: bool
    judged_on: tuple[str, ...]  # period types; empty: all
    first_year: int
    last_year: int
    main: bool

    def applies(self, period: Period, niva: str) -> bool:
        """It is set for the level, judged on the period type and valid in the year in which the period ends."""
        judged = not self.judged_on or period.typ in self.judged_on
        return judged and niva in self.levels and self.first_year <= period.end.year <= self.last_year

    def value_for(self, period: Period, comparison: float | None) -> float | None:
        """What the value must reach; None where it is the comparison and there is none."""
        if self.relative:
            return comparison
        assert self.value is not None
        if self.prorated and period.typ not in ("ar", "r12"):
            days = (period.end - period.start).days + 1
            year_days = (date(period.start.year, 12, 31) - date(period.start.year, 1, 1)).days + 1
            return self.value * days / year_days
        return self.value


def _targets() -> list[Target]:
    with (SEEDS / "maltal.csv").open(encoding="utf-8", newline="") as handle:
        return [
            Target(
                row["item_id"],
                row["indicator_id"],
                row["operator"],
                float(row["varde"].replace(",", ".")) if row["varde"] else None,
                bool(row["bas"]),
                tuple(row["nivaer"].split("|")) if row["nivaer"] else ("verksamhet", "omrade"),
                row["prorateras"] == "ja",
                tuple(row["bedoms_pa"].split("|")) if row["bedoms_pa"] else (),
                int(row["giltig_fran_ar"] or 0),
                int(row["giltig_till_ar"] or 9999),
                row["huvudmal"] == "ja",
            )
            for row in csv.DictReader(handle)
        ]


TARGETS = _targets()
MAIN_TARGETS = {target.indicator_id: target for target in TARGETS if target.main}


@dataclass(frozen=True)
class Period:
    """A period of the grid."""

    typ: str
    start: date
    end: date

    @property
    def last_month(self) -> date:
        """The first day of the period's last month."""
        return self.end.replace(day=1)

    def year_before(self, years: int = 1) -> Period:
        """The same months so many years earlier."""
        return Period(
            self.typ,
            self.start.replace(year=self.start.year - years),
            month_end(self.last_month.replace(year=self.end.year - years)),
        )


def grid_periods(first_year: int, as_of: date) -> list[Period]:
    """All periods from 1 January of the first year through those that hold the as-of date."""
    periods = []
    for year in range(first_year, as_of.year + 1):
        for month in range(1, 13):
            start = date(year, month, 1)
            if start <= as_of:
                periods.append(Period("manad", start, month_end(start)))
                before = date(year - 1, month + 1, 1) if month < 12 else date(year, 1, 1)
                periods.append(Period("r12", before, month_end(start)))
        for month in (1, 5, 9):
            if date(year, month, 1) <= as_of:
                periods.append(Period("tertial", date(year, month, 1), month_end(date(year, month + 3, 1))))
        periods.append(Period("delar", date(year, 1, 1), date(year, 8, 31)))
        periods.append(Period("ar", date(year, 1, 1), date(year, 12, 31)))
    return periods


def months_back(month: date, number: int) -> date:
    """The first day of the month so many months before."""
    index = month.year * 12 + month.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)


def months_of(start: date, end: date) -> list[date]:
    """The first days of the months from one that holds `start` through that of `end`."""
    number = (end.year - start.year) * 12 + end.month - start.month
    return [months_back(end.replace(day=1), back) for back in range(number, -1, -1)]
