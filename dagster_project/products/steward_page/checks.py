"""What an expectation came to, as the page shows it: class, word and sign, title."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from dagster_project.catalogue.vocabulary import CRITICAL, INFO, WARNING, gravity
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import SuiteError, suite_titles
from dagster_project.products.words import SEVERITY_WORDS
from dagster_project.runs.history import CheckRecord

# Class, word and sign; the sign makes it readable without colour.
PASSED = ("godkand", "Godkänd", "✓")
NOT_TESTED = ("oprovad", "Inte prövad", "–")
FAILED = {
    severity: (css, SEVERITY_WORDS[severity], sign)
    for severity, css, sign in ((CRITICAL, "stopp", "✗"), (WARNING, "varning", "!"), (INFO, "upplysning", "i"))
}
WAIVED_SIGN = "u"


def graveness(failure: CheckRecord | Outcome) -> tuple[int, bool]:
    """Sorts failures: the gravest first, waived ones after those that count in full."""
    return gravity(failure.consequence), failure.undantag is not None


class Titles:
    """Titles of expectations: as this run's outcomes say, else as the suite file does, else the id."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._known = {(o.suite, o.expectation): o.titel for o in outcomes}
        self._read: set[str] = set()

    def of(self, suite: str, expectation: str) -> str:
        if (suite, expectation) not in self._known and suite not in self._read:
            self._read.add(suite)
            with suppress(SuiteError):  # what stopped the run, perhaps: the page is needed all the more, ids will do
                self._known = suite_titles(suite) | self._known
        return self._known.get((suite, expectation), expectation)
