"""Small files of several sources, read by two processes, come to what one reads of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project.core import second
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.second import second_process
from dagster_project.ingestion import deliveries, persons
from dagster_project.runs.log import INGESTION, read_log, run_log
from tests.extracts import TWO_UNITS, Pipeline, base


@pytest.fixture
def deliver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pipeline]:
    """Few bytes are worth a second process; the same key in each folder, so that persons have the same ids."""
    monkeypatch.setattr(deliveries, "_WORTH_TWO", 1)
    monkeypatch.setenv(persons.KEY_VARIABLE, "ab" * 32)

    def delivered(name: str) -> Pipeline:
        made = Pipeline(tmp_path / name)
        made.deliver("enheter", "2022-01-01", *TWO_UNITS)
        for day in ("2022-01-01", "2022-02-01"):
            made.deliver("avvikelser", day, *(base("avvikelser", avvikelse_id=f"A{n}") for n in range(20)))
            made.deliver("register_registreringar", day, base("register_registreringar"))
        made.put("gas", "gas_2022-01-01.csv", b"inte\xff;en\nleverans")
        return made

    return delivered


def stored(pipeline: Pipeline) -> dict[str, bytes]:
    root = pipeline.data.bronze
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.parquet"))}


def test_bronze_ledger_and_log_are_as_if_one_had_read_it(deliver, monkeypatch):
    alone, together = deliver("alone"), deliver("together")
    asked, ask = [], second.Second.ask

    def seen(self, work, item):
        asked.append(work)
        return ask(self, work, item)

    monkeypatch.setattr(second.Second, "ask", seen)
    expected = alone.ledger()
    assert asked == []
    path = together.folder / "log.jsonl"
    with run_log(path, "2022-03-01T00:00:00+00:00") as log, second_process():
        log.begin()
        assert together.ledger() == expected
    assert asked != []
    assert any(d.status == "avvisad" for d in expected[1].values())
    assert stored(together) == stored(alone)
    read = [(line.source, line.part, line.rows) for line in read_log(path) if line.step == INGESTION]
    assert sorted(read, key=str) == sorted(((d.source, d.id, d.rows_read) for d in expected[1].values()), key=str)
    assert together.ledger() == expected  # nothing is read again


def test_a_second_process_that_is_killed_meanwhile_costs_time_only(deliver, monkeypatch):
    alone, together = deliver("alone"), deliver("together")
    expected = alone.ledger()
    ask = second.Second.ask

    def killed(self, work, item):
        self._begin().close()
        self._process.kill()
        return ask(self, work, item)

    monkeypatch.setattr(second.Second, "ask", killed)
    with second_process():
        assert together.ledger() == expected
    assert stored(together) == stored(alone)


def test_what_one_of_them_cannot_read_is_told_as_it_is(deliver, monkeypatch):
    together = deliver("together")
    with second_process():
        # Changed while it is read, whichever process reads it.
        monkeypatch.setattr(deliveries, "found_in_raw", _of_other_bytes(deliveries.found_in_raw))
        with pytest.raises(ResultattavlaError, match="ändrades medan den lästes"):
            together.ledger()


def _of_other_bytes(found_in_raw):
    def found(*given):
        return [
            replace(f, delivery=replace(f.delivery, sha256="0" * 64)) if f.delivery.source == "avvikelser" else f
            for f in found_in_raw(*given)
        ]

    return found


def test_numbers_are_forgotten_by_both(deliver):
    with second_process():
        deliver("together").ledger()
        assert persons._known == {}
        assert second.ahead(known_elsewhere, None)() == 0


def known_elsewhere(_: None) -> int:
    return len(persons._known)
