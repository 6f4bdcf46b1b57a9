"""Skeletons of an indicator and of a source: working files, made of what the catalogue and the contracts say.

Nothing is ever overwritten. What is still to be said in words stands after `TO_WRITE`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dagster_project.catalogue import vocabulary
from dagster_project.catalogue.completeness import (
    HERE,
    TO_WRITE,
    Parts,
    missing_of_indicator,
    missing_of_source,
)
from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract, load_contract
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.skeleton_sample import sample_of
from dagster_project.catalogue.skeleton_staging import staging_of
from dagster_project.core.errors import ResultattavlaError

_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Made:
    """What a skeleton's making did: the files that it wrote, what is still missing, and what comes next (Swedish)."""

    written: list[str]
    missing: list[str]
    next_step: str


def new_indicator(
    indicator: str, sources: Iterable[str] = (), kind: str = vocabulary.COUNT, parts: Parts = HERE
) -> Made:
    """A catalogue row, a model that counts every row of the sources, and its YAML with a unit test that passes.

    Without `sources` the id says which one: it begins with its name. Raises ResultattavlaError for an id that is none
    or is taken, and for sources and kinds that there is no skeleton for.
    """
    _require_id(indicator)
    if indicator in parts.indicators() or list(parts.observations.glob(f"*/obs_{indicator}.sql")):
        raise ResultattavlaError(
            " ".join([f"Indikatorn {indicator} finns redan.", *missing_of_indicator(indicator, parts)])
        )
    if kind not in vocabulary.KINDS:
        raise ResultattavlaError(f"Arten {kind} finns inte: välj en av {', '.join(vocabulary.KINDS)}.")
    if kind == vocabulary.COVERAGE:
        raise ResultattavlaError(
            f"Arten {kind} har inget skelett, för den följer ett kvalitetsregister: kopiera raden, modellen och "
            "YAML-filen för en täckningsgrad som liknar (docs/add-an-indicator.md)."
        )
    contracts = [_readable(source, parts) for source in dict.fromkeys(sources or [_source_of(indicator, parts)])]
    model = parts.observations / contracts[0].source / f"obs_{indicator}.sql"
    context = _observation(indicator, kind, contracts)
    files = {model: ("observation.sql.j2", context), model.with_suffix(".yml"): ("observation.yml.j2", context)}
    written = [*_write(parts, files), _append_row(parts, _catalogue_row(indicator, kind, contracts))]
    return Made(
        written,
        missing_of_indicator(indicator, parts),
        f"Skriv det som står efter {TO_WRITE} i filerna, låt modellen räkna det som indikatorn ska räkna, knyt den "
        "till planen (dbt/seeds/planmatt.csv) och kör `make test` (docs/add-an-indicator.md).",
    )


def new_source(source: str, parts: Parts = HERE) -> Made:
    """The contract; where it is there, what is made from it: the staging model, its YAML with a unit test, the sample.

    Raises ResultattavlaError for an id that is none or is taken, and for a contract that cannot be read.
    """
    _require_id(source)
    path = parts.contract(source)
    if not path.exists():
        if parts.sample(source).exists():
            raise ResultattavlaError(
                f"En källa kan inte heta {source}: {parts.name(parts.sample(source))} finns redan och är ingen källas."
            )
        written = _write(parts, {path: ("contract.yaml.j2", {"source": source})})
        return Made(
            written,
            missing_of_source(source, parts),
            f"Ändra kontraktet tills det säger vad som levereras (docs/add-a-source.md) och kör "
            f"`resultattavla new source {source}` igen: resten skrivs efter det.",
        )
    contract, model = load_contract(path), parts.staging_model(source)
    files = {
        model: ("staging.sql.j2", staging_of(contract)),
        model.with_suffix(".yml"): ("staging.yml.j2", staging_of(contract)),
        parts.sample(source): ("sample.py.j2", sample_of(contract, _free_stream(parts))),
    }
    written = _write(parts, {file: how for file, how in files.items() if not file.exists()})
    missing = missing_of_source(source, parts)
    if not written and not missing:
        raise ResultattavlaError(f"Källan {source} finns redan, med alla sina delar.")
    return Made(
        written,
        missing,
        f"Skriv det som står efter {TO_WRITE} i filerna; kör sedan `resultattavla demo --raw raw`, "
        f"`git add -f raw/{source}` och `make test` (docs/add-a-source.md).",
    )


