"""Random but realistic deliveries that exercise the quirks and defects that extracts.md names.

``write_deliveries(raw, seed)`` writes files for all sources under ``raw`` and returns the as-of date to use.
Only test personnummer (birth numbers 980-999) are valid ones here.
"""

from __future__ import annotations

import gzip
import io
import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import xlsxwriter

from . import worlds
from .oracle import MONTHLY, ORDER_RULES, SOURCES, Col, key_columns, luhn_ok, month_end

SWEDEN = ZoneInfo("Europe/Stockholm")
NBSP = "\u00a0"
Record = dict[str, Any]
FAR = date(9999, 12, 31)
REORGANISATION = date(2022, 9, 1)

DIACRITIC_HEADERS = {
    "giltig_fran": "Giltig från",
    "kon": "Kön",
    "fodelsear": "Födelseår",
    "medicinskt_maldatum": "Medicinskt måldatum",
    "lansdel": "Länsdel",
    "svarighet": "Svårighet",
    "mal_nr": "Mål-nr",
    "paborjad_datum": "PÅBÖRJAD DATUM",
    "matperiod": "Mätperiod",
    "atgardsdatum": "Åtgärdsdatum",
    "utgangsdatum": "Utgångsdatum",
    "vardkontakt_id": "Vårdkontakt-ID",
    "vardgaranti": "vårdgaranti",
    "formular": "Formulär",
    "handelsedatum": "Händelsedatum",
    "utredning_begard_datum": "Utredning begärd datum",
    "manad": "Månad",
    "flode": "Flöde",
    "tjanst": "Tjänst",
    "h_fore": "H före",
    "h_forklade": "H-förkläde",
    "k_har": "K hår",
}
DROPPABLE = {"yrkeskategori", "typ", "lkf", "fodelsear", "lansdel", "diagnoskod", "allvarlighetsgrad"}
DROPPABLE |= {"flode", "rapporterande_enhet", "utredande_enhet", "form", "konto_grupp", "budget_kr", "kommentar"}
SWEDISH = {
    "GENOMFORD": "Genomförd",
    "VANTANDE": "VÄNTANDE",
    "patientsakerhet": "Patientsäkerhet",
    "miljo": "Miljö",
    "uppfoljd": "Uppföljd",
    "lon": "Lön",
    "kopt_vard": "Köpt vård",
    "ej_paborjad": "Ej påbörjad",
    "pagar": "PÅGÅR",
    "genomford": "Genomförd",
    "utgar": "Utgår",
}


@dataclass(frozen=True)
class Raw:
    """A cell that is written exactly so."""

    text: str


@dataclass
class World:
    """Everything that happened, before anyone extracts it."""

    rng: random.Random
    units: dict[str, list[tuple[date, date, str, str]]] = field(default_factory=dict)  # (from, to, code, name)
    persons: list[str] = field(default_factory=list)
    records: dict[str, list[Record]] = field(default_factory=dict)
    counter: int = 0

    def valid_units(self, day: date, codes: str) -> list[str]:
        """Units that have one of the verksamheter on the day."""
        wanted = codes.split("|")
        return [u for u, ps in self.units.items() if any(a <= day <= b and c in wanted for a, b, c, _ in ps)]

    def unit(self, day: date, codes: str) -> str | None:
        """A unit valid on the day; the first ones are the largest."""
        units = self.valid_units(day, codes)
        return self.rng.choices(units, [1 / (i + 1) for i in range(len(units))])[0] if units else None

    def fresh(self) -> int:
        """A number never used before."""
        self.counter += 1
        return self.counter


def make_person(rng: random.Random, kind: str, low: int, high: int) -> str:
    """A test personnummer in normal form: person, samordning or reserv."""
    born = date(rng.randint(low, high), 1, 1) + timedelta(days=rng.randint(0, 364))
    if rng.random() < 0.05 and low <= 2000 <= high:
        born = date(2000, 2, 29)
    if kind == "reserv":
        return f"{born:%Y%m%d}{rng.choice(['99', '98'])}{rng.choice('ABCKRptf')}{rng.randint(0, 9)}"
    day = born.day + (60 if kind == "samordning" else 0)
    nine = f"{born:%y%m}{day:02d}{rng.randint(980, 999)}"
    check = next(d for d in "0123456789" if luhn_ok(nine + d))
    return f"{born:%Y%m}{day:02d}{nine[6:]}{check}"


def _some_day(rng: random.Random, start: date, end: date) -> date:
    if rng.random() < 0.02 and start <= date(2020, 2, 29) <= end:
        return date(2020, 2, 29)
    return start + timedelta(days=rng.randint(0, max(0, (end - start).days)))


STARTS = (date(2018, 1, 1), date(2018, 7, 10), date(2019, 3, 5), date(2020, 2, 1))


def build_world(rng: random.Random, end: date, starts: Sequence[date] = STARTS) -> World:
    """Units, persons and events up to some months after ``end``."""
    world = World(rng)
    hsa = "SE2321000164-"
    early = date(2010, 1, 1)
    world.units = {
        hsa + "1AUD": [(early, FAR, "AUD", "Audiologiska, Örebro")],
        hsa + "2BUH": [(early, FAR, "BUH", "Barn- och ungdomshabiliteringen Norr")],
        hsa + "3VUH": [(early, FAR, "VUH", 'Vuxenhab; "öppenvård"')],
        hsa + "4SC": [(early, FAR, "SC", "Syncentralen")],
        hsa + "5CFH": [(early, FAR, "CFH", "Hjälpmedel\nLänet")],
        hsa + "6OT": [(early, FAR, "OT", "Ortopedteknik | verkstad")],
        hsa + "7TC": [(early, FAR, "TC", "Tolkcentralen")],
        hsa + "8FAM": [(early, FAR, "FAM", "Familjerådgivningen")],
        hsa + "AUDS": [(date(2014, 5, 1), date(2021, 3, 31), "AUD", "Hörselrehab Söder")],
        hsa + "AUDN": [(date(2021, 1, 1), FAR, "AUD", "Hörselrehab Norr")],
        hsa + "BUHV": [
            (early, REORGANISATION - timedelta(days=1), "BUH", "Habilitering Väster"),
            (REORGANISATION, FAR, "VUH", "Habilitering Väster vuxen"),
        ],
        hsa + "SC2": [
            (early, date(2020, 6, 30), "SC", "Synhjälp"),
            (date(2021, 1, 1), FAR, "SC", "Synhjälp åter"),
        ],
        hsa + "VUHM": [
            (early, date(2022, 9, 14), "BUH", "Ungdomsteamet"),
            (date(2022, 9, 15), FAR, "VUH", "Ungdomsteamet"),
        ],
        hsa + "OTB": [(early, date(2021, 5, 17), "OT", "Ortopedteknik Berget")],
    }
    world.persons = [make_person(rng, "person", 1932, 2016) for _ in range(110)]
    world.persons += [make_person(rng, "samordning", 1950, 2012) for _ in range(6)]
    world.persons += [make_person(rng, "person", 1906, 1919) for _ in range(4)]
    world.persons += [make_person(rng, "reserv", 1950, 2010) for _ in range(3)]
    world.persons = list(dict.fromkeys(world.persons))
    last = end + timedelta(days=60)
    weights = [4, 2, 2, 1][: len(starts)]
    for source, build in {
        "vantetider": _waits,
        "kva": _kva,
        "gas": _gas,
        "avvikelser": _deviations,
    }.items():
        build(world, rng.choices(starts, weights)[0], last)
        assert world.records[source]
    for source, make in {
        "bhk": worlds.hygiene,
        "ronder": worlds.rounds,
        "klimatinkop": worlds.purchases,
        "ekonomi": worlds.accounts,
        "etjanster": worlds.services,
        "aktiviteter": worlds.activities,
    }.items():
        world.records[source] = make(world, rng.choices(starts, weights)[0], last)
    _registers(world, rng.choices(starts, weights)[0], last)
    return world


