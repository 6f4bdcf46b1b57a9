"""Sample of register_registreringar: what was registered of the population of the quality registers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import Days, Ints
from dagster_project.samples.days import date_column, day_number, month_number, working_day
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import BOM, GZ, GZ_COMPACT, PARQUET, XLSX, form_of, write_delivery
from dagster_project.samples.register_population import FLOWS, population
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import CLOSED, REORGANISATION, UNITS, UNKNOWN_UNIT, hsaids, unit_at
from dagster_project.samples.volumes import ramp

STREAM = 5
FORMS = {
    "cpup": ("Fysioterapi", "Arbetsterapi"),
    "horselrehab": ("Rehabilitering",),
    "grav_horsel_vuxna": ("Enkät",),
    "horsel_barn": ("Uppföljning",),
    "skrs": ("Basformulär",),
}
COVERAGE = {  # two years before the first day, at as_of
    "cpup": (0.72, 0.95),
    "horselrehab": (0.50, 0.86),
    "grav_horsel_vuxna": (0.64, 0.84),
    "horsel_barn": (0.68, 0.9),
    "skrs": (0.62, 0.96),
}
HISTORY = (GZ, PARQUET, GZ_COMPACT, XLSX)


def write(setting: Setting) -> list[Path]:
    """Write the deliveries; the newest is the one of the whole set that is to warn."""
    rng = setting.rng(STREAM)
    people = population(setting)
    truth = pl.concat([_registrations(setting, rng, people, register) for register in FORMS])
    truth = truth.unique(["register", "person", "dag", "formular"], keep="first", maintain_order=True)
    truth = truth.sort("dag", "register", "person", "formular")
    truth = truth.with_columns(no_form=pl.Series(rng.random(truth.height) < 0.01) & (pl.col("register") == "skrs"))
    day = truth["dag"].to_numpy()
    paths = []
    for d in deliveries(setting):
        frame = _rows(setting, truth[np.flatnonzero((day > d.lo) & (day <= d.hi))], d)
        if d.role == "senaste":
            frame = _stale_units(rng, frame, setting.as_of)
        form = form_of(d, HISTORY, newest=BOM)
        paths.append(write_delivery(setting.raw / "register_registreringar", d, frame, form))
    return paths


def _registrations(s: Setting, rng: np.random.Generator, people: pl.DataFrame, register: str) -> pl.DataFrame:
    """Truth of one register: register, person, unit (positions), dag (day number), formular."""
    rows = people.filter(pl.col("register") == register)
    person, unit = rows["person"].to_numpy(), rows["unit"].to_numpy()
    since, until = rows["inklusion"].to_numpy(), rows["utgang"].to_numpy()
    first = day_number(date(s.first.year - 2, 1, 1))
    index, day = _visits(s, rng, register, unit, since)
    inside = (day >= since[index]) & (day <= np.minimum(until[index], day_number(s.as_of))) & (day >= first)
    index, day = index[inside], day[inside]
    parts = []
    for nr, form in enumerate(FORMS[register]):
        more = rng.random(len(index)) < (1.0 if nr == 0 else 0.7)
        parts.append(_part(register, form, person[index[more]], unit[index[more]], day[more]))
    # persons whom only the register knows
    extra = max(1, len(index) // 60)
    at = rng.integers(0, max(len(index), 1), extra) if len(index) else np.empty(0, np.int64)
    strangers = s.persons.pick(rng, day[at], np.full(len(at), 19.0), np.full(len(at), 90.0))
    return pl.concat([*parts, _part(register, FORMS[register][0], strangers, unit[index[at]], day[at])])


def _visits(s: Setting, rng: np.random.Generator, register: str, unit: Ints, since: Days) -> tuple[Ints, Days]:
    """Rows of the population that are registered, and when; shares that grow over time.

    Stock registers once a year per person, flow registers once after the inclusion."""
    last, first = day_number(s.as_of), day_number(date(s.first.year - 2, 1, 1))
    low, high = COVERAGE[register]
    n = len(unit)
    effect = (0.94 + 0.03 * (np.arange(len(UNITS)) % 5))[unit]
    if register in FLOWS:
        after = since + rng.gamma(1.4, 18.0, n).astype(np.int64)
        index = np.flatnonzero(rng.random(n) < ramp(since, first, last, low, high) * effect)
        return index.astype(np.int64), working_day(after[index].astype(np.int32))
    years = s.as_of.year - s.first.year + 3
    anchor = rng.integers(0, 365, n)
    index, nth = np.repeat(np.arange(n), years), np.tile(np.arange(years), n)
    day = first + nth * 365.25 + anchor[index] + rng.normal(-6, 14, len(index))
    share = ramp(day, first, last, low, high) * effect[index]
    month = month_number(day.astype(np.int64))
    share = np.where((month >= 602) & (month <= 605), 0.7, 1.0) * share  # spring 2020
    kept = rng.random(len(index)) < share
    return index[kept], working_day(day[kept].astype(np.int32))


def _part(register: str, form: str, person: Ints, unit: Ints, day: Days) -> pl.DataFrame:
    """Truth of one form of one register."""
    return pl.DataFrame(
        {
            "register": pl.repeat(register, len(person), dtype=pl.String, eager=True),
            "person": person,
            "unit": unit_at(unit, day),
            "dag": day,
            "formular": pl.repeat(form, len(person), dtype=pl.String, eager=True),
        }
    )


def _rows(s: Setting, part: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Delivered rows of a part of the truth."""
    return pl.DataFrame(
        {
            "register": part["register"],
            "personnummer": s.persons.spelled(part["person"].to_numpy(), d.day, "12" if d.nr % 2 else "blandat"),
            "hsaid_enhet": hsaids(part["unit"].to_numpy()),
            "registreringsdatum": date_column(part["dag"]),
            "formular": part["formular"].set(part["no_form"], None),
        }
    )


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
