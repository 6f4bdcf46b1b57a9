"""What the skeletons of a staging model and its YAML are told: columns and a unit test, by the source's contract."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from dagster_project.catalogue.contracts import Column, Contract
from dagster_project.catalogue.organisation import verksamhet_codes

DATA_TYPES = {"date": "date", "month": "date", "int": "bigint", "number": "double", "yes_no": "boolean"}
"""Cell type -> dbt's data type; every other cell is text."""


def staging_of(contract: Contract) -> dict[str, Any]:
    """The context of both templates."""
    of_unit = contract.unit is not None and contract.event is not None
    verksamhet = verksamhet_codes()[0]
    first, second = (_key_cells(contract, number) for number in (0, 1))
    rows = [("d1", 1, first, "false"), ("d2", 1, first, "false")]
    if first != second:
        rows += [("d1", 2, second, "false"), ("d2", 2, second, "true")]
    expected = ["delivery: d2", "line: 1", *(f"{name}: {_plain(cell)}" for name, cell in first.items())]
    if of_unit and contract.unit not in first:
        expected.append(f"verksamhet: {verksamhet}")
    return {
        "source": contract.source,
        "purpose": _sentence(contract.purpose),
        "columns": list(_columns(contract)),
        "constants": _wrapped(contract, first),
        "key": list(first),
        "rows": [", ".join([f"'{d}'", str(line), *cells.values(), out]) for d, line, cells, out in rows],
        "of_unit": of_unit,
        "full_list": contract.full_list is not None,
        "verksamhet": verksamhet,
        "expected": "{" + ", ".join(expected) + "}",
    }


def _columns(contract: Contract) -> Iterator[dict[str, str]]:
    """Name, data type and description of the staged columns, in order."""
    for column in contract.columns:
        if column.type == "personnummer":
            yield _described("person_id", "varchar", "Keyed pseudonym of the person.")
            yield _described("kon", "varchar", "Sex by the personal number: M, K or O.")
            yield _described("fodelsear", "bigint", "Year of birth by the personal number.")
        elif column.name != "makulerad":
            yield _described(column.name, DATA_TYPES.get(column.type, "varchar"), _sentence(column.description))
    if contract.event is not None:
        day = ": the month's last day" if contract.monthly else " (empty while there is none)"
        yield _described("event_date", "date", f"The event date{day}.")
        if contract.unit is not None:
            day = "its last valid day in the month" if contract.monthly else "the event date"
            yield _described("verksamhet", "varchar", f"The verksamhet of the unit on {day}.")
    if contract.verksamhet not in (None, "verksamhet"):
        yield _described("verksamhet", "varchar", "The verksamhet that the row belongs to.")
    yield _described("delivery", "varchar", "The delivery that the row came with.")
    yield _described("line", "bigint", "Its line in the delivered file.")


def _described(name: str, data_type: str, description: str) -> dict[str, str]:
    return {"name": name, "type": data_type, "description": description}


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


# --- The unit test: SQL cells of the contract's types ----------------------------------------------------------------


def _key_cells(contract: Contract, number: int) -> dict[str, str]:
    return {column.stored: _cell(column, number) for column in contract.key}


def _wrapped(contract: Contract, key: dict[str, str]) -> list[str]:
    """The select list: the key's columns vary, every other one has the same cell in all rows."""
    cells = {"t.*": ""}
    for column in contract.columns:
        if column.type == "personnummer":
            cells |= {"person_id": "'p1'", "kon": "'K'", "fodelsear": "cast(1980 as bigint)"}
        elif column.name != "makulerad":
            cells[column.name] = _cell(column, 0)
    if contract.event is not None:
        event = contract.event if isinstance(contract.event, str) else next(iter(contract.event[1].values()))
        cells["event_date"] = _cell(contract.column(event), 0)
    texts = [f"{cell} as {name}" if cell else name for name, cell in cells.items() if name not in key]
    # A blank within a text is no place to break a line at.
    lines = textwrap.wrap(", ".join(t.replace(" ", "\0") for t in texts), 100, break_long_words=False)
    return [line.replace("\0", " ") for line in lines]


def _cell(column: Column, number: int) -> str:
    if column.organisation is not None:
        return f"'{verksamhet_codes()[number]}'"
    if column.values is not None:
        return _text(column.values[number % len(column.values)])
    if column.type in ("int", "number"):
        return f"cast({(column.minimum or 0) + number} as {DATA_TYPES[column.type]})"
    return {
        "date": f"date '2022-03-0{number + 1}'",
        "month": ("date '2022-03-31'", "date '2022-04-30'")[number],
        "yes_no": "true",
        "sex": f"'{'KM'[number]}'",
        "hsaid": f"'E{number + 1}'",
        "personnummer": f"'p{number + 1}'",
        "kva_code": f"'DV11{number + 1}'",
    }.get(column.type, f"'{'AB'[number]}'")


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _plain(cell: str) -> str:
    """A cell as YAML has it."""
    if cell.startswith("cast("):
        return cell.removeprefix("cast(").split(" as ")[0]
    return cell.removeprefix("date ").strip("'") if cell.startswith("date ") else cell