def _new_id(world: World, prefix: str) -> str:
    number = world.fresh()
    return f"{100000 + number}" if number % 3 else f"{prefix}-{number:05d}"


def _waits(world: World, first: date, last: date) -> None:
    rng, rows = world.rng, []
    for _ in range(rng.randint(330, 650)):
        begin = _some_day(rng, first - timedelta(days=60), last)
        days = rng.choice([0, 7, 30, 60, 89, 90, 91, 100, 180, rng.randint(1, 150), rng.randint(1, 90)])
        start = begin + timedelta(days=days)
        phase = rng.choices([1, 2, 3, 4, 5], [50, 18, 4, 25, 3])[0]
        codes = {2: "BUH|VUH", 4: "AUD|SC"}.get(phase, "AUD|BUH|VUH|SC|CFH|OT|FAM|TC")
        unit = world.unit(start, codes)
        contact = {
            "vardkontakt_id": _new_id(world, "VK"),
            "fas": phase,
            "vardgaranti": rng.random() < 0.88,
            "avvikelsekod": rng.choices([None, 1, 2, 3], [85, 6, 5, 4])[0],
            "beslut_datum": begin,
            "kon": rng.choices("KMO", [50, 46, 4])[0],
            "fodelsear": rng.choice([None, rng.randint(1901, 2018)]),
            "lkf": rng.choice([None, "1880", "0000", "1861"]),
            "medicinskt_maldatum": start + timedelta(days=rng.randint(-20, 40)) if phase == 4 else None,
            "flode": rng.choice([None, "NP", "NP", "Smärta"]) if phase == 2 else None,
        }
        if unit and start <= last and start >= first:
            rows.append(
                {
                    **contact,
                    "status": "GENOMFORD",
                    "matperiod": start.replace(day=1),
                    "start_datum": start,
                    "hsaid_enhet": unit,
                }
            )
        month = begin.replace(day=1)
        while month_end(month) < start and month <= last and phase == 1:
            unit = world.unit(month_end(month), codes)
            if unit and month >= first:
                rows.append(
                    {
                        **contact,
                        "status": "VANTANDE",
                        "matperiod": month,
                        "start_datum": None,
                        "hsaid_enhet": unit,
                    }
                )
            month = month_end(month) + timedelta(days=1)
    world.records["vantetider"] = rows


def _kva(world: World, first: date, last: date) -> None:
    rng, rows = world.rng, []
    habits = ["DV111", "DV112", "DV113", "DV121", "DV132", "DV143", "DV200"]
    kin = ["DU055", "DU056", "DU057", "QT016"]
    other = ["DV144", "DV145", "DV131", "GAA10", "XS012"]
    for _ in range(rng.randint(300, 600)):
        day = _some_day(rng, first, last)
        unit = world.unit(day, rng.choice(["AUD", "BUH|VUH", "VUH|SC", "BUH", "CFH|AUD"]))
        if unit is None:
            continue
        contact, person = _new_id(world, "K"), rng.choice(world.persons)
        for code in sorted(
            {rng.choice(rng.choices([habits, kin, other], [6, 4, 2])[0]) for _ in range(rng.randint(1, 2))}
        ):
            rows.append(
                {
                    "vardkontakt_id": contact,
                    "kva_kod": code,
                    "personnummer": person,
                    "hsaid_enhet": unit,
                    "atgardsdatum": day,
                    "yrkeskategori": rng.choice(
                        [None, "Audionom", "Läkare; specialist", 'Fysio"terapeut"', "Rad\ntvå"]
                    ),
                }
            )
    world.records["kva"] = rows


def _gas(world: World, first: date, last: date) -> None:
    rng, rows = world.rng, []
    for _ in range(rng.randint(110, 190)):
        base = _some_day(rng, first, last)
        unit = world.unit(base, rng.choice(["BUH", "VUH", "BUH|VUH", "AUD|BUH"]))
        if unit is None:
            continue
        plan, person = _new_id(world, "GAS"), rng.choice(world.persons)
        weights = rng.choice(["none", "none", "full", "mixed", "zero"])
        number = rng.choice([1, 1, 1, 2])
        for _ in range(rng.randint(1, 4)):
            done = base + timedelta(days=rng.randint(0, 240)) if rng.random() < 0.75 else None
            where = unit if rng.random() < 0.93 or done is None else world.unit(done, "BUH|VUH")
            weighted = weights == "full" or (weights == "mixed" and rng.random() < 0.5)
            if done and not any(a <= done <= b for a, b, _, _ in world.units[where or unit]):
                done = None
            rows.append(
                {
                    "gas_id": plan,
                    "mal_nr": number,
                    "personnummer": person,
                    "hsaid_enhet": where or unit,
                    "viktighet": rng.randint(0, 3) if weighted else 0 if weights == "zero" else None,
                    "svarighet": rng.randint(0, 3) if weighted else 1 if weights == "zero" else None,
                    "baslinje": rng.choice([-2, -2, -1, -1, 0]),
                    "baslinjedatum": base,
                    "utfall": rng.choice([-2, -1, 0, 0, 1, 2]) if done else None,
                    "utfallsdatum": done,
                }
            )
            number += rng.choice([1, 1, 2])
    world.records["gas"] = rows


def _registers(world: World, first: date, last: date) -> None:
    rng = world.rng
    population: list[Record] = []
    registrations: list[Record] = []
    places = {
        "cpup": ("BUH|VUH", 70),
        "horselrehab": ("AUD", 110),
        "grav_horsel_vuxna": ("AUD", 40),
        "horsel_barn": ("AUD|BUH", 50),
        "skrs": ("SC", 60),
    }
    for register, (codes, number) in places.items():
        for person in rng.choices(world.persons, k=number):
            days = {_some_day(rng, first, last) for _ in range(rng.choices([1, 2], [8, 2])[0])}
            for day in sorted(days):
                unit = world.unit(day, codes if rng.random() < 0.96 else "SC|CFH")
                if unit is None:
                    continue
                left = day + timedelta(days=rng.randint(0, 900)) if rng.random() < 0.2 else None
                population.append(
                    {
                        "register": register,
                        "personnummer": person,
                        "hsaid_enhet": unit,
                        "inklusionsdatum": day,
                        "utgangsdatum": left,
                        "diagnoskod": rng.choice([None, "H90.3", "G80.1", "H903", "H54"]),
                    }
                )
            if rng.random() < 0.75:
                day = min(days) + timedelta(days=rng.randint(-100, 200))
                while day <= last:
                    unit = world.unit(day, codes) if day >= first else None
                    if unit:
                        registrations.append(
                            {
                                "register": register,
                                "personnummer": person,
                                "hsaid_enhet": unit,
                                "registreringsdatum": day,
                                "formular": rng.choice([None, None, "Ny", "Uppföljning; år 1"]),
                            }
                        )
                    day += timedelta(days=rng.choice([365, 364, 366, 200, 500, 30]))
    world.records["register_population"] = _unique("register_population", population)
    world.records["register_registreringar"] = _unique("register_registreringar", registrations)


