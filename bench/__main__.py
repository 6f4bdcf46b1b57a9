"""Measure the pipeline: `python -m bench [--rows N] [--out DIR]`.

sample       `resultattavla run` on raw/ into a fresh data folder, against the sum of its unavoidable parts
nothing new  the same command again on the same folder
board        the board of the sample: made, weighed and opened page by page (`bench.board`)
large        the same command on a generated set of N rows, against a hand-written DuckDB script on the same files

Prints a table and writes JSON. Nothing is asserted of times; the large set's numbers must agree with the script's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.agreement import compare
from bench.measure import BenchmarkError, Measured, measure

PROJECT = Path(__file__).resolve().parent.parent
AIMS = {"sample": 1.5, "nothing_new": 0.3, "large": 2.5}
PEAK_AIM = 4 * 1024**3


def _run(raw: Path, data: Path, folder: Path, ok: tuple[int, ...] = (0,)) -> Measured:
    # The module rather than the console script, so that a checkout measures itself, whatever is installed.
    command: list[str | Path] = [sys.executable, "-m", "dagster_project.cli.main", "run", "--raw", raw, "--data", data]
    return measure(command, PROJECT, folder / "run.log", ok=ok)


def _best(measured: list[Measured]) -> Measured:
    return min(measured, key=lambda m: m.wall)


def bench_sample(folder: Path, repeat: int) -> dict[str, Any]:
    """The sample run, its parts and the run that finds nothing new; the best of `repeat` each."""
    runs, again, parts = [], [], []
    for _ in range(repeat):
        data = folder / "sample"
        shutil.rmtree(data, ignore_errors=True)
        parts.append(measure([sys.executable, "-m", "bench.parts"], PROJECT, folder / "parts.log"))
        runs.append(_run(PROJECT / "raw", data, folder))
        again.append(_run(PROJECT / "raw", data, folder))
        if "Inget nytt" not in again[-1].output:
            raise BenchmarkError("the second run did not find that nothing was new (did the code change meanwhile?)")
    run, part, nothing = _best(runs), _best(parts), _best(again)
    board = measure([sys.executable, "-m", "bench.board", folder / "sample"], PROJECT, folder / "board.log")
    return {
        "board": json.loads(board.output),
        "sample": run.as_dict(),
        "parts": part.as_dict() | {"parts": json.loads(part.output)},
        "nothing_new": nothing.as_dict(),
        "sample_ratio": round(run.wall / part.wall, 2),
        "nothing_new_ratio": round(nothing.wall / run.wall, 2),
    }


def bench_large(folder: Path, rows: int, sample: dict[str, Any], raw: Path | None) -> dict[str, Any]:
    """The large set through the pipeline and through the script; raises BenchmarkError where their numbers differ."""
    if raw is None:
        from bench.generator import write_benchmark

        raw = folder / "raw"
        write_benchmark(raw, rows)
    size = sum(p.stat().st_size for p in raw.rglob("*") if p.is_file())
    cells = folder / "handwritten.parquet"
    script = _best(
        [
            measure([sys.executable, "-m", "bench.handwritten", raw, cells], PROJECT, folder / "script.log")
            for _ in range(2)
        ]
    )
    # The set has two sources only: the others' indicators are held back, which exit code 2 tells.
    run = _run(raw, folder / "large", folder, ok=(2,))
    compared, differing = compare(folder / "large/published/current/indicator_result.parquet", cells)
    if differing or not compared:
        raise BenchmarkError("the pipeline and the script differ:\n" + "\n".join(differing))
    beyond = run.wall - sample["wall_s"]
    return {
        "rows": rows,
        "csv_bytes": size,
        "large": run.as_dict(),
        "script": script.as_dict(),
        "beyond_sample_s": round(beyond, 2),
        "large_ratio": round(beyond / script.wall, 2),
        "cells_compared": compared,
    }


def _table(result: dict[str, Any]) -> Table:
    table = Table(title="Benchmark", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("what", "wall s", "CPU s", "peak MiB", "ratio", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")

    def row(name: str, figures: dict[str, Any], ratio: float | None = None, aim: float | None = None) -> None:
        table.add_row(
            name,
            f"{figures['wall_s']:.1f}",
            f"{figures['cpu_s']:.1f}",
            f"{figures['peak_bytes'] / 2**20:.0f}" if "peak_bytes" in figures else "",
            f"{ratio:.2f}" if ratio is not None else "",
            f"<= {aim}" if aim is not None else "",
        )

    for name, part in result["parts"]["parts"].items():
        row(f"  {name}", part)
    row("unavoidable parts, one process", result["parts"])
    row("sample run / parts", result["sample"], result["sample_ratio"], AIMS["sample"])
    row("nothing new / sample run", result["nothing_new"], result["nothing_new_ratio"], AIMS["nothing_new"])
    if "large" in result:
        row(f"hand-written script, {result['rows']:,} rows", result["script"])
        row("pipeline on the same files", result["large"])
        beyond = {"wall_s": result["beyond_sample_s"], "cpu_s": result["large"]["cpu_s"] - result["sample"]["cpu_s"]}
        row("  beyond the sample run / script", beyond, result["large_ratio"], AIMS["large"])
    return table


def told_of_board(board: dict[str, Any]) -> str:
    """What `bench.board` measured, beside its aims."""
    aims = board["aims"]
    opened = (
        f", a page opens in {board['open_ms']} ms, the slowest in {board['slowest_ms']}" if "pages" in board else ""
    )
    return (
        f"The board: made in {board['make_s']} s, {board['bytes'] / 1e6:.1f} MB{opened} "
        f"(aims {aims['make_s']:.0f} s, {aims['bytes'] / 1e6:.0f} MB, {aims['open_ms']:.0f} ms)."
    )


def main() -> int:
    """Parse the options, measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the pipeline.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the large set; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=PROJECT / "bench" / "out", help="folder for the JSON file")
    parser.add_argument("--repeat", type=int, default=2, help="sample runs and parts: the best of this many")
    parser.add_argument("--raw", type=Path, help="an already generated large set of --rows rows")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="resultattavla-bench-") as name:
        folder = Path(name)
        try:
            result = bench_sample(folder, max(options.repeat, 1))
            if options.rows > 0:
                result |= bench_large(folder, options.rows, result["sample"], options.raw and options.raw.absolute())
        except BenchmarkError as error:
            console.print(str(error), style="red", markup=False, soft_wrap=True)
            return 1
    now = datetime.now(UTC)
    result["machine"] = {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    result["aims"] = AIMS | {"peak_bytes": PEAK_AIM}
    result["time"] = now.isoformat(timespec="seconds")
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / f"{now:%Y%m%dT%H%M%SZ}-{options.rows}.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    console.print(_table(result))
    if "large" in result:
        peak = max(result["large"]["peak_bytes"], result["sample"]["peak_bytes"])
        console.print(f"Peak memory {peak / 2**30:.2f} GiB (aim < {PEAK_AIM / 2**30:.0f} GiB).", highlight=False)
        console.print(f"{result['cells_compared']} cells agree with the script.", highlight=False)
    console.print(told_of_board(result["board"]), highlight=False)
    console.print(f"Written to {target}", soft_wrap=True, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
