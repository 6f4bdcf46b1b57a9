"""The cells of `indicator_result`: observations, numbers, comparison, target, status and primary suppression."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from .catalogue import (
    INDICATORS,
    LEVNADSVANOR,
    MAIN_TARGETS,
    NARSTAENDE_DU,
    Indicator,
    Period,
    grid_periods,
    months_back,
)
from .oracle import (
    SOURCES,
    VERKSAMHETER,
    Delivery,
    Row,
    Settled,
    current_rows,
    delivery_order,
    event_date,
    list_lacks,
    month_end,
    sex_of,
)
from .part2 import Part2

FEW = 20  # a judged cell with a namnare of 1..19 is marked FA
LIMIT = 5  # protected numbers 1..4 are hidden
Z = 1.959963984540054
AGREED_AGE = {"aktiviteter": 250}  # CHOICE: reports come twice a year; every other source: 35 days


@dataclass(frozen=True)
class Obs:
    """One observation of an indicator: where, who, and what it adds."""

    unit: str
    verksamhet: str
    kon: str
    value: float  # numerator 0/1, days of the median, T change of the mean
    person: str = ""


def gas_t(scores: list[int], weights: list[int]) -> float:
    """Kiresuk and Sherman's T score with rho 0.3."""
    if not any(weights):
        weights = [1] * len(weights)
    weighted = sum(w * x for w, x in zip(weights, scores, strict=True))
    return 50 + 10 * weighted / math.sqrt(0.7 * sum(w * w for w in weights) + 0.3 * sum(weights) ** 2)


def wilson(taljare: float, namnare: float) -> tuple[float, float]:
    """The 95 % Wilson interval in percent."""
    p = taljare / namnare
    centre = p + Z * Z / (2 * namnare)
    half = Z * math.sqrt(p * (1 - p) / namnare + Z * Z / (4 * namnare * namnare))
    denominator = 1 + Z * Z / namnare
    return 100 * (centre - half) / denominator, 100 * (centre + half) / denominator