def _unique(source: str, rows: list[Record]) -> list[Record]:
    """The first row of every key."""
    found: dict[tuple[Any, ...], Record] = {}
    for row in rows:
        found.setdefault(_key(source, row), row)
    return list(found.values())


def _key(source: str, row: Record) -> tuple[Any, ...]:
    needed, optional = key_columns(source, row)
    return tuple(row.get(column) for column in [*needed, *optional])


def _deviations(world: World, first: date, last: date) -> None:
    rng, rows = world.rng, []
    for _ in range(rng.randint(300, 700)):
        day = _some_day(rng, first, last)
        unit = world.unit(day, rng.choice(["AUD", "BUH|VUH", "SC", "AUD|BUH|VUH|SC|CFH|OT|FAM|TC"]))
        if unit is None:
            continue
        started = day + timedelta(days=rng.choice([0, 3, 7, 8, 20])) if rng.random() < 0.85 else None
        ended = day + timedelta(days=rng.choice([5, 60, 180, 181, 240])) if rng.random() < 0.8 else None
        asked = day + timedelta(days=rng.choice([-30, -3, 0, 10, 40])) if rng.random() < 0.4 else None
        answer = asked + timedelta(days=rng.choice([0, 30, 60, 61, 120])) if asked and rng.random() < 0.75 else None
        rows.append(
            {
                "avvikelse_id": _new_id(world, "AVV"),
                "hsaid_enhet": unit,
                "handelsedatum": rng.choice([None, day, day - timedelta(days=9)]),
                "registreringsdatum": day,
                "paborjad_datum": started,
                "avslutad_datum": ended,
                "utredning_begard_datum": asked,
                "utredning_besvarad_datum": answer,
                "allvarlighetsgrad": rng.choice([None, 1, 2, 3, 4]),
                "rapporterande_enhet": _other_unit(world),
                "utredande_enhet": _other_unit(world) if asked else None,
                "typ": rng.choice([None, "Fall", "Läkemedel, dos", "Kö|väntan", 'Ö "citat"', "rad 1\nrad 2"]),
            }
        )
    world.records["avvikelser"] = rows


def _other_unit(world: World) -> str | None:
    """A unit that reports or investigates: none, one of ours, whether it is valid on the day or not, or a stranger."""
    return world.rng.choice([None, None, None, *world.units, "SE2321000131-EXTERN"])


def snapshot(world: World, source: str, day: date) -> list[Record]:
    """What an extract on the day holds: what has happened by then, later dates still empty."""
    rows = []
    if source == "enheter":
        for unit, periods in world.units.items():
            for start, end, code, name in periods:
                if start > day + timedelta(days=60):
                    continue
                rows.append(
                    {
                        "hsaid_enhet": unit,
                        "enhetsnamn": name,
                        "verksamhet": code,
                        "lansdel": world.rng.choice([None, "Norr", "Väster", "söder", "Örebro", "Länet"]),
                        "giltig_fran": start,
                        "giltig_till": end if end <= day + timedelta(days=60) else None,
                    }
                )
        return rows
    for record in world.records[source]:
        row = dict(record)
        mandatory = [c.name for c in SOURCES[source] if c.happened and c.mandatory]
        if any(row[name] > day for name in mandatory):
            continue
        if source == "vantetider" and (
            (row["status"] == "GENOMFORD" and row["start_datum"] > day)
            or (row["status"] == "VANTANDE" and row["matperiod"] > day)
        ):
            continue
        if source in MONTHLY and row["manad"] > day:
            continue
        for col in SOURCES[source]:
            if col.happened and row.get(col.name) and row[col.name] > day:
                row[col.name] = None
                if col.name == "utfallsdatum":
                    row["utfall"] = None
        rows.append(row)
    return rows


# --------------------------------------------------------------------------------------------------------------
# Defects
# --------------------------------------------------------------------------------------------------------------

BAD: dict[str, list[str]] = {
    "date": ["2022-02-30", "22-03-04", "1899-12-31", "2022/03/04", "igår", "2021-13-01", "2022-3-4", "20210230"],
    "month": ["2022-13", "mars 2022", "2022", "202200"],
    "number": ["1e3", "1,2,3", "fem", "1.000.000", "12 kr", "NaN"],
    "int": ["1e3", "0x10", "1_000", "NaN", "3,5", "--1", "x", "inf", "1.5"],
    "janej": ["kanske", "X", "3"],
    "kon": ["X", "4", "Kvinnor"],
    "hsaid": ["SE123-1", "XX2321000164-1AUD", "SE2321000164-" + "A" * 19, "SE2321000164-Å1", "SE23210001641AUD"],
    "kva": ["AB12", "ABCD1", "DV1111", "12345"],
}
MISSING_TEXTS = ["", "NULL", "null", "NA", "na", "-", " ", NBSP]


def bad_person(rng: random.Random) -> str:
    """A personnummer that is none: wrong check digit, no such date, birth number 000, too short."""
    good = make_person(rng, "person", 1940, 2010)
    wrong = good[:-1] + str((int(good[-1]) + rng.randint(1, 9)) % 10)
    nine = good[2:4] + "0230" + good[8:11]
    no_date = good[:2] + nine + next(d for d in "0123456789" if luhn_ok(nine + d))
    nine = good[2:8] + "000"
    zero = good[:2] + nine + next(d for d in "0123456789" if luhn_ok(nine + d))
    return rng.choice([wrong, wrong[2:8] + "-" + wrong[8:], no_date, zero, good[3:], "okänd"])


