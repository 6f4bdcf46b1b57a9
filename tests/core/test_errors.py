"""What the system says is told in Swedish."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from dagster_project.core.errors import system_reason

PROJECT = Path(__file__).parents[2] / "dagster_project"


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_cause_is_told_in_english(number: int) -> None:
    told = system_reason(OSError(number, os.strerror(number), "fil"))
    assert told and os.strerror(number) not in told and not told.endswith(".")


def test_the_usual_causes_have_words() -> None:
    assert system_reason(FileNotFoundError(errno.ENOENT, "x")) == "den finns inte"
    assert system_reason(FileExistsError(errno.EEXIST, "x")) == "en fil är i vägen"
    assert system_reason(OSError("utan nummer")) == "okänt fel i systemet"


def test_nowhere_else_is_the_system_quoted() -> None:
    quoting = [p.name for p in PROJECT.rglob("*.py") if re.search(r"\.strerror\b", p.read_text(encoding="utf-8"))]
    assert quoting == []
