"""What an expectation measured, as people read it: with its unit, its limit and which side of it is right.

"31,8 % i karantän, gräns 20 %"; "92 dagar, gräns 70"; "0 rader som räknas, gräns minst 1". The one place for terminal,
page, data docs, Dagster and explanations. Nouns are the suite's (`measured` in its meta, see `gates.suites`), numbers
and limits the outcome's; an expectation that no suite has any more is told by its number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Protocol

from dagster_project.catalogue.vocabulary import TIERS, gravity
from dagster_project.core.swedish import NO_BREAK_SPACE, counted, number, percent
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.parameters import limit_of, suite_parameters
from dagster_project.gates.suites import SUITES, SuiteError, load_suite
from dagster_project.products.words import PLAIN_SEVERITY_WORDS


class Measured(Protocol):
    """What is told of an outcome, of this run (`Outcome`), an earlier one (`CheckRecord`) or a release (`Figures`)."""

    @property
    def suite(self) -> str: ...
    @property
    def expectation(self) -> str: ...
    @property
    def checked(self) -> int | None: ...
    @property
    def unexpected(self) -> int | None: ...
    @property
    def observed(self) -> str | None: ...
    @property
    def limit(self) -> float | None: ...


@dataclass(frozen=True)
class Figures:
    """The figures of one expectation alone (see `gates.outcomes.Outcome`)."""

    suite: str
    expectation: str
    checked: int | None
    unexpected: int | None
    observed: str | None
    limit: float | None = None


def published_figures(row: Mapping[str, Any], as_of: str, parameters: Mapping[str, Any]) -> Figures:
    """The figures of a row of a release's `kvalitet`; its limit follows from the release's parameters.

    as_of, parameters: of the manifest. An older release may lack a parameter: then no limit is told.
    """
    figures = Figures(*(row.get(n) for n in ("suite", "expectation", "checked", "unexpected", "observed")))  # type: ignore[arg-type]
    expectation = _expectations(figures.suite).get(figures.expectation)
    if expectation is None:
        return figures
    try:
        values = suite_parameters([row["source"]], date.fromisoformat(as_of), parameters)[row["source"]]
        limit = limit_of(expectation, values)
    except (KeyError, SuiteError):
        return figures
    return Figures(**{**vars(figures), "limit": limit})


def measured(check: Measured) -> str:
    """What was measured with unit and limit; empty where the expectation has no figure."""
    expectation = _expectations(check.suite).get(check.expectation)
    if expectation is None:
        return _plain(check)
    told = expectation["meta"]["measured"]
    return (_share if "share" in told else _count)(check, expectation, told)


def failure_sentence(severity: str, source: str, title: str, found: str) -> str:
    """A failed expectation as a line: how grave, where, what was measured (`measured`, may be empty), what is asked."""
    asked = title[:1].lower() + title[1:] if title[1:2].islower() else title
    told = f"{found} (kravet: {asked})" if found else f"{title}: uppfylls inte"
    return f"{PLAIN_SEVERITY_WORDS[severity]} {source}: {told}."


def measure_of(suite: str, expectation: str) -> str:
    """What the expectation judges: the same word for those that are told together, else its id."""
    found = _expectations(suite).get(expectation)
    return str(found["meta"]["measured"].get("measure", expectation)) if found else expectation


def trend_value(check: Measured) -> tuple[str, float] | None:
    """What was measured as a number to follow over runs, under a name that holds its unit; None for what has none."""
    value, expectation = _as_number(check.observed), _expectations(check.suite).get(check.expectation)
    if value is None or expectation is None or not math.isfinite(value):
        return None
    told = expectation["meta"]["measured"]
    if "share" in told:
        return f"{check.expectation} (% {told['share']})", 100 * value
    return f"{check.expectation} ({told['many']})", value


def by_measure(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Failures of one measure of a source together, the gravest first; the gravest groups first."""
    failed = sorted(
        (o for o in outcomes if not o.success),
        key=lambda o: (gravity(o.consequence), o.undantag is not None, TIERS.index(o.gate), o.source),
    )
    together: dict[tuple[str, str, str], list[Outcome]] = {}
    for o in failed:
        together.setdefault((o.gate, o.source, measure_of(o.suite, o.expectation)), []).append(o)
    return list(together.values())


def meaning_of(suite: str, expectation: str) -> tuple[str, str]:
    """What the expectation asks and why it matters, as its suite says today; its id and nothing where it is gone."""
    found = _expectations(suite).get(expectation)
    return (str(found["meta"]["titel"]), str(found["meta"]["betydelse"])) if found else (expectation, "")


def leads_to(suite: str, expectation: str) -> str | None:
    """Where what failed is seen: `quarantine` or `deliveries` of the source; None where nowhere."""
    found = _expectations(suite).get(expectation)
    return found["meta"]["measured"].get("leads_to") if found else None


@cache
def _expectations(suite: str) -> Mapping[str, Mapping[str, Any]]:
    """The expectations of a suite by id, as its file has them today; none where it is gone or cannot be read."""
    try:
        return {e["meta"]["id"]: e for e in load_suite(SUITES / f"{suite}.json").expectations}
    except SuiteError:
        return {}


def _share(check: Measured, expectation: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    share = _as_number(check.observed)
    if share is None:
        return check.observed or ""
    found, limit = percent(share), "" if check.limit is None else percent(check.limit)
    if found == limit and share != check.limit:  # 5,04 % is above a limit of 5 %
        found = f"{number(100 * share, 3)}{NO_BREAK_SPACE}%"
    return _with_limit(f"{found} {told['share']}", limit, expectation, told)


def _count(check: Measured, expectation: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    one, many = told["one"], told["many"]
    in_percent = "{percent}" in told.get("limit_text", "") or "mostly" in expectation["kwargs"]
    limit = "" if check.limit is None else percent(check.limit) if in_percent else number(check.limit)
    if check.observed is not None:
        counts = _as_number(check.observed)
        if "named" in told:
            found = f"{told['named']} {check.observed}".strip()
        elif counts is None:
            found = f"{check.observed} {many}"
        else:
            found = counted(int(counts), one, many) if counts.is_integer() else f"{number(counts)} {many}"
    elif check.unexpected is None:
        return ""
    else:
        found = counted(check.unexpected, one, many)
        if expectation["type"].startswith("expect_column_values_") and check.checked:
            found += f" av {number(check.checked)} ({percent(check.unexpected / check.checked)})"
        elif not check.unexpected:
            return found
    return _with_limit(found, limit, expectation, told)


def _with_limit(found: str, limit: str, expectation: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    if not limit:
        return found
    kwargs = expectation["kwargs"]
    least = "minst " if "min_value" in kwargs and "max_value" not in kwargs else ""
    text = told.get("limit_text", f"gräns {least}{{number}}")
    return f"{found}, {text.format(number=limit, percent=limit)}"


def _plain(check: Measured) -> str:
    if check.observed is not None:
        return number(check.observed)
    if check.unexpected is None:
        return ""
    of = f" av {number(check.checked)}" if check.checked else ""
    return f"{number(check.unexpected)} fel{of}"


def _as_number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
