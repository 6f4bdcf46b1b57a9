"""Sample of etjanster: 1177 e-services that are used more every year, and are more of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose
from dagster_project.samples.days import date_column, month_number
from dagster_project.samples.defects import as_text, damage
from dagster_project.samples.forms import GZ, PARQUET, WIN, XLSX, write_delivery
from dagster_project.samples.months import delivered, unit_months
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import UNKNOWN_UNIT, hsaids

STREAM = 10
HISTORY = (GZ, PARQUET, GZ)
SERVICES = (
    ("avbokning", 0, 14.0),
    ("ombokning", 0, 22.0),
    ("kontakta mig", 0, 9.0),
    ("bokning", 1, 11.0),
    ("förnya hjälpmedel", 2, 7.0),
    ("videobesök", 3, 5.0),
)
"""Service, the year (from 0) in which units begin with it, how often a small unit's is used a month."""
GROWTH = 0.22
LATER_EACH = 5
"""Units begin with a service so many months after each other, within a year."""


def write(setting: Setting) -> list[Path]:
    """Write the deliveries (`delivered`)."""
    rng = setting.rng(STREAM)
    truth = _rows(setting, rng)
    paths = []
    for d, form, frame in delivered(setting, truth, HISTORY):
        if d.role == "senaste":
            frame = _newest(rng, as_text(frame))
        if form == XLSX:  # typed by hand: a service is the same however it begins, and with a blank after it
            frame = frame.with_columns(pl.col("tjanst").str.to_titlecase() + pl.lit(" "))
        elif form == WIN:
            frame = frame.with_columns(pl.col("tjanst").str.to_uppercase(), pl.col("manad").dt.strftime("%Y%m"))
        paths.append(write_delivery(setting.raw / "etjanster", d, frame, form, as_numbers=("antal",)))
    return paths


def _rows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: how often every unit's services were used each month, with the month's last day (day number)."""
    months = unit_months(s, len(SERVICES))
    since = months.month - month_number(np.datetime64(s.first))
    begins = np.array([year * 12 for _, year, _ in SERVICES])[months.part] + months.unit * LATER_EACH % 12
    begins = np.where(np.array([year for _, year, _ in SERVICES])[months.part] == 0, 0, begins)
    usual = np.array([number for _, _, number in SERVICES])[months.part] * (0.5 + months.unit * 7 % 11 / 8)
    number = rng.poisson(usual * (1 + GROWTH) ** (since / 12))
    frame = pl.DataFrame(
        {
            "_day": months.last_day,
            "hsaid_enhet": hsaids(months.unit),
            "manad": date_column(months.last_day),
            "tjanst": choose([name for name, _, _ in SERVICES], months.part),
            "antal": number,
        }
    )
    return frame.filter(pl.Series(since >= begins))


def _newest(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    booked = pl.col("tjanst") == "ombokning"
    return damage(
        rng,
        frame,
        [
            ("kopia", booked, {}),
            ("fel", booked, {"antal": pl.lit("12,5")}),
            ("fel", booked, {"antal": pl.lit("-3")}),
            ("fel", booked, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
        ],
    )
