"""Sample of register_population: who ought to be found in each quality register."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Ints
from dagster_project.samples.days import NEVER, date_column, day_number, working_day
from dagster_project.samples.defects import as_text, broken, checkable, damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import BOM, GZ, GZ_COMMA, PARQUET, XLSX, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import (
    AGE_HIGH,
    AGE_LOW,
    CLOSED,
    DOVBLIND,
    OPENED,
    REORGANISATION,
    SYN_OREBRO,
    UNITS,
    UNKNOWN_UNIT,
    hsaids,
    unit_at,
)
from dagster_project.samples.volumes import activity, arrivals

STREAM = 4
DIAGNOSES = {
    "cpup": ("G80.1", "G80.0", "G80.2", "G80.3", "G80.8"),
    "horselrehab": ("H90.3", "H90.3", "H91.1", "H90.6"),
    "grav_horsel_vuxna": ("H90.3", "H91.3", "H90.5"),
    "horsel_barn": ("H90.3", "H90.4", "H90.0", "H90.8"),
    "skrs": ("H54.2", "H54.1", "H35.3", "H53.4"),
}
FLOWS = {  # registers with one row per new rehabilitation: units (positions) with their rates per month, lowest age
    "horselrehab": ({0: 28.0, 1: 11.0, 2: 9.0, 3: 5.0}, 40.0),
    "skrs": ({19: 17.0, 20: 4.5, DOVBLIND: 1.6}, 18.0),
}
ADULT = 6574  # days of 18 years
HISTORY = (PARQUET, GZ, GZ_COMMA, XLSX)


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: each holds the persons who came or left since the one before."""
    rng = setting.rng(STREAM)
    truth = _diagnosed(rng, population(setting, rng))
    since, until = truth["inklusion"].to_numpy(), truth["utgang"].to_numpy()
    paths = []
    for d in deliveries(setting, newest_from_january=True):
        left = until <= d.hi
        frame = _rows(setting, truth[np.flatnonzero((since <= d.hi) & (np.where(left, until, since) > d.lo))], d)
        if d.role == "historia" and d.nr == 1:  # "no end" as some systems write it
            frame = frame.with_columns(pl.col("utgangsdatum").fill_null(date(9999, 12, 31)))
        if d.role == "senaste":
            frame = _newest(setting, rng, frame)
        form = form_of(d, HISTORY, newest=BOM, before=XLSX)
        paths.append(write_delivery(setting.raw / "register_population", d, frame, form))
    return paths


def population(s: Setting, rng: np.random.Generator | None = None) -> pl.DataFrame:
    """Truth of the five populations: register, person (position), unit (position), inklusion and utgang (day numbers).

    Without `rng` it is drawn from the source's own stream, and so the same for everyone who asks."""
    rng = s.rng(STREAM) if rng is None else rng
    truth = pl.concat([_cpup(s, rng), _children(s, rng), _adults(s, rng), _flows(s, rng)])
    truth = truth.unique(["register", "person", "inklusion"], keep="first", maintain_order=True)
    return truth.sort("register", "inklusion", "person")


def _part(register: str, who: Ints, unit: Ints, since: npt.NDArray[Any], until: npt.NDArray[Any]) -> pl.DataFrame:
    """Truth of some persons of one register."""
    return pl.DataFrame(
        {
            "register": pl.repeat(register, len(who), dtype=pl.String, eager=True),
            "person": who.astype(np.int64),
            "unit": unit.astype(np.int64),
            "inklusion": since.astype(np.int32),
            "utgang": until.astype(np.int32),
        }
    )


