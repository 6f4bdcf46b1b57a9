"""The suites: reviewable JSON files in Great Expectations' own format (``ExpectationSuite``), one folder per gate.

``expectations/delivery/``  gate 1, the accepted rows of each source
``expectations/drift/``     with gate 1, but a tier of its own: what has changed since a source's earlier deliveries
``expectations/staging/``   gate 2, the staged tables
``expectations/results/``   gate 3, the results before they are published

``<gate>/_<trait>.json`` holds what every source with a trait must meet (``_all``: every source); a source's traits
follow from its contract (`traits`). ``<gate>/<source>.json`` holds what only that source must meet: it needs one only
where it has something more to say. In ``results/`` every file is named after what it judges, a source or the results,
and says in ``meta.table`` where that is read. All suites of a source apply, each under its own name (``staging/_all``,
``staging/kva``). Nothing is merged or overridden, so an expectation is known by (suite, expectation, source), which is
what a waiver names. Beside Great Expectations' own fields a file says, in ``meta``:

``titel``  Swedish, for stewards
``table``  the relation that the suite reads, with ``{source}`` filled in; without it the gate's table of the source
``undelivered``  true: asked also of a source that was never delivered; of such a source nothing else is asked

and in the ``meta`` of each expectation: ``id`` (stable), ``titel``, ``betydelse``, ``atgard`` (Swedish, for stewards),
``measured`` (how people read what was measured, below), and where it applies:

``names``  of a query: the column that names what failed, which is then what the outcome shows as observed. Only for
           names that hold nothing of a person (columns, files, units, months)
``marks``  whether the warning marks the source's indicators: false by itself in the tier drift, true in the gates. In
           the tier drift also the months of verksamheter that its rows name (`verksamhet`, `month`) are then partial
``groups`` of a query: columns such that rows with different values of them never make each other fail, and its rows are
           those of each such group by itself; ``$key`` for the business key, none for every row by itself. Of a large
           table it is then asked of what changed only (`gates.parts`)
``persons`` true: the one number that it measures is a number of persons. Where it is small it is told as "färre än" the
           limit from the beginning (`validate`), so in every record, page, message and file

``measured`` is read by `products.measured` alone, but for its limit. It holds either ``one`` and ``many`` (what is
counted, with its noun: "dag", "dagar") or ``share`` (what comes after a percentage: "i karantän"), and perhaps
``named`` (what stands before the names of what failed), ``limit`` (of a query: a number or a parameter; of others the
limit is their argument), ``limit_text`` (with ``{number}`` or ``{percent}``) and ``measure``: expectations of a source
with the same word judge the same thing, as a warning and a stop do, and are told together. ``leads_to``: where on the
steward's page what failed is seen: ``quarantine`` or ``deliveries``, of the same source.

An expectation must measure something: the kinds with an empty result (``expect_column_to_exist``) are refused, because
an empty result is also what a lost one looks like.

Keys, closed lists and limits are never typed in a suite: they are parameters (`gates.parameters`), ``{"$PARAMETER":
"as_of"}`` among the kwargs and ``$key`` in SQL. SQL is such that DuckDB and Spark read it alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract, load_contracts
from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT, RESULT_TABLE, RESULTS, SEVERITIES, STAGING
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT

SUITES = PROJECT / "expectations"
META_TEXTS = ("id", "titel", "betydelse", "atgard")
_MEASURED = frozenset({"one", "many", "share", "named", "limit", "limit_text", "measure", "leads_to"})


class SuiteError(ResultattavlaError):
    """A suite file that cannot be used: the message names the file and what is wrong with it."""


def event_day(contract: Contract) -> str | None:
    """The column with the day of the source's events; None where no event has a day (months are no days).

    Raises SuiteError where different rows have it in different columns: no suite can name it then.
    """
    if contract.event is None:
        return None
    names = [contract.event] if isinstance(contract.event, str) else list(contract.event[1].values())
    days = sorted({name for name in names if contract.column(name).type == "date"})
    if len(days) > 1:
        raise SuiteError(
            f"Kontraktet för {contract.source} har händelsens dag i flera kolumner ({', '.join(days)}): "
            f"de gemensamma sviterna kan bara pröva en."
        )
    return days[0] if days else None


_TRAITS: dict[str, Callable[[Contract], bool]] = {
    "_delivered": lambda contract: True,
    "_all": lambda contract: True,
    "_unit": lambda contract: contract.unit is not None,
    "_verksamhet": lambda contract: contract.unit is not None or contract.verksamhet is not None,
    "_event_day": lambda contract: event_day(contract) is not None,
    "_unit_event": lambda contract: contract.unit is not None and contract.event is not None,
    "_register": lambda contract: contract.source == REGISTER_SOURCE,
    "_full_list": lambda contract: contract.full_list is not None,
    "_free_text": lambda contract: bool(contract.free_texts),
}
"""Stem of a shared suite -> whether it applies to a source, in the order in which they apply."""


def traits(contract: Contract) -> list[str]:
    """The shared suites that apply to a source, by what its contract says of its rows."""
    return [stem for stem, applies in _TRAITS.items() if applies(contract)]


@dataclass(frozen=True)
class Suite:
    """One suite file, checked: its name (``<gate>/<file stem>``), relation and GX document."""

    name: str
    titel: str
    table: str | None
    document: Mapping[str, Any]

    @property
    def expectations(self) -> list[dict[str, Any]]:
        """The expectations as Great Expectations' own dictionaries (type, kwargs, severity, meta)."""
        return list(self.document["expectations"])

    @property
    def undelivered(self) -> bool:
        """Whether the suite is asked also of a source that was never delivered."""
        return bool(self.document["meta"].get("undelivered", False))

    def relation(self, source: str, default: str) -> str:
        """The table or view that the suite reads for `source`."""
        return self.table.replace("{source}", source) if self.table else default