def _require_id(name: str) -> None:
    if not _ID.fullmatch(name):
        raise ResultattavlaError(
            f"{name} kan inte vara ett id: det börjar med en liten bokstav a-z och har bara a-z, 0-9 och _."
        )


# --- Indicators ------------------------------------------------------------------------------------------------------


def _source_of(indicator: str, parts: Parts) -> str:
    fitting = [source for source in parts.sources() if indicator.startswith(f"{source}_")]
    if not fitting:
        raise ResultattavlaError(
            f"Vilken källa läser {indicator}? Säg det med --source ({', '.join(_sources_to_read(parts))})."
        )
    return max(fitting, key=len)


def _sources_to_read(parts: Parts) -> list[str]:
    return [source for source in parts.sources() if source != REGISTER_SOURCE]


def _readable(source: str, parts: Parts) -> Contract:
    """The contract of a source that an indicator can be computed from."""
    if source not in _sources_to_read(parts):
        raise ResultattavlaError(f"Det finns ingen källa {source} att läsa ({', '.join(_sources_to_read(parts))}).")
    contract = load_contract(parts.contract(source))
    if contract.event is None or (contract.unit is None and contract.verksamhet is None):
        raise ResultattavlaError(
            f"Källan {source} har inga händelser att räkna: kontraktet säger inte både event_date och unit (eller "
            "verksamhet)."
        )
    return contract


def _catalogue_row(indicator: str, kind: str, contracts: list[Contract]) -> dict[str, str]:
    persons = any(_sex(contract) for contract in contracts)
    units = all(contract.unit for contract in contracts)
    return {
        "indicator_id": indicator,
        "version": "1.0",
        "titel": f"{TO_WRITE} titel",
        "definition": f"{TO_WRITE} vad som räknas och vad som inte räknas",
        "taljare_text": "" if kind == vocabulary.MEDIAN else f"{TO_WRITE} täljaren i ord",
        "namnare_text": "" if kind in vocabulary.TOTALS else f"{TO_WRITE} nämnaren i ord",
        "art": kind,
        "bestand": "false",
        "patient": str(persons).lower(),
        "konsuppdelad": str(persons).lower(),
        "path": vocabulary.PATHS_OF_KIND[kind][0],
        "timed": "false",
        "levels": "|".join(level for level in vocabulary.LEVELS if units or level != vocabulary.UNIT),
        "comparison_base": vocabulary.LAST_YEAR,
        "kallor": "|".join(contract.source for contract in contracts),
        "omfattning": "|".join(verksamhet_codes()),
        "whole_plan": "false",
        "mattenhet": vocabulary.UNIT_OF_KIND[kind],
        "riktning": vocabulary.DIRECTIONS[0],
        "ansvarig": f"{TO_WRITE} vem som svarar för den",
    }


def _append_row(parts: Parts, row: Mapping[str, str]) -> str:
    text = parts.catalogue.read_text(encoding="utf-8")
    columns = next(csv.reader(io.StringIO(text)))
    line = io.StringIO()
    csv.DictWriter(line, columns, restval="", lineterminator="\n").writerow(row)
    with parts.catalogue.open("a", encoding="utf-8", newline="") as file:
        file.write(("" if text.endswith("\n") else "\n") + line.getvalue())
    return parts.name(parts.catalogue)


