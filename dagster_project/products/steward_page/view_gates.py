"""The gates: every expectation over the runs, and what this run's failures mean for publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.vocabulary import CRITICAL, DRIFT, RESULTS, TIERS, WARNING
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide
from dagster_project.gates.outcomes import GATE_TITLES, Outcome
from dagster_project.products.data_docs.pages import page_of
from dagster_project.products.measured import measured
from dagster_project.products.steward_page.checks import (
    FAILED,
    NOT_TESTED,
    PASSED,
    WAIVED_SIGN,
    Titles,
    graveness,
)
from dagster_project.products.steward_page.view_runs import local_time
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
            "gate": GATE_TITLES[checks[suite, source, expectation].gate],
            "failed": (suite, source, expectation) in now and not now[suite, source, expectation].success,
            "cells": [_cell(by_check.get((suite, source, expectation))) for by_check in found],
        }
        for suite, source, expectation in sorted(checks, key=place)
    ]
    return {
        "runs": [{"as_of": r.as_of, "started": local_time(r.started)} for r in records],
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


def failed_view(data: DataPaths, outcomes: Sequence[Outcome], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """This run's failed expectations with what each means for publishing, gravest first. names: indicator -> title."""
    indicators = load_catalogue()
    held = decide(outcomes).held_back
    views = []
    for o in sorted(
        (o for o in outcomes if not o.success), key=lambda o: (*graveness(o), TIERS.index(o.gate), o.source)
    ):
        effect, touched = _effect(o, held, indicators)
        page = page_of(data, o.gate, o.source)
        status, word, sign = FAILED[o.severity]
        views.append(
            {
                "status": status,
                "word": word,
                "sign": sign,
                "gate": GATE_TITLES[o.gate],
                "source": o.source,
                "title": o.titel,
                "meaning": o.betydelse,
                "action": o.atgard,
                "measured": measured(o),
                "waiver": o.undantag,
                "counts_as": FAILED[o.consequence][1],
                "effect": effect,
                "touched": [names.get(i, i) for i in touched],
                "everything": len(touched) == len(indicators),
                "page": page if page.exists() else None,
            }
        )
    return views


def _effect(
    failure: Outcome, held: Mapping[str, Sequence[str]], indicators: Sequence[Indicator]
) -> tuple[str, list[str]]:
    """What a failure does to publishing, in words, and to which indicators (ids). held: those held back -> sources."""
    reads = [i.id for i in indicators if failure.source in i.sources]
    if failure.gate == RESULTS:
        stops = failure.consequence == CRITICAL
        return "Ingenting publiceras." if stops else "Hindrar inte publiceringen.", []
    if failure.consequence == CRITICAL:
        return "Håller tillbaka", reads
    if failure.consequence == WARNING and not failure.marks:
        return "Ändrar inget i publiceringen: en förändring att fråga om.", []
    if failure.consequence == WARNING:
        marked = [i for i in reads if i not in held]
        nothing = "Märker inget: källans indikatorer hålls redan tillbaka."
        partial = "Månadens celler är preliminära. " if failure.gate == DRIFT else ""
        return partial + "Märker med varning" if marked else nothing, marked
    return "Ändrar inget i publiceringen.", []
