"""The seed files: tables that are reviewed like code; dbt loads the same files."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT

SEEDS = PROJECT / "dbt" / "seeds"

Row = Mapping[str, str]


class SeedError(ResultattavlaError):
    """A seed that cannot be read or contradicts another; the message names the file, the row and what to do."""


@cache
def seed(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `dbt/seeds/<name>.csv`, all cells as text (empty where nothing stands)."""
    return read_seed(SEEDS / f"{name}.csv")


def read_seed(path: Path) -> tuple[dict[str, str], ...]:
    """The rows of a seed file as it is now. Raises SeedError where it is not UTF-8."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(csv.DictReader(file))
    except UnicodeDecodeError:
        raise SeedError(f"dbt/seeds/{path.name} är inte skriven i UTF-8: spara den som CSV i UTF-8.") from None


def read_rows(
    name: str, rows: Iterable[Row], convert: Callable[[Row], Any], error: type[SeedError] = SeedError
) -> tuple[Any, ...]:
    """Each row of a seed, converted. Raises error, naming the row, for the first one that convert refuses (ValueError),
    that lacks a column, or whose cells are not as many as the header's."""
    found = []
    for line, row in enumerate(rows, start=2):
        try:
            if None in row or None in row.values():
                raise ValueError("den har fler eller färre celler än rubriken")
            found.append(convert(row))
        except KeyError as lacking:
            raise error(f"dbt/seeds/{name}.csv saknar kolumnen {lacking.args[0]}.") from lacking
        except ValueError as refused:
            raise error(f"dbt/seeds/{name}.csv rad {line} kan inte läsas: {refused}.") from refused
    return tuple(found)


def filled(row: Row, column: str) -> str:
    """A cell that must not be empty. Raises ValueError."""
    if not row[column].strip():
        raise ValueError(f"{column} är tom")
    return row[column]


def day_of(row: Row, column: str) -> date:
    """A cell that is a date, written as dbt reads it too. Raises ValueError."""
    text = row[column]
    try:
        if (day := date.fromisoformat(text)).isoformat() == text:
            return day
    except ValueError:
        pass
    raise ValueError(f"{text or 'ingenting'} i {column} är inget datum (ÅÅÅÅ-MM-DD)")


def said_twice(name: str, keys: Iterable[Any]) -> Iterator[str]:
    """A sentence for each key (a text, or several) that more than one row has."""
    for key, number in Counter(keys).items():
        if number > 1:
            words = key if isinstance(key, str) else " ".join(key)
            yield f"dbt/seeds/{name}.csv har {number} rader för {words}: behåll en."
