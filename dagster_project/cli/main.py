"""The command `resultattavla`. Texts are Swedish; heavy packages are imported by the commands that need them."""

import os
import signal
import sys
import traceback
from concurrent.futures import Future
from datetime import date, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dagster_project.core.errors import ResultattavlaError, damaged_file, machine_error
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster_project.operations.daily_run import JobOutcome

app = typer.Typer(
    help="Från levererade uttag till betrodda, publicerade indikatorer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# Where no terminal says how wide it is (a pipe, a log), rows stay on one line.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
out = Console(highlight=False, soft_wrap=False, width=_WIDTH)
err = Console(stderr=True, highlight=False)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Mapp för allt som systemet skriver.", show_default="inställningen data")
]


_asked = [Path("data")]
"""The data folder that the command works on, last: named when the machine refuses something."""


def _paths(data: Path | None) -> DataPaths:
    """The data folder: the option's, else the settings'."""
    _asked.append(data.absolute() if data else load_settings().data)
    return DataPaths(_asked[-1])


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"{text} är inget datum: skriv det som ÅÅÅÅ-MM-DD.", param_hint=option) from None


@app.command()
def run(
    raw: Annotated[
        Path | None, typer.Option("--raw", help="Mapp med leveranser.", show_default="inställningen raw")
    ] = None,
    data: DataOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Körningens datum; annars nyaste uttagsdatum.")
    ] = None,
) -> None:
    """Kör dagens materialisering: läs in, pröva, räkna och publicera."""
    from dagster_project.operations.daily_run import run_job

    day = _day(as_of, "--as-of")
    deliveries, paths = raw.absolute() if raw else load_settings().raw, _paths(data)
    with err.status("startar") as status:

        def progress(text: str) -> None:
            if err.is_terminal:
                status.update(Text(text))
            else:
                err.print(text, style="dim", markup=False)

        outcome = _beside(lambda: run_job(deliveries, paths, day, progress))
    _summary(outcome)
    for text in outcome.trouble:
        err.print(text, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(outcome.exit_code)


def _beside(work: "Callable[[], JobOutcome]") -> "JobOutcome":
    """Do the work in another thread: Dagster and dbt take the signals of the main thread, which has to answer them."""
    future: Future[JobOutcome] = Future()

    def target() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=target, daemon=True).start()
    return future.result()


def _interrupted(number: int, frame: object) -> None:
    """End at once: whatever a run has half done is never shown, and the next run sweeps it away."""
    err.show_cursor()
    os.write(2, "Avbruten: det som är publicerat är helt och orört av det halvfärdiga. Kör igen.\n".encode())
    os._exit(1)


def _summary(outcome: "JobOutcome") -> None:
    from dagster_project.cli.summary import (
        delivery_rows,
        failed_checks,
        gate_rows,
        quarantine_counts,
        rejected_files,
    )

    if outcome.settled is not None:
        _table(
            "Leveranser",
            ["källa", "filer", "lästa", "godkända", "karantän", "dubbl.", "nyaste uttag"],
            delivery_rows(outcome.settled),
            numbers=range(1, 6),
        )
        for text in rejected_files(outcome.settled):
            _say(f"  Avvisad: {text}")
        counts = quarantine_counts(outcome.settled.quarantine)
        if counts:
            _table("Öppen karantän", ["källa", "orsak", "rader"], counts, numbers=[2])
    if outcome.outcomes:
        _table("Grindar", ["källa", "leverans", "bearbetning", "håller tillbaka"], gate_rows(outcome.outcomes))
        for text in failed_checks(outcome.outcomes):
            _say(f"  {text}")
    if outcome.release is None:
        out.print("\n[bold]Ingenting publicerades.[/bold]", end=" ")
        _say(outcome.error or "")
    else:
        rows = outcome.release.manifest["files"]["indicator_result.parquet"]["rows"]
        new = "Inget nytt sedan förra körningen: " if outcome.nothing_new else ""
        out.print(
            f"\n[bold]{new}Utgåva {outcome.release.id}[/bold] (per {outcome.release.manifest['as_of']}, {rows} celler)",
            soft_wrap=True,
        )
        held = outcome.release.held_back
        if held:
            from dagster_project.cli.summary import held_back_sentences

            for text in held_back_sentences(outcome.release):
                _say(f"  {text}")
        _say(f"  Resultat:           {outcome.data.current}")
    _say(f"  Granskning:         {outcome.data.docs / 'index.html'}")
    if outcome.docs is not None:
        _say(f"  Datadokumentation:  {outcome.docs}")
    _say("  Karantän:           resultattavla quarantine")


