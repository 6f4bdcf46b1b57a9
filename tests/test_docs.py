"""The documentation is true where it can be compared: files, rooms, commands, make targets, settings, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from dagster_project.cli.main import app
from dagster_project.core.paths import PROJECT
from dagster_project.operations.settings import OTHER_VARIABLES, PREFIX, Settings
from tests.test_layers import ROOMS

PAGES = [PROJECT / "README.md", PROJECT / "raw" / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
page = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(PROJECT).as_posix())
TEXTS = {path: path.read_text(encoding="utf-8") for path in PAGES}

TOP = ("dagster_project", "dbt", "expectations", "raw", "tests", "bench", "docs")
WRITTEN = "<>*{}"
"""A name with one of these is a pattern, not a file."""


def spans(text: str) -> list[str]:
    """What stands between backticks on one line."""
    return re.findall(r"`([^`\n]+)`", text)


def is_there(name: str) -> bool:
    """Whether a path exists, from the project's root, in a room of the package, or below dbt."""
    roots = [PROJECT, PROJECT / "dagster_project", PROJECT / "dbt", *(PROJECT / "dagster_project").glob("*/")]
    return any((root / name).exists() for root in roots)


@page
def test_named_files_are_there(path: Path) -> None:
    looks_like_a_file = re.compile(r"^[\w./-]+\.(?:py|sql|yml|yaml|csv|md|toml|json|css|js|j2|lock|html)$")
    named = [s for s in spans(TEXTS[path]) if looks_like_a_file.match(s) and not set(s) & set(WRITTEN) and "/" in s]
    project_files = [s for s in named if not s.startswith(("data/", "bronze/", "run/", "published/", "http"))]
    assert [s for s in project_files if not is_there(s)] == []


@page
def test_named_folders_are_there(path: Path) -> None:
    folders = [
        s for s in spans(TEXTS[path]) if s.endswith("/") and s.split("/")[0] in TOP and not set(s) & set(WRITTEN)
    ]
    assert [s for s in folders if not (PROJECT / s).is_dir()] == []


@page
def test_links_lead_somewhere(path: Path) -> None:
    links = [t for t in re.findall(r"\]\(([^)\s]+)\)", TEXTS[path]) if not t.startswith(("http", "#"))]
    assert [t for t in links if not (path.parent / t.split("#")[0]).exists()] == []


def options_of(command: typer.core.TyperCommand) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@page
def test_commands_and_their_options_exist(path: Path) -> None:
    group = typer.main.get_command(app)
    wrong = []
    for line in re.findall(r"resultattavla ((?:[a-z]+ ?)+[^\n`|]*)", TEXTS[path]):
        words = line.split()
        command = group
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        if command is group:
            wrong.append(line)
        elif not hasattr(command, "commands"):
            wrong += [f"{line}: {o}" for o in re.findall(r"--[a-z-]+", line) if o not in options_of(command)]
    assert wrong == []


@page
def test_make_targets_exist(path: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", TEXTS[path], re.MULTILINE)
    assert [t for t in named if t not in targets] == []


@page
def test_variables_of_ours_are_settings(path: Path) -> None:
    keys = {name.upper() for name in Settings.model_fields} | {v.removeprefix(PREFIX) for v in OTHER_VARIABLES} | {""}
    named = {v.split("__")[0] for v in re.findall(r"RESULTATTAVLA_([A-Z_]*)", TEXTS[path])}
    assert named - keys == set()


def test_the_map_shows_every_room_in_its_order() -> None:
    table = re.findall(
        r"^\| `(\w+)` \|", TEXTS[PROJECT / "docs" / "architecture.md"].split("## One run")[0], re.MULTILINE
    )
    assert table == [room for room in ROOMS if room != "definitions"]


def test_the_readme_shows_every_command() -> None:
    shown = set(re.findall(r"resultattavla ([a-z]+)", TEXTS[PROJECT / "README.md"]))
    assert set(typer.main.get_command(app).commands) - {"run"} <= shown
