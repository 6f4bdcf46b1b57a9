"""What kvalitet.parquet tells of persons."""

from __future__ import annotations

import pytest

from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import counts_persons
from dagster_project.releases.stage import published_quality


def outcome(suite: str, expectation: str, observed: str) -> Outcome:
    return Outcome(
        "results", suite, "register_population", expectation, "info", False, None, None, None, observed, "t", "b", "a"
    )


@pytest.mark.parametrize(
    ("observed", "told"), [("0", "0"), ("1", "färre än 5"), ("4.0", "färre än 5"), ("5", "5"), ("171", "171")]
)
def test_few_persons_are_only_said_to_be_few(observed: str, told: str) -> None:
    assert ("results/register_population", "antal_vid_stangd_enhet") in counts_persons()
    persons = outcome("results/register_population", "antal_vid_stangd_enhet", observed)
    days = outcome("delivery/_all", "alder", observed)
    assert published_quality([persons, days], 5)["observed"].to_list() == [observed, told]
