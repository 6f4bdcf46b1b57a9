"""Sample of kva: performed measures; levnadsvanor and children as next of kin grow over time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose
from dagster_project.samples.days import date_column, day_number
from dagster_project.samples.defects import as_text, broken, checkable, damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import COMMA, GZ, GZ_COMMA, PARQUET, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import AGE_HIGH, AGE_LOW, UNITS, UNKNOWN_UNIT, hsaids, unit_at, unit_rates
from dagster_project.samples.volumes import activity, arrivals, ramp

STREAM = 2
# fmt: off
LEVNADSVANOR = [  # a code that stands here more than once is as much more common
    "DV111", "DV112", "DV113", "DV121", "DV122", "DV123", "DV131", "DV132", "DV132", "DV132", "DV133", "DV133",
    "DV141", "DV142", "DV142", "DV143", "DV200",
]
BARN_NARSTAENDE = ["DU055", "DU055", "DU055", "DU056", "DU057", "QT016", "QT016"]
STRALBEHANDLING = ("DV144", "DV145")  # look like levnadsvanor, are not
OVRIGA_KODER = [
    "AU120", "DU007", "DU023", "GB009", "GB010", "PD009", "QM005", "QV002", "QV011", "QX007", "UX001", "XS003",
    "XV008", "XS100", "XS302", "AAJ12",
]
RATTAD_KOD = "GD008"  # used by corrections only, so that it never meets another row of its contact
YRKEN = [
    "arbetsterapeut", "audionom", "fysioterapeut", "kurator", "logoped", "läkare", "ortopedingenjör", "psykolog",
    "sjuksköterska", "specialpedagog", "synpedagog",
]
# fmt: on
HISTORY = (GZ, PARQUET, GZ_COMMA, PARQUET)


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: one to three codes per contact."""
    rng = setting.rng(STREAM)
    truth = _measures(setting, rng)
    event = truth["day"].to_numpy()
    paths = []
    for d in deliveries(setting):
        frame = _rows(setting, truth[np.flatnonzero((event > d.lo) & (event <= d.hi))], d)
        if d.nr == 0:
            frame = frame.with_columns(pl.col("hsaid_enhet").str.to_lowercase(), pl.col("kva_kod").str.to_lowercase())
        if d.role == "forra":
            frame = _first_version(rng, frame, d)
        if d.role == "senaste":
            frame = _newest(setting, rng, _corrected(setting, rng, frame), d)
        paths.append(write_delivery(setting.raw / "kva", d, frame, form_of(d, HISTORY, newest=COMMA)))
    return paths


