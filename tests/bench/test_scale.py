"""What is measured of a set of rows, with runs that take no time: the command is replaced by one that publishes the
cells of the hand-written script, so that files, folders, agreement and ratios are really there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench import handwritten, handwritten_pandas, runs, scale
from bench.measure import BenchmarkError, Measured
from dagster_project.runs.log import run_log, step

ROWS = 3_000
Change = Callable[[pl.DataFrame], pl.DataFrame]


class _Commands:
    """Does what the measured commands do, in this process; `change` is what a run makes of the right cells."""

    def __init__(self) -> None:
        self.change: Change = lambda cells: cells
        self.asked: list[str] = []
        self.environments: list[dict[str, str]] = []
        self.published: dict[str, set[str]] = {}

    def measure(
        self, command: list[Any], cwd: Path, log: Path, environment: dict[str, str] | None = None, ok: Any = (0,)
    ) -> Measured:
        module = command[2]
        self.asked.append(module)
        if module == "bench.handwritten":
            handwritten.compute(Path(command[3]), Path(command[4]))
            return Measured(2.0, 2.0, 100, 0, "")
        if module == "bench.handwritten_pandas":
            handwritten_pandas.compute(Path(command[3]), Path(command[4]))
            return Measured(30.0, 30.0, 900, 0, "")
        self.environments.append(environment or {})
        return self._run(Path(command[5]), Path(command[7]))

    def _run(self, raw: Path, data: Path) -> Measured:
        files = {str(path.relative_to(raw)) for path in raw.rglob("*.csv")}
        if self.published.get(str(data)) == files:
            return Measured(1.0, 1.0, 50, 0, "Inget nytt sedan sist")
        self.published[str(data)] = files
        with run_log(data / "run" / "log.jsonl", "2026-11-26T07:00:00+00:00") as log:
            log.begin()
            with step("ingestion"):
                target = data / scale.RESULTS
                target.parent.mkdir(parents=True, exist_ok=True)
                handwritten.compute(raw, target)
            log.end()
        self.change(pl.read_parquet(target).with_columns(status=pl.lit("inget_mal"))).write_parquet(target)
        return Measured(10.0, 12.0, 500, 2, "")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> _Commands:
    found = _Commands()
    monkeypatch.setattr(runs, "measure", found.measure)
    monkeypatch.setattr(scale, "measure", found.measure)
    return found


def test_a_first_run_is_held_against_the_sample_and_the_script(commands: _Commands, tmp_path: Path) -> None:
    raw = scale.generated(tmp_path, ROWS)
    found = scale.large(tmp_path, raw, ROWS, sample_wall=4.0)
    assert (found["rows"], found["beyond_sample_s"], found["ratio"]) == (ROWS, 6.0, 3.0)
    assert found["cells_compared"] > 1000 and found["csv_bytes"] > 100_000
    assert [s["step"] for s in found["first"]["steps"]] == ["ingestion", "run"]
    assert found["first"]["peak_bytes"] > 10_000_000, "as the run's log says; the system said 500"
    assert found["nothing_new"] == {"wall_s": 1.0, "cpu_s": 1.0, "peak_bytes": 50, "exit": 0}


def test_the_next_day_is_one_run_on_the_same_folder_with_new_files(commands: _Commands, tmp_path: Path) -> None:
    raw = scale.generated(tmp_path, ROWS)
    scale.large(tmp_path, raw, ROWS, 4.0)
    found = scale.next_day(tmp_path, raw, ROWS, sample_wall=10.0)
    assert (found["new_rows"], found["ratio"]) == (1000, 1.0)
    assert found["cells_compared"] > 1000
    assert "kva/kva_2022-10-01.csv" in commands.published[str(tmp_path / f"data-{ROWS}")]


def test_pandas_and_spark_have_to_agree(commands: _Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = scale.generated(tmp_path, ROWS)
    scale.large(tmp_path, raw, ROWS, 4.0)
    assert scale.pandas(tmp_path, raw, ROWS)["cells_compared"] > 1000

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/java")
    assert scale.spark(tmp_path, raw, ROWS)["cells_compared"] > 1000
    assert commands.environments[-1]["RESULTATTAVLA_ENGINE"] == "spark"
    commands.published.clear()
    commands.change = lambda cells: cells.with_columns(pl.col("varde") + 1e-3)
    with pytest.raises(BenchmarkError, match="Spark and DuckDB differ"):
        scale.spark(tmp_path, raw, ROWS)


def test_what_spark_needs_and_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert scale.spark(tmp_path, tmp_path, ROWS) == {"left_out": "pyspark is not installed"}
    assert "bench/serving.py" in scale.serving(tmp_path)["left_out"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "openjdk-17-jre-headless" in scale.spark(tmp_path, tmp_path, ROWS)["left_out"]


def test_a_run_with_another_number_than_the_script_is_no_measurement(commands: _Commands, tmp_path: Path) -> None:
    raw = scale.generated(tmp_path, ROWS)
    commands.change = lambda cells: cells.with_columns(pl.col("taljare") + 1)
    with pytest.raises(BenchmarkError, match="the pipeline and the script differ"):
        scale.large(tmp_path, raw, ROWS, 4.0)


def test_a_second_run_that_finds_something_to_do_is_no_measurement(commands: _Commands, tmp_path: Path) -> None:
    raw = scale.generated(tmp_path, ROWS)
    with pytest.raises(BenchmarkError, match="did not find that nothing was new"):
        runs.nothing_new(raw, tmp_path / "data", tmp_path / "log")
