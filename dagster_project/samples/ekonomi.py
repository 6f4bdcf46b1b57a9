"""Sample of ekonomi: outcome and budget per verksamhet, month and account; one verksamhet has a deficit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose
from dagster_project.samples.days import date_column, day_number, month_end, month_number
from dagster_project.samples.defects import as_text, damage
from dagster_project.samples.forms import GZ, PARQUET, WIN, write_delivery
from dagster_project.samples.months import delivered
from dagster_project.samples.setting import Setting

STREAM = 21
HISTORY = (GZ, PARQUET, GZ)
COSTS = {"AUD": 6.1e6, "BUH": 5.2e6, "CFH": 9.8e6, "FAM": 0.9e6, "OT": 4.4e6, "SC": 2.1e6, "TC": 3.4e6, "VUH": 4.0e6}
"""Budgeted costs of a month in kronor, the first year."""
DEFICIT, OVERSPENT = "VUH", 1.035
"""Whose costs are above the budget, and how much."""
ACCOUNTS = (
    ("3110", "anslag", 0.0),  # what the costs leave, when the other income is taken
    ("3410", "avgift_sald_vard", 0.14),
    ("3910", "ovrig_intakt", 0.03),
    ("4011", "lon", -0.66),
    ("4520", "kopt_vard", -0.04),
    ("5610", "lakemedel", -0.01),
    ("6110", "ovrig_kostnad", -0.12),
    ("6460", "ovrig_kostnad", -0.14),
    ("7810", "avskrivning", -0.02),
    ("8310", "finans", -0.002),
    ("9710", "kvalitetsbrist", -0.008),
)
"""Account, group, and its share of the budgeted costs."""
GROUPS = tuple(group for _, group, _ in ACCOUNTS)
GROWTH = 0.025
NUMBERS = ("konto", "utfall_kr", "budget_kr")


def write(setting: Setting) -> list[Path]:
    """Write the deliveries (`delivered`)."""
    rng = setting.rng(STREAM)
    truth = _rows(setting, rng)
    paths = []
    for d, form, frame in delivered(setting, truth, HISTORY):
        if d.role == "senaste":
            frame = _newest(rng, as_text(frame))
        elif form.ext != "parquet":
            frame = frame.with_columns(_swedish(name) for name in NUMBERS[1:])
        if form == WIN:
            frame = frame.with_columns(pl.col("manad").dt.strftime("%Y%m"))
        paths.append(write_delivery(setting.raw / "ekonomi", d, frame, form, as_numbers=NUMBERS))
    return paths


def _rows(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: every account of every verksamhet and month, with the month's last day (day number)."""
    first, last = (int(month_number(day_number(day))) for day in (s.first, s.as_of))
    months = np.arange(first, last + 1)
    codes, n = tuple(COSTS), len(COSTS) * len(ACCOUNTS)
    month = np.repeat(months, n)
    place = np.tile(np.repeat(np.arange(len(codes)), len(ACCOUNTS)), len(months))
    account = np.tile(np.arange(len(ACCOUNTS)), len(codes) * len(months))
    share = np.array([share for _, _, share in ACCOUNTS])
    share[0] = -share.sum()  # the budget is balanced
    year = (month - months[0]) // 12
    budget = np.round(np.array(list(COSTS.values()))[place] * share[account] * (1 + GROWTH) ** year, -3)
    cost = share[account] < 0
    over = np.where(cost & (np.array(codes)[place] == DEFICIT), OVERSPENT, np.where(cost, 0.996, 1.0))
    noise = np.where(account == 0, 1.0, rng.normal(1.0, 0.01, len(month)).clip(0.9, 1.1))
    # What quality failures cost differs much from month to month, and falls slowly.
    failures = np.array([group == "kvalitetsbrist" for group in GROUPS])[account]
    noise = np.where(failures, rng.gamma(6.0, 1 / 6.0, len(month)) * 0.96**year, noise)
    return pl.DataFrame(
        {
            "_day": month_end(month),
            "verksamhet": choose(codes, place),
            "manad": date_column(month_end(month)),
            "konto": choose([number for number, _, _ in ACCOUNTS], account),
            "konto_grupp": choose(GROUPS, account),
            "utfall_kr": np.round(budget * noise * over, 2),
            "budget_kr": budget,
        }
    )


def _swedish(name: str) -> pl.Expr:
    """An amount as a Swedish export writes it: decimal comma."""
    return pl.col(name).round(2).cast(pl.String).str.replace(".", ",", literal=True)


def _newest(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    medicines = pl.col("konto_grupp") == "lakemedel"
    return damage(
        rng,
        frame,
        [
            ("kopia", medicines, {}),
            ("fel", medicines, {"utfall_kr": pl.lit("se bilaga")}),
            ("fel", medicines, {"konto_grupp": pl.lit("läkemedel, öppenvård")}),
            ("fel", medicines, {"utfall_kr": pl.lit(None, pl.String)}),
        ],
    )
