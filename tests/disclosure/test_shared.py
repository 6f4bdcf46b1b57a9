"""Disclosure control and its audit, shared by two processes, come to what one comes to."""

import polars as pl
import pytest

from dagster_project.core import second
from dagster_project.core.second import second_process
from dagster_project.disclosure import audit, control
from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.disclosure.control import hidden_cells

from .organisations import cells, published, some

CELLS = pl.concat([cells(some(seed, months=24), 24, indicator=f"i{seed}") for seed in range(5)])


@pytest.fixture
def worth_sharing(monkeypatch):
    """Few cells are worth a second process; how often that was asked."""
    for module in (control, audit):
        monkeypatch.setattr(module, "SHARED_FROM", 1)
    asked = []
    ask = second.Second.ask
    monkeypatch.setattr(second.Second, "ask", lambda self, work, item: asked.append(work) or ask(self, work, item))
    return asked


def test_the_same_cells_are_hidden_and_the_same_is_found(worth_sharing):
    alone = hidden_cells(CELLS, 5)
    truth = CELLS.with_columns(in_grid=pl.lit(True))
    # Every fifth hidden cell is shown: something follows in several groups.
    leaky = published(CELLS, alone.gather_every(5))
    found = audit_disclosure(leaky, truth, 5)
    assert len(found) > 2
    assert worth_sharing == []
    with second_process():
        assert hidden_cells(CELLS, 5).equals(alone)
        hiding = len(worth_sharing)
        assert audit_disclosure(leaky, truth, 5) == found
        assert audit_disclosure(published(CELLS, alone), truth, 5) == []
    assert 0 < hiding < len(worth_sharing)
