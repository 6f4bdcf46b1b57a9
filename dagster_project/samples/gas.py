"""Sample of gas: goal attainment scaling, plans with one to four goals, rated months later; some goals never are."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.days import NEVER, date_column, day_number, working_day
from dagster_project.samples.defects import broken, checkable, damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import GZ, WIN, XLSX, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import AGE_HIGH, AGE_LOW, hsaids, unit_at, unit_rates
from dagster_project.samples.volumes import activity, arrivals, ramp

STREAM = 3
HISTORY = (XLSX, GZ, XLSX, WIN)
EXCEL_HEADERS = {"gas_id": "GAS-id", "mal_nr": "Mål nr", "svarighet": "Svårighet", "viktighet": "Viktighet"}


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: each holds the goals that are new or rated since the one before."""
    rng = setting.rng(STREAM)
    truth = _goals(setting, rng)
    base, rated = truth["base"].to_numpy(), truth["rated"].to_numpy()
    paths = []
    for d in deliveries(setting, newest_from_january=True):
        changed = np.where(rated <= d.hi, np.maximum(rated, base), base)
        frame = _rows(setting, truth[np.flatnonzero((base <= d.hi) & (changed > d.lo))], d)
        form = form_of(d, HISTORY, newest=XLSX)
        if d.role == "senaste":
            frame = _newest(rng, frame)
        if form.ext == "xlsx":
            frame = frame.rename(EXCEL_HEADERS)
        paths.append(write_delivery(setting.raw / "gas", d, frame, form, as_numbers=("personnummer",)))
    return paths


def _goals(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: one row per goal, with its plan, person and unit (positions), and its days (day numbers)."""
    first, last = day_number(s.first), day_number(s.as_of)
    days, weight = activity(day_number(date(s.first.year - 1, 7, 1)), last, growth=0.08)
    unit, base = arrivals(rng, unit_rates("gas") / 12 * s.scale, days, weight)
    n = len(unit)
    person = s.persons.pick(rng, base, AGE_LOW[unit], AGE_HIGH[unit])
    goals = rng.choice(np.array([1, 2, 3, 4]), size=n, p=(0.2, 0.36, 0.32, 0.12))
    plan = np.repeat(np.arange(n), goals)
    m = len(plan)
    rated_after = np.clip(rng.normal(170, 55, n), 40, 400)
    never = rng.random(n) < 0.07
    rated = working_day((base[plan] + rated_after[plan] + rng.integers(0, 8, m)).astype(np.int32))
    rated = np.where(never[plan] | (rng.random(m) < 0.09), NEVER, rated).astype(np.int32)
    baseline = rng.choice(np.array([-2, -1, 0]), size=m, p=(0.55, 0.4, 0.05))
    lift = ramp(base[plan], first, last, 0.0, 0.25)
    outcome = np.clip(np.floor(rng.normal(0.35 + lift, 1.0)), -2, 2).astype(np.int64)
    return pl.DataFrame(
        {
            "plan": plan,
            "goal": np.arange(m) - np.repeat(np.cumsum(goals) - goals, goals) + 1,
            "person": person[plan],
            "unit": unit[plan],
            "base": base[plan],
            "rated": rated,
            "baseline": baseline,
            "outcome": outcome,
            "unweighted": (rng.random(n) < 0.4)[plan],
            "importance": rng.choice(np.array([0, 1, 2, 3]), size=m, p=(0.02, 0.2, 0.4, 0.38)),
            "difficulty": rng.choice(np.array([0, 1, 2, 3]), size=m, p=(0.02, 0.28, 0.45, 0.25)),
        }
    )


def _rows(s: Setting, part: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Delivered rows of a part of the truth, as far as it was known when the delivery was made."""
    base, rated = part["base"].to_numpy(), part["rated"].to_numpy()
    seen = rated <= d.hi
    return pl.DataFrame(
        {
            "gas_id": "GAS-" + (part["plan"] + 20_001).cast(pl.String),
            "mal_nr": part["goal"],
            "personnummer": s.persons.spelled(part["person"].to_numpy(), d.day, "blandat"),
            "hsaid_enhet": hsaids(unit_at(part["unit"].to_numpy(), base)),
            "viktighet": part["importance"].set(part["unweighted"], None),
            "svarighet": part["difficulty"].set(part["unweighted"], None),
            "baslinje": part["baseline"],
            "baslinjedatum": date_column(base),
            "utfall": part["outcome"].set(pl.Series(~seen), None),
            "utfallsdatum": date_column(np.where(seen, rated, base), ~seen),
        }
    )


def _newest(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    done = pl.col("utfall").is_not_null()
    early = pl.col("baslinjedatum") - pl.duration(days=20)
    return damage(
        rng,
        frame,
        [
            ("kopia", done, {}),
            ("fel", done & checkable(), {"personnummer": broken()}),
            ("fel", pl.col("viktighet").is_not_null(), {"svarighet": pl.lit(None, pl.Int64)}),
            ("fel", done, {"utfall": pl.lit(3, pl.Int64)}),
            ("fel", done, {"utfallsdatum": pl.lit(None, pl.Date)}),
            ("fel", done, {"utfallsdatum": early}),
            ("konflikt", done & (pl.col("utfall") < 2), {"utfall": pl.col("utfall") + 1}),
        ],
    )
