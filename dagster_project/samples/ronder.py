"""Sample of ronder: every unit's rounds of the year, most of them followed up; one verksamhet misses each kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import Ints, choose
from dagster_project.samples.days import date_column, day_number, working_day
from dagster_project.samples.defects import damage
from dagster_project.samples.deliveries import deliveries
from dagster_project.samples.forms import WIN, XLSX, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import OPENED, UNITS, hsaids, unit_at

STREAM = 8
HISTORY = (XLSX, WIN, XLSX)
KINDS = ("patientsakerhet", "miljo")
PER_YEAR = (1.0, 0.5)
"""Rounds of each kind that a unit makes a year, at scale 1."""
NO_PATIENTS = ("FAM", "TC")
MISSES = ("OT", "SC")
"""Who makes no round of each kind in the year before as_of, nor the environment round in the year before that."""
FOLLOWED_UP = 0.6
SPELLINGS = {"patientsakerhet": "Patientsäkerhet", "miljo": "Miljö", "genomford": "Genomförd", "uppfoljd": "Uppföljd"}


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: history its period's rounds, later ones those of a year."""
    rng = setting.rng(STREAM)
    truth = _rows(setting, rng)
    paths = []
    for d in deliveries(setting):
        lo = d.lo if d.role == "historia" else d.hi - 365
        frame = truth.filter((pl.col("_day") > lo) & (pl.col("_day") <= d.hi)).drop("_day")
        if d.role == "senaste":
            frame = _newest(rng, frame)
        form = form_of(d, HISTORY, newest=XLSX)
        if form == XLSX:
            frame = frame.with_columns(pl.col("rondtyp", "form").replace(SPELLINGS))
        paths.append(write_delivery(setting.raw / "ronder", d, frame, form))
    return paths


def _rows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Every round, with its day (day number)."""
    kinds: list[Ints] = []
    units: list[Ints] = []
    days: list[Ints] = []
    for year in range(s.first.year, s.as_of.year + 1):
        for nr, per_year in enumerate(PER_YEAR):
            who = _who(s, year, nr, per_year)
            start = int(np.datetime64(f"{year}-01-15").astype("datetime64[D]").astype(np.int64))
            kinds.append(np.full(len(who), nr))
            units.append(who)
            days.append(start + rng.integers(0, 160 if nr == 0 else 300, len(who)))
    kind, unit = np.concatenate(kinds), np.concatenate(units)
    day = working_day(np.concatenate(days).astype(np.int32))
    later = working_day((day + rng.integers(60, 120, len(day))).astype(np.int32))
    again = rng.random(len(day)) < FOLLOWED_UP
    kind, unit = np.concatenate([kind, kind[again]]), np.concatenate([unit, unit[again]])
    form = np.repeat([0, 1], [len(day), int(again.sum())])
    day = np.concatenate([day, later[again]])
    unsaid = (form == 0) & (rng.random(len(form)) < 0.3)  # an empty form is a round that was made
    return (
        pl.DataFrame(
            {
                "_day": day,
                "hsaid_enhet": hsaids(unit_at(unit, day)),
                "rondtyp": choose(KINDS, kind),
                "form": choose(("genomford", "uppfoljd"), form).set(pl.Series(unsaid), None),
                "ronddatum": date_column(day),
            }
        )
        .filter(pl.col("_day") <= day_number(s.as_of))
        .sort("_day", "hsaid_enhet", "rondtyp", maintain_order=True)
        .with_row_index("nr")
        .select("_day", ("R" + pl.col("nr").cast(pl.String).str.zfill(5)).alias("rond_id"), pl.exclude("_day", "nr"))
    )


def _who(s: Setting, year: int, kind: int, per_year: float) -> Ints:
    """Positions of the units that make a round in a year, once for each round."""
    makes = np.array([nr != OPENED and not (kind == 0 and u.verksamhet in NO_PATIENTS) for nr, u in enumerate(UNITS)])
    missed = year == s.as_of.year - 1 or (kind == 1 and year >= s.as_of.year - 2)
    if missed:
        makes &= np.array([u.verksamhet != MISSES[kind] for u in UNITS])
    # In turn, so that there are as many as `scale` says however few they are.
    shares = np.cumsum(np.where(makes, per_year * s.scale, 0.0)) + (year % 2) * per_year * s.scale
    return np.repeat(np.arange(len(UNITS)), np.diff(np.floor(shares + 1e-9), prepend=np.floor(shares[0])).astype(int))


def _newest(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    made = pl.col("form") == "genomford"
    return damage(
        rng,
        frame,
        [
            ("kopia", made, {}),
            ("fel", made, {"rondtyp": pl.lit("Brandskydd")}),
            ("fel", made, {"ronddatum": pl.lit(None, pl.Date)}),
        ],
    )
