"""How far a run has come: a bar on a terminal, plain lines without one."""

from __future__ import annotations

import os
import pty
import re
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from dagster_project.cli.output import Terminal, printable
from dagster_project.cli.progress import progress
from dagster_project.operations import stages
from dagster_project.operations.settings import Settings
from dagster_project.operations.stages import STEPS, detail
from dagster_project.runs.log import INGESTION, LOOKING, PAGES
from tests.jobs import plain_steps

STAGES = tuple(stages.STAGES.values())
HOSTILE = detail(STEPS[INGESTION], "kva/\x1b]0;x\x07[red]kva_2022-09-30.csv")


def test_a_stage_has_a_word_of_its_own() -> None:
    """A detail is told from its stage by the first colon."""
    assert len(set(STAGES)) == len(STAGES) and not any(":" in stage for stage in STAGES)
    assert list(STEPS) == list(plain_steps(Settings(), None, print))


def test_without_a_terminal_stages_and_details_are_plain_lines(tmp_path: Path) -> None:
    with (tmp_path / "logg").open("w", encoding="utf-8") as file:
        with progress(Terminal(file=file)) as tell:
            for text in (stages.STAGES[LOOKING], STEPS[INGESTION], HOSTILE, "x" * 500, stages.STAGES[PAGES]):
                tell(text)
    text = (tmp_path / "logg").read_text(encoding="utf-8")
    assert text.splitlines() == [
        "ser efter nya leveranser",
        "läser in leveranser",
        printable(HOSTILE),
        "x" * 500,
        "skriver granskningssidan",
    ]
    assert not set(text) - {"\n"} & {chr(c) for c in range(32)}


def in_terminal(work: Callable[[Terminal], None], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal of 80 columns got."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    ours, theirs = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            got.append(data)

    reader = Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        work(Terminal(file=file, width=80))
    reader.join(timeout=10)
    os.close(ours)
    return b"".join(got).decode()


def test_on_a_terminal_a_bar_goes_on_whatever_becomes_of_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster leads standard error into a file of its own while the job runs."""

    def work(console: Terminal) -> None:
        with progress(console) as tell, Path(os.devnull).open("w") as nowhere:
            kept = os.dup(console.file.fileno())
            os.dup2(nowhere.fileno(), console.file.fileno())
            for stage in STAGES[:-1]:
                tell(stage)
            tell(HOSTILE + "y" * 100)
            os.dup2(kept, console.file.fileno())
            os.close(kept)

    shown = in_terminal(work, monkeypatch)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", shown)
    assert f"{STAGES.index(STEPS[INGESTION]) + 1} av {len(STAGES)}" in plain
    assert "läser in leveranser: kva/" in plain and "\x07" not in plain and "\x1b]" not in plain
    assert all(len(line.strip("\r")) <= 80 for line in plain.splitlines())
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h")), "the bar is gone when the run is done"


def test_it_costs_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand details are told in less than a second of work."""
    from time import process_time

    spent: list[float] = []

    def work(console: Terminal) -> None:
        with progress(console) as tell:
            before = process_time()
            for number in range(10_000):
                tell(detail(STEPS[INGESTION], str(number)))
            spent.append(process_time() - before)

    in_terminal(work, monkeypatch)
    assert spent[0] < 1 or sys.gettrace() is not None
