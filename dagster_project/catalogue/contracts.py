"""Source contracts: one Open Data Contract Standard file per source, in `contracts/`.

Everything that is said about the form of a row is read from there: columns, cell types, keys, event date, row rules
and the agreed age of deliveries. `docs/add-a-source.md` shows how to write one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dagster_project.core.errors import ResultattavlaError

CONTRACT_DIR = Path(__file__).parent / "contracts"
REGISTER_SOURCE = "enheter"
"""The unit register: reference data that every other source's rows are checked against."""

CELL_TYPES = ("text", "code", "date", "month", "int", "number", "yes_no", "sex", "personnummer", "hsaid", "kva_code")
ADDS, FULL_LIST = DELIVERY_FORMS = ("tillagg", "fullstandig")
"""Rows accumulate by key; or the rows of the newest date replace all earlier ones of their scope."""
RULE_KINDS = ("required", "empty", "order", "in_month", "overlap", "in_plan")
PASSED_OVER = "passed_over"
"""Of a source whose rows nobody has to fill in (`unfilled_rows`)."""
FILLED, EMPTY = "filled", "empty"
"""Values of a condition that ask whether a cell is filled in."""


class ContractError(ResultattavlaError):
    """A contract file that cannot be used: the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class Column:
    """One delivered column; `plan` marks dates that may lie in the future, `issued` an id that the source system gives.

    A row that comes again under another issued id is the same event counted twice. spellings: how a listed value may
    also be written, as (spelling, value). default: the value of an empty cell. any_case: a text that is compared and
    stored in lower case. max_length: characters of a free text at most. organisation, plan_item: a code of the
    organisation, an item of a plan.
    """

    name: str
    type: str
    description: str
    required: bool = False
    key_position: int | None = None
    key_when: tuple[str, str] | None = None
    values: tuple[str, ...] | None = None
    spellings: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    any_case: bool = False
    minimum: float | None = None
    maximum: float | None = None
    maximum_extraction_year: bool = False
    pattern: str | None = None
    max_length: int | None = None
    organisation: str | None = None
    plan_item: bool = False
    plan: bool = False
    issued: bool = False

    @property
    def stored(self) -> str:
        """Name of the typed column in bronze (a personnummer is stored as `person_id`)."""
        return "person_id" if self.type == "personnummer" else self.name


@dataclass(frozen=True)
class Condition:
    """`column` equals `value`, or is filled in (FILLED) or not (EMPTY)."""

    column: str
    value: Any


@dataclass(frozen=True)
class RowRule:
    """One row rule; `kind` is one of RULE_KINDS, `columns` what it is about."""

    kind: str
    columns: tuple[str, ...]
    when: Condition | None = None
    per: str | None = None


@dataclass(frozen=True)
class FullList:
    """A source whose deliveries are full lists: the newest list of a scope replaces the earlier ones.

    scope: columns whose values name a scope; without any everything is one. A source that several systems deliver, each
    for its own units, has the unit among them. when: the rows that come as a list; all where None, the others add up.
    """

    scope: tuple[str, ...]
    when: Condition | None = None

    @property
    def when_sql(self) -> str:
        """The condition in SQL."""
        if self.when is None:
            return "true"
        value = self.when.value
        return f"{self.when.column} = " + (
            "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
        )


@dataclass(frozen=True)
class Contract:
    """A source's contract. `event` is a column, or (status column, {status: column}) where the event depends on it.

    unit: the column whose unit a row belongs to; verksamhet: the column that names one directly. A source has one of
    them or neither; rows with a unit are judged by the unit register. full_list: None where rows accumulate by key.
    fingerprint: changes with what is said of rows, not with texts for people: title (Swedish), owner and contact (a
    function and its mailbox). passes_over_unfilled: rows with nothing but their key are what nobody filled in of a
    form, and no rows. helping_columns: headers (folded) that a form has for who fills it in, and that are not read.
    """

    source: str
    purpose: str
    columns: tuple[Column, ...]
    rules: tuple[RowRule, ...]
    event: str | tuple[str, dict[str, str]] | None
    unit: str | None
    verksamhet: str | None
    full_list: FullList | None
    agreed_age_days: int
    fingerprint: str
    passes_over_unfilled: bool = False
    helping_columns: tuple[str, ...] = ()
    title: str = ""
    owner: str = ""
    contact: str = ""

    @property
    def monthly(self) -> bool:
        """Whether a row is of a whole month: its unit need be valid on some day of it only."""
        return isinstance(self.event, str) and self.column(self.event).type == "month"

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError where the contract has none."""
        return next(c for c in self.columns if c.name == name)

    @property
    def free_texts(self) -> tuple[Column, ...]:
        """Columns that people write what they like in: texts with a greatest length."""
        return tuple(c for c in self.columns if c.max_length is not None)

    @property
    def key(self) -> tuple[Column, ...]:
        """The business key's columns in order."""
        return tuple(sorted((c for c in self.columns if c.key_position), key=lambda c: c.key_position or 0))

    @property
    def key_sql(self) -> list[str]:
        """SQL expressions of the stored key; a column that is key only for some rows is null for the others."""
        return [
            f"case when {c.key_when[0]} = '{c.key_when[1]}' then {c.stored} end" if c.key_when else c.stored
            for c in self.key
        ]