def _say(text: str) -> None:
    """A line as it is: never wrapped, and nothing in it is markup."""
    out.print(text, soft_wrap=True, markup=False)


def _table(title: str, columns: list[str], rows: list[tuple], numbers: "range | list[int]" = range(0)) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left", overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # what was delivered is no markup
    out.print(table)


@app.command()
def status(data: DataOption = None) -> None:
    """Visa aktuell utgåva, dess ålder, grindar, kvarhållna källor och öppen karantän."""
    from dagster_project.cli.summary import (
        OUTCOME_TEXT,
        held_back_sentences,
        quarantine_by_source,
        read_quarantine,
        waiver_sentences,
    )
    from dagster_project.releases.publish import current_release
    from dagster_project.runs.history import read_records

    paths = _paths(data)
    release = current_release(paths)
    if release is None:
        raise ResultattavlaError(f"Ingen utgåva är publicerad i {paths.root}: kör `resultattavla run` först.")
    as_of = date.fromisoformat(release.manifest["as_of"])
    out.print(
        f"[bold]Utgåva {release.id}[/bold] per {as_of}, {(date.today() - as_of).days} dagar gammal", soft_wrap=True
    )
    _table("Källor", ["källa", "utfall"], [(s, OUTCOME_TEXT[u]) for s, u in sorted(release.manifest["kallor"].items())])
    if release.held_back:
        for text in held_back_sentences(release):
            _say(text)
    else:
        _say("Ingen källa håller tillbaka något.")
    for text in waiver_sentences(release):
        _say(text)
    for record in read_records(paths, 1):
        if record.error is not None:
            _say(f"Senaste körningen ({record.started[:16].replace('T', ' ')} UTC) publicerade inget: {record.error}")
    _table("Öppen karantän", ["källa", "rader"], quarantine_by_source(read_quarantine(paths)), numbers=[1])


@app.command()
def quarantine(
    data: DataOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Bara den här källan.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Även åtgärdade rader.")] = False,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="ORSAK", help="Bara den här orsaken, t.ex. format:kva_kod eller enhet."),
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="HSAID", help="Bara den här enheten.")] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", metavar="DAGAR", help="Bara rader som väntat längre än så.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="Utan öppna rader som kommit igen i en nyare leverans.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv listan till en CSV-fil.")] = None,
) -> None:
    """Visa rader i karantän: källa, fil, rad, orsaker och maskade värden."""
    import polars as pl

    from dagster_project.catalogue.contracts import load_contracts
    from dagster_project.cli.summary import QUARANTINE_COLUMNS, quarantine_states, read_quarantine, write_quarantine_csv

    if source is not None and source not in load_contracts():
        raise typer.BadParameter(f"källan {source} finns inte: {', '.join(load_contracts())}.", param_hint="--source")
    rows = read_quarantine(_paths(data), source, every, reason, unit, older_than, not newest)
    if csv is not None:
        write_quarantine_csv(rows, csv)
        out.print(f"{rows.height} rader skrevs till {csv}.", soft_wrap=True)
        return
    if rows.height == 0:
        out.print("Karantänen är tom.")
        return
    table = rows.select(QUARANTINE_COLUMNS).with_columns(state=pl.Series(quarantine_states(rows), dtype=pl.String))
    _table(
        f"{rows.height} rader i karantän",
        ["källa", "fil", "rad", "orsaker", "nyckel", "värden", "läge", "sedan"],
        [tuple("" if cell is None else cell for cell in row) for row in table.iter_rows()],
        numbers=[2],
    )


@app.command()
def waivers(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Dagen att pröva mot; annars i dag.")
    ] = None,
) -> None:
    """Pröva filen med undantag och visa vad den undantar; slutar med kod 1 om något är fel eller har gått ut."""
    from dagster_project.gates.decision import load_run_waivers
    from dagster_project.gates.waivers import require_current

    settings = load_settings()
    day = _day(as_of, "--as-of") or date.today()
    found = load_run_waivers(settings)
    _table(
        f"{len(found)} undantag i {settings.waivers}",
        ["rad", "svit", "förväntan", "källa", "orsak", "ansvarig", "sista dag", "dagar kvar"],
        [
            (w.line, w.suite, w.expectation, w.source, w.reason, w.approved_by, w.last_date, (w.last_date - day).days)
            for w in found
        ],
        numbers=[0, 7],
    )
    require_current(found, day, settings.waivers)


