"""The command's own behaviour, without running the job."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.cli import output, status
from dagster_project.cli.main import main
from dagster_project.cli.summary import failed_checks, warning_sentences
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.gates.outcomes import Outcome
from dagster_project.operations import daily_run
from dagster_project.runs.history import RunRecord, add_record
from tests.jobs import said


def test_an_unforeseen_error_is_told_without_personal_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("cell 19800517-9810 kan inte tolkas")

    monkeypatch.setattr(daily_run, "run_daily", broken)
    monkeypatch.setattr(sys, "argv", ["resultattavla", "run", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert "***" in shown
    assert "9810" not in shown


@pytest.mark.parametrize(
    ("expectation", "observed", "limit", "shown"),
    [
        ("karantan_stopp", "0.3176", 0.2, "31,8\u00a0% i karantän, gräns 20\u00a0%"),
        ("alder_stopp", "92", 70.0, "92 dagar, gräns 70"),
        ("x", "7449.0", None, "7\u00a0449"),
    ],
)
def test_a_failure_tells_unit_and_limit(expectation: str, observed: str, limit: float | None, shown: str) -> None:
    outcome = Outcome(
        "delivery",
        "delivery/_all",
        "kva",
        expectation,
        "warning",
        False,
        None,
        None,
        None,
        observed,
        "Titel",
        "Betyder.",
        "Gör så.",
        limit=limit,
    )
    assert failed_checks([outcome]) == [f"Varning kva: {shown} (kravet: titel). Gör så."]


def test_status_names_what_warned_but_no_notes_and_waivers() -> None:
    rows = [
        ("drift/_all", "avvikelser", "kolumn_borta", "warning", False, "paborjad_datum (ny okänd kolumn: Påbörjat)"),
        ("delivery/_all", "kva", "har_rader", "critical", False, "0"),
        ("delivery/_all", "gas", "alder_varning", "warning", False, "92"),
        ("delivery/_all", "gas", "alder_stopp", "critical", False, "92"),
        ("drift/_all", "gas", "nya_id", "warning", False, "känt"),
        ("delivery/kva", "kva", "helger", "info", False, None),
        ("drift/_all", "kva", "nya_id", "warning", True, None),
    ]
    names = ["suite", "source", "expectation", "severity", "success", "observed"]
    kvalitet = pl.DataFrame(rows, schema=names, orient="row")
    waiver = {"suite": "drift/_all", "expectation": "nya_id", "source": "gas", "anvant": True}
    release = SimpleNamespace(
        manifest=SimpleNamespace(waivers=[waiver], as_of="2022-09-30", parameters={}), table=lambda name: kvalitet
    )
    assert warning_sentences(release) == [  # type: ignore[arg-type]
        "STOPP gas: 92 dagar (kravet: den nyaste leveransen är högst dubbelt så gammal som avtalat).",
        "STOPP kva: 0 rader som räknas (kravet: källan har rader).",
        "Varning avvikelser: kolumn som har försvunnit: paborjad_datum (ny okänd kolumn: Påbörjat) "
        "(kravet: ingen frivillig kolumn som brukar vara ifylld har försvunnit).",
    ]


def test_what_was_delivered_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A file name or value with brackets is shown as it is; as markup it would change or stop the summary."""
    output.table("Rader", ["fil"], [("[/bold] [red]x",)])
    output.say("Avvisad: [/a].csv")
    assert capsys.readouterr().out.splitlines()[2:] == ["[/bold] [red]x  ", "Avvisad: [/a].csv"]


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["resultattavla", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_what_exists_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("resultattavla ")
    assert ended(monkeypatch, "indicators") == 0
    shown = capsys.readouterr().out
    assert all(i.id in shown and i.titel.split()[0] in shown for i in load_catalogue())


@pytest.mark.parametrize(("text", "hours"), [("26h", 26), ("2d", 48), (" 1H", 1), (None, None)])
def test_an_age_is_hours_or_days(text: str | None, hours: int | None) -> None:
    assert status._duration(text) == (timedelta(hours=hours) if hours else None)


def test_monitoring_is_alarmed_where_no_run_published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = DataPaths(tmp_path)
    add_record(data, RunRecord("2022-09-01T00:00:00+00:00", 0, release_id="2022-09-01-abc"), keep=9)
    status._require_recent(data, timedelta(hours=1))
    (record,) = data.history.iterdir()
    os.utime(record, (0, 0))  # a restored backup has other times: what the record says counts
    status._require_recent(data, timedelta(hours=1))
    told = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**told, "seen": "1970-01-01T12:00:00+00:00"}), encoding="utf-8")
    with pytest.raises(ResultattavlaError, match="1 jan 1970"):
        status._require_recent(data, timedelta(hours=26))
    del told["seen"]  # of an older version
    record.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ResultattavlaError, match="1 sep 2022"):
        status._require_recent(data, timedelta(hours=26))
    for wrong in ("26", "h", "0h", "-1d", "1w"):
        assert ended(monkeypatch, "status", f"--max-age={wrong}", "--data", tmp_path) == 64
    capsys.readouterr()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--bogus"),
        ("run", "--as-of", "2022-02-30"),
        ("run", "--raw", "/finns/inte"),
        ("run", "--raw", "/etc/hostname"),
        ("quarantine", "--source", "okand"),
        ("finns-inte",),
    ],
)
def test_wrong_use_ends_with_64_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple
) -> None:
    data = tmp_path / "data"
    given = (*arguments, "--data", data) if arguments[0] in ("run", "quarantine") else arguments
    assert ended(monkeypatch, *given) == 64
    assert "Traceback" not in capsys.readouterr().err
    assert not data.exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "demo", "--raw", "/proc/x") == 1
    assert capsys.readouterr().err.startswith("Uttagen kunde inte skrivas till /proc/x")


STEERING = "\x1b[2J\x1b]0;x\x07fil\u202etxt.csv\u2066\x9b31m"


def test_what_was_delivered_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(STEERING)
    output.table("Rader", ["fil"], [(STEERING,)])
    output.err.print(STEERING, markup=False)
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert "fil⟨U+202E⟩txt.csv" in text
        assert not set("\x1b\x07\u202e\u2066\x9b") & set(text)


SAY = "from dagster_project.cli.output import say; say('Utg\\u00e5van'); say('igen'); raise SystemExit(2)"


@pytest.mark.parametrize("where", ["> /dev/full", ">&-", "2>&-", ">&- 2>&-", "| true", "> /dev/full 2> /dev/full"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_what_cannot_be_printed_changes_no_exit_code(where: str, locale: str) -> None:
    command = f'"{sys.executable}" -c "{SAY}" {where}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if where == "> /dev/full":
        assert done.stderr.count("kunde inte skrivas") == 1


def test_a_listing_fits_80_columns_and_names_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.jobs.WIDTH", 80)
    lines = said("indicators").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for i in load_catalogue():
        assert f"{i.id} {i.titel} · {', '.join(i.read)} · {', '.join(i.scope)}" in text


@pytest.mark.parametrize(("answer", "yes"), [("j\n", True), ("Ja\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_a_question_is_asked_in_swedish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, yes: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert output.confirm("Ta bort allt?") is yes
    assert capsys.readouterr().out == "Ta bort allt? [j/N] "
