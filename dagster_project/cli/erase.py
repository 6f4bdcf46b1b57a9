"""`resultattavla erase` and `rekey`: one person's rows, and the key that all persons' rows are stored under."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, RawOption, require_data, require_raw_folder, say, settings_with
from dagster_project.cli.run import run

FILES_SHOWN = 50


def erase(
    reason: Annotated[str, typer.Option("--reason", help="Varför personen raderas, till exempel ett diarienummer.")],
    by: Annotated[str, typer.Option("--by", help="Namn eller roll på den som beslutar.")],
    raw: RawOption = None,
    data: DataOption = None,
) -> None:
    """Radera en persons rader ur allt som är lagrat, och kör om. Personnumret frågas efter eller läses från stdin."""
    from dagster_project.ingestion.raw_search import shown_lines
    from dagster_project.operations.daily_run import session
    from dagster_project.operations.erase import erase as erase_persons

    settings = settings_with(raw, data)
    require_data(settings.paths)
    require_raw_folder(settings.raw)
    with session(settings.paths, settings):
        done = erase_persons(settings, _asked(), reason, by)
    say(f"Raderat: {done.rows} lagrade rader, och rader i {done.evidence} filer med underlag.")
    for named in done.raw.named[:FILES_SHOWN]:
        say(f"Personen finns kvar i {settings.raw / named.file}, rad {shown_lines(named.lines)}.")
    if len(done.raw.named) > FILES_SHOWN:
        say(f"... och i {len(done.raw.named) - FILES_SHOWN} filer till.")
    for file in done.raw.unread:
        say(f"Kunde inte genomsökas: {file}.")
    if done.raw.named:
        say("Filerna i raw är inte ändrade: ta bort raderna där. Också om de blir kvar läses de inte in igen.")
    say("Utgåvor som redan är publicerade innehåller bara summor och ändras inte. En ny utgåva görs nu.")
    run(raw, data)


def _asked() -> list[str]:
    """What is written at the terminal, unseen, or the lines of standard input: others can see an argument."""
    if sys.stdin is not None and sys.stdin.isatty():
        return [getpass("Personnummer (ÅÅÅÅMMDD-NNNN) eller person_id: ")]
    return sys.stdin.read().splitlines() if sys.stdin is not None else []


def rekey(raw: RawOption = None, data: DataOption = None) -> None:
    """Byt personnyckel (om den har läckt): allt som lästes under den gamla tas bort och läses om från raw."""
    from dagster_project.core.swedish import counted
    from dagster_project.operations.daily_run import session
    from dagster_project.operations.rekey import rekey as change_key

    settings = settings_with(raw, data)
    require_data(settings.paths)
    require_raw_folder(settings.raw)
    with session(settings.paths, settings):
        done = change_key(settings)
    say(
        f"Personnyckeln är bytt. {done.deliveries} leveranser läses om från {settings.raw}; säkerhetskopiera "
        "den nya nyckeln."
    )
    if done.unknown:
        say(
            f"{counted(done.unknown, 'raderad person', 'raderade personer')} i listan fanns inte i {settings.raw} och "
            "kan inte kännas igen under den nya nyckeln: levereras de igen, radera dem igen (`resultattavla erase`)."
        )
    run(raw, data)