def _observation(indicator: str, kind: str, contracts: list[Contract]) -> dict[str, Any]:
    """What the templates of a model and its YAML are told."""
    counts = kind in vocabulary.TOTALS
    verksamhet = verksamhet_codes()[0]
    notes = {
        vocabulary.SHARE: f"{TO_WRITE} 1 when it is right, else 0.",
        vocabulary.MEDIAN: f"{TO_WRITE} the measured value.",
        vocabulary.MEAN: f"{TO_WRITE} the measured value.",
        vocabulary.AMOUNT: f"{TO_WRITE} the amount.",
    }
    parts, line = [], 0
    for contract in contracts:
        sex, person, value = _sex(contract), _has_person(contract), _value(contract, kind)
        given, expected = [], []
        for known in (verksamhet, "null"):
            line += 1
            row = {"line": str(line), "event_date": "2022-03-01", "verksamhet": known, "delivery": "d1"}
            row |= {contract.unit: "E1"} if contract.unit else {}
            row |= {sex: "K"} if sex else {}
            row |= {"person_id": f"p{line}"} if person else {}
            row |= {value: "5"} if value else {}
            given.append(_flow(row))
            expected.append(
                _flow(
                    {
                        "line": str(line),
                        "event_date": "2022-03-01",
                        "enhet": "E1" if contract.unit else "null",
                        "kon": "K" if sex else "null",
                        "person_id": f"p{line}" if person else "null",
                        "taljare": "5" if value else "1",
                        "namnare": "null" if counts else "1",
                        "exclusion": "null" if known != "null" else "enhet_ej_giltig",
                    }
                )
            )
        parts.append(
            {
                "source": contract.source,
                "enhet": _named(contract.unit, "enhet"),
                "kon": _named(sex, "kon"),
                "person_id": _named("person_id" if person else None, "person_id"),
                "taljare": f"s.{value}" if value else "1",
                "given": given,
                "expected": expected,
            }
        )
    return {
        "indicator": indicator,
        "parts": parts,
        "namnare": "cast(null as double)" if counts else "1",
        "note": notes.get(kind),
        "verksamhet": verksamhet,
    }


def _sex(contract: Contract) -> str | None:
    """The staged column with the sex: of the personnummer, or a delivered one."""
    if _has_person(contract):
        return "kon"
    return next((column.name for column in contract.columns if column.type == "sex"), None)


def _has_person(contract: Contract) -> bool:
    return any(column.type == "personnummer" for column in contract.columns)


def _value(contract: Contract, kind: str) -> str | None:
    """A column with numbers that every row has, for kinds that measure something."""
    if kind not in (vocabulary.MEDIAN, vocabulary.MEAN, vocabulary.AMOUNT):
        return None
    numbers = (c.name for c in contract.columns if c.type in ("int", "number") and c.required and not c.key_position)
    return next(numbers, None)


def _named(column: str | None, name: str) -> str:
    if column is None:
        return f"{{{{ no_text() }}}} as {name}"
    return f"s.{column}" if column == name else f"s.{column} as {name}"


def _flow(row: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in row.items()) + "}"


# --- Files -----------------------------------------------------------------------------------------------------------


def _free_stream(parts: Parts) -> int:
    """The number of a random stream that no module has; the lowest, so that it does not depend on who came when."""
    texts = (path.read_text(encoding="utf-8") for path in parts.samples.glob("*.py"))
    taken = {int(number) for text in texts for number in re.findall(r"^STREAM = (\d+)", text, re.MULTILINE)}
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _write(parts: Parts, files: Mapping[Path, tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Write files from a template and its context each; none of them where one is there already."""
    there = [parts.name(path) for path in files if path.exists()]
    if there:
        raise ResultattavlaError(f"{there[0]} finns redan och skrivs inte över.")
    for path, (template, context) in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATES.get_template(template).render(context))
    return [parts.name(path) for path in files]


# dbt's models are Jinja themselves: ours has other brackets.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    block_start_string="[%",
    block_end_string="%]",
    variable_start_string="[[",
    variable_end_string="]]",
    comment_start_string="[#",
    comment_end_string="#]",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
    autoescape=False,
)
_TEMPLATES.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
