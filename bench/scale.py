"""What `python -m bench` measures, part by part; each gives what stands in the JSON.

Raises BenchmarkError where a run does not do what it should, or where its numbers are not those of the hand-written
script.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from bench.agreement import compare, compare_all
from bench.measure import BenchmarkError, Measured, measure
from bench.runs import PROJECT, Figures, best, linked, nothing_new, printed_json, run, with_steps

PARTLY = (0, 2)
"""The large set has two sources only: the others' indicators are held back, which exit code 2 tells."""
PANDAS_MOST = 10_000_000
"""Rows that the pandas script is given at most: it holds all of them in memory."""
SPARK_ROWS = 2_000_000
DAY_SHARE = 1000
"""A day's delivery is one row for so many that there are: four years of workdays."""
RESULTS = Path("published/current/indicator_result.parquet")


def sample(folder: Path, repeat: int) -> Figures:
    """The sample run, its unavoidable parts and the run that finds nothing new; the best of `repeat` each."""
    runs, again, parts = [], [], []
    data = folder / "sample"
    for _ in range(repeat):
        shutil.rmtree(data, ignore_errors=True)
        parts.append(printed_json("bench.parts", folder))
        runs.append((found := run(PROJECT / "raw", data, folder / "run.log")).as_dict() | with_steps(found, data))
        again.append(nothing_new(PROJECT / "raw", data, folder / "run.log"))
    first = min(runs, key=lambda figures: figures["wall_s"])
    part, told = min(parts, key=lambda measured: measured[0].wall)
    nothing = min(again, key=lambda measured: measured.wall)
    return {
        "first": first,
        "parts": part.as_dict() | {"parts": told},
        "nothing_new": nothing.as_dict(),
        "nothing_new_ratio": round(nothing.wall / first["wall_s"], 3),
    }


def board(folder: Path) -> Figures:
    """The board of the sample (`bench.board`)."""
    return dict(printed_json("bench.board", folder, folder / "sample")[1])


def serving(folder: Path) -> Figures:
    """Readers of the sample's release during switches (`bench.serving`)."""
    if importlib.util.find_spec("bench.serving") is None:
        return {"left_out": "bench/serving.py is not there"}
    return dict(printed_json("bench.serving", folder, folder / "sample")[1])


def old_files(folder: Path) -> Figures:
    """What many old deliveries cost each day (`bench.old_files`)."""
    return dict(printed_json("bench.old_files", folder, folder / "old_files")[1])


def generated(folder: Path, rows: int, given: Path | None = None) -> Path:
    """The large set of so many rows: made, or `given`, in a folder of its own that the next day is laid into."""
    if given is not None:
        return linked(given, folder / f"raw-{rows}")
    from bench.generator import write_benchmark

    write_benchmark(folder / f"raw-{rows}", rows)
    return folder / f"raw-{rows}"


def script(raw: Path, folder: Path, module: str = "bench.handwritten", times: int = 2) -> tuple[Measured, Path]:
    """A hand-written script on the same files, and its cells."""
    cells = folder / f"{module}.parquet"
    command = [sys.executable, "-m", module, str(raw), str(cells)]
    return best(times, lambda: measure(command, PROJECT, folder / "script.log")), cells


def agreed(data: Path, cells: Path) -> int:
    """How many cells the release and a script have alike. Raises BenchmarkError naming those that differ."""
    compared, differing = compare(data / RESULTS, cells)
    if differing or not compared:
        raise BenchmarkError("the pipeline and the script differ:\n" + "\n".join(differing))
    return compared


def large(folder: Path, raw: Path, rows: int, sample_wall: float) -> Figures:
    """The first run on so many rows, and the one that finds nothing new, beside the hand-written DuckDB script."""
    data = folder / f"data-{rows}"
    handwritten, cells = script(raw, folder)
    first = run(raw, data, folder / "run.log", PARTLY)
    figures = with_steps(first, data)
    again = nothing_new(raw, data, folder / "run.log", PARTLY)
    beyond = first.wall - sample_wall
    return {
        "rows": rows,
        "csv_bytes": sum(p.stat().st_size for p in raw.rglob("*") if p.is_file()),
        "first": figures,
        "script": handwritten.as_dict(),
        "nothing_new": again.as_dict(),
        "beyond_sample_s": round(beyond, 2),
        "ratio": round(beyond / handwritten.wall, 2),
        "cells_compared": agreed(data, cells),
    }


def next_day(folder: Path, raw: Path, rows: int, sample_wall: float) -> Figures:
    """One day's deliveries after the first run on so many rows, beside the sample run."""
    from bench.generator import write_next_day

    new = max(rows // DAY_SHARE, 1000)
    write_next_day(raw, rows, new)
    data = folder / f"data-{rows}"
    delta = run(raw, data, folder / "run.log", PARTLY)
    figures = with_steps(delta, data)
    return {
        "rows": rows,
        "new_rows": new,
        "delta": figures,
        "ratio": round(delta.wall / sample_wall, 2),
        "cells_compared": agreed(data, script(raw, folder, times=1)[1]),
    }


def pandas(folder: Path, raw: Path, rows: int) -> Figures:
    """The pandas and Great Expectations script on the files of a first run of `large`."""
    measured, cells = script(raw, folder, "bench.handwritten_pandas", times=1)
    return {"rows": rows, "script": measured.as_dict(), "cells_compared": agreed(folder / f"data-{rows}", cells)}


def spark(folder: Path, raw: Path, rows: int) -> Figures:
    """The same run on Spark, all in this machine, beside the first run of `large`: the same cells."""
    if importlib.util.find_spec("pyspark") is None:
        return {"left_out": "pyspark is not installed"}
    if shutil.which("java") is None:
        return {"left_out": "Java is not installed (openjdk-17-jre-headless)"}
    data = folder / f"spark-{rows}"
    environment = {"RESULTATTAVLA_ENGINE": "spark", "RESULTATTAVLA_SPARK__MASTER": "local[2]"}
    found = run(raw, data, folder / "run.log", PARTLY, environment)
    compared, differing = compare_all(data / RESULTS, folder / f"data-{rows}" / RESULTS)
    if differing or not compared:
        raise BenchmarkError("Spark and DuckDB differ:\n" + "\n".join(differing))
    return {"rows": rows, "run": with_steps(found, data), "cells_compared": compared}
