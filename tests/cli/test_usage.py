"""Help and wrong use in Swedish, and hints that name the folders that the user named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from dagster_project.cli import output
from dagster_project.cli.main import app
from tests.jobs import said

GROUP = typer.main.get_command(app)
NAMES = [*GROUP.commands, "new source", "new indicator"]  # type: ignore[attr-defined]
ENGLISH = re.compile(
    r"\b(usage|options?|arguments|commands?|default|required|show|exit|message|try|no such|missing|invalid|error|got|"
    r"unexpected|did you mean|must|should|valid|input|value|path|text|int|bool|float|range)\b",
    re.I,
)


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    output.given.clear()
    monkeypatch.setattr("tests.jobs.WIDTH", 80)
    yield
    output.given.clear()


def own_words(text: str) -> str:
    """A text without what are names: options, ids, capitals that stand for a value."""
    return re.sub(r"--[a-z-]+|\b[A-ZÅÄÖ]{2,}\b", "", text)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_is_swedish_and_fits_80_columns(name: str) -> None:
    done = said(*name.split(), "--help")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[0].startswith(f"Användning: resultattavla {name}".rstrip())
    assert max(map(len, lines)) <= 80
    assert "Visa den här hjälpen och sluta." in done.stdout
    assert not (found := ENGLISH.findall(own_words(done.stdout))), found


def test_help_says_every_option_with_what_it_is_for() -> None:
    for name in NAMES:
        shown = " ".join(said(*name.split(), "--help").stdout.split())
        command = GROUP
        for part in name.split():
            command = command.commands[part]  # type: ignore[attr-defined]
        for param in getattr(command, "params", []):
            assert param.help, f"{name} {param.name}"
            assert param.help in shown, f"{name} {param.name}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("run --bogus", "Flaggan --bogus finns inte."),
        ("quarantine --sourse kva", "Flaggan --sourse finns inte: menade du --source?"),
        ("status -x", "Flaggan -x finns inte."),
        ("quarantine --csv", "Flaggan --csv ska följas av ett värde."),
        ("quarantine --all=3", "Flaggan --all tar inget värde."),
        ("quarantine --older-than x", "--older-than ska vara ett heltal."),
        ("demo --raw x --scale mycket", "--scale ska vara ett tal."),
        ("demo --raw x --scale 0", "--scale ska vara minst 0.01."),
        ("demo --raw x --year dag", "--year ska vara vecka eller manad."),
        ("demo", "Flaggan --raw saknas."),
        ("withdraw", "Argumentet FIL saknas."),
        ("withdraw x", "Flaggan --reason saknas."),
        ("status x", "Det här hör inte till kommandot: x."),
        ("qarantine", "Kommandot 'qarantine' finns inte: menade du 'quarantine'?"),
        ("finns-inte", "Kommandot 'finns-inte' finns inte."),
        ("new", None),
        ("run --as-of 2022-02-30", "--as-of: 2022-02-30 är inget datum: skriv det som ÅÅÅÅ-MM-DD."),
        ("run --as-of 2022-9-30", "--as-of: 2022-9-30 är inget datum: skriv det som ÅÅÅÅ-MM-DD."),
        ("withdraw x --reason= --by y", "--reason är tomt: skriv varför."),
        (
            "acknowledge x --lines 9-2 --reason x --by y",
            "--lines: raderna 9-2 ska skrivas som 12, 12-40 eller 12,15-20.",
        ),
        ("acknowledge x --lines 2 --reason x --by=", "--by är tomt: skriv namn eller roll."),
    ],
)
def test_wrong_use_is_told_in_swedish(arguments: str, told: str | None) -> None:
    done = said(*arguments.split())
    assert done.returncode == 64
    assert done.stderr.splitlines()[:1] == ([told] if told else [])
    assert not (found := ENGLISH.findall(own_words(done.stderr))), found
    if told is None:
        assert done.stdout.startswith("Användning: resultattavla new KOMMANDO")


@pytest.mark.parametrize(
    ("day", "told"),
    [("2099-01-01", "har inte varit än"), ("1999-01-01", "är före den första leveransen (2022-06-30)")],
)
def test_a_day_that_no_run_can_show_is_wrong_use_and_leaves_nothing(tmp_path: Path, day: str, told: str) -> None:
    """A day to come would find every source too old, hold all of it back and stay the newest day for good."""
    for name in ("kva/kva_2022-08-31.csv", "gas/gas_2022-06-30.csv", "gas/gas_1998.csv"):
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).touch()
    done = said("run", "--raw", tmp_path / "raw", "--data", tmp_path / "data", "--as-of", day)
    assert done.returncode == 64 and f"--as-of: {day} {told}" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_raw_that_is_a_file_or_one_sources_folder_names_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "raw" / "kva").mkdir(parents=True)
    file = tmp_path / "raw" / "kva" / "kva_2022-08-31.csv"
    file.touch()
    for raw, told in (
        (file, f"{file} är en fil: ange mappen"),
        (file.parent, f"ange mappen ovanför, {file.parents[1]},"),
    ):
        done = said("run", "--raw", raw, "--data", tmp_path / "data")
        assert done.returncode == 64 and told in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_hint_repeats_the_folder_that_was_given(tmp_path: Path) -> None:
    data = tmp_path / "en mapp"
    done = said("status", "--data", data)
    assert f"kör `resultattavla run --data '{data}'` först" in done.stderr
    assert "`resultattavla run` först" in said("status", RESULTATTAVLA_DATA=str(data)).stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kör `resultattavla run`, som", "kör `resultattavla run --raw /r --data /d`, som"),
        ("`resultattavla withdraw x.csv --by R`.", "`resultattavla withdraw x.csv --by R --raw /r --data /d`."),
        ("återkalla den med resultattavla withdraw.", "återkalla den med `resultattavla withdraw --raw /r --data /d`."),
        ("`resultattavla status --data /x`", "`resultattavla status --data /x`"),
        ("`resultattavla run --data /x`", "`resultattavla run --data /x --raw /r`"),
        ("`resultattavla waivers`", "`resultattavla waivers`"),
        ("`resultattavla demo --raw raw`", "`resultattavla demo --raw raw`"),
        ("`resultattavla new source x` igen", "`resultattavla new source x` igen"),
        ("resultattavla 0.1.0", "resultattavla 0.1.0"),
    ],
)
def test_hints_get_the_options_that_their_command_has(text: str, shown: str) -> None:
    output.given.update(raw=Path("/r"), data=Path("/d"))
    assert output.with_given(text) == shown


def test_the_usage_line_names_what_may_be_given_too() -> None:
    for name, line in (("board", "board [UTGÅVA] [FLAGGOR]"), ("changes", "changes [FRÅN] [TILL] [FLAGGOR]")):
        assert said(name, "--help").stdout.splitlines()[0] == f"Användning: resultattavla {line}"
    assert said("withdraw", "--help").stdout.startswith("Användning: resultattavla withdraw FIL ")
