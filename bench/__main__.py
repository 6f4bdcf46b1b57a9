"""Measure all that the specification says of scale: `python -m bench [--rows N] [--out DIR] [--leave-out PART]`.

sample    the sample run, its unavoidable parts, the run that finds nothing new; the board; readers during switches
old files what 10,000 old deliveries cost each day
large     the first run on generated sets of several sizes up to N rows, beside a hand-written DuckDB script
next day  one day's deliveries after the first run on the largest of them, and on 10 million rows
pandas    a pandas and Great Expectations script of the same work
spark     the same run on Spark

Prints tables and writes JSON, from which docs/performance.md is made (`bench.report`). Nothing is asserted of times;
numbers must agree, between the pipeline and each script, and between the engines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import scale
from bench.measure import BenchmarkError
from bench.report import DOCUMENT, LARGE, MEASURED, render, told
from bench.runs import PROJECT, Figures

PARTS = ("board", "serving", "old_files", "delta", "pandas", "spark")
"""What can be left out."""
PACKAGES = ("dagster", "dbt-core", "duckdb", "great-expectations", "pandas", "polars")


def curve(rows: int) -> list[int]:
    """How many rows the first runs have: of Spark's and pandas' sizes too, where the largest is larger."""
    sizes = {rows // 10, min(scale.SPARK_ROWS, rows), min(scale.PANDAS_MOST, rows), rows}
    return sorted(size for size in sizes if size >= min(rows, 20_000))


class Bench:
    """One benchmark: what was measured so far, and what went wrong."""

    def __init__(self, folder: Path, leave_out: list[str], say: Callable[[str], None]) -> None:
        self.folder, self.leave_out, self.say = folder, leave_out, say
        self.result: dict[str, Any] = {}
        self.failed: dict[str, str] = {}

    def part(self, name: str, measured: Callable[[], Figures], size: int | None = None) -> Figures | None:
        """Measure a part, of a set of so many rows; one that fails costs the others nothing."""
        if name in self.leave_out:
            return {"left_out": "as asked"}
        told = name if size is None else f"{name}, {size:,} rows"
        self.say(f"{told} ...")
        try:
            return measured()
        except BenchmarkError as error:
            self.failed[told] = str(error)
            self.say(f"{told}: {error}")
            return None

    def keep(self, name: str, measured: Callable[[], Figures], size: int | None = None) -> Figures | None:
        """Measure a part that stands for itself in the JSON."""
        if (found := self.part(name, measured, size)) is not None:
            self.result[name] = found
        return found

    def all(self, rows: int, repeat: int, given: Path | None) -> None:
        """Measure everything; without a sample run there is nothing to hold the rest against."""
        sample = self.keep("sample", lambda: scale.sample(self.folder, repeat))
        if sample is None:
            return
        self.keep("board", lambda: scale.board(self.folder))
        self.keep("serving", lambda: scale.serving(self.folder))
        self.keep("old_files", lambda: scale.old_files(self.folder))
        points = []
        for size in curve(rows) if rows else []:
            point = self._of_size(size, sample["first"]["wall_s"], given if size == rows else None, size == rows)
            points += [point] if point else []
        self.result["curve"] = points

    def _of_size(self, size: int, wall: float, given: Path | None, largest: bool) -> Figures | None:
        """All that is measured on a set of so many rows; its folders are removed afterwards."""
        with tempfile.TemporaryDirectory(prefix=f"rows-{size}-", dir=self.folder) as name:
            folder = Path(name)
            raw = scale.generated(folder, size, given)
            point = self.part("first run", lambda: scale.large(folder, raw, size, wall), size)
            if point is None:
                return None
            if size == min(scale.PANDAS_MOST, size) and (largest or size == scale.PANDAS_MOST):
                self.keep("pandas", lambda: scale.pandas(folder, raw, size), size)
            if size == scale.SPARK_ROWS or (largest and size < scale.SPARK_ROWS):
                self.keep("spark", lambda: scale.spark(folder, raw, size), size)
            if largest or size == LARGE:
                day = self.part("delta", lambda: scale.next_day(folder, raw, size, wall), size)
                point |= {"delta": day} if day else {}
            return point


def machine() -> Figures:
    """What it was measured on, and by which code."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    commit = subprocess.run(
        ["git", "-C", str(PROJECT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "cpus": os.cpu_count(),
        "memory_bytes": memory,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": commit.stdout.strip(),
    }


def main() -> int:
    """Parse the options, measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the pipeline.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the largest set; 0: the sample only")
    parser.add_argument("--out", type=Path, default=PROJECT / "bench" / "out", help="folder for the JSON file")
    parser.add_argument("--repeat", type=int, default=2, help="sample runs and parts: the best of this many")
    parser.add_argument("--raw", type=Path, help="an already generated large set of --rows rows")
    parser.add_argument("--sample-before", type=float, metavar="SECONDS", help="a sample run before the work began")
    parser.add_argument("--leave-out", action="append", default=[], choices=PARTS, help="a part not to measure")
    parser.add_argument("--no-document", action="store_true", help="leave docs/performance.md as it is")
    options = parser.parse_args()
    console, now = Console(), datetime.now(UTC)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    with tempfile.TemporaryDirectory(prefix="resultattavla-bench-") as name:
        bench = Bench(Path(name), options.leave_out, say)
        bench.all(options.rows, max(options.repeat, 1), options.raw and options.raw.absolute())
    before = {"sample_before_s": options.sample_before} if options.sample_before else {}
    result = before | {"time": now.isoformat(timespec="seconds"), "machine": machine(), **bench.result}
    if bench.failed:
        result["failed"] = bench.failed
    text = json.dumps(result, indent=1) + "\n"
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / f"{now:%Y%m%dT%H%M%SZ}-{options.rows}.json"
    target.write_text(text, encoding="utf-8")
    say(told(result))
    say(f"Written to {target}")
    if bench.failed:
        return 1
    if options.rows and not options.no_document:
        MEASURED.write_text(text, encoding="utf-8")
        DOCUMENT.write_text(render(result), encoding="utf-8")
        say(f"{DOCUMENT} is made of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
