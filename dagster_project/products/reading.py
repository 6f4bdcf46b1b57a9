"""A release as products read it: every table once, rows of its dimensions typed, words where people read them.

Whatever a product shows it takes from here, so that it can never show more than the release does. A hidden cell has no
number here, whatever the release holds: it is one lock more for all products, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import cached_property
from typing import TypeVar, get_type_hints

import polars as pl

from dagster_project.catalogue.vocabulary import ALL_SEXES, AREA, HIDDEN, RESULT_TABLE, VERKSAMHET
from dagster_project.core.errors import ResultattavlaError
from dagster_project.releases.sentence import Measured, number_in_words
from dagster_project.releases.store import Release
from dagster_project.releases.tables import LEDGER_TABLE, NUMBERS, PLAN_NUMBERS, PLAN_TABLE, QUALITY_TABLE

SIGNAL_TABLE, BREAK_TABLE, TIE_TABLE = "signal", "brott", "planmatt"
UNIT_DIMENSION, VERKSAMHET_DIMENSION, PERIOD_DIMENSION = "dim_enhet", "dim_verksamhet", "dim_period"
INDICATOR_DIMENSION, STATUS_DIMENSION, ITEM_DIMENSION = "dim_indikator", "dim_status", "dim_planpunkt"
_HIDES = {RESULT_TABLE: ("status", NUMBERS), PLAN_TABLE: ("malstatus", PLAN_NUMBERS)}
"""Table -> the column that says what is hidden, and the numbers that are empty then."""


@dataclass(frozen=True)
class IndicatorInfo:
    """A row of `dim_indikator`; what the table joins with `|` is a tuple. Columns: docs/use-the-results.md."""

    indicator_id: str
    version: str
    titel: str
    definition: str | None
    taljare_text: str | None
    namnare_text: str | None
    art: str
    mattenhet: str
    decimaler: int
    riktning: str
    bestand: bool
    patient: bool
    perspektiv: str | None
    mal_id: str | None
    mal_titel: str | None
    planpunkt: str | None
    kallor: tuple[str, ...]
    omfattning: tuple[str, ...]
    mal_text: str | None
    ansvarig: str | None
    rapportering: tuple[str, ...]
    jamforelse: str | None
    basar: int | None = None
    fonster_manader: int | None = None
    mal_jamforelse: str | None = None
    mal_nivaer: tuple[str, ...] = ()

    @property
    def measured(self) -> Measured:
        """What the words of its numbers depend on."""
        return Measured(self.titel, self.art, self.bestand, self.mattenhet, self.fonster_manader, self.basar)


@dataclass(frozen=True)
class ItemInfo:
    """A row of `dim_planpunkt`: an item of a plan."""

    item_id: str
    plan_id: str
    plan_titel: str
    mal_id: str | None
    perspektiv: str | None
    mal_titel: str | None
    typ: str
    titel: str
    kort_titel: str
    omfattning: tuple[str, ...]
    uppfoljning: str
    overordnad_item: str | None
    ansvarig: str | None
    nr: str | None
    rapportering: tuple[str, ...]
    ordning: int


@dataclass(frozen=True)
class VerksamhetInfo:
    """A row of `dim_verksamhet`: the area (`niva` omrade) or a verksamhet. The last three: codes that exports use."""

    verksamhet: str
    namn: str
    niva: str
    gren: str | None
    ordning: int
    regionskod: str | None = None
    hsaid: str | None = None
    kolada_ou: str | None = None


@dataclass(frozen=True)
class StatusInfo:
    """A row of `dim_status`: a code, the list that it is of (status, rapport, signal, kvalitet), word and symbol."""

    kod: str
    typ: str
    ord: str
    symbol: str | None
    ordning: int


_Row = TypeVar("_Row", IndicatorInfo, ItemInfo, VerksamhetInfo, StatusInfo)


class Reading:
    """A release, read. What one of older code lacks raises ResultattavlaError, one sentence, when it is asked for.

    release: None where nothing is published; whatever is asked then says so.
    """

    def __init__(self, release: Release | None) -> None:
        self._release = release
        self._tables: dict[str, pl.DataFrame] = {}

    @property
    def release(self) -> Release:
        """The release that is read. Raises ResultattavlaError where there is none."""
        if self._release is None:
            raise ResultattavlaError("Ingen utgåva är publicerad: kör `resultattavla run` först.")
        return self._release

    def table(self, name: str) -> pl.DataFrame:
        """A published table by its name. Raises ResultattavlaError where the release lacks it or it is damaged."""
        if name not in self._tables:
            if not self.release.has(name):
                raise self._older(f"tabellen {name}")
            try:
                self._tables[name] = _emptied(name, self.release.table(name))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise ResultattavlaError(
                    f"Tabellen {name} i utgåva {self.release.id} är skadad: kör `resultattavla run`, som gör utgåvan "
                    "hel igen."
                ) from error
        return self._tables[name]

    def _older(self, what: str) -> ResultattavlaError:
        return ResultattavlaError(
            f"Utgåva {self.release.id} är gjord av en äldre version av programmet och saknar {what}: kör "
            f"`resultattavla run --as-of {self.release.as_of}`, som publicerar dagen med allt som behövs."
        )

    # --- Tables ----------------------------------------------------------------------------------------------------

    @property
    def results(self) -> pl.DataFrame:
        """`indicator_result` (releases.tables.RESULT_SCHEMA)."""
        return self.table(RESULT_TABLE)

    @property
    def plan(self) -> pl.DataFrame:
        """`plan_uppfoljning` (PLAN_SCHEMA)."""
        return self.table(PLAN_TABLE)

    @property
    def signals(self) -> pl.DataFrame:
        """`signal`: indicator_id, niva, verksamhet, fran, till, antal_punkter, medel, undre_grans, ovre_grans, signal,
        signal_manad, riktning, malformaga, release_id."""
        return self.table(SIGNAL_TABLE)

    @property
    def quality(self) -> pl.DataFrame:
        """`kvalitet` (QUALITY_COLUMNS)."""
        return self.table(QUALITY_TABLE)

    @property
    def ledger(self) -> pl.DataFrame:
        """`leveranser` (LEDGER_COLUMNS)."""
        return self.table(LEDGER_TABLE)

    @property
    def units(self) -> pl.DataFrame:
        """`dim_enhet`: enhet_nyckel, hsaid, namn, verksamhet, lansdel, giltig_fran, giltig_till; one row per period in
        which a unit's row of the register held."""
        return self.table(UNIT_DIMENSION)

    @property
    def periods(self) -> pl.DataFrame:
        """`dim_period`: period_nyckel, period_typ, period_start, period_slut, etikett, ar, manad_nr, komplett."""
        return self.table(PERIOD_DIMENSION)

    @property
    def breaks(self) -> pl.DataFrame:
        """`brott`: where a series begins anew (indicator, verksamhet, date, reason)."""
        return self.table(BREAK_TABLE)

    def breaks_of(self, indicator_id: str, verksamhet: str | None) -> list[tuple[date, str]]:
        """Where the series of an indicator at a place (None: the area) begins anew, and why, the earliest first.

        A break that names no indicator is of all of them, one that names no verksamhet is of all places.
        """
        return sorted(
            (row["datum"], row["orsak"])
            for row in self.breaks.iter_rows(named=True)
            if row["indicator_id"] in (None, indicator_id) and row["verksamhet"] in (None, verksamhet)
        )

    @property
    def ties(self) -> pl.DataFrame:
        """`planmatt`: item_id, indicator_id, roll (huvud, stod), in the plan's order."""
        return self.table(TIE_TABLE)

    # --- Rows of dimensions ----------------------------------------------------------------------------------------

    @cached_property
    def indicators(self) -> Mapping[str, IndicatorInfo]:
        """Indicators by id, in the table's order."""
        return {row.indicator_id: row for row in self._rows(INDICATOR_DIMENSION, IndicatorInfo)}

    @cached_property
    def items(self) -> Mapping[str, ItemInfo]:
        """Items of all plans by id; those of one plan in its order."""
        return {row.item_id: row for row in sorted(self._rows(ITEM_DIMENSION, ItemInfo), key=lambda r: r.ordning)}

    @cached_property
    def area(self) -> VerksamhetInfo:
        """The area that all verksamheter are part of."""
        return next(row for row in self._rows(VERKSAMHET_DIMENSION, VerksamhetInfo) if row.niva == AREA)

    @cached_property
    def verksamheter(self) -> Mapping[str, VerksamhetInfo]:
        """Verksamheter by code, in the order of reports; without the area."""
        found = sorted(self._rows(VERKSAMHET_DIMENSION, VerksamhetInfo), key=lambda r: r.ordning)
        return {row.verksamhet: row for row in found if row.niva == VERKSAMHET}

    @cached_property
    def statuses(self) -> Mapping[str, StatusInfo]:
        """Statuses, reported statuses, signals and qualities by code, in their order."""
        found = sorted(self._rows(STATUS_DIMENSION, StatusInfo), key=lambda r: (r.typ, r.ordning))
        return {row.kod: row for row in found}

    def _rows(self, name: str, kind: type[_Row]) -> list[_Row]:
        """A dimension's rows, typed; columns that the type does not have are left out."""
        table, hints = self.table(name), get_type_hints(kind)
        needed = [f.name for f in fields(kind) if f.default is MISSING]
        if missing := [n for n in needed if n not in table.columns]:
            raise self._older(f"kolumnen {missing[0]} i tabellen {name}")
        present = [n for n in hints if n in table.columns]
        parted = {n for n in present if hints[n] == tuple[str, ...]}
        typed: Callable[..., _Row] = kind
        return [
            typed(**{n: _parts(value) if n in parted else value for n, value in row.items()})
            for row in table.select(present).iter_rows(named=True)
        ]

    # --- Cells and words -------------------------------------------------------------------------------------------

    def cells(
        self,
        indicator_id: str,
        *,
        niva: str | None = None,
        kon: str | None = None,
        period_typ: str | None = None,
    ) -> pl.DataFrame:
        """An indicator's rows of `results`, of one level, sex and period type where given, in the table's order."""
        rows = self._by_indicator.get(indicator_id, self.results.clear())
        asked = {"niva": niva, "kon": kon, "period_typ": period_typ}
        wanted = [pl.col(name) == value for name, value in asked.items() if value is not None]
        return rows.filter(*wanted) if wanted else rows

    @cached_property
    def _by_indicator(self) -> dict[str, pl.DataFrame]:
        parts = self.results.partition_by("indicator_id", as_dict=True, maintain_order=True)
        return {str(key[0]): rows for key, rows in parts.items()}

    def newest_complete(self, period_typ: str, indicator_id: str | None = None) -> tuple[date, date] | None:
        """First and last day of the newest period of a type that is complete for the indicator, or for any of them.

        None where none is. What is complete stands in `indicator_result.komplett` of the area's cell.
        """
        rows = self._complete if indicator_id is None else self._complete.filter(pl.col("indicator_id") == indicator_id)
        rows = rows.filter(pl.col("period_typ") == period_typ)
        return max(rows.select("period_start", "period_slut").iter_rows(), key=lambda p: (p[1], p[0]), default=None)

    @cached_property
    def _complete(self) -> pl.DataFrame:
        area = self.results.filter(pl.col("niva") == AREA, pl.col("kon") == ALL_SEXES, pl.col("komplett"))
        return area.select("indicator_id", "period_typ", "period_start", "period_slut").unique()

    def period_label(self, period_typ: str, period_start: date) -> str:
        """A period as people read it (`jan–aug 2022`). Raises ResultattavlaError for one that the release has not."""
        label = self._labels.get((period_typ, period_start))
        if label is None:
            raise ResultattavlaError(
                f"Utgåva {self.release.id} har ingen period av typen {period_typ} som börjar {period_start}."
            )
        return label

    @cached_property
    def _labels(self) -> dict[tuple[str, date], str]:
        rows = self.periods.select("period_typ", "period_start", "etikett").iter_rows()
        return {(kind, start): label for kind, start, label in rows}

    def value_words(self, indicator_id: str, value: float, target: float | None = None) -> str:
        """A value with its unit, as the plan's sentences write it (`93,7 procent`, `1,25 miljoner kr`).

        target: what it is read beside; the number then has the decimals that it takes to tell them apart.
        """
        return number_in_words(self.indicators[indicator_id].measured, value, target)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def _emptied(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table without the numbers of what is hidden."""
    if name not in _HIDES:
        return rows
    status, numbers = _HIDES[name]
    told = pl.col(status).ne_missing(HIDDEN)
    return rows.with_columns(pl.when(told).then(pl.col(n)).alias(n) for n in numbers if n in rows.columns)
