"""Part 2 and the plan: the hand-worked answers, of the oracle and of the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from .cases import AS_OF, CELL_KEY, CELLS, PLAN, PLAN_KEY, differences, write_cases
from .oracle import settle
from .part2 import Reports
from .plan import judged, plan_rows, together
from .results import indicator_result


def test_the_oracle_gives_the_answers_worked_by_hand(tmp_path: Path) -> None:
    """Every derived number."""
    write_cases(tmp_path)
    settled = settle(tmp_path, AS_OF)
    refused = {(row["file"].split("/")[0], row["reasons"]) for row in settled.quarantine}
    assert refused == {("klimatinkop", ("enhet:ej_giltig",)), ("aktiviteter", ("varde:aktivitet_id",))}
    assert [row["rows_read"] for row in settled.ledger if row["source"] == "aktiviteter"] == [7]
    rows = [{**row, "release_id": "r"} for row in indicator_result(settled)]
    assert differences(CELLS, rows, CELL_KEY) == []
    assert differences(PLAN, plan_rows(rows, Reports(settled.current["aktiviteter"]), AS_OF), PLAN_KEY) == []


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([True, True], "uppfyllt"),
        ([True, False], "delvis"),
        ([False, False], "ej_uppfyllt"),
        ([True, None], "inga_data"),
        ([False, None], "ej_uppfyllt"),
        ([True, False, None], "delvis"),
    ],
)
def test_several_targets(verdicts: list[bool | None], expected: str) -> None:
    """One that cannot be judged makes the whole inga_data, unless another already fails."""
    assert judged(verdicts) == expected


@pytest.mark.parametrize(
    ("statuses", "asked", "expected"),
    [
        ([], 3, "ej_rapporterad"),
        (["utgar", "utgar"], 2, "utgar"),
        (["utgar", "genomford"], 2, "genomford"),
        (["genomford"], 2, "pagar"),
        (["utgar"], 2, "ej_paborjad"),
        (["ej_paborjad", "utgar"], 3, "ej_paborjad"),
        (["ej_paborjad", "pagar"], 2, "pagar"),
    ],
)
def test_the_whole_area_s_status(statuses: list[str], asked: int, expected: str) -> None:
    """Who has not reported has not begun; what is given up does not count."""
    assert together(statuses, asked) == expected