def defect_kinds(source: str) -> list[tuple[str, str]]:
    """Every (kind, column) that a row of the source can break."""
    kinds: list[tuple[str, str]] = []
    for col in SOURCES[source]:
        if col.mandatory:
            kinds.append(("saknas", col.name))
        if col.type in BAD or col.type == "pnr":
            kinds.append(("format", col.name))
        if col.allowed or col.low is not None:
            kinds.append(("varde", col.name))
        if col.happened:
            kinds.append(("framtid", col.name))
    kinds += [("ordning", f"{a}>{b}") for a, b in ORDER_RULES[source]]
    kinds += [("rad", ""), ("konflikt", ""), ("konflikt3", ""), ("dubblett", ""), ("flera", "")]
    if source == "enheter":
        kinds += [("overlapp", ""), ("overlapp", "verksamhet")]
    elif any(col.name == "hsaid_enhet" for col in SOURCES[source]):
        kinds += [("okand", ""), ("ej_giltig", "")]
    kinds += {
        "vantetider": [
            ("vantar_start", ""),
            ("vantar_start_format", ""),
            ("saknar_start", ""),
            ("saknar_mal", ""),
            ("beslut_efter_manad", ""),
            ("fel_manad", ""),
            ("lkf", ""),
            ("fodelsear_framtid", ""),
            ("konflikt_status", ""),
        ],
        "gas": [
            ("utfall_utan_datum", ""),
            ("datum_utan_utfall", ""),
            ("utfall_x", ""),
            ("vikt", "viktighet"),
            ("vikt", "svarighet"),
        ],
        "avvikelser": [("besvarad_utan", "")],
        "register_population": [("diagnos", "")],
        "aktiviteter": [("annans_punkt", ""), ("okand_punkt", ""), ("lang_kommentar", "")],
    }.get(source, [])
    return kinds


def _fresh_key(world: World, source: str, row: Record, day: date) -> None:
    """Give the row a business key that no other row has."""
    number = world.fresh()
    for column in ("vardkontakt_id", "gas_id", "avvikelse_id", "observation_id", "rond_id"):
        if column in row:
            row[column] = f"D{number}"
    part = {"klimatinkop": "artikelgrupp", "ekonomi": "konto", "etjanster": "tjanst"}.get(source)
    if part:
        row[part] = f"d{number}"
    if source == "aktiviteter":  # a month that no period of the grid holds
        row["manad"] = date(2030 + number // 12, number % 12 + 1, 1)
    if source == "enheter":
        row["hsaid_enhet"] = f"SE2321000164-D{number}"
        row["giltig_till"] = None
    if source.startswith("register_"):
        row["personnummer"] = make_person(world.rng, "person", 1940, 2010)
        if source == "register_registreringar":
            row["formular"] = f"F{number}"


def make_defect(world: World, source: str, kind: tuple[str, str], base: Record, day: date) -> list[Record]:
    """The rows that show one kind of defect."""
    rng = world.rng
    name, column = kind
    row = dict(base)
    row["makulerad"] = None
    if rng.random() < 0.7 or name in {"rad", "konflikt", "konflikt3", "dubblett", "overlapp"} or source == "enheter":
        _fresh_key(world, source, row, day)
    cols = {col.name: col for col in SOURCES[source]}
    col = cols.get(column)
    rows = [row]
    later = day + timedelta(days=rng.randint(1, 20))
    match name:
        case "saknas":
            assert col
            texts = [*MISSING_TEXTS, "1900-01-01", "9999-12-31"] if col.type == "date" else MISSING_TEXTS
            row[column] = Raw(rng.choice(texts))
        case "format":
            assert col
            row[column] = Raw(bad_person(rng) if col.type == "pnr" else rng.choice(BAD[col.type]))
        case "varde":
            assert col
            if col.allowed:
                row[column] = Raw("XYZ")
            else:
                assert col.low is not None
                row[column] = col.low - 1 if rng.random() < 0.5 or col.high is None else col.high + 1
                if column == "utfall":
                    row["utfallsdatum"] = row["utfallsdatum"] or day
        case "framtid":
            row[column] = later
        case "ordning":
            first, second = column.split(">")
            anchor = row.get(first) or row.get(second) or day - timedelta(days=30)
            row[first], row[second] = anchor, anchor - timedelta(days=rng.randint(1, 9))
        case "rad":
            row["__extra__"] = True
        case "konflikt" | "konflikt3":
            other = dict(row)
            place, differs = {
                "enheter": ("enhetsnamn", "Annat namn"),
                "klimatinkop": ("belopp_kr", Decimal("-123.45")),
                "ekonomi": ("utfall_kr", Decimal("-123.45")),
                "etjanster": ("antal", 123456),
                "aktiviteter": ("kommentar", "Något annat"),
            }.get(source, ("hsaid_enhet", rng.choice(list(world.units))))
            other[place] = differs
            if other[place] == row[place]:
                other["makulerad"] = True
            rows = [row, other] if name == "konflikt" else [row, dict(row), other]
        case "dubblett":
            rows = [row] + [dict(row) for _ in range(rng.randint(1, 2))]
        case "flera":
            for bad in rng.sample([c for c in SOURCES[source] if c.type in BAD or c.type == "pnr"], 2):
                row[bad.name] = Raw(bad_person(rng) if bad.type == "pnr" else rng.choice(BAD[bad.type]))
            text = rng.choice([c for c in SOURCES[source] if c.mandatory])
            row[text.name] = Raw("")
        case "overlapp":
            other = dict(row)
            row["giltig_fran"], other["giltig_fran"] = date(2015, 1, 1), date(2016, 1, 1)
            row["giltig_till"] = date(2016, 1, 1)
            if column:
                other["verksamhet"] = Raw("XYZ")
            rows = [row, other]
        case "okand":
            row["hsaid_enhet"] = "SE2321000164-OKAND"
        case "ej_giltig":
            row["hsaid_enhet"] = "SE2321000164-AUDN"
            for event in (c.name for c in SOURCES[source] if c.happened):
                if row.get(event):
                    row[event] = date(2020, 11, 2)
            if source == "vantetider":
                row["matperiod"] = date(2020, 11, 1)
            if source in MONTHLY:
                row["manad"] = date(2020, 11, 1)
        case "vantar_start" | "vantar_start_format":
            row |= {"status": "VANTANDE", "start_datum": row["beslut_datum"], "matperiod": day.replace(day=1)}
            if name == "vantar_start_format":
                row["start_datum"] = Raw("snart")
        case "saknar_start":
            row |= {"status": "GENOMFORD", "start_datum": None}
        case "saknar_mal":
            row |= {"fas": 4, "medicinskt_maldatum": None}
        case "beslut_efter_manad":
            month = row["beslut_datum"].replace(day=1) - timedelta(days=1)
            row |= {"status": "VANTANDE", "start_datum": None, "matperiod": month.replace(day=1)}
        case "fel_manad":
            row |= {"status": "GENOMFORD", "start_datum": row["beslut_datum"]}
            row["matperiod"] = (row["beslut_datum"].replace(day=1) - timedelta(days=1)).replace(day=1)
        case "lkf":
            row["lkf"] = rng.choice(["18", "18800", "abcd"])
        case "fodelsear_framtid":
            row["fodelsear"] = day.year + 1
        case "konflikt_status":
            row["status"] = Raw("XYZ")
            rows = [row, {**row, "kon": "M" if row["kon"] == "K" else "K"}]
        case "utfall_utan_datum":
            row |= {"utfall": 1, "utfallsdatum": None}
        case "datum_utan_utfall":
            row |= {"utfall": None, "utfallsdatum": row["baslinjedatum"]}
        case "utfall_x":
            row |= {"utfall": Raw("x"), "utfallsdatum": row["baslinjedatum"]}
        case "vikt":
            row |= {"viktighet": 2, "svarighet": 2, column: None}
        case "besvarad_utan":
            row |= {"utredning_begard_datum": None, "utredning_besvarad_datum": row["registreringsdatum"]}
        case "diagnos":
            row["diagnoskod"] = "hörsel"
        case "annans_punkt":  # the item of one verksamhet, reported by another
            row |= {"aktivitet_id": "HH-2022-17", "verksamhet": rng.choice(["AUD", "VUH"])}
        case "okand_punkt":
            row["aktivitet_id"] = "HH-2022-99"
        case "lang_kommentar":
            row["kommentar"] = "å" * 2001
    return rows


def add_defects(
    world: World, source: str, rows: list[Record], day: date, kinds: list[tuple[str, str]], csv_file: bool
) -> None:
    """Put the defects at random places; some replace the row that they are made of."""
    rng = world.rng
    for kind in kinds:
        if not rows or (kind[0] == "rad" and not csv_file):
            continue
        index = rng.randrange(len(rows))
        base = rows[index]
        if any(isinstance(value, Raw) for value in base.values()) or base.get("makulerad"):
            continue
        made = make_defect(world, source, kind, base, day)
        if _key(source, made[0]) == _key(source, base) and source != "enheter":
            rows[index : index + 1] = made
        else:
            for row in made:
                rows.insert(rng.randint(0, len(rows)), row)
    if source == "aktiviteter":  # nothing but keys, also beside a row that has more
        for row in rng.sample(rows, min(len(rows), 5)):
            keys = {name: row[name] for name in ("aktivitet_id", "verksamhet", "manad")}
            rows.append({**keys, "status": None, "antal": None, "kommentar": None, "makulerad": Raw("")})


# --------------------------------------------------------------------------------------------------------------
# Spelling
# --------------------------------------------------------------------------------------------------------------


def _zoned(rng: random.Random, day: date) -> datetime:
    hour, minute = rng.choice([(0, 15), (1, 0), (12, 0), (23, 50)])
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SWEDEN)


