"""What Great Expectations found, stripped of everything but counts and measured numbers; data docs are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import Suite

# Row counts are all that is kept of a result; any other figure that Great Expectations adds may show a value of a row.
KEPT_COUNTS = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "missing_count",
    "missing_percent",
)

FIGURES = ("checked", "unexpected", "observed", "limit")
"""What of an outcome the pages show of a result (`Outcome`)."""
NO_FIGURES = dict.fromkeys(FIGURES)


@dataclass(frozen=True)
class SuiteResult:
    """What one suite found in one table: Great Expectations' results as JSON, with counts but without row values."""

    gate: str
    source: str
    suite: str
    titel: str
    table: str
    results: list[dict[str, Any]]


@dataclass
class Findings:
    """Collects the suite results of a gate, without values of rows: what data docs are rendered from."""

    results: list[SuiteResult] = field(default_factory=list)

    def add(self, gate: str, source: str, suite: Suite, table: str, results: Iterable[Mapping[str, Any]]) -> None:
        """Keep the results of one suite, stripped of everything but counts and measured numbers."""
        kept = [_strip(result) for result in results]
        self.results.append(SuiteResult(gate, source, suite.name, suite.titel, table, kept))

    def tell(self, outcomes: Iterable[Outcome]) -> None:
        """Keep with each result what its outcome says: the figures that pages show, and the waiver of a failure."""
        by_name = {(o.suite, o.source, o.expectation): o for o in outcomes}
        for suite in self.results:
            for result in suite.results:
                meta = result["expectation_config"]["meta"]
                outcome = by_name.get((suite.suite, suite.source, meta["id"]))
                if outcome is None:
                    continue
                result["figures"] = {name: getattr(outcome, name) for name in FIGURES}
                if outcome.undantag is not None:
                    result["expectation_config"]["meta"] = {**meta, "undantag": outcome.undantag}

    def as_list(self) -> list[dict[str, Any]]:
        """Plain values, for the run folder; `SuiteResult(**item)` gives one back."""
        return [asdict(result) for result in self.results]


def _strip(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without anything that could show the value of a row: counts stay, and a measured number (of persons:
    or that they are few).
    """
    found = {key: result["result"][key] for key in KEPT_COUNTS if key in result["result"]}
    observed = result["result"].get("observed_value")
    counts_persons = bool((result["expectation_config"].get("meta") or {}).get("persons"))
    if isinstance(observed, int | float) or (observed is not None and counts_persons):
        found["observed_value"] = observed
    config = result["expectation_config"]
    return {
        "success": result["success"],
        "expectation_config": {key: config[key] for key in ("type", "kwargs", "meta", "severity")},
        "result": found,
        "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
    }
