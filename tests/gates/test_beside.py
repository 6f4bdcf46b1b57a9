"""A gate that the second process runs finds, keeps and logs what it does in this one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dagster_project.catalogue.vocabulary import DELIVERY
from dagster_project.core import second
from dagster_project.core.second import ahead, second_process
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.run import load_beside, run_gate
from dagster_project.gates.validate import ExpectationError
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.products.data_docs.pages import build_data_docs
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.log import read_log, run_log


def nothing(_: None) -> None:
    """What a second process begins with."""


def killed(_: None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def found(first: RunOutcome, log: Path) -> tuple[list[Outcome], bytes, list[Any]]:
    """The outcomes of the first gate, what is kept of it for data docs, and which of its parts are logged."""
    folder = RunFolder(first.data)
    with run_log(log, "2022-09-01T00:00:00+00:00") as told:
        told.begin()
        outcomes = run_gate(DELIVERY, folder, folder.identity())
    kept = (folder.data.run / "results_delivery.json").read_bytes()
    return outcomes, kept, [(line.run, line.step, line.source, line.part, line.rows) for line in read_log(log)]


def test_it_comes_to_the_same(first: RunOutcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = found(first, tmp_path / "alone.jsonl")
    with second_process():
        load_beside()  # nobody is there yet
        assert not second.begun()
        ahead(nothing, None)()
        load_beside()
        monkeypatch.setattr("dagster_project.gates.run._run_gate", lambda *_: pytest.fail("run here"))
        assert found(first, tmp_path / "beside.jsonl") == alone


def test_this_process_does_something_else_meanwhile(first: RunOutcome) -> None:
    folder, done = RunFolder(first.data), list[str]()
    run_gate(DELIVERY, folder, folder.identity(), meanwhile=lambda: done.append("alone"))
    with second_process():
        ahead(nothing, None)()
        run_gate(DELIVERY, folder, folder.identity(), meanwhile=lambda: done.append("beside"))
    assert done == ["beside"]


def test_a_second_process_that_is_killed_costs_time_only(first: RunOutcome, tmp_path: Path) -> None:
    alone = found(first, tmp_path / "alone.jsonl")
    with second_process():
        ahead(nothing, None)()
        ahead(killed, None)
        assert found(first, tmp_path / "beside.jsonl") == alone


def test_what_it_cannot_evaluate_is_told_here(first: RunOutcome) -> None:
    folder = RunFolder(first.data)
    with second_process():
        ahead(nothing, None)()
        (first.data.warehouse).write_bytes(b"inget lager")
        with pytest.raises(ExpectationError, match="staging"):
            run_gate("staging", folder, folder.identity())


def test_its_pages_are_the_same(first: RunOutcome, tmp_path: Path) -> None:
    from dagster_project.gates.findings import SuiteResult

    results = [SuiteResult(**r) for r in RunFolder(first.data).gate_results(DELIVERY)]
    alone = build_data_docs(results, tmp_path / "alone")
    with second_process():
        ahead(nothing, None)()
        beside = build_data_docs(results, tmp_path / "beside")
    assert [p.read_bytes() for p in beside] == [p.read_bytes() for p in alone]
    assert len(alone) > 2
