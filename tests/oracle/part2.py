"""The cells of part 2's indicators: sums, distinct values, windows and what the verksamheter report themselves."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from .catalogue import VERKSAMHETER, Indicator, Period, months_back, months_of
from .oracle import DRESS, HYGIENE, SEEDS, Row, Settled, event_date

Place = tuple[str, str | None, str | None]  # niva, verksamhet, enhet


@dataclass(frozen=True)
class Item:
    """One item of a plan."""

    id: str
    plan_id: str
    title: str
    short_title: str
    scope: tuple[str, ...]
    follow_up: str  # beraknad, sjalvrapporterad, bada, ingen
    parent: str
    omrade_only: bool  # it is about the area itself

    @property
    def reported(self) -> bool:
        """The verksamheter in its scope are asked to report."""
        return self.follow_up in ("sjalvrapporterad", "bada")


def read_items() -> list[Item]:
    """planpunkt, in the order of the file: every item of every plan."""
    with (SEEDS / "planpunkt.csv").open(encoding="utf-8", newline="") as handle:
        return [
            Item(
                row["item_id"],
                row["plan_id"],
                row["titel"],
                row["kort_titel"],
                tuple(code for code in row["omfattning"].split("|") if code in VERKSAMHETER)
                if row["omfattning"]
                else VERKSAMHETER,
                row["uppfoljning"],
                row["overordnad_item"],
                row["omfattning"] == "HH",
            )
            for row in csv.DictReader(handle)
        ]


ITEMS = read_items()
FOLLOWED = "HH-2022"  # the plan that is followed up today
REPORTED = [item for item in ITEMS if item.plan_id == FOLLOWED and item.reported]
IMPROVEMENTS = {"forbattringsomraden_npe": "HH-2022-02", "forbattringsomraden_medarbetare": "HH-2022-30"}


class Reports:
    """What the verksamheter have reported, newest first."""

    def __init__(self, current: list[Row]) -> None:
        """Group the current rows of aktiviteter."""
        self.rows: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(current, key=lambda row: row["manad"], reverse=True):
            self.rows.setdefault((row["aktivitet_id"], row["verksamhet"]), []).append(row)

    def until(self, item: str, code: str, end: date) -> list[Row]:
        """The reports of months that end no later than the day, newest first."""
        return [row for row in self.rows.get((item, code), []) if row["manad"] <= end.replace(day=1)]

    def newest(self, item: str, code: str, end: date) -> Row | None:
        """The newest report in or before a period that ends on the day."""
        return next(iter(self.until(item, code, end)), None)


class Part2:
    """The true numbers of part 2; periods end with a month's last day."""

    def __init__(self, settled: Settled) -> None:
        """Remember the data."""
        self.settled = settled
        self.reports = Reports(settled.current["aktiviteter"])
        self.held: dict[tuple[str, str, str], bool] = {}
        self.months: dict[str, dict[date, dict[Place, Any]]] = {}
        self.cells: dict[tuple[str, Period], dict[Place, Any]] = {}

    def has_what_it_requires(self, indicator: Indicator) -> bool:
        """A current row has the column that the indicator cannot do without, with the value where one is named."""
        if indicator.requires is None:
            return True
        if indicator.requires not in self.held:
            source, column, value = indicator.requires
            found = [row[column] for row in self.settled.current[source] if row[column] is not None]
            self.held[indicator.requires] = value in found if value else bool(found)
        return self.held[indicator.requires]

    def cell(self, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> tuple[float | None, float | None]:
        """taljare and namnare of a cell; (None, None) where there is nothing to tell."""
        niva, code, unit, _ = cell
        if indicator.path == "reports":
            codes = [code] if code else [c for c in VERKSAMHETER if c in indicator.scope]
            return self._reported(indicator, period.end, codes)
        found = self._period(indicator, period).get((niva, code, unit))
        if indicator.path == "distinct":
            return len(found or ()), None
        if indicator.kind == "share":
            return found or (0, 0)
        return float(found or 0), None

    def _reported(self, indicator: Indicator, end: date, codes: list[str]) -> tuple[float | None, float | None]:
        if indicator.id in IMPROVEMENTS:
            numbers = []
            for code in codes:
                filled = [r["antal"] for r in self.reports.until(IMPROVEMENTS[indicator.id], code, end)]
                numbers += [number for number in filled if number is not None][:1]
            return (float(sum(numbers)), None) if numbers else (None, None)
        done = count = 0
        for code in codes:
            for item in REPORTED:
                if code in item.scope:
                    report = self.reports.newest(item.id, code, end)
                    status = report["status"] if report else None
                    count += status != "utgar"
                    done += status == "genomford"
        return done, count

    def _period(self, indicator: Indicator, period: Period) -> dict[Place, Any]:
        """What the months of the period, or of the window that ends with it, hold together."""
        if (indicator.id, period) not in self.cells:
            months = self.months.setdefault(indicator.id, {}) or self._by_month(indicator)
            start = months_back(period.last_month, indicator.months - 1) if indicator.months else period.start
            total: dict[Place, Any] = {}
            for month in months_of(start, period.end):
                for place, value in months.get(month, {}).items():
                    total[place] = added(total[place], value) if place in total else value
            self.cells[indicator.id, period] = total
        return self.cells[indicator.id, period]

    def _by_month(self, indicator: Indicator) -> dict[date, dict[Place, Any]]:
        months = self.months[indicator.id]
        source = indicator.sources[0]
        register = self.settled.register
        for row, value in self._observations(indicator):
            day = event_date(source, row.values)
            assert day is not None
            unit = row["hsaid_enhet"]
            code = register.place(source, unit, day) if unit else row["verksamhet"]
            if code not in indicator.scope:
                continue
            month = months.setdefault(day.replace(day=1), {})
            places: list[Place] = [("omrade", None, None), ("verksamhet", code, None)]
            for place in [*places, ("enhet", code, unit)] if unit else places:
                month[place] = added(month[place], value) if place in month else value
        return months

    def _observations(self, indicator: Indicator) -> Iterator[tuple[Row, Any]]:
        """Every current row that the indicator counts, with what it adds."""
        for row in self.settled.current[indicator.sources[0]]:
            match indicator.id:
                case "bhk_foljsamhet" | "bhk_hygien" | "bhk_klader":
                    items = {"bhk_hygien": HYGIENE, "bhk_klader": DRESS}.get(indicator.id, (*HYGIENE, *DRESS))
                    yield row, (int(all(row[item] != "Nej" for item in items)), 1)
                case "patientsakerhetsrond":
                    if row["rondtyp"] == "patientsakerhet" and row["form"] in (None, "genomford"):
                        yield row, 1
                case "miljorond":
                    if row["rondtyp"] == "miljo":
                        yield row, 1
                case "klimatinkop_belopp":
                    yield row, row["belopp_kr"]
                case "klimatinkop_antal" | "etjanster_antal":
                    yield row, row["antal"]
                case "ekonomi_resultat":
                    yield row, row["utfall_kr"]
                case "ekonomi_budgetavvikelse":
                    if row["budget_kr"] is not None:
                        yield row, row["utfall_kr"] - row["budget_kr"]
                case "kvalitetsbrist_kostnad":
                    if row["konto_grupp"] == "kvalitetsbrist":
                        yield row, -row["utfall_kr"]
                case "etjanster_utbud":
                    if row["antal"] > 0:
                        yield row, frozenset({row["tjanst"]})


def added(one: Any, other: Any) -> Any:
    """Two amounts, two (taljare, namnare), or two sets together."""
    if isinstance(one, frozenset):
        return one | other
    if isinstance(one, tuple):
        return one[0] + other[0], one[1] + other[1]
    return one + other
