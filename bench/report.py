"""What was measured, in words: on the terminal, and as docs/performance.md (`python -m bench.report [JSON]`).

The document is a function of `bench/measured.json`, the last whole benchmark, which `make bench` writes with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.runs import PROJECT

MEASURED = PROJECT / "bench" / "measured.json"
DOCUMENT = PROJECT / "docs" / "performance.md"
GIB = 1024**3
LARGE = 10_000_000
"""Rows that most aims are about."""

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """One aim and what was reached; `reached` is None where it was not measured, and `why` then says why."""

    what: str
    limit: float
    reached: float | None
    why: str = ""
    at_least: bool = False
    unit: str = ""

    @property
    def met(self) -> bool | None:
        if self.reached is None:
            return None
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    @property
    def cells(self) -> tuple[str, str, str, str]:
        sign = ">=" if self.at_least else "<="
        reached = f"{self.reached:.4g}{self.unit}" if self.reached is not None else f"not measured: {self.why}"
        return self.what, f"{sign} {self.limit:g}{self.unit}", reached, {True: "yes", False: "no", None: ""}[self.met]


def aims(result: Result) -> list[Aim]:
    """The aims of the specification that this benchmark is large enough to say something of."""
    sample, points = result["sample"], result.get("curve", [])
    wall = sample["first"]["wall_s"]
    before = result.get("sample_before_s")
    found = [
        Aim(
            "sample run / the same before this work began",
            0.6,
            round(wall / before, 3) if before else None,
            "what it was before was not given (`--sample-before`)",
        ),
        Aim("nothing new / sample run", 0.2, sample["nothing_new_ratio"]),
    ]
    if points:
        last = points[-1]
        large = next((point for point in points if point["rows"] == LARGE), last)
        runs = [run for point in points for run in (point["first"], point.get("delta", {}).get("delta")) if run]
        peak = max(run["peak_bytes"] for run in runs)
        found += [
            Aim(f"({_rows(large)} - sample run) / hand-written DuckDB script", 3, large["ratio"]),
            Aim(f"most memory, up to {_rows(last)}", 4, round(peak / GIB, 2), unit=" GiB"),
            Aim(f"nothing new on {_rows(last)} / sample run", 0.2, round(last["nothing_new"]["wall_s"] / wall, 3)),
        ]
    for point in points:
        if delta := point.get("delta"):
            limit = 1.3 if point["rows"] > LARGE else 1.15
            what = f"one day's delta on {_rows(point)} / sample run"
            found.append(Aim(what, limit, delta.get("ratio"), delta.get("left_out", "")))
    if points and (pandas := result.get("pandas", {})):
        ours = next((p["first"] for p in points if p["rows"] == pandas.get("rows")), None)
        theirs = pandas.get("script")
        both = ours is not None and theirs is not None
        found += [
            Aim(
                "pandas with Great Expectations / pipeline, seconds",
                2,
                round(theirs["wall_s"] / ours["wall_s"], 2) if both else None,
                pandas.get("left_out", ""),
                at_least=True,
            ),
            Aim(
                "pipeline / pandas with Great Expectations, memory",
                0.25,
                round(ours["peak_bytes"] / theirs["peak_bytes"], 2) if both else None,
                pandas.get("left_out", ""),
            ),
        ]
    if old := result.get("old_files"):
        what = f"{old['files']:,} old files, a day" if "files" in old else "old files, a day"
        found.append(Aim(what, old.get("aim_s", 1), old.get("cost_s"), old.get("left_out", ""), unit=" s"))
    for name, way in _ways(result.get("serving", {})):
        why = way.get("left_out", "")
        if name == _WAYS["postgres"]:
            found.append(Aim("a look-up in PostgreSQL, 99th percentile", 20, way.get("p99_ms"), why, unit=" ms"))
        found.append(Aim(f"faults of readers during switches, {name}", 0, way.get("faults"), why))
    if board := result.get("board"):
        found += [
            Aim("the sample's board is made", 8, board.get("make_s"), board.get("left_out", ""), unit=" s"),
            Aim("a page of it opens", 100, board.get("open_ms"), board.get("left_out", "no Chromium"), unit=" ms"),
        ]
    return found


def _rows(point: Result) -> str:
    return f"{point['rows']:,} rows"


def told(result: Result) -> str:
    """The aims and what failed, for the terminal."""
    lines = []
    if "sample" in result:
        lines += [" | ".join(filter(None, aim.cells)) for aim in aims(result)]
    lines += [f"FAILED {name}: {text}" for name, text in result.get("failed", {}).items()]
    return "\n".join(lines)


def render(result: Result) -> str:
    """docs/performance.md."""
    parts = [_head(result), _aims(result)]
    if result.get("curve"):
        parts += [_curve(result)]
    parts += [_steps(result), _comparators(result), _others(result)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(result: Result) -> str:
    machine = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        "# Performance\n\n"
        "Made by `make bench` (`make bench ROWS=10000000`; `ROWS=50000000` for the largest set of the specification) "
        "from what it measured, `bench/measured.json`; do not edit. Every figure is of one invocation on one machine; "
        "nothing is asserted of times, but numbers have to agree: the pipeline's cells are held against those of a "
        "hand-written script on the same files, and the engines' against each other.\n\n"
        f"Measured {result['time'][:10]} on {machine['cpus']} cores, {machine['memory_bytes'] / GIB:.0f} GiB of "
        f"memory, {machine['platform']}, Python {machine['python']}, {packages}; commit `{machine['commit']}`. "
        "Seconds are wall clock, CPU of the whole process tree; memory is the most that the tree held at once."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _aims(result: Result) -> str:
    return "## Aims\n\n" + _table(
        ("what", "aim", "measured", "reached"),
        [aim.cells for aim in aims(result)],
    )


def _figures(found: Result) -> tuple[str, str, str]:
    return f"{found['wall_s']:.1f}", f"{found['cpu_s']:.1f}", f"{found['peak_bytes'] / 2**20:,.0f}"


def _curve(result: Result) -> str:
    wall = result["sample"]["first"]["wall_s"]
    rows = [
        ("sample", *_figures(result["sample"]["first"]), "", "", f"{result['sample']['nothing_new']['wall_s']:.1f}")
    ]
    rows += [
        (
            f"{point['rows']:,}",
            *_figures(point["first"]),
            f"{point['script']['wall_s']:.1f}",
            f"{point['ratio']:.2f}",
            f"{point['nothing_new']['wall_s']:.1f}",
        )
        for point in result["curve"]
    ]
    last = result["curve"][-1]
    per = (last["first"]["wall_s"] - wall) / last["rows"] * 1e6
    return (
        "## First run by number of rows\n\n"
        "`resultattavla run` into an empty data folder, on generated CSV files (60 % vantetider, 40 % kva: "
        "`bench/generator.py`), beside a hand-written DuckDB script that computes three indicators from the same "
        "files without checking anything (`bench/handwritten.sql`). Beyond the sample run it takes "
        f"{per:.1f} s for a million rows.\n\n"
        + _table(
            ("rows", "seconds", "CPU", "MiB", "script, seconds", "(run - sample) / script", "nothing new, seconds"),
            rows,
        )
    )


def _steps(result: Result) -> str:
    runs = {"sample": result["sample"]["first"]}
    points = result.get("curve", [])
    for point in points:
        delta = point.get("delta", {})
        if delta or point is points[-1]:
            runs[_rows(point)] = point["first"]
        if "delta" in delta:
            runs[f"one day's delta on {_rows(point)}"] = delta["delta"]
    whole = {name: {s["step"]: s for s in run["steps"] if not (s["source"] or s["part"])} for name, run in runs.items()}
    order = list(dict.fromkeys(step for found in whole.values() for step in found))
    rows = [
        [step, *(f"{found[step]['seconds']:.1f}" if step in found else "" for found in whole.values())]
        for step in order
    ]
    parts = sorted(
        (s for name in list(runs)[-1:] for s in _longest(runs, name)), key=lambda s: s["seconds"], reverse=True
    )
    table = _table(("step, seconds", *whole), rows)
    named = ", ".join(f"{s['step']} {s['source'] or s['part']} {s['seconds']:.1f} s" for s in parts[:10])
    return (
        "## Where the time goes\n\n"
        "From the runs' own logs ([operations](operations.md#seeing-it-run)); `run` is all of it but the start of the "
        f"process.\n\n{table}\n\nIts longest parts, in the last of these: {named}."
        if named
        else f"## Where the time goes\n\n{table}"
    )


def _longest(runs: Mapping[str, Result], name: str) -> Iterator[Result]:
    yield from (s for s in runs[name]["steps"] if s["source"] or s["part"])


def _comparators(result: Result) -> str:
    rows = [
        (f"hand-written DuckDB script, {_rows(point)}", *_figures(point["script"]), point["cells_compared"])
        for point in result.get("curve", [])[-1:]
    ]
    pandas = result.get("pandas", {})
    if "script" in pandas:
        rows.append(
            (
                f"pandas with Great Expectations (`bench/handwritten_pandas.py`), {_rows(pandas)}",
                *_figures(pandas["script"]),
                pandas["cells_compared"],
            )
        )
    deltas = [found for point in result.get("curve", []) if (found := point.get("delta"))]
    for delta in (found for found in deltas if "delta" in found):
        text = f"one day's delta ({delta['new_rows']:,} rows) on {_rows(delta)}"
        rows.append((text, *_figures(delta["delta"]), delta["cells_compared"]))
    spark = result.get("spark", {})
    if "run" in spark:
        rows.append((f"on Spark, `local[2]`, {_rows(spark)}", *_figures(spark["run"]), spark["cells_compared"]))
    parts = {"delta": deltas[-1] if deltas else {}, **{name: result.get(name, {}) for name in ("pandas", "spark")}}
    left = [f"Not measured: {name} ({found['left_out']})." for name, found in parts.items() if "left_out" in found]
    if not rows and not left:
        return ""
    table = _table(("what", "seconds", "CPU", "MiB", "cells that agree"), rows) if rows else ""
    return "## Beside others\n\n" + "\n\n".join(filter(None, [table, " ".join(left)]))


def _others(result: Result) -> str:
    lines = []
    old = result.get("old_files", {})
    if "files" in old:
        lines.append(
            f"**Old files**: a run that knows {old['files']:,} deliveries and reads one more looks at them in "
            f"{old['day_s']} s, {old['cost_s']} s longer than with ten (`bench/old_files.py`); the first time they "
            f"were read in {old['first_s']:.0f} s."
        )
    board = result.get("board", {})
    if "make_s" in board:
        lines.append(f"**The board** of the sample: {told_of_board(board)}")
    serving = result.get("serving", {})
    left = [f"{name} ({found['left_out']})" for name, found in _ways(serving) if "left_out" in found]
    if rows := [
        (name, *(found[key] for key in ("answers", "median_ms", "p99_ms", "longest_ms", "faults", "switch_s")))
        for name, found in _ways(serving)
        if "answers" in found
    ]:
        head = ("read from", "answers", "median ms", "99th percentile ms", "longest ms", "faults", "longest switch s")
        lines.append(
            f"**Serving**: {serving['readers']} readers of the sample's release ask a dashboard's look-up during "
            f"{serving['switches']} switches between two releases (`bench/serving.py`); a fault is an answer that "
            f"failed, or showed anything but one of the two releases.\n\n{_table(head, rows)}"
        )
    if left:
        lines.append(f"Not measured: {', '.join(left)}.")
    return "## Files and readers\n\n" + "\n\n".join(lines) if lines else ""


_WAYS = {"postgres": "PostgreSQL", "duckdb": "`current/resultat.duckdb`", "parquet": "Parquet files"}


def _ways(serving: Result) -> list[tuple[str, Result]]:
    """How a release was read, and what that came to."""
    if "left_out" in serving:
        return [("serving", serving)]
    return [(name, serving[key]) for key, name in _WAYS.items() if key in serving]


def told_of_board(board: Result) -> str:
    """What `bench.board` measured, beside its aims."""
    limits = board["aims"]
    opened = (
        f", a page opens in {board['open_ms']} ms, the slowest in {board['slowest_ms']}" if "pages" in board else ""
    )
    return (
        f"made in {board['make_s']} s, {board['bytes'] / 1e6:.1f} MB{opened} "
        f"(aims {limits['make_s']:.0f} s, {limits['bytes'] / 1e6:.0f} MB, {limits['open_ms']:.0f} ms)."
    )


def main() -> None:
    """Make the document of a benchmark's JSON."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MEASURED
    DOCUMENT.write_text(render(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
