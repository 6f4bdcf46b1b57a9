"""`plan_uppfoljning` row by row: the followed-up plan's items, from cells of `indicator_result` and the reports.

``plan_rows`` takes the cells as they are published (hidden where hidden), so that a comparison of the plan says nothing
twice that the comparison of the cells has said. ``check_sentence`` judges `mening`, whose wording is free.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from .catalogue import INDICATORS, TARGETS, Period, Target, months_back
from .oracle import SEEDS, month_end
from .part2 import FOLLOWED, ITEMS, Item, Reports
from .results import meets

PLAN_YEARS = (2022, 2022)  # HH-2022 is valid 2022-01-01 to 2022-12-31
COPIED = ("taljare", "namnare", "varde", "jamforelse_varde", "forandring")
KEY = ("plan_id", "item_id", "niva", "verksamhet", "tillfalle", "ar")
COMPARED = (
    "period_start",
    "period_slut",
    "indicator_id",
    *COPIED,
    "malvarde",
    "mal_operator",
    "malstatus",
    "rapporterad_status",
    "rapporterade",
    "i_omfattning",
    "antal",
    "kommentar",
    "kvalitet",
    "release_id",
    "rapport_kvalitet",
    "rapport_release_id",
)
COLUMNS = (*KEY, *COMPARED, "mal_text", "mening")
Cell = dict[str, Any]


def _measures() -> tuple[dict[str, str], dict[str, list[str]]]:
    """The huvud indicator of every item, and its stöd."""
    main: dict[str, str] = {}
    support: dict[str, list[str]] = {}
    with (SEEDS / "planmatt.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["roll"] == "huvud":
                main[row["item_id"]] = row["indicator_id"]
            else:
                support.setdefault(row["item_id"], []).append(row["indicator_id"])
    return main, support


MAIN, SUPPORT = _measures()
SCOPES = {indicator.id: indicator.scope for indicator in INDICATORS}
PARTS = {
    item.id: [part for part in ITEMS if part.parent == item.id]
    for item in ITEMS
    if item.id not in MAIN and item.id in SUPPORT
}
"""Parents: items with stöd and no huvud, judged over their parts."""


class Plan:
    """The rows of one release."""

    def __init__(self, cells: Iterable[Cell], reports: Reports, as_of: date, first_year: int) -> None:
        """Keep the cells of all persons at omrade and verksamhet."""
        self.cells: dict[tuple[Any, ...], Cell] = {}
        for row in cells:
            if row["kon"] == "T" and row["niva"] != "enhet":
                self.cells[row["indicator_id"], row["verksamhet"], row["period_typ"], row["period_slut"]] = row
        # Reports that no release has shown are told by none.
        known = any(indicator == "aktiviteter_genomforda" for indicator, _, _, _ in self.cells)
        self.reports = reports if known else Reports([])
        self.years = [year for year in range(first_year, as_of.year + 1) if PLAN_YEARS[0] <= year <= PLAN_YEARS[1]]
        last = as_of if month_end(as_of) == as_of else as_of.replace(day=1) - timedelta(days=1)
        self.last_ended = last  # CHOICE: where no month is complete, the newest is the last one that has ended
        self.newest = self._newest_complete_months()

    def _newest_complete_months(self) -> dict[str, date]:
        """The last day of the newest complete month of every indicator."""
        newest: dict[str, date] = {}
        for (indicator, code, typ, end), row in self.cells.items():
            if code is None and typ == "manad" and row["komplett"]:
                newest[indicator] = max(end, newest.get(indicator, end))
        return newest

    def rows(self) -> list[Cell]:
        """One row per item, place and occasion."""
        result = []
        for item in ITEMS:
            if item.plan_id != FOLLOWED:
                continue
            places: list[str | None] = [None] if item.omrade_only else [None, *item.scope]
            for occasion, period in self._occasions(item):
                result += [self._row(item, code, occasion, period) for code in places]
        return result

    def _occasions(self, item: Item) -> list[tuple[str, Period]]:
        occasions = []
        for year in self.years:
            occasions.append(("delar", Period("delar", date(year, 1, 1), date(year, 8, 31))))
            occasions.append(("ar", Period("ar", date(year, 1, 1), date(year, 12, 31))))
        end = self._newest_month(item)
        occasions.append(("senaste", Period("r12", months_back(end.replace(day=1), 11), end)))
        return occasions

    def _newest_month(self, item: Item) -> date:
        if item.id in PARTS:
            ends = [self.newest.get(indicator) for indicator in SUPPORT[item.id]]
            known = [end for end in ends if end is not None]
            return min(known) if len(known) == len(ends) else self.last_ended
        return self.newest.get(MAIN.get(item.id, "aktiviteter_genomforda"), self.last_ended)

    def _row(self, item: Item, code: str | None, occasion: str, period: Period) -> Cell:
        row: Cell = dict.fromkeys(COLUMNS)
        indicator = MAIN.get(item.id)
        row |= {
            "plan_id": item.plan_id,
            "item_id": item.id,
            "niva": "verksamhet" if code else "omrade",
            "verksamhet": code,
            "tillfalle": occasion,
            "ar": period.end.year,
            "period_start": period.start,
            "period_slut": period.end,
            "indicator_id": indicator,
        }
        cell = self._cell(indicator, code, period) if indicator else None
        if cell is not None:
            row |= {name: cell[name] for name in (*COPIED, "kvalitet", "release_id")}
        applying = [target for target in TARGETS if target.item_id == item.id and target.applies(period, row["niva"])]
        row["malstatus"] = self._status(item, code, period, cell, applying)
        if applying and row["malstatus"] != "ej_tillamplig":
            value = self._value(applying[0], code, period)
            if value is not None:
                row["malvarde"], row["mal_operator"] = value, applying[0].operator
        if item.reported:
            self._report(row, item, code, period)
        named = [p.id for p in PARTS[item.id] if code is None or code in p.scope] if item.id in PARTS else [item.id]
        year = period.end.year
        row["_mal"] = [t for t in TARGETS if t.item_id in named and t.first_year <= year <= t.last_year]
        return row

    def _cell(self, indicator: str, code: str | None, period: Period) -> Cell | None:
        return self.cells.get((indicator, code, period.typ, period.end))

    def _value(self, target: Target, code: str | None, period: Period) -> float | None:
        cell = self._cell(target.indicator_id, code, period)
        return target.value_for(period, cell["jamforelse_varde"] if cell else None)

    def _verdict(self, target: Target, code: str | None, period: Period) -> bool | None:
        """Whether the target is met; None where it cannot be judged."""
        cell = self._cell(target.indicator_id, code, period)
        value = self._value(target, code, period)
        if cell is None or cell["status"] in ("ej_tillamplig", "dold", "inga_data", "preliminar") or value is None:
            return None
        return meets(cell["varde"], target.operator, value)

    def _status(self, item: Item, code: str | None, period: Period, cell: Cell | None, applying: list[Target]) -> str:
        if item.id in PARTS:
            return self._parent_status(item, code, period)
        if item.id not in MAIN:
            return "inget_mal"
        if cell is None:  # held back, and no release has it
            return "inga_data" if code is None or code in SCOPES[MAIN[item.id]] else "ej_tillamplig"
        if cell["status"] in ("ej_tillamplig", "dold", "inga_data", "preliminar"):
            return str(cell["status"])
        if not applying:
            return "inget_mal"
        return judged([self._verdict(target, code, period) for target in applying])

    def _parent_status(self, item: Item, code: str | None, period: Period) -> str:
        niva = "verksamhet" if code else "omrade"
        verdicts = []
        for part in PARTS[item.id]:
            if code is None or code in part.scope:
                targets = [t for t in TARGETS if t.item_id == part.id and t.applies(period, niva)]
                verdicts += [self._verdict(target, code, period) for target in targets]
        return judged(verdicts) if any(verdict is not None for verdict in verdicts) else "inga_data"

    def _report(self, row: Cell, item: Item, code: str | None, period: Period) -> None:
        codes = [code] if code else list(item.scope)
        newest = [report for c in codes if (report := self.reports.newest(item.id, c, period.end))]
        whole = self.cells.get(("aktiviteter_genomforda", None, period.typ, period.end))
        if whole is not None:
            row["rapport_kvalitet"], row["rapport_release_id"] = whole["kvalitet"], whole["release_id"]
        numbers = [report["antal"] for report in newest if report["antal"] is not None]
        row["antal"] = float(sum(numbers)) if numbers else None
        if code:
            row["rapporterad_status"] = newest[0]["status"] if newest else "ej_rapporterad"
            row["kommentar"] = newest[0]["kommentar"] if newest else None
            return
        row["rapporterade"], row["i_omfattning"] = len(newest), len(codes)
        row["rapporterad_status"] = together([report["status"] for report in newest], len(codes))


def judged(verdicts: list[bool | None]) -> str:
    """Met all, some or none; one that cannot be judged makes it inga_data unless another already fails."""
    if False in verdicts:
        return "delvis" if True in verdicts else "ej_uppfyllt"
    return "inga_data" if None in verdicts else "uppfyllt"


def together(statuses: list[str], asked: int) -> str:
    """The status of the whole area, from those that have reported."""
    if not statuses:
        return "ej_rapporterad"
    counting = [status for status in statuses if status != "utgar"]
    missing = asked - len(statuses)
    if not counting and not missing:
        return "utgar"
    if counting and not missing and all(status == "genomford" for status in counting):
        return "genomford"
    if all(status == "ej_paborjad" for status in counting):
        return "ej_paborjad"
    return "pagar"


def plan_rows(cells: Iterable[Cell], reports: Reports, as_of: date) -> list[Cell]:
    """The rows of plan_uppfoljning, without the wording of `mal_text` and `mening`."""
    return Plan(cells, reports, as_of, as_of.year - 3).rows()


# --------------------------------------------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------------------------------------------

BLANKS = dict.fromkeys(map(ord, " \u00a0\u202f\u2009"), None)


def spellings(number: float) -> set[str]:
    """How a number can stand in a sentence, without blanks: whole or with decimals, in kronor, thousands, millions."""
    found = set()
    for scale in (1, 1000, 1_000_000):
        for decimals in range(7):
            text = f"{abs(number) / scale:.{decimals}f}"
            found |= {text.replace(".", ","), (text.rstrip("0").rstrip(".") if decimals else text).replace(".", ",")}
            shifted = f"{abs(number) / scale + 0.5 * 10**-decimals * 1e-6:.{decimals}f}"  # halves upwards
            found.add(shifted.replace(".", ","))
    return found


def numbers_in(text: str) -> set[str]:
    """The numbers of a text, without their blanks."""
    return set(re.findall(r"[0-9]+(?:,[0-9]+)?", re.sub(r"(?<=[0-9])[ \u00a0\u202f\u2009](?=[0-9]{3})", "", text)))


def check_sentence(row: Cell, ours: Cell) -> list[str]:
    """What `mening` and `mal_text` of a published row must and must not hold."""
    faults = []
    text = row["mening"] or ""
    if not text or "\n" in text or text != text.strip():
        return ["no sentence, or one of several lines"]
    there = numbers_in(text)
    hidden = row["malstatus"] == "dold"
    if hidden:
        if "för få" not in text.lower():
            faults.append("a hidden number is not said to be too few")
        if re.search(r"\([0-9\s]+ av [0-9\s]+\)", text):
            faults.append("a numerator and denominator of a hidden cell")
    elif row["varde"] is not None and row["indicator_id"]:
        if not spellings(row["varde"]) & there:
            faults.append(f"{row['varde']} is not in the sentence")
        if row["varde"] < 0 and not re.search("[-\u2212–](?=[0-9])|minus|underskott", text):
            faults.append(f"the sign of {row['varde']} is not in the sentence")
        before = row["jamforelse_varde"]
        if before is not None and not spellings(before) & there:
            faults.append(f"the comparison {before} is not in the sentence")
    if not ours["_mal"]:
        if row["mal_text"]:
            faults.append(f"mal_text without a target: {row['mal_text']}")
    else:
        words = row["mal_text"] or ""
        for target in ours["_mal"]:
            if target.value is not None and not spellings(target.value) & numbers_in(words):
                faults.append(f"{target.value} is not in mal_text {words!r}")
            if target.relative and not re.search("föregående år|året innan|2020", words):
                faults.append(f"the comparison is not in mal_text {words!r}")
    return faults
