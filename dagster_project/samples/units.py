"""The invented units with their volumes, and the reorganisation that some of them go through.

HSA ids do not exist (``...-DEMO01``). Rates are per month or year at scale 1, shares are 0-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Floats, Ints, gather
from dagster_project.samples.days import day_number

HSA_PREFIX = "SE2321000164-DEMO"
UNKNOWN_UNIT = HSA_PREFIX + "99"
REORGANISATION = date(2022, 9, 1)
REORGANISATION_KNOWN = date(2022, 6, 1)


@dataclass(frozen=True)
class Unit:
    """One unit: rates per month (besok, kva) or year (gas, avv) at scale 1, vantan = median wait in days (first visit),
    i_tid = share of return visits in time, alder = youngest and oldest age in years."""

    nr: int
    namn: str
    verksamhet: str
    lansdel: str
    besok: float = 0.0
    vantan: float = 30.0
    i_tid: float = 0.9
    kva: float = 0.0
    gas: float = 0.0
    avv: float = 0.0
    alder: tuple[float, float] = (18.0, 95.0)
    ny_verksamhet: str | None = None

    @property
    def hsaid(self) -> str:
        """HSA id as text, invented suffix."""
        return f"{HSA_PREFIX}{self.nr:02d}"


_BARN, _ALLA, _HORSEL = (0.4, 17.0), (5.0, 95.0), (18.0, 104.0)
UNITS: tuple[Unit, ...] = (
    Unit(1, "Hörselmottagningen Örebro", "AUD", "Örebro", 88, 46, 0.91, 55, 0, 95, _HORSEL),
    Unit(2, "Hörselmottagningen Karlskoga", "AUD", "Väster", 32, 38, 0.93, 20, 0, 34, _HORSEL),
    Unit(3, "Hörselmottagningen Lindesberg", "AUD", "Norr", 26, 36, 0.94, 16, 0, 26, _HORSEL),
    Unit(4, "Hörselmottagningen Hallsberg", "AUD", "Söder", 15, 50, 0.86, 10, 0, 14, _HORSEL),
    Unit(5, "Hörselmottagningen Kumla", "AUD", "Söder", alder=_HORSEL),
    Unit(6, "Audiologiska barn- och ungdomsteamet", "AUD", "Länet", 21, 30, 0.92, 16, 0, 18, _BARN),
    Unit(7, "Barn- och ungdomshabiliteringen Örebro, förskola", "BUH", "Örebro", 40, 54, 0.9, 36, 62, 70, (0.4, 6.0)),
    Unit(8, "Barn- och ungdomshabiliteringen Örebro, skola", "BUH", "Örebro", 38, 88, 0.85, 34, 70, 78, (6.0, 17.0)),
    Unit(9, "Barn- och ungdomshabiliteringen Karlskoga", "BUH", "Väster", 16, 45, 0.9, 16, 30, 26, _BARN),
    Unit(10, "Barn- och ungdomshabiliteringen Lindesberg", "BUH", "Norr", 12, 40, 0.9, 12, 22, 20, _BARN),
    Unit(11, "Unga vuxna-teamet", "BUH", "Länet", 10, 64, 0.88, 10, 16, 12, (16.0, 25.0), "VUH"),
    Unit(12, "Hjälpmedelscentralen Örebro", "CFH", "Örebro", 40, 20, 0.9, 8, 0, 92, _ALLA),
    Unit(13, "Hjälpmedelskonsulenterna", "CFH", "Länet", 24, 28, 0.9, 4, 0, 44, _ALLA),
    Unit(14, "Kommunikationsstöd och datatek", "CFH", "Länet", 6, 52, 0.9, 5, 0, 8, (4.0, 17.0), "BUH"),
    Unit(15, "Familjerådgivningen Örebro", "FAM", "Örebro", 26, 30, 0.9, 0, 0, 6, (20.0, 70.0)),
    Unit(16, "Familjerådgivningen Karlskoga", "FAM", "Väster", 6, 25, 0.9, 0, 0, 2, (20.0, 70.0)),
    Unit(17, "Familjerådgivningen Lindesberg", "FAM", "Norr", 3.5, 20, 0.9, 0, 0, 1, (20.0, 70.0)),
    Unit(18, "Ortopedteknik Örebro", "OT", "Örebro", 46, 25, 0.9, 10, 0, 52, _ALLA),
    Unit(19, "Ortopedteknik Karlskoga", "OT", "Väster", 10, 22, 0.9, 3, 0, 11, _ALLA),
    Unit(20, "Syncentralen Örebro", "SC", "Örebro", 29, 48, 0.92, 26, 0, 36, (8.0, 104.0)),
    Unit(21, "Syncentralen Karlskoga", "SC", "Väster", 6, 42, 0.94, 6, 0, 7, (8.0, 104.0)),
    Unit(22, "Dövblindteamet", "SC", "Länet", 3, 34, 0.95, 4, 0, 3, (18.0, 90.0), "AUD"),
    Unit(23, "Tolkcentralen", "TC", "Länet", 0, 0, 0, 0, 0, 40),
    Unit(24, "Vuxenhabiliteringen Örebro", "VUH", "Örebro", 30, 56, 0.9, 30, 58, 40, (18.0, 75.0)),
    Unit(25, "Vuxenhabiliteringen Karlskoga", "VUH", "Väster", 10, 46, 0.9, 11, 22, 13, (18.0, 75.0)),
    Unit(26, "Vuxenhabiliteringen Lindesberg", "VUH", "Norr", 8, 42, 0.9, 9, 18, 10, (18.0, 75.0)),
    Unit(27, "Vuxenhabiliteringen Hallsberg", "VUH", "Söder", 5, 38, 0.9, 5, 9, 6, (18.0, 75.0)),
)
CLOSED, OPENED = 3, 4  # positions in UNITS: Hallsberg closes with the reorganisation, Kumla takes over
DOVBLIND, SYN_OREBRO = 21, 19
HSAIDS = pl.Series("hsaid", [u.hsaid for u in UNITS])
AGE_LOW = np.array([u.alder[0] for u in UNITS])
AGE_HIGH = np.array([u.alder[1] for u in UNITS])


def unit_rates(name: str) -> Floats:
    """One rate of every unit (array of len(UNITS))."""
    return np.array([float(getattr(u, name)) for u in UNITS])


def hsaids(unit: npt.NDArray[Any]) -> pl.Series:
    """HSA id column from unit positions."""
    return gather(HSAIDS, unit)


def unit_at(unit: Ints, event: npt.NDArray[Any]) -> Ints:
    """Unit positions after the reorganisation: the closed unit's events go to the one that opened."""
    return np.where((unit == CLOSED) & (event >= day_number(REORGANISATION)), OPENED, unit)
