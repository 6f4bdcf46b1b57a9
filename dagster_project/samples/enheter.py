"""Sample of enheter: the whole unit register, four times."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from dagster_project.samples.deliveries import Delivery
from dagster_project.samples.forms import WIN, XLSX, write_delivery
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import CLOSED, OPENED, REORGANISATION, REORGANISATION_KNOWN, UNITS


def write(setting: Setting) -> list[Path]:
    """Write complete unit registers: at the start (one unknown code), a year before, the month before, and as_of.

    Of a year of ordinary deliveries: on each of its days."""
    previous = setting.month - timedelta(days=1)
    days = [setting.first + timedelta(days=9), date(setting.as_of.year - 1, 1, 11), previous, setting.as_of]
    paths = []
    days = list(setting.ordinary) or [d for i, d in enumerate(days) if i == 0 or d > days[i - 1]]
    for nr, day in enumerate(days):
        frame = register_rows(day, reorganised=day >= REORGANISATION_KNOWN)
        name = pl.col("enhetsnamn")
        if nr == 0 and not setting.ordinary:  # a code that nobody knows, put right in the next delivery
            wrong = name == "Barn- och ungdomshabiliteringen Lindesberg"
            frame = frame.with_columns(
                pl.when(wrong).then(pl.lit("HAB")).otherwise(pl.col("verksamhet")).alias("verksamhet")
            )
        if day < setting.as_of:  # renamed since
            frame = frame.with_columns(name.str.replace("Hjälpmedelskonsulenterna", "Hjälpmedelskonsulenter, länet"))
        form = WIN if nr == 1 else XLSX
        paths.append(write_delivery(setting.raw / "enheter", Delivery(day, 0, 0, nr, "", "senaste"), frame, form))
    return paths


def register_rows(day: date, reorganised: bool) -> pl.DataFrame:
    """The unit register as exported on a day: one row per unit and period of validity."""
    rows: list[tuple[str, str, str, str, date, date | None]] = []
    for position, unit in enumerate(UNITS):
        since, until = date(2000, 1, 1), None
        if position == OPENED:
            if not reorganised:
                continue
            since = REORGANISATION
        elif reorganised and (position == CLOSED or unit.ny_verksamhet):
            until = REORGANISATION - timedelta(days=1)
        rows.append((unit.hsaid, unit.namn, unit.verksamhet, unit.lansdel, since, until))
        if reorganised and unit.ny_verksamhet:
            rows.append((unit.hsaid, unit.namn, unit.ny_verksamhet, unit.lansdel, REORGANISATION, None))
    types = {"hsaid_enhet": pl.String, "enhetsnamn": pl.String, "verksamhet": pl.String, "lansdel": pl.String}
    return pl.DataFrame(rows, schema={**types, "giltig_fran": pl.Date, "giltig_till": pl.Date}, orient="row")