def _measures(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: contact, code, profession (position), unknown (profession), person, unit (positions), day (day number)."""
    first, last = day_number(s.first), day_number(s.as_of)
    days, weight = activity(first, last)
    unit, day = arrivals(rng, unit_rates("kva") * s.scale, days, weight)
    n = len(unit)
    person = s.persons.pick(rng, day, AGE_LOW[unit], AGE_HIGH[unit])
    contact = np.repeat(np.arange(n), rng.choice(np.array([1, 2, 3]), size=n, p=(0.55, 0.35, 0.1)))
    m = len(contact)
    asked = np.isin([u.verksamhet for u in UNITS], ("AUD", "BUH", "SC", "VUH"))[unit[contact]]
    reach = (0.75 + 0.05 * (np.arange(len(UNITS)) * 7 % 11))[unit[contact]]
    lev = np.where(asked, ramp(day[contact], first, last, 0.09, 0.16) * reach, 0.01)
    kin = np.where(asked, ramp(day[contact], first, last, 0.03, 0.075) * reach, 0.004)
    draw = rng.random(m)
    codes = [*LEVNADSVANOR, *BARN_NARSTAENDE, *STRALBEHANDLING, *OVRIGA_KODER]
    at = np.cumsum([0, len(LEVNADSVANOR), len(BARN_NARSTAENDE), len(STRALBEHANDLING), len(OVRIGA_KODER)])
    group = np.where(draw < lev, 0, np.where(draw < lev + kin, 1, np.where(draw < lev + kin + 0.0015, 2, 3)))
    size = np.diff(at)[group]
    skew = rng.random(m) ** np.where(group == 3, 1.6, 1.0)  # some unrelated codes are much more common than others
    code = at[group] + np.minimum((skew * size).astype(np.int64), size - 1)
    return pl.DataFrame(
        {
            "contact": contact,
            "code": choose(codes, code),
            "profession": (unit[contact] * 3 + rng.integers(0, 5, m)) % len(YRKEN),
            "unknown": rng.random(m) < 0.04,
            "person": person[contact],
            "unit": unit[contact],
            "day": day[contact],
        }
    ).unique(["contact", "code"], keep="first", maintain_order=True)


def _rows(s: Setting, part: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Delivered rows of a part of the truth."""
    spelling = {"forra": "8-4", "senaste": "blandat"}.get(d.role, ("12", "12", "blandat")[d.nr % 3])
    day = part["day"].to_numpy()
    return pl.DataFrame(
        {
            "vardkontakt_id": "VK" + (part["contact"] + 50_000_000).cast(pl.String),
            "kva_kod": part["code"],
            "personnummer": s.persons.spelled(part["person"].to_numpy(), d.day, spelling),
            "hsaid_enhet": hsaids(unit_at(part["unit"].to_numpy(), day)),
            "atgardsdatum": date_column(day),
            "yrkeskategori": choose(YRKEN, part["profession"].to_numpy()).set(part["unknown"], None),
        }
    )


def _first_version(rng: np.random.Generator, frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The first version of some rows: put right by the newest delivery."""
    early = pl.Series("_e", rng.random(frame.height) < 0.02)
    frame = frame.with_columns(
        pl.when(early & (pl.col("atgardsdatum").dt.day() > 20))
        .then(pl.col("atgardsdatum") - pl.duration(days=1))
        .otherwise(pl.col("atgardsdatum"))
        .alias("atgardsdatum"),
        pl.when(early).then(None).otherwise(pl.col("yrkeskategori")).alias("yrkeskategori"),
    )
    this_month = pl.col("atgardsdatum") >= pl.lit(d.day.replace(day=1))
    return damage(
        rng,
        frame,
        [
            ("fel", this_month, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
            ("fel", this_month, {"hsaid_enhet": pl.lit(None, pl.String)}),
        ],
    )


def _corrected(s: Setting, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """Wrong codes of the month before: withdrawn, and delivered again under the right one."""
    recent = pl.col("atgardsdatum") >= pl.lit(s.month)
    frame = frame.with_columns(pl.lit(None, pl.String).alias("makulerad"))
    older = frame.with_row_index("_rad").filter(~recent & pl.col("kva_kod").is_in(OVRIGA_KODER))["_rad"]
    pick = older.gather(rng.permutation(older.len())[: min(6, older.len() // 10)].astype(np.uint32)).sort()
    wrong = frame[pick.to_numpy()]
    withdrawn = pl.int_range(pl.len()).is_in(pick.to_list())
    frame = frame.with_columns(pl.when(withdrawn).then(pl.lit("Ja")).otherwise(pl.col("makulerad")).alias("makulerad"))
    return pl.concat([frame, wrong.with_columns(pl.lit(RATTAD_KOD).alias("kva_kod"))])


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    new = pl.col("atgardsdatum") >= f"{s.month}"
    return damage(
        rng,
        as_text(frame),
        [
            ("kopia", new, {}),
            ("fel", new & checkable(), {"personnummer": broken()}),
            ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
            ("fel", new, {"kva_kod": pl.lit("DV11")}),
            ("fel", new, {"atgardsdatum": pl.lit(f"{d.day + timedelta(days=31)}")}),
            ("fel", new, {"atgardsdatum": pl.lit(None, pl.String)}),
            ("konflikt", new, {"yrkeskategori": pl.lit("dietist")}),
        ],
    )
