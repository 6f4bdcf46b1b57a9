"""The command line that Spark and PostgreSQL on this machine have alike."""

from __future__ import annotations

import pytest

from dagster_project.cli.localserver import up_or_down
from dagster_project.core.errors import UsageError


def started(port: int) -> str:
    if port == 2:
        raise UsageError("Porten används redan.")
    return f"svarar på {port}"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["up"], 0, "svarar på 1\n"),
        (["up", "54330"], 0, "svarar på 54330\n"),
        (["down"], 0, "Servern har stoppats.\n"),
        (["up", "2"], UsageError.exit_code, "Porten används redan.\n"),
        *((wrong, 1, "Ange up,") for wrong in ([], ["up", "x"], ["up", "0"], ["up", "65536"], ["up", "³"], ["stop"])),
    ],
)
def test_up_and_down(arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert up_or_down(arguments, 1, started, lambda: True, "Servern") == code
    captured = capsys.readouterr()
    assert (captured.err if code else captured.out).startswith(told) and not (captured.out if code else captured.err)


def test_what_was_not_up_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert up_or_down(["down"], 1, started, lambda: False, "Servern") == 0
    assert capsys.readouterr().out == "Servern var inte igång.\n"
