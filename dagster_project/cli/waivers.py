"""`resultattavla waivers`: the accepted failures, validated."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.cli.output import day_of, settings_with, table


def waivers(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Dagen att pröva mot; annars i dag.")
    ] = None,
) -> None:
    """Pröva filen med undantag och visa vad den undantar; slutar med kod 1 om något är fel eller har gått ut."""
    from dagster_project.core.clock import today_in_sweden
    from dagster_project.gates.waivers import load_run_waivers, require_current

    settings = settings_with()
    day = day_of(as_of, "--as-of") or today_in_sweden()
    found = load_run_waivers(settings.waivers)
    table(
        f"{len(found)} undantag i {settings.waivers}",
        ["rad", "svit", "förväntan", "källa", "orsak", "ansvarig", "sista dag", "dagar kvar"],
        [
            (w.line, w.suite, w.expectation, w.source, w.reason, w.approved_by, w.last_date, (w.last_date - day).days)
            for w in found
        ],
        numbers=[0, 7],
    )
    require_current(found, day, settings.waivers)