def load_suite(path: Path) -> Suite:
    """Read and check one suite file (see the module's docstring for the format).

    Raises SuiteError, naming the file, when it is not JSON, its name does not match its place, it has no expectations,
    or an expectation lacks a severity, an id of its own or one of the Swedish texts, or counts persons row by row.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteError(f"{path}: kan inte läsas som JSON ({error})") from error
    name = f"{path.parent.name}/{path.stem}"
    if not isinstance(document, dict) or document.get("name") != name:
        raise SuiteError(f"{path}: svitens name ska vara {name!r}")
    meta = document.get("meta") or {}
    if not meta.get("titel"):
        raise SuiteError(f"{path}: meta.titel saknas")
    expectations = document.get("expectations") or []
    if not expectations:
        raise SuiteError(f"{path}: en svit utan förväntningar skulle alltid godkännas")
    seen: set[str] = set()
    for number, expectation in enumerate(expectations, start=1):
        texts = expectation.get("meta") or {}
        missing = [key for key in META_TEXTS if not texts.get(key)]
        if missing:
            raise SuiteError(f"{path}: förväntan {texts.get('id') or number}: meta saknar {', '.join(missing)}")
        measured = texts.get("measured", {})
        if measured.keys() - _MEASURED or not ("share" in measured or {"one", "many"} <= measured.keys()):
            raise SuiteError(f"{path}: förväntan {texts['id']}: meta.measured ska ha one och many, eller share")
        if texts["id"] in seen:
            raise SuiteError(f"{path}: två förväntningar har id {texts['id']!r}")
        seen.add(texts["id"])
        if expectation.get("severity") not in SEVERITIES:
            raise SuiteError(f"{path}: förväntan {texts['id']}: severity ska vara en av {', '.join(SEVERITIES)}")
        if texts.get("persons") and expectation["type"].startswith(("expect_column_values_", "unexpected_rows_")):
            raise SuiteError(f"{path}: förväntan {texts['id']}: persons gäller bara förväntningar om ett enda tal")
    return Suite(name, meta["titel"], meta.get("table"), document)


def suites_for(root: Path, gate: str, source: str) -> list[Suite]:
    """The suites that apply to `source` at `gate`: the shared ones first, then its own; `root` holds the gate folders.

    Raises SuiteError when there is none (a table that nothing is expected of must not pass a gate), and for a file that
    would apply to no source at all.
    """
    _require_used(root / gate)
    shared = traits(load_contracts()[source]) if gate != RESULTS else []
    paths = [root / gate / f"{stem}.json" for stem in (*shared, source)]
    suites = [load_suite(path) for path in paths if path.exists()]
    if not suites:
        raise SuiteError(f"{root / gate}: det finns ingen svit för {source}")
    return suites


def _require_used(folder: Path) -> None:
    """Raise SuiteError for a file that is named after neither a trait nor a source: it would silently judge nothing."""
    names = [*load_contracts(), RESULT_TABLE] if folder.name == RESULTS else [*_TRAITS, *load_contracts()]
    for path in sorted(folder.glob("*.json")):
        if path.stem not in names:
            raise SuiteError(f"{path}: {path.stem} är ingenting som grinden prövar ({', '.join(names)})")


def gate_tables(root: Path = SUITES) -> dict[str, dict[str, str]]:
    """What each tier judges: tier -> source -> table. The results gate reads what its suites name."""
    return {
        DELIVERY: {source: f"rows_{source}" for source in load_contracts()},
        DRIFT: {source: f"signs_{source}" for source in load_contracts()},
        STAGING: {source: f"stg_{source}" for source in load_contracts()},
        RESULTS: {path.stem: _named_table(path) for path in sorted((root / RESULTS).glob("*.json"))},
    }


def _named_table(path: Path) -> str:
    table = load_suite(path).table
    if table is None:
        raise SuiteError(f"{path}: meta.table saknas; i den här grinden säger sviten själv vilken tabell den prövar")
    return table


def suite_titles(suite: str) -> dict[tuple[str, str], str]:
    """Titles of a suite's expectations as its file has them today: (suite, id) -> title; empty where it is gone."""
    path = SUITES / f"{suite}.json"
    return (
        {(suite, e["meta"]["id"]): e["meta"]["titel"] for e in load_suite(path).expectations} if path.exists() else {}
    )
