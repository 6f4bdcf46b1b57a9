"""What a benchmark says of itself: the aims, the document made from stored figures, and that one part that fails costs
the others nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import scale
from bench.measure import BenchmarkError
from bench.report import DOCUMENT, MEASURED, Aim, aims, render, told, told_of_board

STORED = Path(__file__).with_name("measured.json")


@pytest.fixture
def result() -> dict[str, Any]:
    return dict(json.loads(STORED.read_text(encoding="utf-8")))


def _aim(result: dict[str, Any], what: str) -> Aim:
    (found,) = (aim for aim in aims(result) if what in aim.what)
    return found


def test_aims_are_held_against_what_was_measured(result: dict[str, Any]) -> None:
    assert _aim(result, "before this work").reached == 0.5 and _aim(result, "before this work").met
    assert _aim(result, "hand-written DuckDB script").reached == 2.5 and _aim(result, "DuckDB script").met
    assert _aim(result, "most memory").reached == 5.0 and _aim(result, "most memory").met is False
    seconds = _aim(result, "pipeline, seconds")
    assert (seconds.limit, seconds.reached, seconds.met) == (2, 1.8, False)
    assert _aim(result, "pandas with Great Expectations, memory").reached == 0.2
    assert _aim(result, "10,000 old files").reached == 0.9
    assert _aim(result, "one day's delta").limit == 1.15


def test_the_largest_set_has_aims_of_its_own(result: dict[str, Any]) -> None:
    larger = json.loads(json.dumps(result["curve"][-1]))
    larger |= {"rows": 50_000_000, "ratio": 9.0}
    larger["delta"]["delta"]["peak_bytes"] = 6 * 2**30
    result["curve"].append(larger)
    assert _aim(result, "delta on 10,000,000 rows").limit == 1.15
    assert _aim(result, "delta on 50,000,000 rows").limit == 1.3
    assert _aim(result, "(10,000,000 rows - sample run)").reached == 2.5
    assert _aim(result, "most memory, up to 50,000,000 rows").reached == 6.0


def test_readers_aims_are_their_time_in_postgresql_and_no_fault(result: dict[str, Any]) -> None:
    assert _aim(result, "look-up in PostgreSQL").reached == 4.2
    assert _aim(result, "switches, PostgreSQL").met and _aim(result, "switches, Parquet").met is False
    result["serving"]["postgres"] = {"left_out": "no server"}
    assert _aim(result, "look-up in PostgreSQL").cells[2] == "not measured: no server"
    assert "Not measured: PostgreSQL (no server)." in render(result)


def test_what_was_not_measured_is_no_aim_reached(result: dict[str, Any]) -> None:
    del result["sample_before_s"]
    result["pandas"] = {"left_out": "as asked"}
    assert _aim(result, "before this work").met is None
    assert _aim(result, "pipeline, seconds").cells[2:] == ("not measured: as asked", "")


def test_the_document_has_every_part(result: dict[str, Any]) -> None:
    text = render(result)
    for told_of in (
        "Measured 2026-11-26 on 2 cores, 23 GiB of memory",
        "| 10,000,000 | 66.0 | 90.0 | 5,120 | 16.0 | 2.50 | 1.5 |",
        "Beyond the sample run it takes 4.0 s for a million rows.",
        "| step, seconds | sample | 10,000,000 rows | one day's delta on 10,000,000 rows |",
        "| ingestion | 5.0 | 20.0 | 6.0 |",
        "ingestion kva 1.5 s",
        "| one day's delta (10,000 rows) on 10,000,000 rows | 28.0 | 30.0 | 600 | 24705 |",
        "| on Spark, `local[2]`, 2,000,000 rows | 100.0 | 150.0 | 2,000 | 130000 |",
        "16 readers of the sample's release ask a dashboard's look-up during 10 switches",
        "| PostgreSQL | 5000 | 1.2 | 4.2 | 30.5 | 0 | 0.25 |",
        "looks at them in 1.1 s, 0.9 s longer than with ten",
        "made in 6.1 s, 9.5 MB, a page opens in 31.0 ms",
    ):
        assert told_of in text, told_of
    for line in text.splitlines():  # every table's rows are as wide as its head
        if line.startswith("|"):
            assert line.endswith("|")


def test_what_is_left_out_is_said(result: dict[str, Any]) -> None:
    result |= {name: {"left_out": "as asked"} for name in ("board", "serving", "old_files", "pandas", "spark")}
    result["curve"][-1]["delta"] = {"left_out": "as asked"}
    text = render(result)
    for name in ("spark", "serving", "delta"):
        assert f"Not measured: {name} (as asked)." in text
    assert _aim(result, "one day's delta").cells[2:] == ("not measured: as asked", "")
    sample_only = {key: result[key] for key in ("time", "machine", "sample")}
    assert "First run by number of rows" not in render(sample_only)
    assert "nothing new / sample run" in told(sample_only)


def test_the_board_is_told_with_and_without_a_browser(result: dict[str, Any]) -> None:
    assert "a page opens in 31.0 ms, the slowest in 60.0 (aims 8 s, 15 MB, 100 ms)" in told_of_board(result["board"])
    for name in ("pages", "open_ms", "slowest_ms"):
        del result["board"][name]
    assert told_of_board(result["board"]) == "made in 6.1 s, 9.5 MB (aims 8 s, 15 MB, 100 ms)."


def test_the_document_is_what_the_last_benchmark_measured() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(json.loads(MEASURED.read_text(encoding="utf-8")))


# --- The order of things ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is measured of which size, instead of measuring it."""
    order: list[tuple[str, int]] = []

    def note(name: str) -> Any:
        def measured(folder: Path, *given: Any) -> dict[str, Any]:
            size = given[1] if len(given) > 1 else 0
            order.append((name, size))
            return {"rows": size, "first": {"wall_s": 10.0}}

        return measured

    for name in ("sample", "board", "serving", "old_files", "large", "next_day", "pandas", "spark"):
        monkeypatch.setattr(scale, name, note(name))
    monkeypatch.setattr(scale, "generated", lambda folder, rows, given: folder / "raw")
    return order


