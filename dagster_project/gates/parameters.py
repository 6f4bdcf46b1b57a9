"""What suites are told instead of having it typed: their parameters, and how they are filled in.

Of every source, for kwargs:
  levels, period_types, sexes, known_sexes, statuses, qualities, verksamheter      closed lists
  first_date, as_of                                                                limits of dates
  quarantined_share_warning, quarantined_share_stop, rows_fallen_share, rows_min,
  list_missing_share, share_rows_min, rows_grown_times, rows_grown_min, and the
  limits of drift (column_filled_share, column_gone_share, column_rows_min,
  day_times, day_rows_min, month_share, month_events_min, season_share, season_floor,
  new_ids_share, new_ids_min)                                                      limits of numbers
Of every source, for SQL:
  suppression_limit, few_limit (the other numbers may stand there too)             a number
  area, verksamhet, unit, all_sexes, met, no_data, preliminary, not_applicable,
  hidden, hidden_mark, few_mark, frozen, count, amount                             one quoted word
  column_gone, day_volume, month_volume, new_ids                                   one quoted word: a sign
  appropriation                                                                    one quoted word: an account group
  not_followed                                                                     one quoted word: an answer
  unit_gone, unit_later, unit_moved, register_row, masked_text                     one quoted word: a finding
  judged, proportions, totals                                                      quoted words in brackets
Of a source with a contract:
  key           the business key's SQL expressions, as they stand after `group by`
  age_days_max  how old the newest delivery may be
  unit_column   the column of the unit, for kwargs; of a source whose rows have one
  event_column  the column of the event's day, for kwargs; of a source whose events have one
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from string import Template
from typing import Any

from dagster_project.catalogue.contracts import Contract, load_contracts
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AMOUNT,
    APPROPRIATION,
    AREA,
    COUNT,
    FEW_MARK,
    FIRST_DATE,
    FROZEN,
    HIDDEN,
    HIDDEN_MARK,
    JUDGED,
    LEVELS,
    MEN,
    MET,
    NO_DATA,
    NOT_APPLICABLE,
    PERIOD_TYPES,
    PRELIMINARY,
    PROPORTIONS,
    QUALITIES,
    RULE_BROKEN,
    SEXES,
    SIGNS,
    STATUSES,
    TOTALS,
    UNIT,
    VERKSAMHET,
    WOMEN,
)
from dagster_project.engines.duckdb import literal
from dagster_project.gates.suites import Suite, SuiteError, event_day
from dagster_project.runs.folder import MASKED_TEXT, REGISTER_ROW, UNIT_GONE, UNIT_LATER, UNIT_MOVED

SQL_KWARG = "unexpected_rows_query"
_NAME = re.compile(r"[A-Za-z_]\w*")
_LIMIT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?: \* (?P<times>[0-9.]+))?")


class Sql(str):
    """SQL text made of contract and vocabulary, never of delivered data: beside numbers all that may enter a query."""

    @classmethod
    def word(cls, word: str) -> Sql:
        """One value of a closed list."""
        return cls(literal(word))

    @classmethod
    def words(cls, words: Iterable[str]) -> Sql:
        """Values of a closed list, in brackets."""
        return cls(f"({', '.join(map(literal, words))})")


Value = int | float | date | str | list[str] | Sql
Values = Mapping[str, Value]

_WORDS: Values = {
    "levels": list(LEVELS),
    "period_types": list(PERIOD_TYPES),
    "sexes": list(SEXES),
    "known_sexes": [WOMEN, MEN],
    "statuses": list(STATUSES),
    "qualities": list(QUALITIES),
    "first_date": FIRST_DATE,
    "area": Sql.word(AREA),
    "verksamhet": Sql.word(VERKSAMHET),
    "unit": Sql.word(UNIT),
    "all_sexes": Sql.word(ALL_SEXES),
    "met": Sql.word(MET),
    "no_data": Sql.word(NO_DATA),
    "preliminary": Sql.word(PRELIMINARY),
    "not_applicable": Sql.word(NOT_APPLICABLE),
    "hidden": Sql.word(HIDDEN),
    "hidden_mark": Sql.word(HIDDEN_MARK),
    "few_mark": Sql.word(FEW_MARK),
    **{sign: Sql.word(sign) for sign in SIGNS},
    "appropriation": Sql.word(APPROPRIATION),
    "not_followed": Sql.word(RULE_BROKEN),
    "unit_gone": Sql.word(UNIT_GONE),
    "unit_later": Sql.word(UNIT_LATER),
    "unit_moved": Sql.word(UNIT_MOVED),
    "register_row": Sql.word(REGISTER_ROW),
    "masked_text": Sql.word(MASKED_TEXT),
    "judged": Sql.words(JUDGED),
    "frozen": Sql.word(FROZEN),
    "count": Sql.word(COUNT),
    "amount": Sql.word(AMOUNT),
    "proportions": Sql.words(PROPORTIONS),
    "totals": Sql.words(TOTALS),
}


def suite_parameters(
    sources: Iterable[str], as_of: date, settings: Mapping[str, Any], rows_min: int = 1
) -> dict[str, Values]:
    """The parameters of the suites by source (the module's docstring lists them).

    settings: `runs.parameters.Parameters` as a dictionary. rows_min: rows that the results have at least.
    """
    common: Values = {
        **_WORDS,
        "verksamheter": list(verksamhet_codes()),
        "as_of": as_of,
        "suppression_limit": settings["suppression_limit"],
        "few_limit": settings["few_limit"],
        "rows_min": rows_min,
        **settings["thresholds"],
        **settings["drift"],
    }
    contracts = load_contracts()
    ages = settings["agreed_age_days"]
    return {s: {**common, **(_of_contract(contracts[s], ages[s]) if s in contracts else {})} for s in sources}


def _of_contract(contract: Contract, age_days_max: int) -> Values:
    columns = {"unit_column": contract.unit, "event_column": event_day(contract)}
    return {
        "key": Sql(", ".join(contract.key_sql)),
        "age_days_max": age_days_max,
        **{name: column for name, column in columns.items() if column is not None},
    }


def numbers(values: Values) -> dict[str, int | float]:
    """The parameters that an expression (`age_days_max * 2`) may use: Great Expectations computes it."""
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def filled(suite: Suite, source: str, values: Values) -> list[dict[str, Any]]:
    """The suite's expectations with their parameters filled in; expressions of several parts are left to GX.

    Raises SuiteError, naming suite and expectation, for a name that is no parameter and for a value that may not stand
    where it is asked for.
    """
    return [{**e, "kwargs": _kwargs(e, f"{suite.name} för {source}", values)} for e in suite.expectations]


def limit_of(expectation: Mapping[str, Any], values: Values) -> float | None:
    """What the measured value of an expectation is held against, in its own unit (shares 0-1).

    Of a query what its `measured` says; of rows that may be wrong the share that may be (`mostly`); else the largest
    allowed value, or the smallest one where only that is given. None where every finding is a failure.
    Raises SuiteError for a limit that is neither a number nor a parameter, perhaps times a number.
    """
    kwargs = expectation["kwargs"]
    if (told := expectation["meta"].get("measured", {}).get("limit")) is not None:
        return _limit(told, expectation, values)
    if "mostly" in kwargs:
        return float(round(1 - kwargs["mostly"], 9))
    if expectation["type"].startswith("expect_column_values_"):
        return None
    given = kwargs.get("max_value", kwargs.get("min_value"))
    return None if given is None else _limit(given, expectation, values)


def _limit(given: Any, expectation: Mapping[str, Any], values: Values) -> float:
    if isinstance(given, Mapping):
        found = _LIMIT.fullmatch(str(given.get("$PARAMETER")))
        value = values.get(found["name"]) if found else None
        if found and isinstance(value, int | float):
            return float(value) * float(found["times"] or 1)
    elif isinstance(given, int | float):
        return float(given)
    raise SuiteError(f"Förväntan {expectation['meta']['id']}: gränsen {given} är varken ett tal eller en parameter.")


def _kwargs(expectation: Mapping[str, Any], suite: str, values: Values) -> dict[str, Any]:
    where = f"{suite}: förväntan {expectation['meta']['id']}"
    kwargs = dict(expectation["kwargs"])
    for name, value in kwargs.items():
        if name == SQL_KWARG:
            kwargs[name] = _query(value, where, values)
        elif isinstance(value, Mapping) and "$PARAMETER" in value:
            kwargs[name] = _argument(value, where, values)
    return kwargs


def _query(query: str, where: str, values: Values) -> str:
    template = Template(query)
    if not template.is_valid():
        raise SuiteError(f"{where} har ett $ som inte följs av namnet på en parameter.")
    asked = template.get_identifiers()
    _require_known(asked, where, values)
    unsafe = [name for name in asked if not isinstance(values[name], Sql | int | float)]
    if unsafe:
        raise SuiteError(f"{where}: ${unsafe[0]} är varken ett tal eller SQL och får därför inte stå i en fråga.")
    return template.substitute(values)


def _argument(value: Mapping[str, Any], where: str, values: Values) -> Any:
    expression = str(value["$PARAMETER"])
    asked = _NAME.findall(expression)
    _require_known(asked, where, values)
    return values[expression] if [expression] == asked else dict(value)


def _require_known(names: Iterable[str], where: str, values: Values) -> None:
    unknown = [name for name in names if name not in values]
    if unknown:
        raise SuiteError(f"{where} frågar efter {unknown[0]}, som ingen parameter heter ({', '.join(sorted(values))}).")
