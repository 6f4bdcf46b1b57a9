"""The command's own behaviour, without running the job."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_project.cli.main import main as cli
from dagster_project.cli.summary import failed_checks
from dagster_project.gates.validate import Outcome
from dagster_project.operations import daily_run as jobrun


def test_an_unforeseen_error_is_told_without_personal_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("cell 19800517-9810 kan inte tolkas")

    monkeypatch.setattr(jobrun, "run_job", broken)
    monkeypatch.setattr(sys, "argv", ["resultattavla", "run", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert "***" in shown
    assert "9810" not in shown


@pytest.mark.parametrize(("observed", "shown"), [("0.0802675585", "0,0803"), ("7449.0", "7\u00a0449"), ("fel", "fel")])
def test_measured_numbers_are_swedish(observed: str, shown: str) -> None:
    outcome = Outcome(
        "leverans",
        "leverans/_alla",
        "kva",
        "x",
        "warning",
        False,
        None,
        None,
        None,
        observed,
        "Titel",
        "Betyder.",
        "Gör så.",
    )
    assert failed_checks([outcome]) == [f"Varning kva: Titel – nej ({shown}). Gör så."]


def test_what_was_delivered_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A file name or value with brackets is shown as it is; as markup it would change or stop the summary."""
    from dagster_project.cli.main import main as cli

    cli._table("Rader", ["fil"], [("[/bold] [red]x",)])
    cli._say("Avvisad: [/a].csv")
    assert capsys.readouterr().out.splitlines()[2:] == ["[/bold] [red]x  ", "Avvisad: [/a].csv"]