def spell_date(rng: random.Random, day: date, style: str) -> str:
    """One of the accepted spellings of a date."""
    if rng.random() < 0.12:
        style = rng.choice(["iso", "compact", "time", "blank", "fraction", "utc", "offset", "west"])
    match style:
        case "compact":
            return f"{day:%Y%m%d}"
        case "time":
            return f"{day.isoformat()}T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:00"
        case "blank":
            return f"{day.isoformat()} 00:00:00"
        case "fraction":
            return f"{day.isoformat()}T08:30:00.000"
        case "utc":
            return _zoned(rng, day).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "offset":
            return _zoned(rng, day).isoformat()
        case "west":
            return _zoned(rng, day).astimezone(timezone(timedelta(hours=-5))).isoformat()
        case _:
            return day.isoformat()


def spell_person(rng: random.Random, normal: str, uttag: date) -> str:
    """One of the accepted spellings of a personnummer on the extraction date."""
    if not normal.isdigit():
        return normal
    day = int(normal[6:8])
    born = date(int(normal[:4]), int(normal[4:6]), day - 60 if day > 60 else day)
    age = uttag.year - born.year - ((uttag.month, uttag.day) < (born.month, born.day))
    short = [f"{normal[2:8]}-{normal[8:]}", normal[2:]] if age < 100 else [f"{normal[2:8]}+{normal[8:]}"]
    return rng.choice([normal, f"{normal[:8]}-{normal[8:]}", *short])


def spell_number(rng: random.Random, value: Decimal) -> str:
    """One of the accepted spellings of a number."""
    text = f"{value:.2f}" if value % 1 else f"{value:.0f}"
    if abs(value) >= 1000 and rng.random() < 0.3:
        text = f"{Decimal(text):,}".replace(",", rng.choice([" ", NBSP, "\u202f"]))
    if value < 0 and rng.random() < 0.4:
        text = rng.choice([f"({text[1:]})", "\u2212" + text[1:]])
    return text.replace(".", rng.choice([",", "."]))


def spell(rng: random.Random, col: Col, value: Any, uttag: date, style: str) -> str:
    """A cell's text in a CSV."""
    if value is None or (col.name == "makulerad" and value is False):
        texts = list(MISSING_TEXTS)
        if col.type == "date":
            texts += ["1900-01-01", "9999-12-31", "99991231"]
        if col.name == "makulerad":
            texts += ["Nej", "N", "2", "false"]
        return rng.choice(texts) if rng.random() < 0.5 else ""
    match col.type:
        case "date":
            text = spell_date(rng, value, style)
        case "month":
            inside = value + timedelta(days=rng.randint(0, 27))
            text = rng.choice([f"{value:%Y-%m}", f"{value:%Y%m}", inside.isoformat(), f"{inside:%Y%m%d}"])
        case "int":
            text = str(value)
            if rng.random() < 0.15:
                text = rng.choice([f"{value},0", f"{value}.0", f"+{value}" if value >= 0 else str(value)])
            elif value >= 1000 and rng.random() < 0.2:
                text = f"{value:,}".replace(",", rng.choice([" ", NBSP]))
        case "number":
            text = spell_number(rng, value)
        case "bhk":
            spellings = {"Ja": ["1", "JA"], "Nej": ["2", "nej"], "Ej aktuellt": ["3", "E", "ej aktuellt"]}
            text = rng.choice([value, *spellings[value]])
        case "item":
            text = rng.choice([value, value, value.lower(), value.replace("-", " ")])
        case "caseless":
            text = rng.choice([value, value.upper(), value.capitalize()])
        case "janej":
            text = rng.choice(["1", "J", "Ja", "JA", "t", "True"] if value else ["2", "N", "nej", "F", "FALSE"])
        case "kon":
            text = rng.choice({"M": ["1", "M", "man"], "K": ["2", "k", "Kvinna"], "O": ["3", "O", "Okänt"]}[value])
        case "pnr":
            text = spell_person(rng, value, uttag)
        case "hsaid" | "kva" | "lower" | "upper":
            text = rng.choice([value, value, value.lower(), value.upper()])
            if value in SWEDISH and rng.random() < 0.3:
                text = SWEDISH[value]
        case _:
            text = value
    if rng.random() < 0.05:
        text = rng.choice([" ", NBSP, "  "]) + text + rng.choice(["", " ", NBSP])
    return text


def spell_header(rng: random.Random, name: str) -> str:
    """A variant of a header."""
    roll = rng.random()
    if roll < 0.2 and name in DIACRITIC_HEADERS:
        return DIACRITIC_HEADERS[name]
    if roll < 0.4:
        return rng.choice(
            [name.upper(), name.capitalize(), name.replace("_", " "), name.replace("_", "-"), f" {name} "]
        )
    return name


