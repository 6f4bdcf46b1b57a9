"""Synthetic sample extracts for every source that has a contract (`resultattavla demo`).

Everything here is invented. Units carry HSA ids that do not exist (``...-DEMO01``), and every personnummer has a birth
number 980-999, the series that Skatteverket keeps for tests. The set is a function of (seed, scale, as_of): the same
arguments give the same files, byte for byte.

A source is one module with its name: `write(setting)` writes its deliveries and returns their paths, and `STREAM` is
the number of its random stream, which no other module has. Tables are built as whole columns (numpy, polars).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path

import numpy as np

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.samples import people
from dagster_project.samples.deliveries import ordinary_days
from dagster_project.samples.setting import Setting


def sample_of(source: str) -> Callable[[Setting], list[Path]]:
    """The `write` of a source's module; raises ResultattavlaError where the source has none."""
    path = Path(__file__).with_name(f"{source}.py")
    if not path.is_file():
        raise ResultattavlaError(
            f"Källan {source} har ett kontrakt men inga exempel: skriv dagster_project/samples/{path.name} "
            "(se docs/add-a-source.md)."
        )
    write: Callable[[Setting], list[Path]] = import_module(f"{__name__}.{source}").write
    return write


def write_demo(
    raw: Path, seed: int = 2022, scale: float = 1.0, as_of: date = date(2022, 9, 30), every: str | None = None
) -> list[Path]:
    """Write the sample set of all sources below `raw`, from 1 January three years before as_of; its files, sorted.

    every: `vecka` or `manad` writes a year of ordinary deliveries instead, without defects, after one with all before.

    `scale` multiplies the rows of every source but the unit register and those whose rows name a verksamhet or are of
    whole months, and the persons as far as the test numbers reach.
    Files of the same name are overwritten, others left alone. The same arguments give the same bytes."""
    if not 0 < scale < 100_000:
        raise ValueError(f"scale must be above 0 and below 100000, not {scale}")
    samples = [sample_of(source) for source in load_contracts()]  # all of them before the first file is written
    first = date(as_of.year - 3, 1, 1)
    rng = np.random.default_rng([seed, people.STREAM])
    persons = people.make_persons(rng, max(600, round(8000 * scale)), first, as_of)
    days = ordinary_days(as_of, every) if every else ()
    setting = Setting(Path(raw), scale, first, as_of, persons, seed, days)
    return sorted(path for write in samples for path in write(setting))
