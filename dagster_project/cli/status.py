"""`resultattavla status`: the current release and what stewards should know of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.output import DataOption, hanging, out, say, settings_with, table
from dagster_project.core.clock import today_in_sweden, told_day, told_time
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import counted

if TYPE_CHECKING:
    from dagster_project.operations.settings import Settings
    from dagster_project.releases.retractions import Retraction
    from dagster_project.releases.store import Release
    from dagster_project.runs.expected import Expected
    from dagster_project.runs.folder import RunFolder

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
    timings: Annotated[
        bool, typer.Option("--timings", help="Visa också vad den senaste körningens steg tog, per källa.")
    ] = False,
) -> None:
    """Visa läget: utgåva, källor, nästa leverans, öppen karantän, avvisade filer, undantag och förändringar."""
    from dagster_project.cli.postgres import told_or_refused
    from dagster_project.cli.summary import (
        held_back_sentences,
        rejected_files,
        waiver_sentences,
        warning_sentences,
    )
    from dagster_project.products.make import linked_products
    from dagster_project.releases.retractions import retractions
    from dagster_project.releases.store import published_release
    from dagster_project.runs.folder import RunFolder
    from dagster_project.runs.history import read_records

    oldest, today = _duration(max_age), today_in_sweden()
    settings = settings_with(data=data)
    paths = settings.paths
    if timings:
        from dagster_project.cli.timings import show_timings

        show_timings(paths)
    release, folder = published_release(paths), RunFolder(paths)
    as_of = date.fromisoformat(release.as_of)
    out.print(f"[bold]Utgåva {release.id}[/bold]", soft_wrap=True)
    say(f"Visar läget {told_day(as_of)}, för {counted((today - as_of).days, 'dag', 'dagar')} sedan.")
    records = read_records(paths, 1)
    last = f" Senaste körningen: {told_time(records[0].seen or records[0].started)}." if records else ""
    published = release.manifest.published  # an older version's manifest does not say
    say(f"Publicerad {told_time(published)}.{last}" if published else last.strip())
    for record in records:
        if record.error is not None:
            say(f"Den publicerade inget: {record.error}")
    for made in linked_products(paths):
        older = "" if made.release_id == release.id else f" (av utgåva {made.release_id}, inte den aktuella)"
        say(f"{made.product.title}: {made.entry}{older}")
    if settings.serve.postgres is not None:
        say(told_or_refused(settings.serve.postgres, settings.paths))
    lost: ResultattavlaError | None = None
    expected: list[Expected] = []
    rejected: list[str] = []
    try:
        expected, rejected = _sources(release, folder, settings, today), rejected_files(folder.ledger())
    except ResultattavlaError as error:  # the release is there, what the latest run left is not: all else is told
        lost = error
    _told("Hålls tillbaka", held_back_sentences(release))
    _told("Leveranser som borde ha kommit", _overdue(expected, today))
    newer = {text for record in records for text in record.rejected}
    marked = [f"{text} Den är inte äldre än det som räknas." if text in newer else text for text in rejected]
    _told("Avvisade filer", marked)
    _told("Underkänt och förändringar i leveranserna", warning_sentences(release))
    _told("Att veta", [f"Varning {text}" for record in records for text in record.notices])
    _told("Historik som har krympt", [f"Varning {text}" for record in records for text in record.shrunk])
    _told("Undantag", waiver_sentences(release, today))
    _told("Tillbakadragna utgåvor", [f"Utgåva {r.release_id}: {r.text}." for r in _latest(retractions(paths))])
    if lost is not None:
        raise lost
    if oldest is not None:
        _require_recent(paths, oldest)


def _sources(release: Release, folder: RunFolder, settings: Settings, today: date) -> list[Expected]:
    """A line per source: outcome, newest extraction date, when the next one is expected, open rows in quarantine."""
    from dagster_project.cli.summary import quarantine_by_source
    from dagster_project.ingestion.acknowledged import load_acknowledged, quarantine_now
    from dagster_project.products.words import SOURCE_OUTCOME_WORDS
    from dagster_project.runs.expected import expected_deliveries

    expected = expected_deliveries(folder.ledger(), settings.parameters().agreed_age_days, today)
    waiting = dict(quarantine_by_source(quarantine_now(folder, load_acknowledged(settings.acknowledged))))
    outcomes = release.manifest.sources
    rows = [
        (
            e.source,
            SOURCE_OUTCOME_WORDS[outcomes[e.source]] if e.source in outcomes else "–",
            e.newest or "aldrig",
            f"{e.by or '–'}{' !' if e.is_overdue(today) else ''}",
            waiting.get(e.source, 0),
        )
        for e in expected
    ]
    table("", ["källa", "utfall", "nyaste uttag", "nästa senast", "öppen karantän"], rows, numbers=[4])
    return expected


def _overdue(expected: Sequence[Expected], today: date) -> list[str]:
    """What is overdue, those of one day together."""
    by_day: dict[date, list[str]] = {}
    for e in expected:
        if e.by is not None and e.is_overdue(today):
            by_day.setdefault(e.by, []).append(e.source)
    return [f"Väntades senast {told_day(day)}: {', '.join(sources)}." for day, sources in sorted(by_day.items())]


def _told(title: str, sentences: Sequence[str]) -> None:
    """Sentences under their heading, a line each; nothing where there are none."""
    if sentences:
        out.print(f"\n{title}", style="bold", markup=False)
        for sentence in sentences:
            hanging("  ", sentence)


def _latest(found: Mapping[str, Retraction]) -> list[Retraction]:
    return list(found.values())[-RETRACTIONS_SHOWN:]


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
    from dagster_project.runs.history import last_success

    seen = last_success(data)
    if seen is None or datetime.now(UTC) - seen > oldest:
        when = f"sedan {told_time(seen)}" if seen else "i den här mappen"
        hours = oldest // timedelta(hours=1)
        told_age = counted(hours, "timme", "timmar") if hours % 24 else counted(hours // 24, "dygn", "dygn")
        raise ResultattavlaError(f"Ingen körning har publicerat {when}: se efter varför (längst tillåtet: {told_age}).")