class Computer:
    """Computes the true cells of one settled raw folder."""

    def __init__(self, settled: Settled) -> None:
        """Remember the data and find the data starts."""
        self.settled = settled
        self.register = settled.register
        self.cache: dict[tuple[str, Period], dict[tuple[Any, ...], list[Obs]]] = {}
        self.starts: dict[str, date | None] = {}
        for source in SOURCES:
            events = [event_date(source, row.values) for row in settled.current[source]]
            first = min((event for event in events if event), default=None)
            self.starts[source] = first.replace(day=1) if first else None
        self.part2 = Part2(settled)
        self.performed: dict[int, list[Row]] = {}
        self.waiting = [row for row in settled.current["vantetider"] if row["status"] == "VANTANDE"]
        for row in settled.current["vantetider"]:
            if row["status"] == "GENOMFORD":
                self.performed.setdefault(row["fas"], []).append(row)
        self.plans = self._gas_plans()
        self.registrations: dict[tuple[str, str], list[date]] = {}
        for row in settled.current["register_registreringar"]:
            key = (row["register"], row["personnummer"])
            self.registrations.setdefault(key, []).append(row["registreringsdatum"])

    def data_start(self, indicator: Indicator) -> date:
        """The first day of the latest of the sources' first months; date.max without data."""
        return max(self.starts[source] or date.max for source in indicator.sources)

    def _gas_plans(self) -> list[dict[str, Any]]:
        goals: dict[str, list[Row]] = {}
        for row in self.settled.current["gas"]:
            goals.setdefault(row["gas_id"], []).append(row)
        plans = []
        for rows in goals.values():
            rows.sort(key=lambda r: r["mal_nr"])
            rated = [row for row in rows if row["utfall"] is not None]
            if not rated:
                continue
            weights = [1 if r["viktighet"] is None else r["viktighet"] * r["svarighet"] for r in rated]
            plans.append(
                {
                    "unit": rows[0]["hsaid_enhet"],
                    "kon": sex_of(rows[0]["personnummer"]),
                    "event": max(row["utfallsdatum"] for row in rated),
                    "change": gas_t([r["utfall"] for r in rated], weights)
                    - gas_t([r["baslinje"] for r in rated], weights),
                    "reached": [int(row["utfall"] >= 0) for row in rated],
                }
            )
        return plans

    def observations(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        """(unit, day that decides the verksamhet, sex, value, person) of the period."""
        start, end = ((period.last_month if indicator.stock else period.start), period.end)
        current = self.settled.current
        if indicator.sources == ("vantetider",) and indicator.id != "vg_vantande_90":
            phase = {"behandling_90": 2, "np_behandling_90": 2, "aterbesok_maldatum": 4}.get(indicator.id, 1)
            for row in self.performed.get(phase, []):
                if not start <= row["start_datum"] <= end:
                    continue
                days = (row["start_datum"] - row["beslut_datum"]).days
                where = (row["hsaid_enhet"], row["start_datum"], row["kon"])
                if indicator.id == "vantetid_median":
                    yield *where, days, ""
                elif row["avvikelsekod"] == 1:
                    continue
                elif indicator.id == "aterbesok_maldatum":
                    yield (*where, int(row["start_datum"] <= row["medicinskt_maldatum"]), "")
                elif row["vardgaranti"] and (indicator.id != "np_behandling_90" or row["flode"] == "NP"):
                    yield *where, int(days <= 90), ""
        elif indicator.id == "vg_vantande_90":
            for row in self.waiting:
                if row["fas"] != 1 or not row["vardgaranti"]:
                    continue
                last = month_end(row["matperiod"])
                if row["avvikelsekod"] not in (1, 2) and start <= last <= end:
                    yield (row["hsaid_enhet"], last, row["kon"], int((last - row["beslut_datum"]).days <= 90), "")
        elif indicator.sources == ("kva",):
            codes = {
                "levnadsvanor": LEVNADSVANOR,
                "barn_narstaende": NARSTAENDE_DU | {"QT016"},
                "barn_narstaende_du": NARSTAENDE_DU,
            }[indicator.id]
            for row in current["kva"]:
                if row["kva_kod"] in codes and start <= row["atgardsdatum"] <= end:
                    yield (row["hsaid_enhet"], row["atgardsdatum"], sex_of(row["personnummer"]), 1, "")
        elif indicator.sources == ("gas",):
            for plan in self.plans:
                if start <= plan["event"] <= end:
                    where = (plan["unit"], plan["event"], plan["kon"])
                    if indicator.id == "gas_maluppfyllelse":
                        for reached in plan["reached"]:
                            yield *where, reached, ""
                    else:
                        yield *where, plan["change"], ""
        elif indicator.kind == "coverage":
            yield from self._coverage(indicator, period)
        else:
            yield from self._deviations(indicator, period)

    def _coverage(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        end = period.end
        for row in self.settled.current["register_population"]:
            if row["register"] != indicator.register:
                continue
            person, included, left = (row["personnummer"], row["inklusionsdatum"], row["utgangsdatum"])
            days = self.registrations.get((indicator.register, person), [])
            if indicator.stock:
                if included <= end and (left is None or left >= end):
                    hit = any(end - timedelta(days=365) < day <= end for day in days)
                    yield row["hsaid_enhet"], end, sex_of(person), int(hit), person
            elif period.start <= included <= end:
                hit = any(day >= included for day in days)
                yield row["hsaid_enhet"], included, sex_of(person), int(hit), person

    def _deviations(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        source_as_of = self.settled.source_as_of("avvikelser")
        event_column = "utredning_begard_datum" if indicator.id == "utredning_60d" else "registreringsdatum"
        resolved_column = {
            "avvikelser_7d": "paborjad_datum",
            "avvikelser_180d": "avslutad_datum",
            "utredning_60d": "utredning_besvarad_datum",
        }.get(indicator.id)
        for row in self.settled.current["avvikelser"]:
            event = row[event_column]
            if event is None or not period.start <= event <= period.end:
                continue
            if resolved_column is None:
                yield row["rapporterande_enhet"] or row["hsaid_enhet"], event, "T", 1, ""
                continue
            resolved = row[resolved_column]
            unit = row["utredande_enhet"] if indicator.id == "utredning_60d" else None
            limit = event + timedelta(days=indicator.limit_days)
            assert source_as_of is not None
            if resolved is not None or limit < source_as_of:
                hit = resolved is not None and resolved <= limit
                yield unit or row["hsaid_enhet"], event, "T", int(hit), ""

    def cells(self, indicator: Indicator, period: Period) -> dict[tuple[Any, ...], list[Obs]]:
        """The observations of every cell (niva, verksamhet, enhet, kon) that has some."""
        if (indicator.id, period) in self.cache:
            return self.cache[indicator.id, period]
        result: dict[tuple[Any, ...], list[Obs]] = {}
        for unit, day, kon, value, person in self.observations(indicator, period):
            code = self.register.verksamhet(unit, day)
            if code is None or code not in indicator.scope:
                continue
            obs = Obs(unit, code, kon, value, person)
            for place in (("omrade", None, None), ("verksamhet", code, None), ("enhet", code, unit)):
                for sex in {"T", kon}:
                    result.setdefault((*place, sex), []).append(obs)
        self.cache[indicator.id, period] = result
        return result

    def before_data(self, indicator: Indicator, period: Period) -> bool:
        """The period ends before the indicator's data start."""
        return period.end < self.data_start(indicator)

    def begins_before_data(self, indicator: Indicator, period: Period) -> bool:
        """The period (of a stock: its last month; of a window: the window) begins before the data start."""
        start = period.last_month if indicator.stock else period.start
        if indicator.months:
            start = months_back(period.last_month, indicator.months - 1)
        return start < self.data_start(indicator)

    def numbers(self, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> dict[str, float | None]:
        """taljare, namnare, varde, ki_lag, ki_hog and the protected number of one cell, before suppression."""
        result: dict[str, float | None] = dict.fromkeys(("taljare", "namnare", "varde", "ki_lag", "ki_hog", "skyddat"))
        if self.before_data(indicator, period) or not self.part2.has_what_it_requires(indicator):
            return result
        if indicator.path:
            taljare, namnare = self.part2.cell(indicator, period, cell)
            result["taljare"], result["namnare"] = taljare, namnare
            if indicator.kind != "share":
                result["varde"] = taljare
            elif taljare is not None and namnare:
                result["varde"] = 100 * taljare / namnare
                result["ki_lag"], result["ki_hog"] = wilson(taljare, namnare)
            return result
        observations = self.cells(indicator, period).get(cell, [])
        values = [obs.value for obs in observations]
        if indicator.kind == "count":
            result["taljare"] = result["varde"] = result["skyddat"] = len(values)
            return result
        if indicator.kind == "coverage":
            persons: dict[str, float] = {}
            for obs in observations:
                persons[obs.person] = max(obs.value, persons.get(obs.person, 0))
            values = list(persons.values())
        count = len(values)
        result["namnare"] = result["skyddat"] = count
        if indicator.kind == "median":
            ordered = sorted(values)
            if count:
                result["varde"] = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
        elif indicator.kind == "mean":
            result["taljare"] = math.fsum(values)
            if count:
                result["varde"] = math.fsum(values) / count
        else:
            total = sum(values)
            result["taljare"] = total
            if count:
                result["varde"] = 100 * total / count
                result["ki_lag"], result["ki_hog"] = wilson(total, count)
        return result

    def exists(self, period: Period, cell: tuple[Any, ...]) -> bool:
        """A unit's cell exists where the unit is valid in that verksamhet some day of the period."""
        niva, code, unit, _ = cell
        return niva != "enhet" or (code, unit) in self.register.members(period.start, period.end)

    def comparison(self, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> dict[str, float | None]:
        """The same cell one year earlier, or in the base year; empty without comparison."""
        years = period.end.year - indicator.base_year if indicator.base_year else 1
        before = period.year_before(max(years, 1))
        if years < 1 or self.begins_before_data(indicator, before) or not self.exists(before, cell):
            return {"varde": None, "skyddat": None}  # CHOICE: a unit not valid the year before has no comparison
        return self.numbers(indicator, before, cell)


def gates(settled: Settled) -> dict[str, str]:
    """godkand, varning or kritisk of every source."""
    result = {}
    partial = partial_months(settled)
    for source in SOURCES:
        accepted = settled.accepted_deliveries(source)
        held = any(d.count("accepted") or any(map(settled.blames_register, d.rows)) for d in accepted)
        if not held:  # what only the register keeps away is the register's matter
            result[source] = "kritisk"
            continue
        newer_rejected = any(
            d.status == "avvisad"
            and d.uttag
            and d.uttag <= settled.as_of
            and delivery_order(d) > max(map(delivery_order, accepted))
            for d in settled.deliveries[source]
        )
        newest = max(d.uttag for d in accepted if d.uttag)
        day = [d for d in accepted if d.uttag == newest]  # all files of the newest date are one delivery
        age = (settled.as_of - newest).days
        blamed = sum(settled.blames_register(row) for d in day for row in d.rows)
        read = sum(len(d.rows) for d in day) - blamed
        share = (sum(d.count("quarantined") for d in day) - blamed) / read if read else 0
        before = len(current_rows([d for d in accepted if d.uttag != newest]))
        fallen = before > 0 and len(settled.current[source]) < 0.95 * before
        assert not settled.register.overlaps()
        stops = share > 0.20 and read >= 50  # a share of fewer rows warns
        changed = newer_rejected or has_grown(accepted, len(settled.current[source]) - before)
        changed = changed or any(name == source for name, _, _ in partial)
        if source == "enheter":
            changed = changed or any(d.count("quarantined") for d in day) or bool(units_gone(settled))
        agreed = AGREED_AGE.get(source, 35)
        if age > 2 * agreed or stops or (source == "ekonomi" and months_without_anslag(settled)):
            result[source] = "kritisk"
        elif age > agreed or share > 0.05 or fallen or list_lacks(accepted) or changed:
            result[source] = "varning"
        else:
            result[source] = "godkand"
    return result


def months_without_anslag(settled: Settled) -> set[tuple[str, date]]:
    """Verksamheter and months with accounts and none of group anslag, where the column is delivered.

    CHOICE: it is delivered where some row of the file has a group.
    """
    delivered = {
        d.file for d in settled.accepted_deliveries("ekonomi") if any(row["konto_grupp"] is not None for row in d.rows)
    }
    rows = settled.current["ekonomi"]
    asked = {(row["verksamhet"], row["manad"]) for row in rows if row.file in delivered}
    return asked - {(row["verksamhet"], row["manad"]) for row in rows if row["konto_grupp"] == "anslag"}


def units_gone(settled: Settled) -> set[str]:
    """Units that were in a register and are no more, though rows of the last twelve months name them."""
    rows = [row for d in settled.accepted_deliveries("enheter") for row in d.rows if row.outcome == "accepted"]
    gone = {row["hsaid_enhet"] for row in rows} - set(settled.register.periods)
    year_ago = date(settled.as_of.year - 1, settled.as_of.month, min(settled.as_of.day, 28))
    named = set()
    for source in SOURCES:
        for d in settled.accepted_deliveries(source):
            for row in d.rows:
                day = event_date(source, row.values)
                if row.outcome != "duplicate" and day and year_ago < day <= settled.as_of:
                    named.add(row["hsaid_enhet"])
    return gone & named


def has_grown(accepted: list[Delivery], net: int) -> bool:
    """The newest day brought more than three times as many new keys as any of the six days before it; net: by how many
    the current rows have become more.
    """
    seen: set[tuple[Any, ...]] = set()
    new = []  # CHOICE: growth is keys never seen before; fewer than 20 are none
    for _, files in groupby(sorted(accepted, key=delivery_order), key=lambda d: d.uttag):
        keys = {row.key for d in files for row in d.rows if row.outcome == "accepted" and row.key} - seen
        seen |= keys
        new.append(len(keys))
    grown = min(new[-1], net)
    return len(new) > 6 and grown >= 20 and grown > 3 * max(new[-7:-1])


def partial_months(settled: Settled) -> set[tuple[str, str, date]]:
    """(source, verksamhet, first day) of the newest complete months that have less than half of a usual one.

    CHOICE: a verksamhet is the units that it has when the month ends, in the months before, too; performed and waiting
    rows are judged apart and together; a calendar month that had less than 70 % of a usual one in all verksamheter
    together in each of the two years before is usual at the larger share, 30 % at least.
    """
    found = set()
    for source in SOURCES:
        newest = settled.source_as_of(source)
        if source == "enheter" or newest is None:
            continue
        month = newest.replace(day=1)
        if month_end(month) > newest:
            month = (month - timedelta(days=1)).replace(day=1)
        before = [months_back(month, n) for n in range(12, 0, -1)]
        events: dict[str, Counter[tuple[str, date]]] = {}
        first: dict[str, date] = {}
        for row in settled.current[source]:
            day = event_date(source, row.values)
            code = row["verksamhet"] or settled.register.verksamhet(row["hsaid_enhet"], month_end(month))
            if day is None or code is None or day > month_end(month):
                continue
            for kind in {"all", row["status"] if source == "vantetider" else "all"}:
                events.setdefault(kind, Counter())[code, day.replace(day=1)] += 1
                first[kind] = min(day, first.get(kind, day))
        for kind, counts in events.items():
            season = 0.0
            for years in (1, 2):
                year = [months_back(month, 12 * years - n) for n in range(12)]
                numbers = [sum(counts[code, m] for code in VERKSAMHETER) for m in year]
                usual = statistics.median(numbers)
                known = usual and numbers[0] and first[kind] < year[0]
                season = max(season, numbers[0] / usual if known else 1.0)
            season = max(season, 0.3) if season < 0.7 else 1.0
            for code in VERKSAMHETER:
                own = [counts[code, m] for m in before]
                expected = statistics.median(own) * season
                number = counts[code, month]
                if expected >= 20 and number < expected / 2:
                    found.add((source, code, month))
    return found


def target_of(
    indicator: Indicator, period: Period, niva: str, comparison: float | None
) -> tuple[str | None, float | None]:
    """Operator and value of a row's target."""
    target = MAIN_TARGETS.get(indicator.id)
    # Rows of enhet show the target of their verksamhet for shares; one that is the comparison is each row's own.
    own = niva == "enhet" and target is not None and (target.relative or indicator.kind == "share")
    if target is None or not target.applies(period, "verksamhet" if own else niva):
        return None, None
    value = target.value_for(period, comparison)
    return (target.operator, value) if value is not None else (None, None)


def meets(value: float, operator: str, target: float) -> bool:
    """Whether a value meets its target."""
    return {">=": value >= target, ">": value > target, "<=": value <= target, "<": value < target}[operator]


def status_of(row: dict[str, Any]) -> str:
    """inga_data, preliminar, inget_mal, or met or not, of a row that is neither ej_tillamplig nor hidden."""
    if row["varde"] is None:
        return "inga_data"
    if not row["komplett"]:
        return "preliminar"
    if row["mal_operator"] is None:
        return "inget_mal"
    return "uppfyllt" if meets(row["varde"], row["mal_operator"], row["malvarde"]) else "ej_uppfyllt"


def mark_of(row: dict[str, Any]) -> str | None:
    """FA where a row that is not hidden is met or not on few."""
    judged = row["status"] in ("uppfyllt", "ej_uppfyllt")
    return "FA" if judged and row["namnare"] is not None and 1 <= row["namnare"] < FEW else None


def is_primary(skyddat: float | None) -> bool:
    """The protected number is 1-4."""
    return skyddat is not None and 0 < skyddat < LIMIT


def first_grid_year(settled: Settled) -> int:
    """The grid begins with the third year before the as-of date's."""
    return settled.as_of.year - 3


def indicator_result(settled: Settled, first_year: int | None = None) -> list[dict[str, Any]]:
    """All rows of the indicators with primary suppression.

    Beside the published columns each row holds the truth: ``_taljare``, ``_namnare``, ``_varde``, ``_skyddat`` (the
    protected number), ``_jamforelse`` and ``_jamforelse_skyddat`` (those of the comparison cell), ``_stat`` (target is
    relative), ``_patient`` (the indicator is about patients).
    """
    computer = Computer(settled)
    levels = gates(settled)
    partial = partial_months(settled)
    first_year = first_year or first_grid_year(settled)
    periods = grid_periods(first_year, settled.as_of)
    members = {period: sorted(settled.register.members(period.start, period.end)) for period in periods}
    rows = []
    for indicator in INDICATORS:
        verdicts = {levels[source] for source in indicator.gated_by}
        if "kritisk" in verdicts:
            continue
        kvalitet = "varning" if "varning" in verdicts else "godkand"
        source_dates = [settled.source_as_of(source) for source in indicator.sources]
        for period in periods:
            komplett = all(d is not None and period.end <= d for d in source_dates)
            komplett = komplett and not computer.begins_before_data(indicator, period)
            places: list[tuple[str, str | None, str | None]] = [("omrade", None, None)]
            places += [("verksamhet", code, None) for code in VERKSAMHETER]
            if "enhet" in indicator.levels:
                places += [("enhet", code, unit) for code, unit in members[period] if code in indicator.scope]
            for niva, code, unit in places:
                # A month that one of its sources delivered in part is preliminary for the verksamhet and its units.
                part = period.typ == "manad" and any((s, code, period.start) in partial for s in indicator.sources)
                for kon in indicator.sexes:
                    row: dict[str, Any] = {
                        "indicator_id": indicator.id,
                        "niva": niva,
                        "verksamhet": code,
                        "enhet": unit,
                        "period_typ": period.typ,
                        "period_start": period.start,
                        "period_slut": period.end,
                        "kon": kon,
                        "komplett": komplett and not part,
                        "kvalitet": kvalitet,
                        "_patient": indicator.protected,
                        "_relativt": indicator.id in MAIN_TARGETS and MAIN_TARGETS[indicator.id].relative,
                    }
                    _fill(row, computer, indicator, period, (niva, code, unit, kon))
                    rows.append(row)
    return rows


NUMBER_COLUMNS = ("taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring")
TRUTHS = ("_taljare", "_namnare", "_varde", "_skyddat", "_jamforelse", "_jamforelse_skyddat")
NOTHING_YET = dict.fromkeys((*NUMBER_COLUMNS, "mal_operator", "malvarde", "markering", *TRUTHS))


def _fill(row: dict[str, Any], computer: Computer, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> None:
    """Numbers, comparison, target, status and suppression of one row."""
    row.update(NOTHING_YET)
    niva, code, _, _ = cell
    if code is not None and code not in indicator.scope:
        row["status"] = "ej_tillamplig"
        return
    numbers = computer.numbers(indicator, period, cell)
    before = computer.comparison(indicator, period, cell)
    for name in ("taljare", "namnare", "varde", "skyddat"):
        row[f"_{name}"] = numbers[name]
    row["_jamforelse"], row["_jamforelse_skyddat"] = before["varde"], before["skyddat"]
    hidden = indicator.protected and is_primary(numbers["skyddat"])
    hidden_before = indicator.protected and is_primary(before["skyddat"])
    if hidden:
        row["status"], row["markering"] = "dold", "MSK"
        row["mal_operator"], row["malvarde"] = target_of(indicator, period, niva, None)
        return
    for name in ("taljare", "namnare", "varde", "ki_lag", "ki_hog"):
        row[name] = numbers[name]
    if before["varde"] is not None and not hidden_before:
        row["jamforelse_varde"] = before["varde"]
        if row["varde"] is not None:
            row["forandring"] = row["varde"] - before["varde"]
    row["mal_operator"], row["malvarde"] = target_of(indicator, period, niva, row["jamforelse_varde"])
    row["status"] = status_of(row)
    row["markering"] = mark_of(row)
