"""Synthetic sample extracts for the core sources (``resultattavla demo``) and a large set for measuring.

Everything here is invented. Units carry HSA ids that do not exist (``...-DEMO01``), and every personnummer has a birth
number 980-999, the series that Skatteverket keeps for tests. The set is a function of (seed, scale, as_of): the same
arguments give the same files, byte for byte.

Days are int32 numbers of days since 1970-01-01 throughout ("day numbers"); months are numbers of months since 1970-01.
Rates are per month or year at scale 1, shares are 0-1. Tables are built as whole columns (numpy, polars).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SOURCES = ("enheter", "vantetider", "kva", "gas", "register_population", "register_registreringar", "avvikelser")
HSA_PREFIX = "SE2321000164-DEMO"
UNKNOWN_UNIT = HSA_PREFIX + "99"
REORGANISATION = date(2022, 9, 1)
REORGANISATION_KNOWN = date(2022, 6, 1)
BIRTH_NUMBERS = 20  # 980-999: the test numbers of one birth date
XLSX_MAX_ROWS = 20_000  # larger tables leave as csv: Excel files are written cell by cell
CHUNK_ROWS = 500_000
NEVER = np.int32(2_000_000)  # a day number far after every date of a set
ALWAYS = -2_000_000


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

# Share of contacts by fas 1-5 for each verksamhet.
FAS_MIX = {
    "AUD": (0.46, 0.0, 0.11, 0.42, 0.01),
    "BUH": (0.40, 0.36, 0.09, 0.15, 0.0),
    "CFH": (0.82, 0.0, 0.0, 0.18, 0.0),
    "FAM": (1.0, 0.0, 0.0, 0.0, 0.0),
    "OT": (0.78, 0.0, 0.0, 0.20, 0.02),
    "SC": (0.50, 0.0, 0.05, 0.45, 0.0),
    "TC": (1.0, 0.0, 0.0, 0.0, 0.0),
    "VUH": (0.42, 0.34, 0.09, 0.15, 0.0),
}
LKF = {  # municipalities of the county by lansdel, 0000 unknown
    "Örebro": ("1880", "1880", "1880", "1880", "1880", "1880", "1814", "0000"),
    "Väster": ("1883", "1883", "1883", "1883", "1862", "1862", "1880", "0000"),
    "Norr": ("1885", "1885", "1885", "1884", "1884", "1863", "1864", "0000"),
    "Söder": ("1861", "1861", "1881", "1881", "1882", "1882", "1860", "0000"),
    "Länet": ("1880", "1880", "1880", "1883", "1885", "1881", "1861", "0000"),
}
LEVNADSVANOR = [
    "DV111",
    "DV112",
    "DV113",
    "DV121",
    "DV122",
    "DV123",
    "DV131",
    "DV132",
    "DV132",
    "DV132",
    "DV133",
    "DV133",
    "DV141",
    "DV142",
    "DV142",
    "DV143",
    "DV200",
]
BARN_NARSTAENDE = ["DU055", "DU055", "DU055", "DU056", "DU057", "QT016", "QT016"]
STRALBEHANDLING = ("DV144", "DV145")  # look like levnadsvanor, are not
OVRIGA_KODER = [
    "AU120",
    "DU007",
    "DU023",
    "GB009",
    "GB010",
    "PD009",
    "QM005",
    "QV002",
    "QV011",
    "QX007",
    "UX001",
    "XS003",
    "XV008",
    "XS100",
    "XS302",
    "AAJ12",
]
RATTAD_KOD = "GD008"  # used by corrections only, so that it never meets another row of its contact
YRKEN = [
    "arbetsterapeut",
    "audionom",
    "fysioterapeut",
    "kurator",
    "logoped",
    "läkare",
    "ortopedingenjör",
    "psykolog",
    "sjuksköterska",
    "specialpedagog",
    "synpedagog",
]
AVVIKELSETYPER = (
    "Bemötande",
    "Dokumentation",
    "Fall",
    "Informationssäkerhet",
    "Läkemedel",
    "Medicinteknik/hjälpmedel",
    "Remiss/kallelse",
    "Vård och behandling",
)


# --- days and volumes -------------------------------------------------------------------------------------------------


def _nr(day: date) -> int:
    """Day number of a date."""
    return day.toordinal() - 719163


def _month(days: npt.ArrayLike) -> Ints:
    """Month numbers (months since 1970-01) of day numbers."""
    return np.asarray(days, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _month_end(months: npt.ArrayLike) -> Days:
    """Day numbers of the last days of month numbers."""
    first_of_next = (np.asarray(months, dtype=np.int64) + 1).astype("datetime64[M]").astype("datetime64[D]")
    return (first_of_next.astype(np.int64) - 1).astype(np.int32)


def _dates(days: npt.ArrayLike, missing: Bools | None = None) -> pl.Series:
    """Date column from day numbers; missing = rows that get null."""
    column = pl.Series(np.asarray(days, dtype=np.int32)).cast(pl.Date)
    return column if missing is None else column.set(pl.Series(missing), None)


def _choose(values: Sequence[str], index: npt.NDArray[Any]) -> pl.Series:
    """Text column: values[index]."""
    return pl.Series(values, dtype=pl.String).gather(pl.Series(index.astype(np.uint32)))


_SEASON = np.array([1.0, 1.0, 1.1, 1.0, 1.05, 0.9, 0.42, 0.82, 1.1, 1.12, 1.1, 0.8])
_PANDEMIC = dict(
    zip(
        range(602, 620),  # months 2020-03 to 2021-08
        (0.8, 0.52, 0.58, 0.72, 0.85, 0.9, 0.92, 0.9, 0.84, 0.82, 0.84, 0.88, 0.9, 0.9, 0.94, 0.96, 0.98, 1.0),
        strict=True,
    )
)
_HOLIDAYS = {(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)}


def _activity(first: int, last: int, growth: float = 0.03) -> tuple[Days, Floats]:
    """Working days first..last and the expected share of a normal month's volume on each of them.

    Seasons, the pandemic of 2020-2021, `growth` a year from the first day, no weekends or fixed holidays."""
    days = np.arange(first, last + 1, dtype=np.int32)
    stamps = days.astype("datetime64[D]")
    months = _month(days)
    in_month = (stamps - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    weekday = (days.astype(np.int64) + 3) % 7
    weight = np.array([1.0, 1.0, 1.0, 1.0, 0.8, 0.0, 0.0])[weekday] / 20.9
    for month, day in _HOLIDAYS:
        weight[(months % 12 + 1 == month) & (in_month == day)] = 0.0
    weight *= _SEASON[months % 12] * (1 + growth) ** ((days - first) / 365.25)
    for month_nr, factor in _PANDEMIC.items():
        weight[months == month_nr] *= factor
    return days, weight


def _arrivals(rng: np.random.Generator, rates: Floats, days: Days, weight: Floats) -> tuple[Ints, Days]:
    """Unit positions and day numbers of random events, rates = expected events per unit in a normal month; by day."""
    total = float(weight.sum())
    counts = rng.poisson(rates * total)
    unit = np.repeat(np.arange(len(rates)), counts)
    cdf = np.cumsum(weight) / total
    day = days[np.minimum(np.searchsorted(cdf, rng.random(len(unit)), side="right"), len(days) - 1)]
    order = np.argsort(day, kind="stable")
    return unit[order], day[order]


def _working_day(days: Days) -> Days:
    """Saturdays and Sundays moved to the Monday after."""
    weekday = (days.astype(np.int64) + 3) % 7
    return (days + np.where(weekday >= 5, 7 - weekday, 0)).astype(np.int32)


def _unit_at(unit: Ints, event: npt.NDArray[Any]) -> Ints:
    """Unit positions after the reorganisation: the closed unit's events go to the one that opened."""
    return np.where((unit == CLOSED) & (event >= _nr(REORGANISATION)), OPENED, unit)


def _ramp(days: npt.NDArray[Any], first: int, last: int, low: float, high: float) -> Floats:
    """A share that grows in a straight line from low on day `first` to high on day `last`."""
    return low + (high - low) * np.clip((days - first) / max(last - first, 1), 0.0, 1.0)


