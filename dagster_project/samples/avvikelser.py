"""Sample of avvikelser: deviation reports with handling, closing and investigations, about 750 a year."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.samples.arrays import choose
from dagster_project.samples.days import ALWAYS, NEVER, date_column, day_number
from dagster_project.samples.defects import damage
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import WIN, XLSX, form_of, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import OPENED, UNITS, UNKNOWN_UNIT, hsaids, unit_at, unit_rates
from dagster_project.samples.volumes import activity, arrivals, ramp

STREAM = 6
OTHER_UNITS = 106
"""The random stream of units that report or investigate for others: what was there before stays as it is."""
AVVIKELSETYPER = (
    "Bemötande",
    "Dokumentation",
    "Fall",
    "Informationssäkerhet",
    "Läkemedel",
    "Medicinteknik/hjälpmedel",
    "Remiss/kallelse",
    "Vård och behandling",
)
HISTORY = (XLSX, WIN, XLSX, XLSX)
REPORTED_BY, ASKED = 0.08, 0.12
"""How often another unit than the one that owns the case reported it, or was asked to investigate it."""
OTHER_REGION = "SE2321000164-ANNAN01"
"""A unit outside the area: the register does not know it."""
STEPS = ("reported", "begun", "closed", "asked", "answered")
EXCEL_HEADERS = {
    "avvikelse_id": "Avvikelse-id",
    "hsaid_enhet": "HSAID enhet",
    "handelsedatum": "Händelsedatum",
    "registreringsdatum": "Registreringsdatum",
    "paborjad_datum": "Påbörjad datum",
    "avslutad_datum": "Avslutad datum",
    "utredning_begard_datum": "Utredning begärd datum",
    "utredning_besvarad_datum": "Utredning besvarad datum",
    "allvarlighetsgrad": "Allvarlighetsgrad",
    "rapporterande_enhet": "Rapporterande enhet",
    "utredande_enhet": "Utredande enhet",
    "typ": "Typ",
}


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: each holds the reports that are new or changed since the one before."""
    rng = setting.rng(STREAM)
    truth = _with_other_units(setting, _reports(setting, rng))
    reported, steps = truth["reported"].to_numpy(), np.stack([truth[name].to_numpy() for name in STEPS])
    paths = []
    for d in deliveries(setting, newest_from_january=True):
        changed = np.where(steps <= d.hi, steps, ALWAYS).max(axis=0)
        frame = _rows(truth[np.flatnonzero((reported <= d.hi) & (changed > d.lo))], d)
        form = form_of(d, HISTORY, newest=XLSX, before=XLSX)
        if d.role == "senaste":
            frame = _newest(setting, rng, frame, d)
        if form.ext == "xlsx":
            frame = frame.rename(EXCEL_HEADERS)
        paths.append(write_delivery(setting.raw / "avvikelser", d, frame, form))
    return paths


