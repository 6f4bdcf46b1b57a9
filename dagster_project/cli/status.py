"""`resultattavla status`: the current release and what stewards should know of it."""

from __future__ import annotations

from datetime import date

from dagster_project.cli.output import DataOption, data_paths, out, say, table


def status(data: DataOption = None) -> None:
    """Visa aktuell utgåva, dess ålder, grindar, kvarhållna källor och öppen karantän."""
    from dagster_project.cli.summary import (
        held_back_sentences,
        quarantine_by_source,
        waiver_sentences,
        warning_sentences,
    )
    from dagster_project.products.words import SOURCE_OUTCOME_WORDS
    from dagster_project.releases.store import published_release
    from dagster_project.runs.folder import QUARANTINE, RunFolder
    from dagster_project.runs.history import read_records

    paths = data_paths(data)
    release = published_release(paths)
    as_of = date.fromisoformat(release.as_of)
    out.print(
        f"[bold]Utgåva {release.id}[/bold] per {as_of}, {(date.today() - as_of).days} dagar gammal", soft_wrap=True
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
    for record in read_records(paths, 1):
        if record.error is not None:
            say(f"Senaste körningen ({record.started[:16].replace('T', ' ')} UTC) publicerade inget: {record.error}")
    quarantined = quarantine_by_source(RunFolder(paths).read(QUARANTINE))
    table("Öppen karantän", ["källa", "rader"], quarantined, numbers=[1])