def test_one_invocation_measures_all_of_it(asked: list[tuple[str, int]], tmp_path: Path) -> None:
    measured = bench.Bench(tmp_path, [], lambda text: None)
    measured.all(50_000_000, 1, None)
    assert [size for name, size in asked if name == "large"] == [2_000_000, 5_000_000, 10_000_000, 50_000_000]
    assert [found for found in asked if found[0] in ("spark", "pandas", "next_day")] == [
        ("spark", 2_000_000),
        ("pandas", 10_000_000),
        ("next_day", 10_000_000),
        ("next_day", 50_000_000),
    ]
    assert set(measured.result) == {"sample", "board", "serving", "old_files", "curve", "spark", "pandas"}
    assert list(tmp_path.iterdir()) == [], "the large folders are gone"


def test_small_sets_have_their_comparators_too(asked: list[tuple[str, int]], tmp_path: Path) -> None:
    bench.Bench(tmp_path, ["board"], lambda text: None).all(20_000, 1, None)
    assert [name for name, _ in asked] == ["sample", "serving", "old_files", "large", "pandas", "spark", "next_day"]


def test_a_part_that_fails_costs_the_others_nothing(
    asked: list[tuple[str, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: Any) -> dict[str, Any]:
        raise BenchmarkError("the pipeline and the script differ")

    monkeypatch.setattr(scale, "pandas", differs)
    measured = bench.Bench(tmp_path, [], lambda text: None)
    measured.all(20_000, 1, None)
    assert measured.failed == {"pandas, 20,000 rows": "the pipeline and the script differ"}
    assert ("next_day", 20_000) in asked and "pandas" not in measured.result
    assert "FAILED pandas, 20,000 rows" in told({"failed": measured.failed})
