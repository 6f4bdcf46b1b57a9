"""Numbers as Swedes write them."""

from __future__ import annotations

import pytest

from dagster_project.core.swedish import counted, number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (-0.05, "−0,05"),
        (-0.00001, "0"),
        (12345, "12\u00a0345"),
        (0.33333, "0,3333"),
        (2.0, "2"),
        (100.0, "100"),
        ("7449.0", "7\u00a0449"),
        ("0.0802675585", "0,0803"),
        ("text", "text"),
        ("nan", "nan"),
    ],
)
def test_numbers_are_swedish(value: float | str | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0\u00a0%"), (0.0004, "mindre än 0,1\u00a0%"), (0.0332, "3,3\u00a0%"), (1.0, "100\u00a0%")],
)
def test_shares_are_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_count_has_its_noun() -> None:
    assert [counted(n, "rad", "rader") for n in (0, 1, 2000)] == ["0 rader", "1 rad", "2\u00a0000 rader"]