# --- persons ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Persons:
    """Test persons sorted by birth date: day numbers, sex (M, K, O) and the parts of the personnummer (text)."""

    birth: Days
    kon: pl.Series
    lang: pl.Series  # 8 characters YYYYMMDD
    sista: pl.Series  # 4 characters
    reserv: Bools
    style: npt.NDArray[np.uint8]  # how this person's number is usually spelled: 0 `12`, 1 `8-4`, 2 `10`

    def pick(self, rng: np.random.Generator, days: npt.NDArray[Any], low: Floats, high: Floats) -> Ints:
        """One person per row, uniformly among those whose age on the day is low..high years."""
        start = np.searchsorted(self.birth, days - (high + 1) * 365.25)
        stop = np.searchsorted(self.birth, days - low * 365.25)
        stop = np.maximum(stop, start + 1)
        index = start + (rng.random(len(days)) * (stop - start)).astype(np.int64)
        return np.clip(index, 0, len(self.birth) - 1)

    def draw(self, rng: np.random.Generator, count: int, low: float, high: float, day: int) -> Ints:
        """At most `count` different persons aged low..high years on the day, in birth order."""
        start = int(np.searchsorted(self.birth, day - (high + 1) * 365.25))
        stop = int(np.searchsorted(self.birth, day - low * 365.25))
        return np.sort(rng.permutation(np.arange(start, stop))[:count])

    def spelled(self, index: Ints, extracted: date, spelling: str) -> pl.Series:
        """Personnummer column: spelling `12`, `8-4`, `10` (with the sign for 100 years and more) or `blandat`."""
        rows = pl.Series(index.astype(np.uint32))
        head, tail = self.lang.gather(rows), self.sista.gather(rows)
        plain, hyphen = head + tail, head + "-" + tail
        born = _dates(self.birth)
        before_birthday = born.dt.strftime("%m%d") > f"{extracted:%m%d}"
        old = (extracted.year - born.dt.year() - before_birthday.cast(pl.Int32)) >= 100
        short = head.str.slice(2) + _choose(("-", "+"), old.to_numpy()[index]) + tail
        frame = pl.DataFrame(
            {
                "a": plain,
                "b": hyphen,
                "c": short,
                "r": pl.Series(self.reserv[index]),
                "s": pl.Series(self.style[index]),
            }
        )
        by_name = {"12": 0, "8-4": 1, "10": 2}
        style = pl.col("s") if spelling == "blandat" else pl.lit(by_name[spelling])
        picked = pl.when(pl.col("r") | (style == 0)).then("a").when(style == 1).then("b").otherwise("c")
        return frame.select(picked.alias("personnummer")).to_series()


