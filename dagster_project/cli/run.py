"""`resultattavla run`: one daily materialization, with progress and a summary."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.cli.output import (
    AsOfOption,
    DataOption,
    RawOption,
    day_of,
    err,
    hanging,
    out,
    require_raw_folder,
    say,
    settings_with,
    table,
)
from dagster_project.cli.progress import progress
from dagster_project.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from dagster_project.operations.daily_run import JobEnd, RunOutcome
    from dagster_project.operations.settings import Settings


def run(
    raw: RawOption = None,
    data: DataOption = None,
    as_of: AsOfOption = None,
    make_current: Annotated[
        bool, typer.Option("--make-current", help="Gör utgåvan till den aktuella även om en senare dags finns.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Läs om allt i raw och räkna om allt; det som har lämnat raw faller bort.")
    ] = False,
) -> None:
    """Kör dagens materialisering: läs in, pröva, räkna och publicera."""
    from dagster_project.defs.execute import run_in_process
    from dagster_project.operations.daily_run import run_daily

    day, settings = day_of(as_of, "--as-of"), settings_with(raw, data)
    require_raw_folder(settings.raw)
    if day is not None:
        _require_possible(settings, day)

    def job(*how: Any) -> JobEnd:
        return run_in_process(settings, *how)

    with progress(err) as tell:
        outcome = _beside(lambda: run_daily(settings, job, day, tell, make_current=make_current, rebuild=rebuild))
    summarize(outcome)
    for text in outcome.trouble:
        err.print(text, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(outcome.exit_code)


def _require_possible(settings: Settings, day: date) -> None:
    """Raise UsageError for an as-of date that is still to come, or lies before every delivery: nothing is recorded."""
    from dagster_project.core.clock import today_in_sweden
    from dagster_project.ingestion.deliveries import first_day

    today = today_in_sweden()
    if day > today:
        raise UsageError(f"--as-of: {day} har inte varit än: ange i dag ({today}) eller en dag som har varit.")
    first = first_day(settings.raw, settings.paths)
    if first is not None and day < first:
        raise UsageError(f"--as-of: {day} är före den första leveransen ({first}): ange den dagen eller en senare.")


def _beside(work: Callable[[], RunOutcome]) -> RunOutcome:
    """Do the work in another thread: Dagster and dbt take the signals of the main thread, which has to answer them."""
    future: Future[RunOutcome] = Future()

    def target() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=target, daemon=True).start()
    return future.result()


def summarize(outcome: RunOutcome) -> None:
    """Say what a run came to and where to look; where nothing could be read, only why (on standard error)."""
    from dagster_project.cli.summary import (
        delivery_rows,
        failed_checks,
        gate_rows,
        quarantine_rows,
        rejected_files,
        remarks,
    )
    from dagster_project.products.make import linked_release
    from dagster_project.runs.ledger import ledger_of

    if outcome.ledger is None or outcome.quarantine is None:
        err.print(outcome.error or "", style="red", soft_wrap=True, markup=False)
    else:
        ledger = ledger_of(outcome.ledger)
        columns = ["källa", "filer", "lästa", "godkända", "karantän", "dubbl.", "nyaste"]
        table("Leveranser", columns, delivery_rows(ledger), numbers=range(1, 6))
        for text in rejected_files(ledger):
            hanging("  ", f"Avvisad: {text}")
        for text in remarks(ledger):
            hanging("  ", f"Att veta: {text}")
        for text in outcome.shrunk:
            hanging("  ", f"Varning {text}")
        if waiting := quarantine_rows(outcome.quarantine):
            say("")
            table("Öppen karantän", ["källa", "rader", "orsaker"], waiting, numbers=[1])
        if outcome.outcomes:
            say("")
            columns = ["källa", "leverans", "bearbetning", "håller tillbaka"]
            table("Grindar", columns, gate_rows(outcome.outcomes))
            for text in failed_checks(outcome.outcomes):
                hanging("  ", text)
        _say_release(outcome)
    for made in outcome.made:
        folder = outcome.data.published / made.product.name
        shown = folder if linked_release(outcome.data, made.product.name) == made.release_id else made.entry.parent
        say(f"  {made.product.title + ':':<20}{shown / made.product.entry}")
    say(f"  Granskning:         {outcome.data.docs / 'index.html'}")
    if outcome.docs is not None:
        say(f"  Datadokumentation:  {outcome.docs}")
    say("  Karantän:           `resultattavla quarantine`")


def _say_release(outcome: RunOutcome) -> None:
    from dagster_project.cli.summary import held_back_sentences

    if outcome.release is None:
        out.print("\n[bold]Ingenting publicerades.[/bold]", end=" ")
        say(outcome.error or "")
        return
    new = "Inget nytt sedan förra körningen: " if outcome.nothing_new else ""
    manifest = outcome.release.manifest
    out.print(
        f"\n[bold]{new}Utgåva {outcome.release.id}[/bold] (per {manifest.as_of}, {manifest.cells} celler)",
        soft_wrap=True,
    )
    for text in held_back_sentences(outcome.release):
        hanging("  ", text)
    for text in outcome.notices:
        hanging("  ", f"Varning {text}")
    if outcome.beside is not None:
        hanging(
            "  ",
            f"Den ligger bredvid den aktuella utgåvan {outcome.beside}, som inte ändrades. Kör "
            f"`resultattavla run --as-of {manifest.as_of} --make-current` för att byta.",
        )
    say(f"  Resultat:           {outcome.release.folder if outcome.beside else outcome.data.current}")
