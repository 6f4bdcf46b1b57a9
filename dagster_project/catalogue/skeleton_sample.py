"""What the skeleton of a sample is told: how to draw cells of the contract's types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dagster_project.catalogue.completeness import TO_WRITE
from dagster_project.catalogue.contracts import EMPTY, FILLED, Column, Contract

_MODULES = {
    "np": "import numpy as np",
    "pl": "import polars as pl",
    "verksamhet_codes": "dagster_project.catalogue.organisation",
    "choose": "dagster_project.samples.arrays",
    "with_gaps": "dagster_project.samples.arrays",
    "date_column": "dagster_project.samples.days",
    "day_number": "dagster_project.samples.days",
    "damage": "dagster_project.samples.defects",
    "deliveries": "dagster_project.samples.deliveries",
    **dict.fromkeys(("BOM", "GZ", "PARQUET", "XLSX", "form_of", "write_delivery"), "dagster_project.samples.forms"),
    "Setting": "dagster_project.samples.setting",
    **dict.fromkeys(
        ("AGE_HIGH", "AGE_LOW", "OPENED", "UNITS", "UNKNOWN_UNIT", "hsaids", "unit_at"), "dagster_project.samples.units"
    ),
    "activity": "dagster_project.samples.volumes",
    "arrivals": "dagster_project.samples.volumes",
}
"""Where a name that a sample can use comes from."""

_ALWAYS_USED = (
    *("np", "pl", "day_number", "damage", "deliveries", "BOM", "GZ", "PARQUET", "XLSX", "form_of", "write_delivery"),
    *("Setting", "OPENED", "UNITS", "activity", "arrivals"),
)
_GAP = 7  # days between two dates of which one comes first


def sample_of(contract: Contract, stream: int) -> dict[str, Any]:
    """The context of the template."""
    persons = [column.name for column in contract.columns if column.type == "personnummer"]
    delivered = [c for c in contract.columns if c.name != "makulerad" and c.type != "personnummer"]
    lists = _Lists()
    columns = [(column.name, _drawn(column, contract, lists)) for column in delivered]
    after = _after(contract, bool(persons))
    names = [*_ALWAYS_USED, *(["UNKNOWN_UNIT", "unit_at"] if contract.unit else [])]
    names += ["AGE_HIGH", "AGE_LOW"] if persons else []
    names += [name for name in _MODULES if any(re.search(rf"\b{name}\b", text) for _, text in columns)]
    return {
        "source": contract.source,
        "stream": stream,
        "imports": _imports(names),
        "constants": lists.lines(),
        "persons": persons,
        "unit": contract.unit,
        "columns": columns,
        "after": after,
    }


class _Lists:
    """The lists of values that cells are drawn from, each once, under the name of the first column that has it."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, ...], str] = {}

    def name(self, column: str, values: Iterable[str]) -> str:
        return self.names.setdefault(tuple(values), column.upper())

    def lines(self) -> list[str]:
        lines = []
        for values, name in self.names.items():
            texts = [_quoted(value) for value in values]
            line = f"{name} = ({', '.join(texts)}{',' if len(texts) == 1 else ''})"
            lines += [line] if len(line) <= 120 else [f"{name} = (", *(f"    {text}," for text in texts), ")"]
        return lines


def _quoted(value: Any) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _drawn(column: Column, contract: Contract, lists: _Lists) -> str:
    """The expression of a column's cells; `unit`, `day` and `n` are the rows' units, days and number."""
    drawn = _cells(column, contract, lists)
    optional = not column.required and column.name not in _named_by_rules(contract)
    return f"with_gaps(rng, {drawn})" if optional else drawn


def _cells(column: Column, contract: Contract, lists: _Lists) -> str:
    if column.type == "text":
        return _texts(column, lists)
    if column.organisation is not None:
        return "choose([u.verksamhet for u in UNITS], unit)"
    if column.type in ("code", "yes_no", "sex", "kva_code"):
        few = {"yes_no": ("Ja", "Nej"), "sex": ("K", "M"), "kva_code": ("DV111", "DV112", "QV002")}
        values = column.values or few.get(column.type, ("A", "B", "C"))
        return f"choose({lists.name(column.name, values)}, rng.integers(0, {len(values)}, n))"
    if column.type == "date":
        return f"date_column({_day(column.name, contract)})"
    if column.type == "month":
        return 'date_column(day).dt.strftime("%Y-%m")'
    if column.type == "hsaid":
        return "hsaids(unit)"
    return _numbers(column)