def _custom(node: dict[str, Any]) -> dict[str, Any]:
    return {p["property"]: p["value"] for p in node.get("customProperties", [])}


def _column(node: dict[str, Any]) -> Column:
    custom, options = _custom(node), node.get("logicalTypeOptions", {})
    if node["physicalType"] not in CELL_TYPES:
        raise ValueError(f"kolumnen {node['name']} har en okänd celltyp: {node['physicalType']}")
    key_when = custom.get("key_when")
    listed = node.get("enum", [])
    return Column(
        name=node["name"],
        type=node["physicalType"],
        description=node["description"],
        required=node.get("required", False),
        key_position=node.get("primaryKeyPosition"),
        key_when=next(iter(key_when.items())) if key_when else None,
        values=tuple(e["value"] for e in listed) if "enum" in node else None,
        spellings=tuple((str(text), value) for value, texts in custom.get("spellings", {}).items() for text in texts),
        default=custom.get("default"),
        any_case=custom.get("any_case", False),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        maximum_extraction_year=custom.get("at_most_extraction_year", False),
        pattern=options.get("pattern"),
        max_length=options.get("maxLength"),
        organisation=custom.get("organisation"),
        plan_item="plan" in custom,
        plan="plan" in node.get("tags", []),
        issued=custom.get("issued", False),
    )


def _rule(node: dict[str, Any]) -> RowRule:
    body = dict(node["implementation"])
    when, per = body.pop("when", None), body.pop("per", None)
    ((kind, columns),) = body.items()
    if kind not in RULE_KINDS:
        raise ValueError(f"okänd radregel: {kind}")
    return RowRule(
        kind=kind,
        columns=(columns,) if isinstance(columns, str) else tuple(columns),
        when=Condition(*next(iter(when.items()))) if when else None,
        per=per,
    )


def _full_list(form: Any) -> FullList | None:
    """The property leveransform: `tillagg`, or {fullstandig: [columns of the scope], when: {column: value}}."""
    if form == ADDS:
        return None
    if not isinstance(form, dict) or not isinstance(form.get(FULL_LIST), list) or form.keys() - {FULL_LIST, "when"}:
        raise ValueError(
            f"leveransform ska vara {ADDS} eller {FULL_LIST} med en lista av kolumner (tom: allt), kanske med ett when"
        )
    when = form.get("when")
    return FullList(tuple(form[FULL_LIST]), Condition(*next(iter(when.items()))) if when else None)


def _passes_over_unfilled(about: dict[str, Any]) -> bool:
    said = about.get("unfilled_rows")
    if said not in (None, PASSED_OVER):
        raise ValueError(f"unfilled_rows kan bara vara {PASSED_OVER}")
    return said == PASSED_OVER


def load_contract(path: Path) -> Contract:
    """Read one contract file. Raises ContractError where it says something this reader does not know."""
    text = path.read_text(encoding="utf-8")
    try:
        document = yaml.safe_load(text)
        contract = _contract(document, hashlib.sha256(rules_of(document)).hexdigest()[:12])
        faults = list(_faults(contract, path.name.removesuffix(".odcs.yaml")))
    except KeyError as error:
        faults = [f"{error.args[0]} saknas"]
    except ValueError as error:
        faults = [str(error)]
    except (yaml.YAMLError, TypeError, AttributeError, IndexError) as error:
        faults = ["det är inte uppbyggt som de andra (" + " ".join(str(error).split()) + ")"]
    if faults:
        raise ContractError(f"Kontraktet {path.name} kan inte läsas: {'; '.join(faults)}.")
    return contract


_TEXTS = frozenset({"team", "support", "businessName", "description"})


def rules_of(document: Any) -> bytes:
    """What a contract says to the program, in one form: everything but the texts for people."""

    def without_texts(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: without_texts(v) for k, v in node.items() if k not in _TEXTS}
        return [without_texts(n) for n in node] if isinstance(node, list) else node

    return json.dumps(without_texts(document), sort_keys=True, default=str).encode()


def _contract(document: dict[str, Any], fingerprint: str) -> Contract:
    schema = document["schema"][0]
    about = _custom(schema)
    event = about.get("event_date")
    if isinstance(event, dict):
        event = (event.pop("column"), event)
    ages = [s["value"] for s in document["slaProperties"] if s["property"] == "latency"]
    if not ages:
        raise ValueError("slaProperties säger ingen latency")
    return Contract(
        source=document["name"],
        purpose=document["description"]["purpose"],
        columns=tuple(_column(p) for p in schema["properties"]),
        rules=tuple(_rule(q) for q in schema.get("quality", [])),
        event=event,
        unit=about.get("unit"),
        verksamhet=about.get("verksamhet"),
        full_list=_full_list(about["leveransform"]),
        agreed_age_days=ages[0],
        fingerprint=fingerprint,
        passes_over_unfilled=_passes_over_unfilled(about),
        helping_columns=tuple(about.get("helping_columns", ())),
        title=schema["businessName"],
        owner=document["team"]["name"],
        contact=document["support"][0]["channel"],
    )


