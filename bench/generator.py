"""A plain large set of deliveries for measuring: vantetider and kva as csv, and the unit register."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import choose, gather
from dagster_project.samples.days import date_column, day_number, month_end, month_number
from dagster_project.samples.deliveries import Delivery
from dagster_project.samples.enheter import register_rows
from dagster_project.samples.forms import BOM, CHUNK_ROWS, write_delivery
from dagster_project.samples.kva import OVRIGA_KODER, YRKEN
from dagster_project.samples.people import Persons, make_persons
from dagster_project.samples.units import HSAIDS, UNITS, UNKNOWN_UNIT, unit_at, unit_rates
from dagster_project.samples.vantetider import LKF

AS_OF = date(2022, 9, 30)
WINDOWS = (  # extraction date, first day and share of the rows of each delivery
    (date(2020, 12, 31), date(2020, 1, 1), 0.36),
    (date(2021, 12, 31), date(2021, 1, 1), 0.37),
    (date(2022, 6, 30), date(2022, 1, 1), 0.18),
    (AS_OF, date(2022, 7, 1), 0.09),
)
CORRECTED = 0.005
"""Share of a source's rows that the newest delivery repeats, changed."""
# Two lists that do not meet: a contact has one code of each.
CODES_A = pl.Series([*OVRIGA_KODER[:8], "DV132", "DV133", "DU055"])
CODES_B = pl.Series([*OVRIGA_KODER[8:], "DV111", "DV142", "QT016"])

Maker = Callable[[int, int, int, int], pl.DataFrame]
"""Makes n rows with ids from `start`, of the days low..high: (start, n, low, high)."""


