"""Sample of vantetider: performed contacts, and at each month end those who wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Days, Floats, Ints, choose, gather
from dagster_project.samples.days import date_column, day_number, month_end, month_number
from dagster_project.samples.defects import as_text, damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import BOM, GZ, GZ_COMMA, GZ_COMPACT, PARQUET, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import AGE_HIGH, AGE_LOW, UNITS, UNKNOWN_UNIT, hsaids, unit_at, unit_rates
from dagster_project.samples.volumes import activity, arrivals

STREAM = 1
FLOWS = 101
"""The random stream of care flows: what was there before stays as it is."""
FLOW, IN_FLOW = "NP", {"BUH": 0.35, "VUH": 0.25}
"""The care flow of neuropsychiatric treatments (fas 2), and its share of them."""
FAS_MIX = {  # share of contacts by fas 1-5 for each verksamhet
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
PLACES = [code for unit in UNITS for code in LKF[unit.lansdel]]
HISTORY = (GZ, PARQUET, GZ_COMMA, GZ_COMPACT, GZ, PARQUET, GZ)


def write(setting: Setting) -> list[Path]:
    """Write the deliveries.

    One contact is decided, waits, is performed: it is VANTANDE at the month ends in between and GENOMFORD in the end,
    under one vardkontakt_id. A few leave the queue without a visit."""
    rng = setting.rng(STREAM)
    contacts = _contacts(setting, rng)
    start, performed = contacts["start"].to_numpy(), contacts["performed"].to_numpy()
    waiting, snapshot = _queue(setting, contacts)
    paths = []
    for d in deliveries(setting, half_years=True):
        done = np.flatnonzero((start > d.lo) & (start <= d.hi) & performed)
        if d.role == "ordinarie":
            who, month = _who_waits(contacts, d.hi)
        else:
            queue = np.flatnonzero((snapshot > d.lo) & (snapshot <= d.hi))
            who, month = waiting[queue], snapshot[queue]
        frame = pl.concat(
            [_rows(setting, contacts, done, start[done], True), _rows(setting, contacts, who, month, False)]
        )
        if d.role == "historia":
            frame = _old_spelling(frame, d)
        elif d.role == "forra":
            frame = _first_version(rng, frame, d)
        elif d.role == "senaste":
            frame = _newest(setting, rng, frame, d)
        form = form_of(d, HISTORY, newest=BOM)
        paths.append(write_delivery(setting.raw / "vantetider", d, frame, form))
    return paths


def _wait_factor(days: npt.NDArray[Any]) -> Floats:
    """How much longer waits are than normal: the queue after spring 2020 wears off, summers add a little."""
    months = month_number(days)
    knots = [600, 605, 612, 618, 624, 632]
    backlog = np.interp(months, knots, [1.0, 1.32, 1.28, 1.16, 1.05, 0.98])
    return backlog * np.where(np.isin(months % 12, (6, 7)), 1.1, 1.0)


def _contacts(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: one row per contact, with unit and person (positions) and its days (day numbers)."""
    days, weight = activity(day_number(s.first), day_number(s.as_of) + 540)
    unit, start = arrivals(rng, unit_rates("besok") * s.scale, days, weight)
    n = len(unit)
    mix = np.cumsum([FAS_MIX[u.verksamhet] for u in UNITS], axis=1)
    fas = np.minimum((rng.random(n)[:, None] > mix[unit]).sum(axis=1), 4) + 1

    median = unit_rates("vantan")[unit] * _wait_factor(start) * np.array([1, 1, 0.9, 0.6, 1, 1])[fas]
    wait = np.clip(np.exp(rng.normal(np.log(np.maximum(median, 1)), 0.5)), 0, 620).astype(np.int64)
    wait = np.where(fas == 5, rng.integers(0, 2, n), wait)
    late = rng.random(n) > unit_rates("i_tid")[unit] - np.where(_wait_factor(start) > 1.12, 0.06, 0.0)
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
    person = s.persons.pick(rng, decided, AGE_LOW[unit], AGE_HIGH[unit])
    share = np.array([IN_FLOW.get(u.verksamhet, 0.0) for u in UNITS])[unit]
    flow = (fas == 2) & (s.rng(FLOWS).random(n) < share)
    year = s.persons.birth[person].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return pl.DataFrame(
        {
            "unit": unit,
            "start": start,
            "fas": fas,
            "wait": wait,
            "goal": goal,
            "decided": decided,
            "garanti": garanti,
            "code": code,
            "performed": performed,
            "person": person,
            "year": year.astype(np.int32),
            "no_year": rng.random(n) < 0.03,
            "place": rng.integers(0, 8, n),
            "flow": flow,
        }
    )