def _texts(column: Column, lists: _Lists) -> str:
    if column.pattern is not None:
        return f'pl.repeat("{TO_WRITE} en text som passar {column.name}", n, eager=True)'
    if column.key_position:
        width = 6
        return f'"{column.name.upper()[:3]}-" + pl.Series(np.arange(n)).cast(pl.String).str.zfill({width})'
    title = column.name.replace("_", " ").capitalize()
    return f"choose({lists.name(column.name, [f'{title} {number}' for number in (1, 2, 3)])}, rng.integers(0, 3, n))"


def _numbers(column: Column) -> str:
    low = column.minimum if column.minimum is not None else 0
    high = column.maximum if column.maximum is not None else low + 100
    if column.maximum_extraction_year:
        low, high = 1940, 2015
    if column.type == "number":
        return f"pl.Series(rng.uniform({low}, {high}, n)).round(2)"
    if column.key_position and column.maximum is None:
        return f"pl.Series(np.arange(n) + {low})"
    return f"pl.Series(rng.integers({low}, {high + 1}, n))"


def _day(column: str, contract: Contract) -> str:
    """The event's day; earlier for what the rules put before it, and for what they say nothing of."""
    events = _events(contract)
    if column in events or any(_steps(event, column, contract) for event in events):
        return "day"
    ahead = [steps for event in events if (steps := _steps(column, event, contract))]
    steps = max(ahead, default=1)
    return (
        f"day - {(steps - 1) * _GAP} - rng.integers(0, {_GAP}, n)" if steps > 1 else f"day - rng.integers(0, {_GAP}, n)"
    )


def _events(contract: Contract) -> list[str]:
    if contract.event is None:
        return []
    return [contract.event] if isinstance(contract.event, str) else list(contract.event[1].values())


def _steps(first: str, last: str, contract: Contract, seen: frozenset[str] = frozenset()) -> int:
    """How many rules of order lead from one column to another, at most; 0 where none does."""
    longest = 0
    for rule in contract.rules:
        if rule.kind == "order" and rule.columns[0] == first and first not in seen:
            following = rule.columns[1]
            further = _steps(following, last, contract, seen | {first})
            longest = max(longest, 1 if following == last else 0, 1 + further if further else 0)
    return longest


def _named_by_rules(contract: Contract) -> set[str]:
    named = {column for rule in contract.rules for column in rule.columns}
    return named | {rule.when.column for rule in contract.rules if rule.when} | {*_events(contract)}


def _after(contract: Contract, persons: bool) -> list[str]:
    """What comes after the columns: cells that a rule wants empty, and one row per key."""
    lines = []
    for rule in contract.rules:
        if rule.kind == "empty" and rule.when is not None:
            (name,) = rule.columns
            asked, value = f'pl.col("{rule.when.column}")', rule.when.value
            condition = {FILLED: f"{asked}.is_not_null()", EMPTY: f"{asked}.is_null()"}.get(value)
            if condition is None:
                cell = {True: '"Ja"', False: '"Nej"'}.get(value) if isinstance(value, bool) else None
                cell = cell or (_quoted(value) if isinstance(value, str) else str(value))
                condition = f"{asked} == {cell}"
            lines.append(f'rows.with_columns(pl.when(~({condition})).then(pl.col("{name}")).alias("{name}"))')
    if not any(c.type == "text" or (c.type == "int" and c.maximum is None) for c in contract.key):
        key = ["_person" if c.type == "personnummer" else c.name for c in contract.key]
        lines.append(f'rows.unique([{", ".join(map(_quoted, key))}], keep="first", maintain_order=True)')
    return lines


def _imports(names: Iterable[str]) -> list[str]:
    used = sorted(dict.fromkeys(names))
    lines = [_MODULES[name] for name in used if _MODULES[name].startswith("import ")]
    by_module: dict[str, list[str]] = {}
    for name in used:
        if not _MODULES[name].startswith("import "):
            by_module.setdefault(_MODULES[name], []).append(name)
    ours = [f"from {m} import {', '.join(sorted(n, key=_rank))}" for m, n in sorted(by_module.items())]
    return [*lines, "", *ours]


def _rank(name: str) -> tuple[int, str]:
    """As ruff sorts them: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