def write_benchmark(raw: Path, rows: int, seed: int = 1) -> None:
    """A plain large set below `raw`: the unit register and `rows` rows, 60 % vantetider and 40 % kva, as csv.

    Four deliveries per source (two years, a half-year and the newest quarter). About 0.1 % of the rows are to be
    refused (an unknown unit), about 0.5 % are corrected rows in the newest delivery under keys of an earlier one.
    Written in chunks: memory grows only with the persons and the corrected rows."""
    raw = Path(raw)
    rng = np.random.default_rng([seed, 7])
    persons = make_persons(rng, min(max(rows // 20, 2000), 400_000), date(2020, 1, 1), AS_OF)
    write_delivery(raw / "enheter", Delivery(AS_OF, 0, 0, 0, "", "senaste"), register_rows(AS_OF, True), BOM)
    rows_of = _Rows(rng, persons)
    _write_source(raw / "vantetider", round(rows * 0.6), rows_of.waits, pl.lit("1880").alias("lkf"))
    _write_source(raw / "kva", round(rows * 0.4), rows_of.measures, pl.lit("dietist").alias("yrkeskategori"))


NEXT_DAY = date(2022, 10, 1)


def write_next_day(raw: Path, total: int, rows: int, seed: int = 1) -> None:
    """The deliveries of the day after, below the `raw` of a set of `total` rows: `rows` rows, 60 % vantetider and 40 %
    kva, of the seven days before; one in two hundred of them corrects a row of the newest delivery there."""
    raw = Path(raw)
    rng = np.random.default_rng([seed, 8])
    rows_of = _Rows(rng, make_persons(rng, min(max(total // 20, 2000), 400_000), date(2020, 1, 1), AS_OF))
    low, high = day_number(date(2022, 9, 24)), day_number(AS_OF)
    for source, share, make, correction in (
        ("vantetider", 0.6, rows_of.waits, pl.lit("1880").alias("lkf")),
        ("kva", 0.4, rows_of.measures, pl.lit("dietist").alias("yrkeskategori")),
    ):
        again = max(round(rows * share * CORRECTED), 1)
        newest = raw / source / f"{source}_{AS_OF}.csv"
        # As text, so that they are written as they were read.
        known = pl.read_csv(newest, separator=";", n_rows=again, infer_schema=False).with_columns(correction)
        with (raw / source / f"{source}_{NEXT_DAY}.csv").open("wb") as stream:
            _append_csv(stream, make(total, round(rows * share) - again, low, high), header=True)
            _append_csv(stream, known, header=False)


def _write_source(folder: Path, total: int, make: Maker, correction: pl.Expr) -> None:
    """Write the four deliveries of a source, `total` rows in all; `correction` is the changed column."""
    folder.mkdir(parents=True, exist_ok=True)
    again = round(total * CORRECTED)
    sizes = [round((total - again) * share) for _, _, share in WINDOWS]
    sizes[-1] = total - again - sum(sizes[:-1])
    newest = len(WINDOWS) - 1
    begin, stash = 0, []
    for nr, ((day, since, _), size) in enumerate(zip(WINDOWS, sizes, strict=True)):
        with (folder / f"{folder.name}_{day:%Y-%m-%d}.csv").open("wb") as stream:
            for start, n in _parts(size):
                frame = make(begin + start, n, day_number(since), day_number(day))
                _append_csv(stream, frame, header=start == 0)
                if nr < newest:
                    stash.append(frame.head(-(-again * n // max(sum(sizes[:newest]), 1))))
            if nr == newest and stash:
                _append_csv(stream, pl.concat(stash).head(again).with_columns(correction), header=size == 0)
        begin += size


def _parts(total: int) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of each chunk."""
    for start in range(0, total, CHUNK_ROWS):
        yield start, min(CHUNK_ROWS, total - start)


def _append_csv(stream: IO[bytes], frame: pl.DataFrame, header: bool) -> None:
    """Append a chunk to an open csv file (`;`, UTF-8)."""
    frame.write_csv(stream, separator=";", include_header=header, date_format="%Y-%m-%d")


@dataclass
class _Rows:
    """Random rows of both sources, from one stream."""

    rng: np.random.Generator
    persons: Persons

    def __post_init__(self) -> None:
        self.personnummer = self.persons.spelled(np.arange(len(self.persons.birth)), AS_OF, "12")
        # born before the first delivery's year
        self.people = int(np.searchsorted(self.persons.birth, day_number(date(2019, 7, 1))))
        self.working = np.array([i for i, u in enumerate(UNITS) if u.besok > 0])
        self.unit_cdf = np.cumsum(unit_rates("besok")[self.working] / unit_rates("besok").sum())
        self.units = pl.concat([HSAIDS, pl.Series("hsaid", [UNKNOWN_UNIT])])

    def some_units(self, n: int, event: npt.NDArray[Any]) -> pl.Series:
        """HSA ids of n events, one in a thousand unknown."""
        drawn = np.searchsorted(self.unit_cdf, self.rng.random(n))
        unit = self.working[np.minimum(drawn, len(self.working) - 1)]
        return gather(self.units, np.where(self.rng.random(n) < 0.001, len(UNITS), unit_at(unit, event)))

    def waits(self, start: int, n: int, low: int, high: int) -> pl.DataFrame:
        """Rows of vantetider: three of four performed, else waiting at a month end."""
        rng = self.rng
        done = rng.random(n) < 0.75
        day = rng.integers(low, high + 1, n).astype(np.int32)
        event = np.where(done, day, month_end(month_number(day))).astype(np.int32)
        fas = rng.choice(np.array([1, 2, 3, 4], dtype=np.int8), size=n, p=(0.5, 0.2, 0.05, 0.25))
        decided = (day - np.exp(rng.normal(3.8, 0.55, n))).astype(np.int32)
        person = rng.integers(0, self.people, n)
        code = rng.choice(np.array([0, 1, 2, 3], dtype=np.int8), size=n, p=(0.93, 0.04, 0.02, 0.01))
        year = self.persons.birth[person].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        return pl.DataFrame(
            {
                "vardkontakt_id": "V" + (pl.Series(np.arange(start, start + n)) + 100_000_000).cast(pl.String),
                "status": choose(("VANTANDE", "GENOMFORD"), done),
                "matperiod": date_column(event).dt.strftime("%Y-%m"),
                "fas": fas,
                "vardgaranti": choose(("Nej", "Ja"), (fas < 3) & (rng.random(n) < 0.93)),
                "avvikelsekod": pl.Series(code).set(pl.Series(code == 0), None),
                "beslut_datum": date_column(decided),
                "start_datum": date_column(day, ~done),
                "medicinskt_maldatum": date_column(day + rng.integers(-9, 60, n), fas != 4),
                "hsaid_enhet": self.some_units(n, event),
                "kon": gather(self.persons.kon, person),
                "fodelsear": year,
                "lkf": choose(LKF["Länet"], rng.integers(0, 8, n)),
            }
        )

    def measures(self, start: int, n: int, low: int, high: int) -> pl.DataFrame:
        """Rows of kva, `start` counts rows: two codes per contact, one of each list."""
        rng = self.rng
        row = np.arange(start, start + n)
        day = rng.integers(low, high + 1, n).astype(np.int32)
        person = rng.integers(0, self.people, n)
        pair = pl.DataFrame(
            {
                "a": gather(CODES_A, rng.integers(0, CODES_A.len(), n)),
                "b": gather(CODES_B, rng.integers(0, CODES_B.len(), n)),
                "odd": row % 2 == 1,
            }
        )
        return pl.DataFrame(
            {
                "vardkontakt_id": "K" + (pl.Series(row // 2) + 100_000_000).cast(pl.String),
                "kva_kod": pair.select(pl.when("odd").then("a").otherwise("b")).to_series(),
                "personnummer": gather(self.personnummer, person),
                "hsaid_enhet": self.some_units(n, day),
                "atgardsdatum": date_column(day),
                "yrkeskategori": choose(YRKEN, rng.integers(0, len(YRKEN), n)),
            }
        )