@app.command()
def explain(
    indicator: Annotated[str, typer.Argument(metavar="INDIKATOR", help="Indikatorns id, t.ex. vg_forsta_besok_90.")],
    period: Annotated[
        str,
        typer.Option("--period", metavar="PERIOD", help="2022-08 (månad), 2022-T2, 2022-D (delår) eller 2022 (år)."),
    ],
    period_type: Annotated[
        str | None,
        typer.Option("--period-typ", metavar="TYP", help="manad, tertial, delar, ar eller r12 (12 mån. till PERIOD)."),
    ] = None,
    verksamhet: Annotated[
        str | None, typer.Option("--verksamhet", metavar="KOD", help="T.ex. BUH; utelämnad: hela området.")
    ] = None,
    unit: Annotated[str | None, typer.Option("--enhet", metavar="HSAID", help="Enhetens HSA-id.")] = None,
    sex: Annotated[str | None, typer.Option("--kon", metavar="T|K|M", help="Utelämnat: alla (T).")] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="ID", help="En sparad utgåva; utelämnad: den aktuella.")
    ] = None,
    lines: Annotated[
        bool, typer.Option("--rader", "--lines", help="Visa fil och rad även för indikatorer om patienter.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FIL", help="Skriv alla rader till en CSV-fil.")] = None,
    data: DataOption = None,
) -> None:
    """Förklara ett publicerat tal: definition, formel, uteslutna, leveranser, grindar och vad som ändrats."""
    from dagster_project.products.explain.explain import Query
    from dagster_project.products.explain.explain import explain as explain_cell
    from dagster_project.products.explain.text import sections, write_lines_csv

    query = Query(indicator, period, period_type, verksamhet, unit, sex, release, lines)
    explanation = explain_cell(_paths(data), query)
    for section in sections(explanation, csv=csv is not None):
        if section.title:
            out.print(f"\n{section.title}", style="bold", markup=False)
        for sentence in section.sentences:
            out.print(sentence, markup=False)
        if section.columns:
            _table("", list(section.columns), list(section.rows), numbers=list(section.numbers))
    if explanation.refusal:
        raise ResultattavlaError(explanation.refusal)
    if csv is not None:
        if explanation.lines is None:
            raise ResultattavlaError(
                explanation.lines_note or "Be om rader med --rader för att skriva dem till en fil."
            )
        write_lines_csv(explanation.lines, csv)
        out.print(f"\n{len(explanation.lines)} rader skrevs till {csv}.", markup=False)


@app.command()
def demo(
    raw: Annotated[Path, typer.Option("--raw", help="Mapp att skriva uttagen till.")],
    seed: Annotated[int, typer.Option("--seed", help="Samma frö ger samma filer.")] = 2022,
    scale: Annotated[float, typer.Option("--scale", min=0.01, help="Volym; 1 är exempelmängden.")] = 1.0,
    as_of: Annotated[str, typer.Option("--as-of", metavar="ÅÅÅÅ-MM-DD", help="Nyaste uttagsdatum.")] = "2022-09-30",
) -> None:
    """Skriv en påhittad men trolig uppsättning uttag (bara testpersonnummer)."""
    from dagster_project.samples import write_demo

    day = _day(as_of, "--as-of")
    assert day is not None
    files = write_demo(raw, seed, scale, day)
    out.print(f"{len(files)} filer skrevs till {raw}.", soft_wrap=True)


def main() -> None:
    """Entry point: a user's error is one sentence on stderr and exit code 1."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        app()
    except ResultattavlaError as error:
        err.print(mask(str(error)), style="red", soft_wrap=True, markup=False)
        sys.exit(1)
    except Exception as error:
        # What `run` reads it has made itself: a file that it cannot read is a fault of the program.
        told = machine_error(error, _asked[-1]) or (damaged_file(error) if sys.argv[1:2] != ["run"] else None)
        if told is not None:
            err.print(mask(str(told)), style="red", soft_wrap=True, markup=False)
            sys.exit(1)
        # Unforeseen: all of it is told, but no number that a value in it may hold.
        err.print(mask(traceback.format_exc()), markup=False, soft_wrap=True)
        err.print("Oväntat fel: ingenting publicerades. Felanmäl med texten ovan.", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