def _luhn(digits: Ints) -> Ints:
    """Check digit of 9-digit numbers (the ten-digit personnummer without its last digit)."""
    total = np.zeros(len(digits), dtype=np.int64)
    for place in range(9):
        value = (digits // 10**place) % 10 * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10


def _persons(rng: np.random.Generator, count: int, first: date, as_of: date) -> Persons:
    """About `count` persons (fewer when the test numbers run out): children, adults, elderly, a few above 100."""
    bands = (  # youngest, oldest at as_of (years), share, share of men
        (0.35, 4.0, 0.08, 0.6),
        (4.0, 18.0, 0.24, 0.59),
        (18.0, 50.0, 0.24, 0.5),
        (50.0, 70.0, 0.16, 0.48),
        (70.0, 88.0, 0.22, 0.46),
        (88.0, 99.0, 0.06, 0.4),
    )
    last = _nr(as_of)
    codes = []  # code = birth day number * 20 + birth number - 980
    for young, old, share, men in bands:
        low, high = last - int(old * 365.25) + 1, last - int(young * 365.25)
        half = (high - low + 1) * (BIRTH_NUMBERS // 2)
        for want, odd in ((men, 1), (1 - men, 0)):
            drawn = rng.choice(half, size=min(round(count * share * want), half), replace=False)
            codes.append((low + drawn // 10) * BIRTH_NUMBERS + drawn % 10 * 2 + odd)
    seniors = max(3, min(count // 2500, 4000))
    low = last - int(103.9 * 365.25)
    codes.append(low * BIRTH_NUMBERS + rng.choice(3 * 365 * BIRTH_NUMBERS, size=seniors, replace=False))
    code = np.sort(np.concatenate(codes)).astype(np.int64)

    birth, number = (code // BIRTH_NUMBERS).astype(np.int32), 980 + code % BIRTH_NUMBERS
    stamp = birth.astype("datetime64[D]")
    year = stamp.astype("datetime64[Y]").astype(np.int64) + 1970
    month = _month(birth) % 12 + 1
    day = (stamp - stamp.astype("datetime64[M]")).astype(np.int64) + 1
    kind = rng.random(len(code))
    young_enough = birth > last - int(90 * 365.25)
    reserv = (kind < 0.008) & young_enough
    samordning = (kind > 0.988) & young_enough
    day = day + np.where(samordning, 60, 0)
    nine = (year % 100 * 10000 + month * 100 + day) * 1000 + number
    check = _luhn(nine)
    head = pl.Series(year * 10000 + month * 100 + day).cast(pl.String)
    text = pl.DataFrame({"n": number, "c": check, "r": reserv}).select(
        s=pl.when("r")
        .then(pl.concat_str(pl.lit("T"), pl.col("n").cast(pl.String)))
        .otherwise(pl.concat_str(pl.col("n").cast(pl.String), pl.col("c").cast(pl.String)))
    )["s"]
    kon = _choose(("K", "M", "O"), np.where(reserv, 2, number % 2))
    style = rng.choice(np.array([0, 1, 2], dtype=np.uint8), size=len(code), p=(0.72, 0.18, 0.1))
    style[birth < last - int(99 * 365.25)] = 2
    return Persons(birth, kon, head, text, reserv, style)


# --- deliveries and files ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """One delivery: extraction date, content of the days lo < day <= hi (day numbers), place from the oldest."""

    day: date
    lo: int
    hi: int
    nr: int
    suffix: str
    role: str  # historia, forra (the month end before), senaste


def _deliveries(as_of: date, half_years: bool = False, newest_from_january: bool = False) -> list[Delivery]:
    """History by (half) year, the month end before as_of, and the newest one, which overlaps the one before."""
    year = as_of.year
    previous = as_of.replace(day=1) - timedelta(days=1)
    cuts = {date(y, 12, 31) for y in range(year - 3, year)} | {date(year, 6, 30)}
    if half_years:
        cuts |= {date(y, 6, 30) for y in range(year - 3, year)}
    found, lo = [], ALWAYS
    for nr, cut in enumerate([*sorted(c for c in cuts if c < previous), previous]):
        day = cut + timedelta(days=8) if cut + timedelta(days=8) < previous else cut
        last = cut == previous
        period = f"{cut.year}H{1 if cut.month <= 6 else 2}" if half_years or cut.month == 6 else f"{cut.year}"
        found.append(Delivery(day, lo, _nr(cut), nr, "" if last else f"_{period}", "forra" if last else "historia"))
        lo = _nr(cut)
    overlap = _nr(previous.replace(day=1) - timedelta(days=1))
    if newest_from_january:
        overlap = min(overlap, _nr(date(year - 1, 12, 31)))
    found.append(Delivery(as_of, overlap, _nr(as_of), len(found), "", "senaste"))
    return found


@dataclass(frozen=True)
class Form:
    """The look of a file: extension and, for csv, separator, encoding (utf-8, utf-8-sig, cp1252), line end, dates."""

    ext: str
    sep: str = ";"
    encoding: str = "utf-8"
    eol: str = "\n"
    dates: str = "%Y-%m-%d"


WIN = Form("csv", ";", "cp1252", "\r\n")
BOM = Form("csv", ";", "utf-8-sig", "\r\n")
COMMA = Form("csv", ",", "utf-8-sig", "\n")
GZ = Form("csv.gz", ";")
GZ_COMMA = Form("csv.gz", ",")
GZ_COMPACT = Form("csv.gz", ";", dates="%Y%m%d")
PARQUET = Form("parquet")
XLSX = Form("xlsx")


def _csv_bytes(frame: pl.DataFrame, form: Form) -> Iterator[bytes]:
    """The encoded file in pieces of at most CHUNK_ROWS rows."""
    for start in range(0, max(frame.height, 1), CHUNK_ROWS):
        buffer = io.BytesIO()
        frame.slice(start, CHUNK_ROWS).write_csv(
            buffer,
            include_header=start == 0,
            separator=form.sep,
            line_terminator=form.eol,
            date_format=form.dates,
        )
        data = buffer.getvalue()
        if form.encoding == "cp1252":
            data = data.decode("utf-8").encode("cp1252")
        yield (b"\xef\xbb\xbf" if form.encoding == "utf-8-sig" and start == 0 else b"") + data


def _write_xlsx(frame: pl.DataFrame, path: Path, day: date, as_numbers: Sequence[str] = ()) -> None:
    """One sheet with native dates and numbers; in the columns `as_numbers` text of digits only becomes a number."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"title": path.stem, "created": datetime(day.year, day.month, day.day, 6, 0)})
        sheet = book.add_worksheet("Uttag")
        sheet.write_row(0, 0, frame.columns, book.add_format({"bold": True}))
        sheet.set_column(0, frame.width - 1, 18)
        for nr, column in enumerate(frame.columns):
            values = frame[column].to_list()
            if column in as_numbers:
                values = [int(v) if isinstance(v, str) and v.isdigit() else v for v in values]
            sheet.write_column(1, nr, values)


def _write(
    raw: Path, source: str, delivery: Delivery, frame: pl.DataFrame, form: Form, as_numbers: Sequence[str] = ()
) -> Path:
    """Write one delivery below raw/<source>/; an Excel file that would be too large leaves as csv."""
    if form.ext == "xlsx" and frame.height > XLSX_MAX_ROWS:
        form = BOM
    folder = raw / source
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{source}_{delivery.day:%Y-%m-%d}{delivery.suffix}.{form.ext}"
    if form.ext == "xlsx":
        _write_xlsx(frame, path, delivery.day, as_numbers)
    elif form.ext == "parquet":
        frame.write_parquet(path, compression="zstd", compression_level=9, statistics=False)
    else:
        with path.open("wb") as raw_file:
            if form.ext == "csv":
                raw_file.writelines(_csv_bytes(frame, form))
            else:
                level = 9 if frame.height <= CHUNK_ROWS // 10 else 6
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw_file, compresslevel=level, mtime=0) as packed:
                    for piece in _csv_bytes(frame, form):
                        packed.write(piece)
    return path


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, dates as YYYY-MM-DD: so that a cell can hold what its type refuses."""
    return frame.with_columns(
        pl.col(pl.Date).dt.strftime("%Y-%m-%d"), (~pl.selectors.date() & ~pl.selectors.string()).cast(pl.String)
    )


Edit = tuple[str, pl.Expr, dict[str, pl.Expr]]


def _damage(rng: np.random.Generator, frame: pl.DataFrame, edits: Sequence[Edit], share: float = 0.03) -> pl.DataFrame:
    """Put defects into a delivery: at most `share` of its rows end in quarantine.

    An edit is (kind, which rows, new cells): `fel` changes one row that fits, `konflikt` adds a changed copy of it
    under the same key (both are refused), `kopia` adds an identical copy (a duplicate, not refused)."""
    frame = frame.with_row_index("_rad")
    room = int(frame.height * share)
    used: list[int] = []
    extra: list[pl.DataFrame] = []
    for kind, where, cells in edits:
        cost = {"fel": 1, "konflikt": 2, "kopia": 0}[kind]
        rows = frame.filter(where & ~pl.col("_rad").is_in(used))["_rad"]
        if cost > room or rows.is_empty():
            continue
        row = int(rows[int(rng.integers(rows.len()))])
        room -= cost
        used.append(row)
        chosen = pl.col("_rad") == row
        if kind == "fel":
            frame = frame.with_columns(
                pl.when(chosen).then(new).otherwise(pl.col(c)).alias(c) for c, new in cells.items()
            )
        else:
            extra.append(frame.filter(chosen).with_columns(new.alias(c) for c, new in cells.items()))
    return pl.concat([frame, *extra]).drop("_rad") if extra else frame.drop("_rad")


def _broken(column: str = "personnummer") -> pl.Expr:
    """The personnummer with another check digit (the birth number stays a test number)."""
    last = pl.col(column).str.slice(-1).cast(pl.Int8, strict=False)
    return pl.concat_str(pl.col(column).str.head(-1), ((last + 1) % 10).cast(pl.String))


def _checkable(column: str = "personnummer") -> pl.Expr:
    """Rows whose personnummer has a check digit (no reservnummer)."""
    return ~pl.col(column).str.contains("T", literal=True)


# --- the sources ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """What all sources share: where to, how much, from when to when, and who."""

    raw: Path
    scale: float
    first: date
    as_of: date
    persons: Persons
    seed: int

    def rng(self, source: str) -> np.random.Generator:
        """An own stream of random numbers per source, so that a change in one leaves the others as they are."""
        return np.random.default_rng([self.seed, SOURCES.index(source)])


def _rates(name: str) -> Floats:
    """One rate of every unit (array of len(UNITS))."""
    return np.array([float(getattr(u, name)) for u in UNITS])


_AGE_LOW = np.array([u.alder[0] for u in UNITS])
_AGE_HIGH = np.array([u.alder[1] for u in UNITS])


def _unit_rows(day: date, reorganised: bool) -> pl.DataFrame:
    """The unit register as exported on a day: one row per unit and period of validity."""
    rows: list[tuple[str, str, str, str, date, date | None]] = []
    for position, unit in enumerate(UNITS):
        since, until = date(2000, 1, 1), None
        if position == OPENED:
            if not reorganised:
                continue
            since = REORGANISATION
        elif reorganised and (position == CLOSED or unit.ny_verksamhet):
            until = REORGANISATION - timedelta(days=1)
        rows.append((unit.hsaid, unit.namn, unit.verksamhet, unit.lansdel, since, until))
        if reorganised and unit.ny_verksamhet:
            rows.append((unit.hsaid, unit.namn, unit.ny_verksamhet, unit.lansdel, REORGANISATION, None))
    types = {"hsaid_enhet": pl.String, "enhetsnamn": pl.String, "verksamhet": pl.String, "lansdel": pl.String}
    return pl.DataFrame(rows, schema={**types, "giltig_fran": pl.Date, "giltig_till": pl.Date}, orient="row")


def _enheter(s: Setting) -> list[Path]:
    """Complete unit registers: at the start (one unknown code), a year before, the month before, and as_of."""
    previous = s.as_of.replace(day=1) - timedelta(days=1)
    days = [s.first + timedelta(days=9), date(s.as_of.year - 1, 1, 11), previous, s.as_of]
    paths = []
    for nr, day in enumerate(d for i, d in enumerate(days) if i == 0 or d > days[i - 1]):
        frame = _unit_rows(day, reorganised=day >= REORGANISATION_KNOWN)
        name = pl.col("enhetsnamn")
        if nr == 0:  # a code that nobody knows, put right in the next delivery
            wrong = name == "Barn- och ungdomshabiliteringen Lindesberg"
            frame = frame.with_columns(
                pl.when(wrong).then(pl.lit("HAB")).otherwise(pl.col("verksamhet")).alias("verksamhet")
            )
        if day < s.as_of:  # renamed since
            frame = frame.with_columns(name.str.replace("Hjälpmedelskonsulenterna", "Hjälpmedelskonsulenter, länet"))
        form = WIN if nr == 1 else XLSX
        paths.append(_write(s.raw, "enheter", Delivery(day, 0, 0, nr, "", "senaste"), frame, form))
    return paths


def _wait_factor(days: npt.NDArray[Any]) -> Floats:
    """How much longer waits are than normal: the queue after spring 2020 wears off, summers add a little."""
    months = _month(days)
    knots = [600, 605, 612, 618, 624, 632]
    backlog = np.interp(months, knots, [1.0, 1.32, 1.28, 1.16, 1.05, 0.98])
    return backlog * np.where(np.isin(months % 12, (6, 7)), 1.1, 1.0)


def _vantetider(s: Setting) -> list[Path]:
    """Performed contacts, and at each month end those who wait.

    One contact is decided, waits, is performed: it is VANTANDE at the month ends in between and GENOMFORD in the end,
    under one vardkontakt_id. A few leave the queue without a visit."""
    rng = s.rng("vantetider")
    last = _nr(s.as_of)
    days, weight = _activity(_nr(s.first), last + 540)
    unit, start = _arrivals(rng, _rates("besok") * s.scale, days, weight)
    n = len(unit)
    mix = np.cumsum([FAS_MIX[u.verksamhet] for u in UNITS], axis=1)
    fas = np.minimum((rng.random(n)[:, None] > mix[unit]).sum(axis=1), 4) + 1

    median = _rates("vantan")[unit] * _wait_factor(start) * np.array([1, 1, 0.9, 0.6, 1, 1])[fas]
    wait = np.clip(np.exp(rng.normal(np.log(np.maximum(median, 1)), 0.5)), 0, 620).astype(np.int64)
    wait = np.where(fas == 5, rng.integers(0, 2, n), wait)
    late = rng.random(n) > _rates("i_tid")[unit] - np.where(_wait_factor(start) > 1.12, 0.06, 0.0)
    interval = rng.choice(np.array([42, 90, 182, 365]), size=n, p=(0.3, 0.35, 0.25, 0.1))
    offset = np.where(late, 1 + rng.exponential(28, n).astype(np.int64), -rng.integers(0, 25, n))
    goal = (start - offset).astype(np.int32)
    wait = np.where(fas == 4, interval + offset, wait)
    decided = (start - wait).astype(np.int32)

    garanti = rng.random(n) < np.array([0, 0.94, 0.92, 0.5, 0.0, 0.0])[fas]
    draw, overdue = rng.random(n), (wait > 90) & (fas <= 3)
    code = np.where(draw < np.where(overdue, 0.34, 0.035), 1, 0)
    code = np.where((draw > 0.985) & (wait > 20), 2, code)
    code = np.where(overdue & (draw > 0.9) & (draw <= 0.985), 3, code)
    code = np.where(late & (fas == 4) & (draw < 0.15), 1, code)
    performed = rng.random(n) > 0.02
    person = s.persons.pick(rng, decided, _AGE_LOW[unit], _AGE_HIGH[unit])
    year = (s.persons.birth[person].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970).astype(
        np.int32
    )
    no_year, place = rng.random(n) < 0.03, rng.integers(0, 8, n)
    places = [code_ for u in UNITS for code_ in LKF[u.lansdel]]

    # month ends at which a contact waits; a return visit waits when its goal date has passed
    first_month, last_month = _month(_nr(s.first)), _month(last + 1) - 1
    begin = np.maximum(_month(np.where(fas == 4, goal, decided)), first_month)
    end = np.minimum(_month(start) - 1, last_month)
    repeats = np.where((fas == 5) | (wait <= 0), 0, np.maximum(end - begin + 1, 0))
    waiting = np.repeat(np.arange(n), repeats)
    month = np.repeat(begin, repeats) + np.arange(len(waiting)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    snapshot = _month_end(month)

    def table(rows: Ints, events: Days, done: bool) -> pl.DataFrame:
        """Delivered rows of contacts `rows` with their event days, not yet in a file's own spelling."""
        return pl.DataFrame(
            {
                "vardkontakt_id": "VK" + (pl.Series(rows) + 10_000_000).cast(pl.String),
                "status": pl.repeat("GENOMFORD" if done else "VANTANDE", len(rows), dtype=pl.String, eager=True),
                "matperiod": _dates(events).dt.strftime("%Y-%m"),
                "fas": fas[rows],
                "vardgaranti": _choose(("Nej", "Ja"), garanti[rows]),
                "avvikelsekod": pl.Series(code[rows]).set(pl.Series(code[rows] == 0), None),
                "beslut_datum": _dates(decided[rows]),
                "start_datum": _dates(start[rows], np.full(len(rows), not done)),
                "medicinskt_maldatum": _dates(goal[rows], fas[rows] != 4),
                "hsaid_enhet": HSAIDS.gather(pl.Series(_unit_at(unit[rows], events).astype(np.uint32))),
                "kon": s.persons.kon.gather(pl.Series(person[rows].astype(np.uint32))),
                "fodelsear": pl.Series(year[rows]).set(pl.Series(no_year[rows]), None),
                "lkf": _choose(places, unit[rows] * 8 + place[rows]),
            }
        )

    history = (GZ, PARQUET, GZ_COMMA, GZ_COMPACT, GZ, PARQUET, GZ)
    paths = []
    for d in _deliveries(s.as_of, half_years=True):
        done = np.flatnonzero((start > d.lo) & (start <= d.hi) & performed)
        queue = np.flatnonzero((snapshot > d.lo) & (snapshot <= d.hi))
        frame = pl.concat([table(done, start[done], True), table(waiting[queue], snapshot[queue], False)])
        form = {"forra": WIN, "senaste": BOM}.get(d.role, history[d.nr % len(history)])
        if d.role == "historia" and d.nr % 3 == 1:
            frame = frame.with_columns(pl.col("kon").replace_strict({"M": "1", "K": "2", "O": "3"}))
        if d.role == "historia" and d.nr % 3 == 2:
            frame = frame.with_columns(
                pl.col("vardgaranti").str.head(1),
                pl.lit("18").alias("huvudman"),  # a column of the national file that nobody here reads
            )
        if d.role == "forra":  # the first version of some rows: put right by the newest delivery
            early = pl.Series("_e", rng.random(frame.height) < 0.015)
            frame = frame.with_columns(
                pl.col("status").replace("GENOMFORD", "GENOMFÖRD"),
                pl.col("kon").replace_strict({"M": "Man", "K": "Kvinna", "O": "Okänt"}),
                pl.when(early).then(None).otherwise(pl.col("avvikelsekod")).alias("avvikelsekod"),
                pl.when(early & (pl.col("vardgaranti") == "Ja"))
                .then(pl.lit("Nej"))
                .otherwise(pl.col("vardgaranti"))
                .alias("vardgaranti"),
            )
            this_month = pl.col("start_datum") > pl.lit(d.day.replace(day=1))
            frame = _damage(
                rng,
                frame,
                [
                    ("fel", this_month, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                    ("fel", this_month, {"kon": pl.lit(None, pl.String)}),
                    ("fel", this_month, {"beslut_datum": pl.col("start_datum") + pl.duration(days=4)}),
                ],
            )
        if d.role == "senaste":
            frame = _as_text(frame)
            new = (pl.col("status") == "GENOMFORD") & (
                pl.col("start_datum") > f"{s.as_of.replace(day=1) - timedelta(days=1)}"
            )
            fas4 = new & (pl.col("fas") == "4")
            later = pl.lit(f"{d.day + timedelta(days=12)}")
            frame = _damage(
                rng,
                frame,
                [
                    ("kopia", new, {}),
                    ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                    ("fel", new & (pl.col("fas") == "1"), {"beslut_datum": later, "avvikelsekod": pl.lit("1")}),
                    ("fel", new, {"kon": pl.lit(None, pl.String)}),
                    ("fel", new, {"start_datum": later}),
                    ("fel", fas4, {"medicinskt_maldatum": pl.lit(None, pl.String)}),
                    ("konflikt", new & (pl.col("vardgaranti") == "Ja"), {"vardgaranti": pl.lit("Nej")}),
                    ("fel", new, {"beslut_datum": pl.lit(f"{d.day.year}-02-30")}),
                    ("fel", new, {"fas": pl.lit("7")}),
                    ("fel", pl.col("status") == "VANTANDE", {"start_datum": pl.lit(f"{s.as_of.replace(day=1)}")}),
                ],
            )
        paths.append(_write(s.raw, "vantetider", d, frame, form))
    return paths


def _kva(s: Setting) -> list[Path]:
    """Performed measures: one to three codes per contact; levnadsvanor and children as next of kin grow over time."""
    rng = s.rng("kva")
    first, last = _nr(s.first), _nr(s.as_of)
    days, weight = _activity(first, last)
    unit, day = _arrivals(rng, _rates("kva") * s.scale, days, weight)
    n = len(unit)
    person = s.persons.pick(rng, day, _AGE_LOW[unit], _AGE_HIGH[unit])
    contact = np.repeat(np.arange(n), rng.choice(np.array([1, 2, 3]), size=n, p=(0.55, 0.35, 0.1)))
    m = len(contact)
    asked = np.isin([u.verksamhet for u in UNITS], ("AUD", "BUH", "SC", "VUH"))[unit[contact]]
    reach = (0.75 + 0.05 * (np.arange(len(UNITS)) * 7 % 11))[unit[contact]]
    lev = np.where(asked, _ramp(day[contact], first, last, 0.09, 0.16) * reach, 0.01)
    kin = np.where(asked, _ramp(day[contact], first, last, 0.03, 0.075) * reach, 0.004)
    draw = rng.random(m)
    codes = [*LEVNADSVANOR, *BARN_NARSTAENDE, *STRALBEHANDLING, *OVRIGA_KODER]
    at = np.cumsum([0, len(LEVNADSVANOR), len(BARN_NARSTAENDE), len(STRALBEHANDLING), len(OVRIGA_KODER)])
    group = np.where(draw < lev, 0, np.where(draw < lev + kin, 1, np.where(draw < lev + kin + 0.0015, 2, 3)))
    size = np.diff(at)[group]
    skew = rng.random(m) ** np.where(group == 3, 1.6, 1.0)  # some unrelated codes are much more common than others
    code = at[group] + np.minimum((skew * size).astype(np.int64), size - 1)
    profession = (unit[contact] * 3 + rng.integers(0, 5, m)) % len(YRKEN)
    unknown = rng.random(m) < 0.04
    truth = (
        pl.DataFrame({"c": contact, "k": _choose(codes, code), "y": profession, "u": unknown})
        .unique(["c", "k"], keep="first", maintain_order=True)
        .with_columns(pl.lit(None, pl.String).alias("makulerad"))
    )
    row = truth["c"].to_numpy()
    event = day[row]

    history = (GZ, PARQUET, GZ_COMMA, PARQUET)
    paths = []
    for d in _deliveries(s.as_of):
        keep = np.flatnonzero((event > d.lo) & (event <= d.hi))
        part, rows = truth[keep], row[keep]
        spelling = {"forra": "8-4", "senaste": "blandat"}.get(d.role, ("12", "12", "blandat")[d.nr % 3])
        frame = pl.DataFrame(
            {
                "vardkontakt_id": "VK" + (pl.Series(rows) + 50_000_000).cast(pl.String),
                "kva_kod": part["k"],
                "personnummer": s.persons.spelled(person[rows], d.day, spelling),
                "hsaid_enhet": HSAIDS.gather(pl.Series(_unit_at(unit[rows], day[rows]).astype(np.uint32))),
                "atgardsdatum": _dates(day[rows]),
                "yrkeskategori": _choose(YRKEN, part["y"].to_numpy()).set(part["u"], None),
            }
        )
        if d.nr == 0:
            frame = frame.with_columns(pl.col("hsaid_enhet").str.to_lowercase(), pl.col("kva_kod").str.to_lowercase())
        form = {"forra": WIN, "senaste": COMMA}.get(d.role, history[d.nr % len(history)])
        recent = pl.col("atgardsdatum") >= pl.lit(s.as_of.replace(day=1))
        if d.role == "forra":
            early = pl.Series("_e", rng.random(frame.height) < 0.02)
            frame = frame.with_columns(
                pl.when(early & (pl.col("atgardsdatum").dt.day() > 20))
                .then(pl.col("atgardsdatum") - pl.duration(days=1))
                .otherwise(pl.col("atgardsdatum"))
                .alias("atgardsdatum"),
                pl.when(early).then(None).otherwise(pl.col("yrkeskategori")).alias("yrkeskategori"),
            )
            august = pl.col("atgardsdatum") >= pl.lit(d.day.replace(day=1))
            frame = _damage(
                rng,
                frame,
                [
                    ("fel", august, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                    ("fel", august, {"hsaid_enhet": pl.lit(None, pl.String)}),
                ],
            )
        if d.role == "senaste":
            # wrong codes of the month before: withdrawn, and delivered again under the right one
            frame = frame.with_columns(pl.lit(None, pl.String).alias("makulerad"))
            older = frame.with_row_index("_rad").filter(~recent & pl.col("kva_kod").is_in(OVRIGA_KODER))["_rad"]
            pick = older.gather(rng.permutation(older.len())[: min(6, older.len() // 10)].astype(np.uint32)).sort()
            wrong = frame[pick.to_numpy()]
            withdrawn = pl.int_range(pl.len()).is_in(pick.to_list())
            frame = frame.with_columns(
                pl.when(withdrawn).then(pl.lit("Ja")).otherwise(pl.col("makulerad")).alias("makulerad")
            )
            frame = pl.concat([frame, wrong.with_columns(pl.lit(RATTAD_KOD).alias("kva_kod"))])
            frame = _damage(
                rng,
                _as_text(frame),
                [
                    ("kopia", pl.col("atgardsdatum") >= f"{s.as_of.replace(day=1)}", {}),
                    *cast(
                        list[Edit],
                        [
                            (kind, (pl.col("atgardsdatum") >= f"{s.as_of.replace(day=1)}") & where, cells)
                            for kind, where, cells in (
                                ("fel", _checkable(), {"personnummer": _broken()}),
                                ("fel", pl.lit(True), {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                                ("fel", pl.lit(True), {"kva_kod": pl.lit("DV11")}),
                                ("fel", pl.lit(True), {"atgardsdatum": pl.lit(f"{d.day + timedelta(days=31)}")}),
                                ("fel", pl.lit(True), {"atgardsdatum": pl.lit(None, pl.String)}),
                                ("konflikt", pl.lit(True), {"yrkeskategori": pl.lit("dietist")}),
                            )
                        ],
                    ),
                ],
            )
        paths.append(_write(s.raw, "kva", d, frame, form))
    return paths


def _gas(s: Setting) -> list[Path]:
    """Goal attainment scaling: plans with one to four goals, rated months later; some goals never are."""
    rng = s.rng("gas")
    first, last = _nr(s.first), _nr(s.as_of)
    days, weight = _activity(_nr(date(s.first.year - 1, 7, 1)), last, growth=0.08)
    unit, base = _arrivals(rng, _rates("gas") / 12 * s.scale, days, weight)
    n = len(unit)
    person = s.persons.pick(rng, base, _AGE_LOW[unit], _AGE_HIGH[unit])
    goals = rng.choice(np.array([1, 2, 3, 4]), size=n, p=(0.2, 0.36, 0.32, 0.12))
    plan = np.repeat(np.arange(n), goals)
    m = len(plan)
    goal_nr = np.arange(m) - np.repeat(np.cumsum(goals) - goals, goals) + 1
    rated_after = np.clip(rng.normal(170, 55, n), 40, 400)
    never = rng.random(n) < 0.07
    rated = _working_day((base[plan] + rated_after[plan] + rng.integers(0, 8, m)).astype(np.int32))
    rated = np.where(never[plan] | (rng.random(m) < 0.09), NEVER, rated).astype(np.int32)
    baseline = rng.choice(np.array([-2, -1, 0]), size=m, p=(0.55, 0.4, 0.05))
    lift = _ramp(base[plan], first, last, 0.0, 0.25)
    outcome = np.clip(np.floor(rng.normal(0.35 + lift, 1.0)), -2, 2).astype(np.int64)
    unweighted = (rng.random(n) < 0.4)[plan]
    importance = rng.choice(np.array([0, 1, 2, 3]), size=m, p=(0.02, 0.2, 0.4, 0.38))
    difficulty = rng.choice(np.array([0, 1, 2, 3]), size=m, p=(0.02, 0.28, 0.45, 0.25))

    history = (XLSX, GZ, XLSX, Form("csv", ";", "cp1252", "\r\n"))
    paths = []
    for d in _deliveries(s.as_of, newest_from_january=True):
        known = rated <= d.hi
        changed = np.where(known, np.maximum(rated, base[plan]), base[plan])
        keep = np.flatnonzero((base[plan] <= d.hi) & (changed > d.lo))
        rows, seen = plan[keep], known[keep]
        frame = pl.DataFrame(
            {
                "gas_id": "GAS-" + (pl.Series(rows) + 20_001).cast(pl.String),
                "mal_nr": goal_nr[keep],
                "personnummer": s.persons.spelled(person[rows], d.day, "blandat"),
                "hsaid_enhet": HSAIDS.gather(pl.Series(_unit_at(unit[rows], base[rows]).astype(np.uint32))),
                "viktighet": pl.Series(importance[keep]).set(pl.Series(unweighted[keep]), None),
                "svarighet": pl.Series(difficulty[keep]).set(pl.Series(unweighted[keep]), None),
                "baslinje": baseline[keep],
                "baslinjedatum": _dates(base[rows]),
                "utfall": pl.Series(outcome[keep]).set(pl.Series(~seen), None),
                "utfallsdatum": _dates(np.where(seen, rated[keep], base[rows]), ~seen),
            }
        )
        form = {"forra": WIN, "senaste": XLSX}.get(d.role, history[d.nr % len(history)])
        if d.role == "senaste":
            done = pl.col("utfall").is_not_null()
            early = pl.col("baslinjedatum") - pl.duration(days=20)
            frame = _damage(
                rng,
                frame,
                [
                    ("kopia", done, {}),
                    ("fel", done & _checkable(), {"personnummer": _broken()}),
                    ("fel", pl.col("viktighet").is_not_null(), {"svarighet": pl.lit(None, pl.Int64)}),
                    ("fel", done, {"utfall": pl.lit(3, pl.Int64)}),
                    ("fel", done, {"utfallsdatum": pl.lit(None, pl.Date)}),
                    ("fel", done, {"utfallsdatum": early}),
                    ("konflikt", done & (pl.col("utfall") < 2), {"utfall": pl.col("utfall") + 1}),
                ],
            )
        if form.ext == "xlsx":
            names = {"gas_id": "GAS-id", "mal_nr": "Mål nr", "svarighet": "Svårighet", "viktighet": "Viktighet"}
            frame = frame.rename(names)
        paths.append(_write(s.raw, "gas", d, frame, form, as_numbers=("personnummer",)))
    return paths


# register: units (positions), diagnoses, forms, coverage at the start and at as_of
_CPUP_BARN, _CPUP_VUXEN = (6, 7, 8, 9), (23, 23, 24, 25)
_REGISTER: dict[str, tuple[tuple[str, ...], tuple[str, ...], float, float]] = {
    "cpup": (("G80.1", "G80.0", "G80.2", "G80.3", "G80.8"), ("Fysioterapi", "Arbetsterapi"), 0.72, 0.95),
    "horselrehab": (("H90.3", "H90.3", "H91.1", "H90.6"), ("Rehabilitering",), 0.50, 0.86),
    "grav_horsel_vuxna": (("H90.3", "H91.3", "H90.5"), ("Enkät",), 0.64, 0.84),
    "horsel_barn": (("H90.3", "H90.4", "H90.0", "H90.8"), ("Uppföljning",), 0.68, 0.9),
    "skrs": (("H54.2", "H54.1", "H35.3", "H53.4"), ("Basformulär",), 0.62, 0.96),
}


def _population(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth of the five populations: register, person (position), unit (position), inklusion and utgang (day numbers).

    Children leave with their 18th birthday (in cpup for vuxenhabiliteringen); persons of the closed unit move to the
    one that opened; the flow registers (horselrehab, skrs) hold one row per new rehabilitation."""
    last, floor = _nr(s.as_of), _nr(date(2000, 1, 1))
    born = s.persons.birth
    parts = []

    def add(register: str, who: Ints, unit: Ints, since: npt.NDArray[Any], until: npt.NDArray[Any]) -> None:
        parts.append(
            pl.DataFrame(
                {
                    "register": pl.repeat(register, len(who), dtype=pl.String, eager=True),
                    "person": who.astype(np.int64),
                    "unit": unit.astype(np.int64),
                    "inklusion": since.astype(np.int32),
                    "utgang": until.astype(np.int32),
                }
            )
        )

    # cpup: from the diagnosis, in barnhabiliteringen until 18, then in vuxenhabiliteringen
    who = s.persons.draw(rng, round(430 * s.scale), 1.0, 32.0, last)
    adult = (born[who] + 6574).astype(np.int32)
    since = np.maximum(_working_day((born[who] + rng.integers(300, 1500, len(who))).astype(np.int32)), floor)
    home = rng.choice(3, size=len(who), p=(0.6, 0.23, 0.17))
    age = (last - born[who]) / 365.25
    child_unit = np.where(home == 0, np.where(age < 7, 6, 7), np.where(home == 1, 8, 9))
    child = (since < last) & (since < adult)
    gone = np.where(rng.random(len(who)) < 0.05, last - rng.integers(0, 1500, len(who)), NEVER)
    until = np.minimum(np.where(gone > since, gone, NEVER), adult)
    add("cpup", who[child], child_unit[child], since[child], until[child])
    grown = (adult <= last - 10) & (adult > floor) & (gone > adult)
    adult_unit = np.where(home == 0, 23, np.where(home == 1, 24, 25))
    adult_unit = np.where((age < 22) & (rng.random(len(who)) < 0.25), 10, adult_unit)
    add("cpup", who[grown], adult_unit[grown], adult[grown], gone[grown])
    # some are followed by two units at once
    twice = grown & (rng.random(len(who)) < 0.04) & (adult_unit != 26)
    add("cpup", who[twice], np.full(int(twice.sum()), 26), adult[twice] + 31, gone[twice])

    # horsel_barn
    who = s.persons.draw(rng, round(300 * s.scale), 0.6, 21.0, last)
    since = np.maximum(_working_day((born[who] + rng.integers(90, 1800, len(who))).astype(np.int32)), floor)
    adult = (born[who] + 6574).astype(np.int32)
    keep = (since < last) & (since < adult)
    who, since, adult = who[keep], since[keep], adult[keep]
    add("horsel_barn", who, rng.choice(np.array([5, 5, 5, 6, 7]), size=len(who)), since, adult)

    # grav_horsel_vuxna
    who = s.persons.draw(rng, round(330 * s.scale), 30.0, 104.0, last)
    since = _working_day((last - rng.integers(20, 3700, len(who))).astype(np.int32))
    until = since + rng.exponential(9000, len(who)).astype(np.int64) + 200
    unit = rng.choice(np.array([0, 1, 2, 3]), size=len(who), p=(0.55, 0.2, 0.15, 0.1))
    move = (unit == CLOSED) & (until >= _nr(REORGANISATION)) & (since < _nr(REORGANISATION))
    move &= last >= _nr(REORGANISATION)
    add("grav_horsel_vuxna", who, _unit_at(unit, since), since, np.where(move, _nr(REORGANISATION) - 1, until))
    here = np.full(int(move.sum()), OPENED)
    add("grav_horsel_vuxna", who[move], here, np.full(len(here), _nr(REORGANISATION)), until[move])

    # the flows, from a year before the set starts so that its first year has something to be compared with
    days, weight = _activity(_nr(date(s.first.year - 1, 1, 1)), last)
    for register, rates in (
        ("horselrehab", {0: 28.0, 1: 11.0, 2: 9.0, 3: 5.0}),
        ("skrs", {19: 17.0, 20: 4.5, DOVBLIND: 1.6}),
    ):
        rate = np.zeros(len(UNITS))
        rate[list(rates)] = list(rates.values())
        unit, since = _arrivals(rng, rate * s.scale, days, weight)
        youngest = np.maximum(_AGE_LOW[unit], 40.0 if register == "horselrehab" else 18.0)
        who = s.persons.pick(rng, since, youngest, _AGE_HIGH[unit])
        moved = (unit == DOVBLIND) & (since >= _nr(REORGANISATION))  # AUD's team now: skrs is the business of SC
        unit = np.where(moved, SYN_OREBRO, _unit_at(unit, since))
        until = np.where(rng.random(len(unit)) < 0.8, since + rng.integers(60, 500, len(unit)), NEVER)
        add(register, who, unit, since, until)
    truth = pl.concat(parts).unique(["register", "person", "inklusion"], keep="first", maintain_order=True)
    return truth.sort("register", "inklusion", "person")


def _registrations(s: Setting, rng: np.random.Generator, population: pl.DataFrame) -> pl.DataFrame:
    """Truth of the registers: register, person, unit (positions), dag (day number), formular.

    Stock registers once a year per person, flow registers once after the inclusion; shares that grow over time."""
    last, first = _nr(s.as_of), _nr(date(s.first.year - 2, 1, 1))
    parts = []
    for register, (_, forms, low, high) in _REGISTER.items():
        rows = population.filter(pl.col("register") == register)
        person, unit = rows["person"].to_numpy(), rows["unit"].to_numpy()
        since, until = rows["inklusion"].to_numpy(), rows["utgang"].to_numpy()
        effect = (0.94 + 0.03 * (np.arange(len(UNITS)) % 5))[unit]
        if register in ("horselrehab", "skrs"):
            day = since + rng.gamma(1.4, 18.0, len(person)).astype(np.int64)
            index = np.flatnonzero(rng.random(len(person)) < _ramp(since, first, last, low, high) * effect)
            day = day[index]
        else:
            years = s.as_of.year - s.first.year + 3
            anchor = rng.integers(0, 365, len(person))
            index = np.repeat(np.arange(len(person)), years)
            nth = np.tile(np.arange(years), len(person))
            day = first + nth * 365.25 + anchor[index] + rng.normal(-6, 14, len(index))
            share = _ramp(day, first, last, low, high) * effect[index]
            month = _month(day.astype(np.int64))
            share = np.where((month >= 602) & (month <= 605), 0.7, 1.0) * share  # spring 2020
            kept = rng.random(len(index)) < share
            index, day = index[kept], day[kept].astype(np.int64)
        day = _working_day(day.astype(np.int32))
        inside = (day >= since[index]) & (day <= np.minimum(until[index], last)) & (day >= first)
        index, day = index[inside], day[inside]
        for nr, form in enumerate(forms):
            more = rng.random(len(index)) < (1.0 if nr == 0 else 0.7)
            parts.append(
                pl.DataFrame(
                    {
                        "register": pl.repeat(register, int(more.sum()), dtype=pl.String, eager=True),
                        "person": person[index[more]],
                        "unit": _unit_at(unit[index[more]], day[more]),
                        "dag": day[more],
                        "formular": pl.repeat(form, int(more.sum()), dtype=pl.String, eager=True),
                    }
                )
            )
        # persons whom only the register knows
        extra = max(1, len(index) // 60)
        at = rng.integers(0, max(len(index), 1), extra) if len(index) else np.empty(0, np.int64)
        parts.append(
            pl.DataFrame(
                {
                    "register": pl.repeat(register, len(at), dtype=pl.String, eager=True),
                    "person": s.persons.pick(rng, day[at], np.full(len(at), 19.0), np.full(len(at), 90.0)),
                    "unit": _unit_at(unit[index[at]], day[at]),
                    "dag": day[at],
                    "formular": pl.repeat(forms[0], len(at), dtype=pl.String, eager=True),
                }
            )
        )
    truth = pl.concat(parts).unique(["register", "person", "dag", "formular"], keep="first", maintain_order=True)
    return truth.sort("dag", "register", "person", "formular")


def _registers(s: Setting) -> list[Path]:
    """register_population and register_registreringar."""
    rng = s.rng("register_population")
    truth = _population(s, rng)
    diagnosis = pl.Series(rng.integers(0, 60, truth.height))
    codes = [(name, i, kinds[i]) for name, (kinds, _, _, _) in _REGISTER.items() for i in range(len(kinds))]
    lookup = pl.DataFrame(codes, schema=["register", "nr", "diagnoskod"], orient="row")
    size = pl.col("register").replace_strict({k: len(v[0]) for k, v in _REGISTER.items()})
    truth = (
        truth.with_columns(nr=diagnosis % truth.select(size).to_series())
        .join(
            lookup.with_columns(pl.col("nr").cast(pl.Int64)), on=["register", "nr"], how="left", maintain_order="left"
        )
        .drop("nr")
    )
    paths = []
    history = (PARQUET, GZ, GZ_COMMA, XLSX)
    since, until = truth["inklusion"].to_numpy(), truth["utgang"].to_numpy()
    for d in _deliveries(s.as_of, newest_from_january=True):
        left = until <= d.hi
        keep = np.flatnonzero((since <= d.hi) & (np.where(left, until, since) > d.lo))
        part = truth[keep]
        frame = pl.DataFrame(
            {
                "register": part["register"],
                "personnummer": s.persons.spelled(
                    part["person"].to_numpy(), d.day, "8-4" if d.role == "forra" else "blandat"
                ),
                "hsaid_enhet": HSAIDS.gather(part["unit"].cast(pl.UInt32)),
                "inklusionsdatum": _dates(since[keep]),
                "utgangsdatum": _dates(np.where(left[keep], until[keep], 0), ~left[keep]),
                "diagnoskod": part["diagnoskod"],
            }
        )
        if d.role == "historia" and d.nr == 1:  # "no end" as some systems write it
            frame = frame.with_columns(pl.col("utgangsdatum").fill_null(date(9999, 12, 31)))
        form = {"forra": XLSX, "senaste": BOM}.get(d.role, history[d.nr % len(history)])
        if d.role == "senaste":
            new = pl.col("inklusionsdatum") > f"{s.as_of.replace(day=1) - timedelta(days=60)}"
            frame = _damage(
                rng,
                _as_text(frame),
                [
                    ("kopia", new, {}),
                    ("fel", new & _checkable(), {"personnummer": _broken()}),
                    ("fel", new, {"utgangsdatum": pl.lit(f"{s.first}")}),
                    ("fel", new, {"register": pl.lit("CPUPP")}),
                    ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                ],
            )
        paths.append(_write(s.raw, "register_population", d, frame, form))

    rng = s.rng("register_registreringar")
    truth = _registrations(s, rng, truth)
    day = truth["dag"].to_numpy()
    no_form = rng.random(truth.height) < 0.01
    history = (GZ, PARQUET, GZ_COMPACT, XLSX)
    for d in _deliveries(s.as_of):
        keep = np.flatnonzero((day > d.lo) & (day <= d.hi))
        part = truth[keep]
        frame = pl.DataFrame(
            {
                "register": part["register"],
                "personnummer": s.persons.spelled(part["person"].to_numpy(), d.day, "12" if d.nr % 2 else "blandat"),
                "hsaid_enhet": HSAIDS.gather(part["unit"].cast(pl.UInt32)),
                "registreringsdatum": _dates(day[keep]),
                "formular": part["formular"].set(pl.Series(no_form[keep]) & (part["register"] == "skrs"), None),
            }
        )
        form = {"forra": WIN, "senaste": BOM}.get(d.role, history[d.nr % len(history)])
        if d.role == "senaste":
            frame = _stale_units(rng, frame, s.as_of)
        paths.append(_write(s.raw, "register_registreringar", d, frame, form))
    return paths


def _stale_units(rng: np.random.Generator, frame: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The one delivery that is to warn: 8 % of its rows name a unit that is not valid.

    After the reorganisation the hearing registers go on using the closed unit; before it, an id that nobody knows."""
    wanted = max(1, round(frame.height * 0.08))
    after = frame.with_row_index("_rad").filter(pl.col("registreringsdatum") >= REORGANISATION)
    hearing = after.filter(pl.col("register").str.contains("horsel"))
    reorganised = as_of >= REORGANISATION and after.height >= wanted
    rows = (hearing if hearing.height >= wanted else after)["_rad"] if reorganised else pl.Series(range(frame.height))
    chosen = rows.gather(rng.permutation(rows.len())[:wanted].astype(np.uint32)).to_list()
    wrong = UNITS[CLOSED].hsaid if reorganised else UNKNOWN_UNIT
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()).is_in(chosen))
        .then(pl.lit(wrong))
        .otherwise(pl.col("hsaid_enhet"))
        .alias("hsaid_enhet")
    )


def _avvikelser(s: Setting) -> list[Path]:
    """Deviation reports, about 750 a year, with handling, closing and investigations as far as known on each day."""
    rng = s.rng("avvikelser")
    first, last = _nr(s.first), _nr(s.as_of)
    days, weight = _activity(first, last, growth=0.025)
    unit, reported = _arrivals(rng, _rates("avv") * 0.98 / 12 * s.scale, days, weight)
    unit = _unit_at(unit, reported)
    n = len(unit)
    effect = (np.arange(len(UNITS)) * 5 % 7 / 7 - 0.45)[unit] * 0.16
    quick = rng.random(n) < 0.73 + effect + _ramp(reported, first, last, -0.04, 0.03)
    begun = reported + np.where(quick, rng.integers(0, 8, n), 8 + rng.exponential(14, n).astype(np.int64))
    closed_in_time = rng.random(n) < 0.83 + effect
    closed = np.maximum(begun, reported + np.where(closed_in_time, rng.gamma(2.2, 28.0, n), rng.uniform(181, 420, n)))
    closed = np.where(rng.random(n) < 0.02, NEVER, closed).astype(np.int64)
    asked = np.where(rng.random(n) < 0.22, reported + rng.integers(0, 15, n), NEVER)
    answer_in_time = rng.random(n) < 0.8 + effect
    answered = asked + np.where(answer_in_time, rng.integers(5, 61, n), rng.integers(61, 150, n))
    answered = np.where((asked == NEVER) | (rng.random(n) < 0.03), NEVER, answered)
    closed = np.where((answered < NEVER) & (closed < NEVER), np.maximum(closed, answered), closed)
    happened = reported - np.minimum(rng.geometric(0.25, n) - 1, 45)
    no_event = rng.random(n) < 0.04
    severity = rng.choice(np.array([0, 1, 2, 3, 4]), size=n, p=(0.06, 0.45, 0.34, 0.13, 0.02))
    kind = np.minimum((rng.random(n) * len(AVVIKELSETYPER)).astype(np.int64), len(AVVIKELSETYPER) - 1)
    year = reported.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    _, start_of_year = np.unique(year, return_index=True)
    number = np.arange(n) - start_of_year[year - year.min()] + 1 if n else np.arange(0)
    ids = pl.DataFrame({"y": year, "n": number}).select(
        pl.concat_str(
            pl.lit("AVV-"), pl.col("y").cast(pl.String), pl.lit("-"), pl.col("n").cast(pl.String).str.zfill(5)
        )
    )

    history = (XLSX, WIN, XLSX, XLSX)
    paths = []
    for d in _deliveries(s.as_of, newest_from_january=True):
        steps = np.stack([reported, begun, closed, asked, answered])
        changed = np.where(steps <= d.hi, steps, ALWAYS).max(axis=0)
        keep = np.flatnonzero((reported <= d.hi) & (changed > d.lo))

        def so_far(when: npt.NDArray[Any], keep: Ints = keep, until: int = d.hi) -> pl.Series:
            """Dates that were known when the delivery was made."""
            return _dates(np.minimum(when[keep], until), when[keep] > until)

        frame = pl.DataFrame(
            {
                "avvikelse_id": ids.to_series().gather(pl.Series(keep.astype(np.uint32))),
                "hsaid_enhet": HSAIDS.gather(pl.Series(unit[keep].astype(np.uint32))),
                "handelsedatum": _dates(happened[keep], no_event[keep]),
                "registreringsdatum": _dates(reported[keep]),
                "paborjad_datum": so_far(begun),
                "avslutad_datum": so_far(closed),
                "utredning_begard_datum": so_far(asked),
                "utredning_besvarad_datum": so_far(answered),
                "allvarlighetsgrad": pl.Series(severity[keep]).set(pl.Series(severity[keep] == 0), None),
                "typ": _choose(AVVIKELSETYPER, kind[keep]),
            }
        )
        form = {"forra": XLSX, "senaste": XLSX}.get(d.role, history[d.nr % len(history)])
        if d.role == "senaste":
            new = pl.col("registreringsdatum") >= pl.lit(s.as_of.replace(day=1))
            not_asked = new & pl.col("utredning_begard_datum").is_null()
            frame = _damage(
                rng,
                frame,
                [
                    ("kopia", new, {}),
                    ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
                    ("fel", new, {"handelsedatum": pl.col("registreringsdatum") + pl.duration(days=3)}),
                    ("fel", not_asked, {"utredning_besvarad_datum": pl.col("registreringsdatum")}),
                    ("fel", new, {"registreringsdatum": pl.lit(None, pl.Date)}),
                    ("fel", new, {"avslutad_datum": pl.lit(d.day + timedelta(days=14))}),
                    ("konflikt", new, {"allvarlighetsgrad": pl.lit(4, pl.Int64), "typ": pl.lit("Övrigt")}),
                ],
            )
        if form.ext == "xlsx":
            frame = frame.rename(
                {
                    "avvikelse_id": "Avvikelse-id",
                    "hsaid_enhet": "HSAID enhet",
                    "handelsedatum": "Händelsedatum",
                    "registreringsdatum": "Registreringsdatum",
                    "paborjad_datum": "Påbörjad datum",
                    "avslutad_datum": "Avslutad datum",
                    "utredning_begard_datum": "Utredning begärd datum",
                    "utredning_besvarad_datum": "Utredning besvarad datum",
                    "allvarlighetsgrad": "Allvarlighetsgrad",
                    "typ": "Typ",
                }
            )
        paths.append(_write(s.raw, "avvikelser", d, frame, form))
    return paths


def write_demo(raw: Path, seed: int = 2022, scale: float = 1.0, as_of: date = date(2022, 9, 30)) -> list[Path]:
    """Write the sample set of the core sources below `raw`, from 1 January three years before as_of; its files, sorted.

    `scale` multiplies the rows of every source but the unit register, and the persons as far as the test numbers reach.
    Files of the same name are overwritten, others left alone. The same arguments give the same bytes."""
    if not 0 < scale < 100_000:
        raise ValueError(f"scale must be above 0 and below 100000, not {scale}")
    first = date(as_of.year - 3, 1, 1)
    persons = _persons(np.random.default_rng([seed, 99]), max(600, round(8000 * scale)), first, as_of)
    setting = Setting(Path(raw), scale, first, as_of, persons, seed)
    makers: tuple[Callable[[Setting], list[Path]], ...] = (_enheter, _vantetider, _kva, _gas, _registers, _avvikelser)
    return sorted(path for make in makers for path in make(setting))


# --- a large set for measuring ----------------------------------------------------------------------------------------


def _parts(total: int, chunk: int = CHUNK_ROWS) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of each chunk."""
    for start in range(0, total, chunk):
        yield start, min(chunk, total - start)


def _append_csv(stream: IO[bytes], frame: pl.DataFrame, header: bool) -> None:
    """Append a chunk to an open csv file (`;`, UTF-8)."""
    frame.write_csv(stream, separator=";", include_header=header, date_format="%Y-%m-%d")


def write_benchmark(raw: Path, rows: int, seed: int = 1) -> None:
    """A plain large set below `raw`: the unit register and `rows` rows, 60 % vantetider and 40 % kva, as csv.

    Four deliveries per source (two years, a half-year and the newest quarter). About 0.1 % of the rows are to be
    refused (an unknown unit), about 0.5 % are corrected rows in the newest delivery under keys of an earlier one.
    Written in chunks: memory grows only with the persons and the corrected rows."""
    raw = Path(raw)
    as_of = date(2022, 9, 30)
    rng = np.random.default_rng([seed, 7])
    persons = _persons(rng, min(max(rows // 20, 2000), 400_000), date(2020, 1, 1), as_of)
    personnummer = persons.spelled(np.arange(len(persons.birth)), as_of, "12")
    people = int(np.searchsorted(persons.birth, _nr(date(2019, 7, 1))))  # born before the first delivery's year
    _write(raw, "enheter", Delivery(as_of, 0, 0, 0, "", "senaste"), _unit_rows(as_of, True), BOM)

    working = np.array([i for i, u in enumerate(UNITS) if u.besok > 0])
    share = _rates("besok")[working] / _rates("besok").sum()
    unit_cdf = np.cumsum(share)
    windows = [
        (date(2020, 12, 31), date(2020, 1, 1)),
        (date(2021, 12, 31), date(2021, 1, 1)),
        (date(2022, 6, 30), date(2022, 1, 1)),
        (as_of, date(2022, 7, 1)),
    ]
    shares = (0.36, 0.37, 0.18, 0.09)
    units = pl.concat([HSAIDS, pl.Series("hsaid", [UNKNOWN_UNIT])])
    codes_a = pl.Series([*OVRIGA_KODER[:8], "DV132", "DV133", "DU055"])
    codes_b = pl.Series([*OVRIGA_KODER[8:], "DV111", "DV142", "QT016"])

    def some_units(n: int, event: npt.NDArray[Any]) -> pl.Series:
        """HSA ids of n events, one in a thousand unknown."""
        unit = working[np.minimum(np.searchsorted(unit_cdf, rng.random(n)), len(working) - 1)]
        unit = np.where(rng.random(n) < 0.001, len(UNITS), _unit_at(unit, event))
        return units.gather(pl.Series(unit.astype(np.uint32)))

    def waits(start: int, n: int, low: int, high: int) -> pl.DataFrame:
        """Make n rows of vantetider with ids from `start`: three of four performed, else waiting at a month end."""
        done = rng.random(n) < 0.75
        day = rng.integers(low, high + 1, n).astype(np.int32)
        event = np.where(done, day, _month_end(_month(day))).astype(np.int32)
        fas = rng.choice(np.array([1, 2, 3, 4], dtype=np.int8), size=n, p=(0.5, 0.2, 0.05, 0.25))
        decided = (day - np.exp(rng.normal(3.8, 0.55, n))).astype(np.int32)
        person = rng.integers(0, people, n)
        code = rng.choice(np.array([0, 1, 2, 3], dtype=np.int8), size=n, p=(0.93, 0.04, 0.02, 0.01))
        year = persons.birth[person].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        return pl.DataFrame(
            {
                "vardkontakt_id": "V" + (pl.Series(np.arange(start, start + n)) + 100_000_000).cast(pl.String),
                "status": _choose(("VANTANDE", "GENOMFORD"), done),
                "matperiod": _dates(event).dt.strftime("%Y-%m"),
                "fas": fas,
                "vardgaranti": _choose(("Nej", "Ja"), (fas < 3) & (rng.random(n) < 0.93)),
                "avvikelsekod": pl.Series(code).set(pl.Series(code == 0), None),
                "beslut_datum": _dates(decided),
                "start_datum": _dates(day, ~done),
                "medicinskt_maldatum": _dates(day + rng.integers(-9, 60, n), fas != 4),
                "hsaid_enhet": some_units(n, event),
                "kon": persons.kon.gather(pl.Series(person.astype(np.uint32))),
                "fodelsear": year,
                "lkf": _choose(LKF["Länet"], rng.integers(0, 8, n)),
            }
        )

    def measures(start: int, n: int, low: int, high: int) -> pl.DataFrame:
        """Make n rows of kva from row `start`: two codes per contact, from two lists that do not meet."""
        row = np.arange(start, start + n)
        day = rng.integers(low, high + 1, n).astype(np.int32)
        person = pl.Series(rng.integers(0, people, n).astype(np.uint32))
        pair = pl.DataFrame(
            {
                "a": codes_a.gather(pl.Series(rng.integers(0, codes_a.len(), n).astype(np.uint32))),
                "b": codes_b.gather(pl.Series(rng.integers(0, codes_b.len(), n).astype(np.uint32))),
                "odd": row % 2 == 1,
            }
        )
        return pl.DataFrame(
            {
                "vardkontakt_id": "K" + (pl.Series(row // 2) + 100_000_000).cast(pl.String),
                "kva_kod": pair.select(pl.when("odd").then("a").otherwise("b")).to_series(),
                "personnummer": personnummer.gather(person),
                "hsaid_enhet": some_units(n, day),
                "atgardsdatum": _dates(day),
                "yrkeskategori": _choose(YRKEN, rng.integers(0, len(YRKEN), n)),
            }
        )

    for source, part, make, column, value in (
        ("vantetider", 0.6, waits, "lkf", "1880"),
        ("kva", 0.4, measures, "yrkeskategori", "dietist"),
    ):
        folder = raw / source
        folder.mkdir(parents=True, exist_ok=True)
        total = round(rows * part)
        again = round(total * 0.005)
        sizes = [round((total - again) * x) for x in shares]
        sizes[-1] = total - again - sum(sizes[:-1])
        begin, stash = 0, []
        for nr, ((day, since), size) in enumerate(zip(windows, sizes, strict=True)):
            with (folder / f"{source}_{day:%Y-%m-%d}.csv").open("wb") as stream:
                for start, n in _parts(size):
                    frame = make(begin + start, n, _nr(since), _nr(day))
                    _append_csv(stream, frame, header=start == 0)
                    if nr < 3:
                        stash.append(frame.head(-(-again * n // max(sum(sizes[:3]), 1))))
                if nr == 3 and stash:
                    corrected = pl.concat(stash).head(again).with_columns(pl.lit(value).alias(column))
                    _append_csv(stream, corrected, header=size == 0)
            begin += size
