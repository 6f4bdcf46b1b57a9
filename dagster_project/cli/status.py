"""`resultattavla status`: the current release and what stewards should know of it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, out, say, settings_with, table
from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths

RETRACTIONS_SHOWN = 5
"""The newest ones, by release."""


def status(
    data: DataOption = None,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="TID",
            help="För övervakning: sluta med kod 1 om ingen körning har publicerat på så länge, t.ex. 26h eller 2d.",
        ),
    ] = None,
) -> None:
    """Visa aktuell utgåva, dess ålder, grindar, kvarhållna källor och öppen karantän."""
    from dagster_project.cli.summary import (
        held_back_sentences,
        quarantine_by_source,
        waiver_sentences,
        warning_sentences,
    )
    from dagster_project.ingestion.acknowledged import load_acknowledged, quarantine_now
    from dagster_project.products.words import SOURCE_OUTCOME_WORDS
    from dagster_project.releases.retractions import retractions
    from dagster_project.releases.store import published_release
    from dagster_project.runs.folder import RunFolder
    from dagster_project.runs.history import read_records

    oldest = _duration(max_age)
    settings = settings_with(data=data)
    paths = settings.paths
    release = published_release(paths)
    as_of = date.fromisoformat(release.as_of)
    out.print(
        f"[bold]Utgåva {release.id}[/bold] per {as_of}, {(today_in_sweden() - as_of).days} dagar gammal", soft_wrap=True
    )
    table(
        "Källor",
        ["källa", "utfall"],
        [(s, SOURCE_OUTCOME_WORDS[u]) for s, u in sorted(release.manifest.sources.items())],
    )
    for text in held_back_sentences(release) or ["Ingen källa håller tillbaka något."]:
        say(text)
    for text in (*warning_sentences(release), *waiver_sentences(release)):
        say(text)
    for retraction in list(retractions(paths).values())[-RETRACTIONS_SHOWN:]:
        say(f"Utgåva {retraction.release_id}: {retraction.text}.")
    for record in read_records(paths, 1):
        for text in record.rejected:
            say(f"Avvisad, nyare än det som räknas: {text}")
        for text in record.shrunk:
            say(f"Varning {text}")
        if record.error is not None:
            say(f"Senaste körningen ({record.started[:16].replace('T', ' ')} UTC) publicerade inget: {record.error}")
    quarantined = quarantine_by_source(quarantine_now(RunFolder(paths), load_acknowledged(settings.acknowledged)))
    table("Öppen karantän", ["källa", "rader"], quarantined, numbers=[1])
    if oldest is not None:
        _require_recent(paths, oldest)


def _duration(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text.strip().lower())
    if found is None:
        raise typer.BadParameter(
            f"{text} är ingen tid: skriv timmar eller dygn, som 26h eller 2d.", param_hint="--max-age"
        )
    return timedelta(hours=int(found[1])) if found[2] == "h" else timedelta(days=int(found[1]))


def _require_recent(data: DataPaths, oldest: timedelta) -> None:
    """Raise ResultattavlaError where no run has published (or found nothing new) for longer than that."""
    from dagster_project.products.steward_page.view_runs import local_time
    from dagster_project.runs.history import last_success

    seen = last_success(data)
    if seen is None or datetime.now(UTC) - seen > oldest:
        when = f"sedan {local_time(seen.isoformat())}" if seen else "i den här mappen"
        raise ResultattavlaError(f"Ingen körning har publicerat {when}: se efter varför (senast tillåtet {oldest}).")