def _faults(contract: Contract, name: str) -> Iterator[str]:
    """What would otherwise be a fault of the program, far from the contract that makes it."""
    types = {column.name: column.type for column in contract.columns}
    if contract.source != name:
        yield f"name är {contract.source}, filen heter {name}"
    if len(types) < len(contract.columns):
        yield "två kolumner har samma namn"
    if not contract.key:
        yield "ingen kolumn har primaryKeyPosition"
    for one in contract.columns:
        yield from _column_faults(one)
    if types.get("makulerad") != "yes_no":
        yield "kolumnen makulerad (yes_no) saknas"
    if contract.unit and contract.verksamhet:
        yield "unit och verksamhet utesluter varandra"
    if contract.unit and contract.event and "verksamhet" in types:
        yield "händelser med unit får sin verksamhet av enhetsregistret: ingen kolumn får heta verksamhet"
    for asked, column in (("unit", contract.unit), ("verksamhet", contract.verksamhet)):
        if column and column not in types:
            yield f"{asked} är {column}, som inte är någon kolumn"
    for column in contract.helping_columns:
        if column in types:
            yield f"helping_columns har {column}, som är en kolumn i leveransen"
    if contract.full_list is not None:
        asked_of = [*contract.full_list.scope, *([contract.full_list.when.column] if contract.full_list.when else [])]
        for column in asked_of:
            if column not in types:
                yield f"leveransform gäller {column}, som inte är någon kolumn"
            elif types[column] == "personnummer":
                yield "leveransform kan inte gälla ett personnummer"
        when = contract.full_list.when
        if when and when.column not in {c.name for c in contract.key}:
            yield f"leveransform har when på {when.column}, som inte är någon del av nyckeln"
    if isinstance(contract.event, tuple) and contract.event[0] not in types:
        yield f"event_date följer {contract.event[0]}, som inte är någon kolumn"
    events = contract.event[1].values() if isinstance(contract.event, tuple) else [contract.event]
    for column in events:
        if column and types.get(column) not in ("date", "month"):
            yield f"event_date är {column}, som inte är någon kolumn med datum eller månad"
    for free in contract.columns:
        if free.max_length is not None and (free.type != "text" or free.key_position):
            yield f"{free.name} har maxLength, som bara en fri text utanför nyckeln kan ha"
        if free.plan_item and free.type != "code":
            yield f"{free.name} är en punkt i planen och ska ha celltypen code"
    for rule in contract.rules:
        named = [*rule.columns, *([rule.when.column] if rule.when else []), *([rule.per] if rule.per else [])]
        for column in named:
            if column not in types:
                yield f"regeln {rule.kind} gäller {column}, som inte är någon kolumn"
        if rule.kind in ("required", "empty") and (rule.when is None or len(rule.columns) != 1):
            yield f"regeln {rule.kind} ska ha en kolumn och ett when"
        if rule.kind == "in_plan" and (
            len(rule.columns) != 2
            or not any(c.plan_item for c in contract.columns if c.name == rule.columns[0])
            or not any(c.organisation for c in contract.columns if c.name == rule.columns[1])
        ):
            yield "regeln in_plan ska ha två kolumner: en med plan: punkt och en med organisation: verksamhet"
        if rule.kind in ("order", "in_month", "overlap") and len(rule.columns) != 2:
            yield f"regeln {rule.kind} ska ha två kolumner"
        if rule.kind == "overlap" and rule.per is None:
            yield "regeln overlap ska ha ett per"


def _column_faults(column: Column) -> Iterator[str]:
    listed = column.values or ()
    for spelling, value in column.spellings:
        if value not in listed:
            yield f"kolumnen {column.name} skriver {value} som {spelling}, men {value} finns inte i listan (enum)"
    if len({spelling for spelling, _ in column.spellings}) < len(column.spellings):
        yield f"kolumnen {column.name} har samma skrivning av två värden"
    if column.default is not None and column.default not in listed:
        yield f"kolumnen {column.name} har default {column.default}, som inte finns i listan (enum)"
    if column.default is not None and column.required:
        yield f"kolumnen {column.name} är obligatorisk och kan inte ha default"
    if column.any_case and column.type != "text":
        yield f"kolumnen {column.name} har any_case, som bara gäller text"
    for limit in (column.minimum, column.maximum):
        if limit is not None and column.type not in ("int", "number"):
            yield f"kolumnen {column.name} har en gräns men är inget tal"
        elif column.type == "int" and isinstance(limit, float):
            yield f"kolumnen {column.name} har gränsen {limit}, som inte är ett heltal"


@cache
def load_contracts() -> dict[str, Contract]:
    """All contracts by source, the unit register first (the others are checked against it)."""
    contracts = [load_contract(p) for p in sorted(CONTRACT_DIR.glob("*.odcs.yaml"))]
    return {c.source: c for c in sorted(contracts, key=lambda c: (c.source != REGISTER_SOURCE, c.source))}
