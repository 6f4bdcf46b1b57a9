"""Sample of klimatinkop: purchases of products on klimatlistan; most verksamheter buy less than in the second year."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose
from dagster_project.samples.days import date_column, month_number
from dagster_project.samples.defects import as_text, damage
from dagster_project.samples.forms import GZ, PARQUET, WIN, write_delivery
from dagster_project.samples.months import delivered, unit_months
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import UNKNOWN_UNIT, hsaids

STREAM = 9
HISTORY = (GZ, PARQUET, GZ)
GROUPS = (("Handskar", 210.0, 0.9), ("Förkläden", 40.0, 1.4), ("Engångsmuggar", 130.0, 0.35), ("Plastpåsar", 95.0, 0.6))
"""Group of articles, how many a small unit buys a month, kronor apiece."""
CHANGE = -0.06
"""A year, from the second on."""
BUYS_MORE, RISE = ("OT", "VUH"), 0.05
RETURNS = 0.01
NUMBERS = ("antal", "belopp_kr")


def write(setting: Setting) -> list[Path]:
    """Write the deliveries (`delivered`)."""
    rng = setting.rng(STREAM)
    truth = _rows(setting, rng)
    paths = []
    for d, form, frame in delivered(setting, truth, HISTORY):
        if d.role == "senaste":
            frame = _newest(setting, rng, as_text(frame))
        elif form.ext == "csv":  # as a Swedish export writes an amount
            frame = frame.with_columns(pl.col("belopp_kr").cast(pl.String).str.replace(".", ",", literal=True))
        if form == WIN:
            frame = frame.with_columns(pl.col("manad").dt.strftime("%Y%m"))
        paths.append(write_delivery(setting.raw / "klimatinkop", d, frame, form, as_numbers=NUMBERS))
    return paths


def _rows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: every unit's purchases of every group and month, with the month's last day (day number)."""
    months = unit_months(s, len(GROUPS))
    unit, group, n = months.unit, months.part, len(months.unit)
    years = (months.month - month_number(np.datetime64(s.first))) / 12
    rises = np.isin(months.verksamhet, BUYS_MORE)
    level = (1 + np.where(rises, RISE, CHANGE)) ** np.maximum(years - 1, 0)
    size = 0.5 + (unit * 7 % 11) / 8
    usual = np.array([number for _, number, _ in GROUPS])[group] * size * level
    number = np.maximum(np.round(rng.normal(usual, usual * 0.12)), 1.0)
    price = np.array([kronor for _, _, kronor in GROUPS])[group] * (1 + 0.02 * years)
    amount = np.round(number * price, 2)
    # What is sent back comes as an amount to be paid back, without articles.
    back = rng.random(n) < RETURNS
    return pl.DataFrame(
        {
            "_day": months.last_day,
            "hsaid_enhet": hsaids(unit),
            "manad": date_column(months.last_day),
            "artikelgrupp": choose([name for name, _, _ in GROUPS], group),
            "antal": np.where(back, 0.0, number),
            "belopp_kr": np.where(back, -np.round(amount * 0.2, 2), amount),
        }
    )


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    bags = pl.col("artikelgrupp") == "Plastpåsar"
    return damage(
        rng,
        frame,
        [
            ("kopia", bags, {}),
            ("fel", bags, {"antal": pl.lit("-12")}),
            ("fel", bags, {"belopp_kr": pl.lit("se faktura")}),
            ("fel", bags & pl.col("manad").str.starts_with(f"{s.month:%Y-%m}"), {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
        ],
    )