def _queue(s: Setting, contacts: pl.DataFrame) -> tuple[Ints, Days]:
    """Positions of contacts, once for each month end at which they wait, and that day."""
    start, decided, goal = (contacts[name].to_numpy() for name in ("start", "decided", "goal"))
    fas, wait = contacts["fas"].to_numpy(), contacts["wait"].to_numpy()
    first_month, last_month = month_number(day_number(s.first)), month_number(day_number(s.as_of) + 1) - 1
    # a return visit waits when its goal date has passed
    begin = np.maximum(month_number(np.where(fas == 4, goal, decided)), first_month)
    end = np.minimum(month_number(start) - 1, last_month)
    repeats = np.where((fas == 5) | (wait <= 0), 0, np.maximum(end - begin + 1, 0))
    waiting = np.repeat(np.arange(len(start)), repeats)
    month = np.repeat(begin, repeats) + np.arange(len(waiting)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return waiting, month_end(month)


def _who_waits(contacts: pl.DataFrame, day: int) -> tuple[Ints, Days]:
    """Positions of the contacts that wait on a day: the list of its month as it is then. And the month's last day."""
    begin = np.where(contacts["fas"].to_numpy() == 4, contacts["goal"].to_numpy(), contacts["decided"].to_numpy())
    begin = np.maximum(begin, contacts["decided"].to_numpy())
    waits = (begin <= day) & (contacts["start"].to_numpy() > day)
    who = np.flatnonzero(waits & (contacts["fas"].to_numpy() != 5) & (contacts["wait"].to_numpy() > 0))
    return who, np.full(len(who), month_end(month_number(day)), dtype=np.int32)


def _rows(s: Setting, contacts: pl.DataFrame, rows: Ints, events: Days, done: bool) -> pl.DataFrame:
    """Delivered rows of contacts `rows` with their event days, not yet in a file's own spelling."""
    part = contacts[rows]
    unit, person = part["unit"].to_numpy(), part["person"].to_numpy()
    return pl.DataFrame(
        {
            "vardkontakt_id": "VK" + (pl.Series(rows) + 10_000_000).cast(pl.String),
            "status": pl.repeat("GENOMFORD" if done else "VANTANDE", len(rows), dtype=pl.String, eager=True),
            "matperiod": date_column(events).dt.strftime("%Y-%m"),
            "fas": part["fas"],
            "vardgaranti": choose(("Nej", "Ja"), part["garanti"].to_numpy()),
            "avvikelsekod": part["code"].set(part["code"] == 0, None),
            "beslut_datum": date_column(part["decided"]),
            "start_datum": date_column(part["start"], np.full(len(rows), not done)),
            "medicinskt_maldatum": date_column(part["goal"], part["fas"].to_numpy() != 4),
            "hsaid_enhet": hsaids(unit_at(unit, events)),
            "kon": gather(s.persons.kon, person),
            "fodelsear": part["year"].set(part["no_year"], None),
            "lkf": choose(PLACES, unit * 8 + part["place"].to_numpy()),
            "flode": pl.repeat(FLOW, len(rows), dtype=pl.String, eager=True).set(~part["flow"], None),
        }
    )


def _old_spelling(frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Older deliveries as other systems wrote them."""
    if d.nr % 3 == 1:
        return frame.with_columns(pl.col("kon").replace_strict({"M": "1", "K": "2", "O": "3"}))
    if d.nr % 3 == 2:
        return frame.with_columns(
            pl.col("vardgaranti").str.head(1),
            pl.lit("18").alias("huvudman"),  # a column of the national file that nobody here reads
        )
    return frame


def _first_version(rng: np.random.Generator, frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The first version of some rows: put right by the newest delivery."""
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
    return damage(
        rng,
        frame,
        [
            ("fel", this_month, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
            ("fel", this_month, {"kon": pl.lit(None, pl.String)}),
            ("fel", this_month, {"beslut_datum": pl.col("start_datum") + pl.duration(days=4)}),
        ],
    )


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The newest delivery, with one row or two of every kind of defect."""
    new = (pl.col("status") == "GENOMFORD") & (pl.col("start_datum") > f"{s.month - timedelta(days=1)}")
    fas4 = new & (pl.col("fas") == "4")
    later = pl.lit(f"{d.day + timedelta(days=12)}")
    return damage(
        rng,
        as_text(frame),
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
            ("fel", pl.col("status") == "VANTANDE", {"start_datum": pl.lit(f"{s.month}")}),
        ],
    )