def _reports(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: one row per report, with its unit (position) and its days (day numbers, NEVER)."""
    first, last = day_number(s.first), day_number(s.as_of)
    days, weight = activity(first, last, growth=0.025)
    unit, reported = arrivals(rng, unit_rates("avv") * 0.98 / 12 * s.scale, days, weight)
    unit = unit_at(unit, reported)
    n = len(unit)
    effect = (np.arange(len(UNITS)) * 5 % 7 / 7 - 0.45)[unit] * 0.16
    quick = rng.random(n) < 0.73 + effect + ramp(reported, first, last, -0.04, 0.03)
    begun = reported + np.where(quick, rng.integers(0, 8, n), 8 + rng.exponential(14, n).astype(np.int64))
    closed_in_time = rng.random(n) < 0.83 + effect
    closed = np.maximum(begun, reported + np.where(closed_in_time, rng.gamma(2.2, 28.0, n), rng.uniform(181, 420, n)))
    closed = np.where(rng.random(n) < 0.02, NEVER, closed).astype(np.int64)
    asked = np.where(rng.random(n) < 0.22, reported + rng.integers(0, 15, n), NEVER)
    answer_in_time = rng.random(n) < 0.8 + effect
    answered = asked + np.where(answer_in_time, rng.integers(5, 61, n), rng.integers(61, 150, n))
    answered = np.where((asked == NEVER) | (rng.random(n) < 0.03), NEVER, answered)
    closed = np.where((answered < NEVER) & (closed < NEVER), np.maximum(closed, answered), closed)
    happened = reported - np.minimum(rng.geometric(0.25, n) - 1, 45)
    no_event = rng.random(n) < 0.04
    severity = rng.choice(np.array([0, 1, 2, 3, 4]), size=n, p=(0.06, 0.45, 0.34, 0.13, 0.02))
    kind = np.minimum((rng.random(n) * len(AVVIKELSETYPER)).astype(np.int64), len(AVVIKELSETYPER) - 1)
    year = reported.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    _, start_of_year = np.unique(year, return_index=True)
    number = np.arange(n) - start_of_year[year - year.min()] + 1 if n else np.arange(0)
    ident = pl.concat_str(
        pl.lit("AVV-"), pl.col("year").cast(pl.String), pl.lit("-"), pl.col("number").cast(pl.String).str.zfill(5)
    )
    return pl.DataFrame(
        {
            "unit": unit,
            "reported": reported,
            "begun": begun,
            "closed": closed,
            "asked": asked,
            "answered": answered,
            "happened": happened,
            "no_event": no_event,
            "severity": severity,
            "kind": kind,
            "year": year,
            "number": number,
        }
    ).with_columns(ident.alias("id"))


def _with_other_units(s: Setting, truth: pl.DataFrame) -> pl.DataFrame:
    """The truth with the units that reported and that were asked, where they are others; some are of another area."""
    rng = s.rng(OTHER_UNITS)
    n = truth.height
    columns = {}
    for name, share, day in (("reporter", REPORTED_BY, "reported"), ("asked_unit", ASKED, "asked")):
        other = unit_at(rng.choice(np.flatnonzero(np.arange(len(UNITS)) != OPENED), n), truth[day].to_numpy())
        unit = hsaids(other).set(pl.Series(rng.random(n) < 0.1), OTHER_REGION)
        filled = (rng.random(n) < share) & (truth[day].to_numpy() < NEVER)
        columns[name] = unit.set(pl.Series(~filled), None)
    return truth.with_columns(**columns)


def _rows(part: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """Delivered rows of a part of the truth, as far as it was known when the delivery was made."""

    def so_far(step: str) -> pl.Series:
        when = part[step].to_numpy()
        return date_column(np.minimum(when, d.hi), when > d.hi)

    return pl.DataFrame(
        {
            "avvikelse_id": part["id"],
            "hsaid_enhet": hsaids(part["unit"].to_numpy()),
            "handelsedatum": date_column(part["happened"], part["no_event"].to_numpy()),
            "registreringsdatum": date_column(part["reported"]),
            "paborjad_datum": so_far("begun"),
            "avslutad_datum": so_far("closed"),
            "utredning_begard_datum": so_far("asked"),
            "utredning_besvarad_datum": so_far("answered"),
            "allvarlighetsgrad": part["severity"].set(part["severity"] == 0, None),
            "rapporterande_enhet": part["reporter"],
            "utredande_enhet": part["asked_unit"].set(so_far("asked").is_null(), None),
            "typ": choose(AVVIKELSETYPER, part["kind"].to_numpy()),
        }
    )


def _newest(s: Setting, rng: np.random.Generator, frame: pl.DataFrame, d: Delivery) -> pl.DataFrame:
    """The newest delivery, with a row of every kind of defect."""
    new = pl.col("registreringsdatum") >= pl.lit(s.month)
    not_asked = new & pl.col("utredning_begard_datum").is_null()
    return damage(
        rng,
        frame,
        [
            ("kopia", new, {}),
            ("fel", new, {"hsaid_enhet": pl.lit(UNKNOWN_UNIT)}),
            ("fel", new, {"handelsedatum": pl.col("registreringsdatum") + pl.duration(days=3)}),
            ("fel", not_asked, {"utredning_besvarad_datum": pl.col("registreringsdatum")}),
            ("fel", new, {"registreringsdatum": pl.lit(None, pl.Date)}),
            ("fel", new, {"avslutad_datum": pl.lit(d.day + timedelta(days=14))}),
            ("konflikt", new, {"allvarlighetsgrad": pl.lit(4, pl.Int64), "typ": pl.lit("Övrigt")}),
        ],
    )
