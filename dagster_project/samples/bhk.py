"""Sample of bhk: observed employees; nine in ten follow the hygiene rules, a few more the dress rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose, with_gaps
from dagster_project.samples.days import date_column, day_number
from dagster_project.samples.defects import damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import GZ, PARQUET, XLSX, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import OPENED, UNITS, UNKNOWN_UNIT, hsaids, unit_at
from dagster_project.samples.volumes import activity, arrivals, ramp

STREAM = 7
ROWS_PER_MONTH = 2.2  # of a unit, in a normal month, at scale 1
SEASONS_FELT = 0.5  # observations are planned: July has two in three of a usual month's
HISTORY = (XLSX, GZ, PARQUET, GZ)
NOT_OBSERVED = ("FAM", "TC")
"""Verksamheter without patients to touch."""
PROFESSIONS = ("Arbetsterapeut", "Audionom", "Fysioterapeut", "Läkare", "Ortopedingenjör", "Sjuksköterska")
WRONG = {
    "h_fore": 0.048,
    "h_efter": 0.026,
    "h_handskar": 0.016,
    "h_forklade": 0.014,
    "k_arm": 0.024,
    "k_smycken": 0.022,
    "k_naglar": 0.011,
    "k_har": 0.008,
}
"""Item -> how often it is not followed, the first year."""
NOT_ASKED = {"h_handskar": 0.45, "h_forklade": 0.6}
"""Item -> how often it does not apply."""
ANSWERS = ("Ja", "Nej", "Ej aktuellt")


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: each holds the rows of its days."""
    rng = setting.rng(STREAM)
    truth = _rows(setting, rng)
    paths = []
    for d in deliveries(setting):
        frame = truth.filter((pl.col("_day") > d.lo) & (pl.col("_day") <= d.hi)).drop("_day")
        form = form_of(d, HISTORY, newest=XLSX)
        if d.role == "senaste":
            frame = _newest(setting, rng, frame)
        frame = _spelled(frame, d)
        paths.append(write_delivery(setting.raw / "bhk", d, frame, form, as_numbers=tuple(WRONG)))
    return paths


def _rows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Every row, with its day (day number) and the answers in full."""
    first, last = day_number(s.first), day_number(s.as_of)
    days, weight = activity(first, last, felt=SEASONS_FELT)
    # One unit opens when another closes: `unit_at` gives it that one's rows.
    observed = [u.verksamhet not in NOT_OBSERVED and nr != OPENED for nr, u in enumerate(UNITS)]
    unit, day = arrivals(rng, np.where(observed, ROWS_PER_MONTH * s.scale, 0.0), days, weight)
    n = len(unit)
    # Units differ, and all get better.
    careless = (0.6 + np.arange(len(UNITS)) * 5 % 7 / 7)[unit] * (1.15 - ramp(day, first, last, 0.0, 0.35))
    answers = {}
    for item, wrong in WRONG.items():
        answer = np.where(rng.random(n) < wrong * careless, 1, 0)
        answers[item] = np.where((answer == 0) & (rng.random(n) < NOT_ASKED.get(item, 0.0)), 2, answer)
    return pl.DataFrame(
        {
            "_day": day,
            "observation_id": "BHK-" + pl.Series(np.arange(n)).cast(pl.String).str.zfill(6),
            "hsaid_enhet": hsaids(unit_at(unit, day)),
            "observationsdatum": date_column(day),
            "yrkeskategori": with_gaps(rng, choose(PROFESSIONS, rng.integers(0, len(PROFESSIONS), n))),
            **{item: choose(ANSWERS, answer) for item, answer in answers.items()},
        }
    )


def _spelled(frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The answers as one system or another writes them."""
    spellings = {0: ("1", "2", "3"), 1: ("ja", "nej", "ej aktuellt"), 2: ("Ja", "Nej", "E")}.get(d.nr % 4)
    if spellings is None:
        return frame
    return frame.with_columns(pl.col(item).replace(dict(zip(ANSWERS, spellings, strict=True))) for item in WRONG)


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    new = pl.col("observationsdatum") >= pl.lit(s.month)
    return damage(
        rng,
        frame,
        [
            ("kopia", new, {}),
            ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
            ("fel", new, {"k_har": pl.lit("vet ej")}),
            ("fel", new, {"h_efter": pl.lit(None, pl.String)}),
        ],
    )