def _columns(world: World, source: str, rows: list[Record]) -> list[str]:
    """The delivered columns in their delivered order; those that begin with ? are unknown ones."""
    rng = world.rng
    needed = {name for row in rows for name, value in row.items() if isinstance(value, Raw)}
    names = []
    for col in SOURCES[source]:
        if col.name == "makulerad":
            if not any(row.get("makulerad") for row in rows) and "makulerad" not in needed and rng.random() < 0.6:
                continue
        elif col.name in DROPPABLE and col.name not in needed and rng.random() < 0.12:
            continue
        names.append(col.name)
    if rng.random() < 0.4:
        rng.shuffle(names)
    for unknown in ("?Källsystem", "?Fri kommentar"):
        if rng.random() < 0.3:
            names.insert(rng.randint(0, len(names)), unknown)
    return names


def write_csv(
    world: World, source: str, rows: list[Record], uttag: date, names: list[str], plain: bool = False
) -> bytes:
    """The bytes of a CSV in a random dialect."""
    rng = world.rng
    cols = {col.name: col for col in SOURCES[source]}
    separator = rng.choice([";", ";", ",", "\t", "|"])
    newline = rng.choice(["\n", "\r\n"])
    style = rng.choice(["iso", "iso", "compact", "time", "utc"])
    quote_all = rng.random() < 0.15

    def cell(text: str) -> str:
        if quote_all or any(c in text for c in (separator, '"', "\n", "\r")) or rng.random() < 0.02:
            return '"' + text.replace('"', '""') + '"'
        return text

    tail = separator if rng.random() < 0.1 else ""
    lines = [""] if rng.random() < 0.08 else []
    header = [name[1:] if name.startswith("?") else spell_header(rng, name) for name in names]
    lines.append(separator.join(cell(text) for text in header) + tail)
    for row in rows:
        texts = []
        for name in names:
            if name.startswith("?"):
                texts.append(rng.choice(["", "x", f"fri{separator} text", "två\nrader", "Ångström"]))
                continue
            value = row.get(name)
            texts.append(value.text if isinstance(value, Raw) else spell(rng, cols[name], value, uttag, style))
        while texts and not texts[-1] and rng.random() < 0.3:
            texts.pop()  # a short row
        if row.get("__extra__"):
            texts += [""] * (len(names) + 1 - len(texts)) + ["för mycket"]
        elif rng.random() < 0.02 and len(texts) == len(names):
            texts += ["", " "]
        lines.append(separator.join(cell(text) for text in texts))
        if rng.random() < 0.02:
            lines.append(rng.choice(["", "   ", separator * (len(names) - 1), NBSP]))
    text = newline.join(lines) + (newline if rng.random() < 0.9 else "")
    encoding = "utf-8" if plain else rng.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "nfd"])
    if encoding == "nfd":
        return unicodedata.normalize("NFD", text).encode("utf-8")
    return text.encode(encoding if encoding != "cp1252" or not set("\u2212\u202f") & set(text) else "utf-8")


def write_xlsx(world: World, source: str, rows: list[Record], uttag: date, names: list[str]) -> bytes:
    """The bytes of a workbook: native dates and numbers, leading empty rows, a second sheet."""
    rng = world.rng
    cols = {col.name: col for col in SOURCES[source]}
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": datetime(2022, 1, 1)})
    sheet = book.add_worksheet("Uttag")
    other = book.add_worksheet("Blad2")
    other.write_string(0, 0, "inte detta")
    date_format = book.add_format({"num_format": "yyyy-mm-dd"})
    line = rng.choice([0, 0, 1, 3])
    for index, name in enumerate(names):
        sheet.write_string(line, index, name[1:] if name.startswith("?") else spell_header(rng, name))
    native = rng.random() < 0.8
    for row in rows:
        line += 1
        if rng.random() < 0.02:
            line += 1  # an empty row
        for index, name in enumerate(names):
            if name.startswith("?"):
                sheet.write_string(line, index, "okänd kolumn")
                continue
            col, value = cols[name], row.get(name)
            if isinstance(value, Raw):
                sheet.write_string(line, index, value.text)
            elif value is None:
                if rng.random() < 0.2:
                    sheet.write_string(line, index, rng.choice(MISSING_TEXTS))
            elif col.type in ("date", "month") and native and rng.random() < 0.9:
                sheet.write_datetime(line, index, datetime(value.year, value.month, value.day), date_format)
            elif col.type in ("int", "number") and native:
                sheet.write_number(line, index, value)
            elif col.type == "janej" and native and rng.random() < 0.5:
                sheet.write_boolean(line, index, value)
            elif col.type == "kon" and native and rng.random() < 0.5:
                sheet.write_number(line, index, {"M": 1, "K": 2, "O": 3}[value])
            elif col.type == "pnr" and rng.random() < 0.6 and spell_person(rng, value, uttag).isdigit():
                young = spell_person(random.Random(1), value, uttag) and _age_below_100(value, uttag)
                sheet.write_number(line, index, int(value[2:] if young and rng.random() < 0.6 else value))
            elif col.name in ("vardkontakt_id", "gas_id", "avvikelse_id") and value.isdigit() and native:
                sheet.write_number(line, index, int(value))
            else:
                sheet.write_string(line, index, spell(rng, col, value, uttag, "iso"))
    book.close()
    return buffer.getvalue()


def _age_below_100(normal: str, uttag: date) -> bool:
    return uttag.year - int(normal[:4]) < 99


def write_parquet(world: World, source: str, rows: list[Record], uttag: date, names: list[str]) -> bytes:
    """The bytes of a Parquet file: native columns where all values allow it, else text."""
    rng = world.rng
    cols = {col.name: col for col in SOURCES[source]}
    series = []
    for name in names:
        if name.startswith("?"):
            series.append(pl.Series(name[1:], ["x"] * len(rows)))
            continue
        col, values = cols[name], [row.get(name) for row in rows]
        pure = not any(isinstance(value, Raw) for value in values)
        header = spell_header(rng, name)
        if pure and col.type in ("date", "month") and rng.random() < 0.8:
            kind = rng.choice(["date", "datetime", "utc"])
            if kind == "date":
                series.append(pl.Series(header, values, dtype=pl.Date))
            elif kind == "datetime":
                times = [datetime(v.year, v.month, v.day, 13) if v else None for v in values]
                series.append(pl.Series(header, times, dtype=pl.Datetime("us")))
            else:
                moments = [_zoned(rng, v).astimezone(UTC) if v else None for v in values]
                series.append(pl.Series(header, moments, dtype=pl.Datetime("us", "UTC")))
        elif pure and col.type == "int" and rng.random() < 0.8:
            series.append(pl.Series(header, values, dtype=rng.choice([pl.Int64, pl.Float64, pl.Int32])))
        elif pure and col.type == "number" and rng.random() < 0.8:
            series.append(pl.Series(header, [None if v is None else float(v) for v in values], dtype=pl.Float64))
        elif pure and col.type == "janej" and rng.random() < 0.6:
            series.append(pl.Series(header, values, dtype=pl.Boolean))
        else:
            texts = [
                v.text if isinstance(v, Raw) else None if v is None else spell(rng, col, v, uttag, "iso")
                for v in values
            ]
            series.append(pl.Series(header, texts, dtype=pl.String))
    buffer = io.BytesIO()
    pl.DataFrame(series).write_parquet(buffer)
    return buffer.getvalue()


