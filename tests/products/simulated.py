"""What the gates would have found: results for every suite of the project, in the shapes that Great Expectations gives.

Nothing is validated, so this needs no data and takes no time; that the real thing has these shapes is tested too
(`test_data_docs`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import DELIVERY, RESULTS, STAGING
from dagster_project.gates.findings import Findings, SuiteResult
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import SUITES, suites_for

Failure = tuple[str, str, str]
"""Gate, source, expectation id."""

WARNED = (DELIVERY, "kva", "alder_varning")
NOTED = (DELIVERY, "avvikelser", "allvarlighetsgrad_ifylld")
STOPPED = (STAGING, "kva", "enhet_satt")
NOTHING_PUBLISHED = (RESULTS, "indicator_result", "status_kand")
TOO_OLD, LIMIT = 36, 35.0

_BY_COLUMN = {"unexpected_percent": 0.0}
_BY_VALUE = {
    **_BY_COLUMN,
    "unexpected_percent_total": 0.0,
    "unexpected_percent_nonmissing": 0.0,
    "missing_count": 1,
    "missing_percent": 10.0,
}


def judged(gate: str) -> list[str]:
    """The sources that a gate judges."""
    return sorted(load_contracts()) if gate != RESULTS else sorted(p.stem for p in (SUITES / gate).glob("*.json"))


def findings(failing: Collection[Failure], gates: Collection[str]) -> Findings:
    """Results of all suites of these gates, as a run keeps them. Raises ValueError for a failure that no suite has."""
    found, left = Findings(), set(failing)
    for gate in gates:
        for source in judged(gate):
            for suite in suites_for(SUITES, gate, source):
                failed = {e for g, s, e in failing if (g, s) == (gate, source)}
                results = [_result(e, e["meta"]["id"] in failed) for e in suite.expectations]
                found.add(gate, source, suite, f"{gate}_{source}", results)
                left -= {(gate, source, e["meta"]["id"]) for e in suite.expectations}
    if left:
        raise ValueError(f"no suite has {left}")
    found.tell(outcomes_of(found.results))
    return found


def outcomes_of(results: Collection[SuiteResult]) -> list[Outcome]:
    """The same results as outcomes."""
    return list(_outcomes(results))


def _outcomes(results: Collection[SuiteResult]) -> Iterator[Outcome]:
    for suite in results:
        for result in suite.results:
            config, found = result["expectation_config"], result["result"]
            counts = "unexpected_count" in found
            checked = found["element_count"] - found.get("missing_count", 0) if counts else None
            unexpected = found["unexpected_count"] if counts else None
            meta = config["meta"]
            yield Outcome(
                gate=suite.gate,
                suite=suite.suite,
                source=suite.source,
                expectation=meta["id"],
                severity=config["severity"],
                success=result["success"],
                checked=checked,
                unexpected=unexpected,
                share=unexpected / checked if checked and unexpected is not None else None,
                observed=None if counts else str(found["observed_value"]),
                titel=meta["titel"],
                betydelse=meta["betydelse"],
                atgard=meta["atgard"],
                limit=LIMIT if (suite.gate, suite.source, meta["id"]) == WARNED else None,
            )


def _result(expectation: dict[str, Any], fails: bool) -> dict[str, Any]:
    """One result of Great Expectations, in the format SUMMARY without partial lists."""
    kind = expectation["type"]
    if kind.startswith("expect_column_values_"):
        counts = _BY_COLUMN if kind == "expect_column_values_to_not_be_null" else _BY_VALUE
        result = {"element_count": 10, "unexpected_count": 2 if fails else 0, **counts}
    elif kind == "unexpected_rows_expectation":
        result = {"observed_value": 3 if fails else 0}
    else:
        result = {"observed_value": TOO_OLD if fails else 0}
    return {
        "success": not fails,
        "expectation_config": {**expectation, "kwargs": _given(expectation["kwargs"])},
        "result": result,
        "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
        "meta": {},
    }


def _given(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments with a value for each parameter."""
    by_name = {"column": "kolumn", "value_set": ["AUD", "BUH"]}
    return {k: by_name.get(k, 1) if isinstance(v, dict) and "$PARAMETER" in v else v for k, v in kwargs.items()}