def _cpup(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """From the diagnosis, in barnhabiliteringen until 18, then in vuxenhabiliteringen."""
    last, floor, born = day_number(s.as_of), day_number(date(2000, 1, 1)), s.persons.birth
    who = s.persons.draw(rng, round(430 * s.scale), 1.0, 32.0, last)
    adult = (born[who] + ADULT).astype(np.int32)
    since = np.maximum(working_day((born[who] + rng.integers(300, 1500, len(who))).astype(np.int32)), floor)
    home = rng.choice(3, size=len(who), p=(0.6, 0.23, 0.17))
    age = (last - born[who]) / 365.25
    child_unit = np.where(home == 0, np.where(age < 7, 6, 7), np.where(home == 1, 8, 9))
    child = (since < last) & (since < adult)
    gone = np.where(rng.random(len(who)) < 0.05, last - rng.integers(0, 1500, len(who)), NEVER)
    until = np.minimum(np.where(gone > since, gone, NEVER), adult)
    grown = (adult <= last - 10) & (adult > floor) & (gone > adult)
    adult_unit = np.where(home == 0, 23, np.where(home == 1, 24, 25))
    adult_unit = np.where((age < 22) & (rng.random(len(who)) < 0.25), 10, adult_unit)
    # some are followed by two units at once
    twice = grown & (rng.random(len(who)) < 0.04) & (adult_unit != 26)
    return pl.concat(
        [
            _part("cpup", who[child], child_unit[child], since[child], until[child]),
            _part("cpup", who[grown], adult_unit[grown], adult[grown], gone[grown]),
            _part("cpup", who[twice], np.full(int(twice.sum()), 26), adult[twice] + 31, gone[twice]),
        ]
    )


def _children(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """horsel_barn: from the diagnosis until the 18th birthday."""
    last, born = day_number(s.as_of), s.persons.birth
    who = s.persons.draw(rng, round(300 * s.scale), 0.6, 21.0, last)
    since = working_day((born[who] + rng.integers(90, 1800, len(who))).astype(np.int32))
    since = np.maximum(since, day_number(date(2000, 1, 1)))
    adult = (born[who] + ADULT).astype(np.int32)
    keep = (since < last) & (since < adult)
    who, since, adult = who[keep], since[keep], adult[keep]
    return _part("horsel_barn", who, rng.choice(np.array([5, 5, 5, 6, 7]), size=len(who)), since, adult)


def _adults(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """grav_horsel_vuxna: persons of the closed unit move to the one that opened."""
    last, change = day_number(s.as_of), day_number(REORGANISATION)
    who = s.persons.draw(rng, round(330 * s.scale), 30.0, 104.0, last)
    since = working_day((last - rng.integers(20, 3700, len(who))).astype(np.int32))
    until = since + rng.exponential(9000, len(who)).astype(np.int64) + 200
    unit = rng.choice(np.array([0, 1, 2, 3]), size=len(who), p=(0.55, 0.2, 0.15, 0.1))
    move = (unit == CLOSED) & (until >= change) & (since < change) & (last >= change)
    here = np.full(int(move.sum()), OPENED)
    return pl.concat(
        [
            _part("grav_horsel_vuxna", who, unit_at(unit, since), since, np.where(move, change - 1, until)),
            _part("grav_horsel_vuxna", who[move], here, np.full(len(here), change), until[move]),
        ]
    )


def _flows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """The flow registers, from a year before the set starts: its first year has something to be compared with."""
    days, weight = activity(day_number(date(s.first.year - 1, 1, 1)), day_number(s.as_of))
    parts = []
    for register, (rates, lowest_age) in FLOWS.items():
        rate = np.zeros(len(UNITS))
        rate[list(rates)] = list(rates.values())
        unit, since = arrivals(rng, rate * s.scale, days, weight)
        who = s.persons.pick(rng, since, np.maximum(AGE_LOW[unit], lowest_age), AGE_HIGH[unit])
        moved = (unit == DOVBLIND) & (since >= day_number(REORGANISATION))  # AUD's team now: skrs is the business of SC
        unit = np.where(moved, SYN_OREBRO, unit_at(unit, since))
        until = np.where(rng.random(len(unit)) < 0.8, since + rng.integers(60, 500, len(unit)), NEVER)
        parts.append(_part(register, who, unit, since, until))
    return pl.concat(parts)


def _diagnosed(rng: np.random.Generator, truth: pl.DataFrame) -> pl.DataFrame:
    """The population with a diagnosis (diagnoskod) for each row."""
    drawn = pl.Series(rng.integers(0, 60, truth.height))
    codes = [(name, i, code) for name, kinds in DIAGNOSES.items() for i, code in enumerate(kinds)]
    lookup = pl.DataFrame(codes, schema={"register": pl.String, "nr": pl.Int64, "diagnoskod": pl.String}, orient="row")
    kinds = truth.select(pl.col("register").replace_strict({name: len(kinds) for name, kinds in DIAGNOSES.items()}))
    return (
        truth.with_columns(nr=drawn % kinds.to_series())
        .join(lookup, on=["register", "nr"], how="left", maintain_order="left")
        .drop("nr")
    )


def _rows(s: Setting, part: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Delivered rows of a part of the truth, as far as it was known when the delivery was made."""
    spelling = "8-4" if d.role == "forra" else "blandat"
    until = part["utgang"].to_numpy()
    left = until <= d.hi
    return pl.DataFrame(
        {
            "register": part["register"],
            "personnummer": s.persons.spelled(part["person"].to_numpy(), d.day, spelling),
            "hsaid_enhet": hsaids(part["unit"].to_numpy()),
            "inklusionsdatum": date_column(part["inklusion"]),
            "utgangsdatum": date_column(np.where(left, until, 0), ~left),
            "diagnoskod": part["diagnoskod"],
        }
    )


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    new = pl.col("inklusionsdatum") > f"{s.month - timedelta(days=60)}"
    return damage(
        rng,
        as_text(frame),
        [
            ("kopia", new, {}),
            ("fel", new & checkable(), {"personnummer": broken()}),
            ("fel", new, {"utgangsdatum": pl.lit(f"{s.first}")}),
            ("fel", new, {"register": pl.lit("CPUPP")}),
            ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
        ],
    )