def render(world: World, source: str, rows: list[Record], uttag: date, ext: str) -> bytes:
    """The bytes of one delivery."""
    names = _columns(world, source, rows)
    if ext == "xlsx":
        return write_xlsx(world, source, rows, uttag, names)
    if ext == "parquet":
        return write_parquet(world, source, rows, uttag, names)
    data = write_csv(world, source, rows, uttag, names)
    return gzip.compress(data, mtime=0) if ext == "csv.gz" else data


# --------------------------------------------------------------------------------------------------------------
# Deliveries
# --------------------------------------------------------------------------------------------------------------


def _extraction_dates(rng: random.Random, as_of: date, aligned: bool) -> list[date]:
    """2-5 dates, the newest usually within 35 days before the as-of date."""
    age = 0 if aligned else rng.choices([rng.randint(0, 30), rng.randint(36, 65), rng.randint(75, 100)], [92, 6, 2])[0]
    newest = as_of - timedelta(days=age)
    dates = {newest}
    for _ in range(rng.randint(1, 4)):
        dates.add(newest - timedelta(days=rng.choice([30, 61, 150, 300, 400, 700])))
    return sorted(dates)


def _withdrawals(world: World, source: str, rows: list[Record], withdrawn: list[Record], share: float) -> None:
    """Withdraw some keys and deliver some that were withdrawn before again."""
    rng = world.rng
    present = {_key(source, row) for row in rows}
    for row in withdrawn[: len(withdrawn) // 2]:
        if _key(source, row) not in present:
            rows.append(row)
    for row in rng.sample(rows, min(len(rows), max(1, int(len(rows) * share)))):
        if not row.get("makulerad"):
            withdrawn.append(dict(row))
            row["makulerad"] = True


def write_source(world: World, folder: Path, source: str, as_of: date, aligned: bool, defects: bool) -> None:
    """All good deliveries of one source, oldest first."""
    rng = world.rng
    folder.mkdir(parents=True, exist_ok=True)
    dates = _extraction_dates(rng, as_of, aligned or (source == "enheter" and rng.random() < 0.5))
    if source == "enheter":
        dates[-1] = max(dates[-1], as_of - timedelta(days=30))
    kinds = defect_kinds(source)
    withdrawn: list[Record] = []
    written: list[tuple[date, str, bytes]] = []
    previous: date | None = None
    for number, day in enumerate(dates):
        newest = number == len(dates) - 1
        rows = snapshot(world, source, day)
        if previous and source != "enheter" and rng.random() < 0.6:
            horizon = previous - timedelta(days=200)
            recent = []
            for row in rows:
                happened = [row[c.name] for c in SOURCES[source] if c.happened and row.get(c.name)]
                happened += [row["manad"]] if source in MONTHLY else []
                if max(happened) > horizon:
                    recent.append(row)
            rows = recent or rows
        _revise(world, source, rows)
        ext = rng.choices(["csv", "csv.gz", "xlsx", "parquet"], [55, 12, 18, 15])[0]
        if defects:
            if previous and source != "enheter":
                share = 0.09 if newest and rng.random() < 0.05 else 0.01
                _withdrawals(world, source, rows, withdrawn, share)
            if source == "enheter":
                _wrong_register_key(rows, number, newest)
            if not newest and number == 0:
                chosen = rng.sample(kinds, len(kinds)) + rng.choices(kinds, k=8)
                ext = rng.choice(["csv", "csv", "csv.gz", "xlsx", "parquet"])
            elif not newest:
                chosen = rng.choices(kinds, k=max(2, len(rows) // 40)) if rng.random() < 0.7 else []
            elif source == "enheter":
                chosen = [rng.choice([k for k in kinds if k[0] in ("format", "dubblett", "varde")])]
                chosen = chosen if rng.random() < 0.2 else []
            else:
                share = rng.choices([0, rng.uniform(0.005, 0.03), rng.uniform(0.055, 0.12)], [3, 8, 1])[0]
                chosen = rng.choices(kinds, k=int(len(rows) * share))
            add_defects(world, source, rows, day, chosen, ext.startswith("csv"))
        if rng.random() < 0.5:
            rng.shuffle(rows)
        name = f"{source}_{day.isoformat()}{rng.choice(['', '', '_v1', '_Region Örebro', '_2'])}.{ext}"
        data = render(world, source, rows, day, ext)
        (folder / name).write_bytes(data)
        written.append((day, name, data))
        previous = day
    if not defects:
        return
    day, name, data = rng.choice(written)
    ext = name[name.index(".", name.rindex("-")) :]
    if rng.random() < 0.7:  # the same bytes under other names, also under a newer date
        copy = as_of - timedelta(days=rng.randint(0, 3)) if rng.random() < 0.5 else day
        (folder / f"{source}_{copy.isoformat()}_zz_kopia{ext}").write_bytes(data)
    if rng.random() < 0.6:  # a correction with the same extraction date, whose name sorts last
        day = written[-1][0]
        rows = snapshot(world, source, day)
        rows = rng.sample(rows, max(1, min(12, len(rows) // 3))) if source != "enheter" else rows
        _revise(world, source, rows)
        (folder / f"{source}_{day.isoformat()}_z_rattning.csv").write_bytes(render(world, source, rows, day, "csv"))
    if rng.random() < 0.6:  # a delivery that is newer than the as-of date
        day = as_of + timedelta(days=rng.randint(1, 40))
        rows = snapshot(world, source, day)
        (folder / f"{source}_{day.isoformat()}.csv").write_bytes(render(world, source, rows, day, "csv"))
    _rejected_files(world, folder, source, as_of)


def _revise(world: World, source: str, rows: list[Record]) -> None:
    """Some rows have other contents than in the delivery before; the key stays."""
    rng = world.rng
    column = {
        "vantetider": "vardgaranti",
        "kva": "personnummer",
        "gas": "baslinje",
        "register_population": "utgangsdatum",
        "avvikelser": "allvarlighetsgrad",
        "bhk": "k_arm",
        "ronder": "form",
        "klimatinkop": "belopp_kr",
        "ekonomi": "utfall_kr",
        "etjanster": "antal",
        "aktiviteter": "status",
    }.get(source)
    if source in ("klimatinkop", "etjanster"):  # rows gone from the list of a unit and month
        rows[:] = [row for row in rows if rng.random() < 0.97] or rows
    for row in rows:
        if column and rng.random() < 0.03:
            match column:
                case "vardgaranti":
                    row[column] = not row[column]
                case "personnummer":
                    row[column] = rng.choice(world.persons)
                case "baslinje":
                    row[column] = rng.choice([-2, -1, 0])
                case "k_arm":
                    row[column] = rng.choice(["Ja", "Nej"])
                case "form":
                    row[column] = rng.choice([None, "genomford", "uppfoljd"])
                case "belopp_kr" | "utfall_kr":
                    row[column] = row[column] + Decimal("10.01")
                case "antal":
                    row[column] = row[column] + 3
                case "status":
                    row[column] = rng.choice(worlds.STATUSES)
                case "utgangsdatum":
                    row[column] = row["inklusionsdatum"] + timedelta(days=rng.randint(0, 500))
                case _:
                    row[column] = rng.randint(1, 4)


def _wrong_register_key(rows: list[Record], number: int, newest: bool) -> None:
    """The first register holds a wrong giltig_fran; the later ones withdraw that key and deliver the right one."""
    right = next((row for row in rows if row["hsaid_enhet"].endswith("AUDS")), None)
    if right is None:
        return
    wrong = {**right, "giltig_fran": date(2013, 5, 1)}
    if number == 0 and not newest:
        rows[rows.index(right)] = wrong
    elif number > 0:
        rows.append({**wrong, "makulerad": True})


def _rejected_files(world: World, folder: Path, source: str, as_of: date) -> None:
    """Files that are rejected whole, one for each cause."""
    rng = world.rng
    day = as_of - timedelta(days=rng.randint(1, 200))
    rows = rng.sample(snapshot(world, source, day), 5)
    names = [col.name for col in SOURCES[source]]
    good = write_csv(world, source, rows, day, names, plain=True)

    def plain(header: list[str]) -> bytes:
        body = [";".join(header), ";".join(f"å{i}" for i in range(len(header)))]
        return "\n".join([*body, f"{rng.random()}"]).encode()

    mandatory = next(col.name for col in SOURCES[source] if col.mandatory)
    makers: dict[str, Callable[[], bytes]] = {
        f"{source}_2022-02-30.csv": lambda: good + b"\n",
        f"{source}_senaste.csv": lambda: good + b"\n\n",
        f"{source}.csv": lambda: good + b"\n\n\n",
        f"{source}_{day}.txt": lambda: good + b"\n\n\n\n",
        "las_mig.md": lambda: b"hej " + source.encode(),
        f"{source}_{day}_saknar.csv": lambda: plain([n for n in names if n != mandatory]),
        f"{source}_{day}_dubbel.csv": lambda: plain([*names, mandatory.upper().replace("_", " ")]),
        f"{source}_{day}_tom.csv": lambda: (";".join(names) + "\n;;;\n\n").encode(),
        f"{source}_{day}_dubbelkod.csv": lambda: plain([*names, "för"]).decode().encode().decode("cp1252").encode(),
        f"{source}_{day}_bytes.csv": lambda: plain(names) + b"\n\x81\x8d\xff",
        f"{source}_{day}_fel.xlsx": lambda: b"inte en zip " + source.encode(),
        f"{source}_{day}_fel.parquet": lambda: b"PAR1 nej " + source.encode(),
        f"{source}_{day}_fel.csv.gz": lambda: b"inte gzip " + source.encode(),
        f"{source}_{day}_title.xlsx": lambda: _title_workbook(source),
    }
    for name in rng.sample(sorted(makers), rng.randint(2, 6)):
        (folder / name).write_bytes(makers[name]())
    (folder / f".{source}_{day}.csv").write_bytes(b"gomd")
    (folder / f"~${source}_{day}.xlsx").write_bytes(b"las")


def _title_workbook(source: str) -> bytes:
    """A workbook whose first non-empty row is no header."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": datetime(2022, 1, 1)})
    sheet = book.add_worksheet()
    sheet.write_string(1, 0, f"Uttag ur {source}")
    sheet.write_string(3, 0, "a")
    book.close()
    return buffer.getvalue()


def _hostile_files(world: World, raw: Path, source: str, as_of: date) -> None:
    """Files and entries that nobody should have put there."""
    rng, folder = world.rng, raw / source
    day = as_of - timedelta(days=1)
    names = [col.name for col in SOURCES[source]]
    header = ";".join(names)
    rows = rng.sample(snapshot(world, source, day), 4)
    good = write_csv(world, source, rows, day, names, plain=True)
    unique = f"{rng.random()}"
    stem = f"{source}_{day}"
    old = f"{source}_{day - timedelta(days=500)}"  # readable, but all rows quarantined: not the newest delivery
    entries: dict[str, bytes] = {
        f"{stem}_noll.csv": b"",
        f"{stem}_blank.csv": b"\n\n  \n" + b" " * rng.randint(1, 50),
        f"{stem}_rubrik.csv": (header + "\r\n" * rng.randint(0, 3)).encode(),
        f"{stem}_kapad.csv.gz": gzip.compress(good + unique.encode(), mtime=0)[:-12],
        f"{stem}_nolltecken.csv": good + b"\x00\x00" + unique.encode(),
        f"{stem}_utf16.csv": (header + "\n" + unique).encode("utf-16"),
        f"{old}_lang.csv": (header + "\n" + "å" * 1_000_000 + unique + "\n").encode(),
        f"{old}_bred.csv": (header + ";" + ";".join(f"x{i}" for i in range(5000)) + "\n" + unique).encode(),
        f"{stem}_citat.csv": (header + '\n"' + unique + ";oavslutat").encode(),
        f"{stem}_ zip.xlsx": b"PK\x03\x04" + unique.encode(),
        f"{source}_2022-1-5.csv": good + b"\n" * 7,
        f"{source}_2022-13-05.csv": good + b"\n" * 8,
        f"annat_{day}.csv": good + b"\n" * 9,
        f"{stem}.csv.bak": good + b"\n" * 10,
        f"{source}_{day}T10.csv": good + b"\n" * 11,
        f"{stem}_'; drop table {source}; --.csv": good + b"\n" * 12,
        f"{stem}_{{jinja}} %s.csv": good + b"\n" * 13,
        f"{stem}_☃ å.csv": good + b"\n" * 14,
    }
    for name in rng.sample(sorted(entries), min(len(entries), rng.randint(5, 12))):
        (folder / name).write_bytes(entries[name])
    if rng.random() < 0.6:
        (folder / f"{stem}_mapp.csv").mkdir()
    if rng.random() < 0.4:
        (folder / "arkiv").mkdir()
        (folder / "arkiv" / f"{source}_2021-01-01.csv").write_bytes(good)
    if rng.random() < 0.6:
        outside = raw / f"utanfor_{source}.csv"
        outside.write_bytes(good + b"\n" * 15)
        (folder / f"{stem}_lank.csv").symlink_to(outside)
    if rng.random() < 0.3:
        (folder / f"{stem}_bruten.csv").symlink_to(raw / "finns_inte.csv")


def write_deliveries(
    raw: Path, seed: int, hostile: bool = False, defects: bool = True, starts: Sequence[date] = STARTS
) -> date:
    """Write random deliveries of all sources under raw; the as-of date to use is returned.

    starts: days that the events of a source can begin with."""
    rng = random.Random(seed)
    as_of = date(2022, 3, 10) + timedelta(days=rng.randint(0, 290))
    aligned = rng.random() < 0.3
    if aligned:
        as_of = rng.choice(
            [date(2022, 4, 30), date(2022, 8, 31), date(2022, 9, 30), date(2022, 10, 15), date(2022, 12, 31)]
        )
    world = build_world(rng, as_of, starts)
    for source in SOURCES:
        write_source(world, raw / source, source, as_of, aligned, defects)
        if hostile:
            _hostile_files(world, raw, source, as_of)
    return as_of
