"""The gates: every expectation, what it measured now, and what came of it over the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster_project.catalogue.vocabulary import TIERS
from dagster_project.gates.outcomes import GATE_TITLES, Outcome
from dagster_project.products.measured import measured
from dagster_project.products.names import source_name
from dagster_project.products.steward_page.checks import (
    FAILED,
    NOT_TESTED,
    PASSED,
    WAIVED_SIGN,
    Titles,
    graveness,
)
from dagster_project.products.steward_page.view_runs import local_time, run_labels
from dagster_project.runs.history import CheckRecord, RunRecord

Check = tuple[str, str, str]
"""What an expectation is known by: suite, source, expectation id."""


def grid_view(records: Sequence[RunRecord], outcomes: Sequence[Outcome], titles: Titles) -> dict[str, Any]:
    """Expectation and source by run, newest run first; this run's failures are the first rows."""
    found = [_by_check([o.record() for o in outcomes]), *(_by_check(r.checks) for r in records[1:])]
    now = found[0]
    checks: dict[Check, CheckRecord] = {}
    for by_check in found:
        for key, check in by_check.items():
            checks.setdefault(key, check)

    def place(key: Check) -> tuple:
        failed = key in now and not now[key].success
        worst = graveness(now[key]) if failed else ()
        return not failed, worst, key not in now, TIERS.index(checks[key].gate), key[1]

    rows = [
        {
            "title": titles.of(suite, expectation),
            "source": source,
            "name": source_name(source),
            "measured": measured(now[key]) if (key := (suite, source, expectation)) in now else "",
            "gate": GATE_TITLES[checks[suite, source, expectation].gate],
            "failed": (suite, source, expectation) in now and not now[suite, source, expectation].success,
            "cells": [_cell(by_check.get((suite, source, expectation))) for by_check in found],
        }
        for suite, source, expectation in sorted(checks, key=place)
    ]
    return {
        "runs": [
            {"label": label, "started": local_time(r.started)}
            for r, label in zip(records, run_labels(records), strict=True)
        ],
        "rows": rows,
        "sources": sorted({source for _, source, _ in checks}),
        "legend": [PASSED, *FAILED.values(), NOT_TESTED],
        "waived_sign": WAIVED_SIGN,
    }


def _by_check(checks: Sequence[CheckRecord]) -> dict[Check, CheckRecord]:
    """A run's checks by name; those of gates that are no more are left out."""
    return {(c.suite, c.source, c.expectation): c for c in checks if c.gate in TIERS}


def _cell(check: CheckRecord | None) -> tuple[str, str, str]:
    """Class, sign and text of one cell of the grid; a sign of its own for a waived failure."""
    if check is None or check.success:
        status, word, sign = NOT_TESTED if check is None else PASSED
        return status, sign, word
    status, word, sign = FAILED[check.consequence]
    figure, waived = measured(check), check.undantag is not None
    text = f"{word}{' genom undantag' if waived else ''}{f': {figure}' if figure else ''}"
    return status, WAIVED_SIGN if waived else sign, text
