"""Readers during switches, measured: `python -m bench.serving DATA`, on the current release of a data folder.

Sixteen readers ask a dashboard's look-up (an indicator's series at a place) now and then, while the release that is
shown is switched ten times between two: in PostgreSQL (where a server is installed), in `current/resultat.duckdb` and
in Parquet files. Every answer is held against the two releases: how many failed or showed something else is told.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

READERS, SWITCHES, PROCESSES = 16, 10, 2
SECONDS_BETWEEN_SWITCHES = 1.0
PAUSE_SECONDS = 0.05
"""Between one answer and the next question of a reader."""
AIMS = {"postgres_p99_ms": 20.0}
_ROWS = "select period_start, varde, status from {table} where indicator_id = '{indicator}' and niva = 'verksamhet'" + (
    " and verksamhet = '{verksamhet}' and period_typ = 'manad' and kon = 'T' order by period_start"
)
_WHICH = "select u.release_id, r.* from resultat.utgava as u cross join lateral ({rows}) as r"


def bench_serving(data: Path) -> dict[str, Any]:
    """Milliseconds of an answer (median, 99th percentile, longest), answers and faults, per way of reading."""
    with tempfile.TemporaryDirectory(prefix="resultattavla-bench-", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        paths, ids = _two_releases(data, folder)
        questions = _questions(paths)
        found: dict[str, Any] = {"readers": READERS, "switches": SWITCHES}
        for way, ask in (("duckdb", _ask_duckdb), ("parquet", _ask_parquet)):
            found[way] = _measured(ask, str(paths.published), questions, ids, lambda i: _switch_files(paths, i))
        found |= _postgres(stack, folder, paths, questions, ids)
    return found | {"aims": AIMS}


def _two_releases(data: Path, folder: Path) -> tuple[Any, list[str]]:
    """A data folder with a copy of the current release and, later, one of another id whose rows say so too."""
    import polars as pl

    from dagster_project.core.files import sha256_of
    from dagster_project.core.paths import DataPaths
    from dagster_project.releases.publish import switch_current
    from dagster_project.releases.stage import write_tables
    from dagster_project.releases.store import published_release

    release, paths = published_release(DataPaths(data)), DataPaths(folder / "data")
    ids = [f"{release.id[:-1]}{end}" for end in "ab"]
    names = [n.removesuffix(".parquet") for n in release.manifest.files if n.endswith(".parquet")]
    for release_id in ids:
        target = paths.releases / release_id
        target.mkdir(parents=True)
        tables = {name: release.table(name) for name in names}
        tables["indicator_result"] = tables["indicator_result"].with_columns(release_id=pl.lit(release_id))
        rows = write_tables(target, tables, release_id)
        files = {n: {"sha256": sha256_of(target / n), "rows": count} for n, count in rows.items()}
        replace(release.manifest, release_id=release_id, files=files).write(target)
    switch_current(paths, ids[0])
    return paths, ids


def _questions(paths: Any) -> list[tuple[str, str, int]]:
    """Indicators and verksamheter that have months, and how many rows the answer has."""
    import polars as pl

    cells = pl.scan_parquet(paths.current / "indicator_result.parquet")
    months = cells.filter(niva="verksamhet", period_typ="manad", kon="T")
    return months.group_by("indicator_id", "verksamhet").len().sort("indicator_id", "verksamhet").collect().rows()


# --- Ways of reading: a function of where and a question, which gives release ids and a number of rows -------------

Answer = tuple[set[str], int]
Ask = Callable[[Any, str, str], Answer]


def _ask_duckdb(where: str, indicator: str, verksamhet: str) -> Answer:
    import duckdb

    with duckdb.connect(f"{where}/current/resultat.duckdb", read_only=True) as files:
        told = _ROWS.replace("select ", "select release_id, ", 1)
        rows = files.execute(told.format(table="indicator_result", indicator=indicator, verksamhet=verksamhet))
        found = rows.fetchall()
    return {row[0] for row in found}, len(found)


def _ask_parquet(where: str, indicator: str, verksamhet: str) -> Answer:
    import polars as pl

    folder = (Path(where) / "current").resolve()  # two files of one release
    cells = pl.scan_parquet(folder / "indicator_result.parquet").filter(
        indicator_id=indicator, niva="verksamhet", verksamhet=verksamhet, period_typ="manad", kon="T"
    )
    names = pl.scan_parquet(folder / "dim_indikator.parquet").select("indicator_id", "titel")
    found = cells.join(names, on="indicator_id").select("release_id", "titel", "varde").collect()
    return set(found["release_id"]), found.height


_connections = threading.local()


def _ask_postgres(where: dict[str, Any], indicator: str, verksamhet: str) -> Answer:
    import psycopg

    if not hasattr(_connections, "kept"):
        _connections.kept = psycopg.connect(autocommit=True, **where)
    rows = _ROWS.format(table="resultat.indicator_result", indicator="%s", verksamhet="%s").replace("'%s'", "%s")
    found = _connections.kept.execute(_WHICH.format(rows=rows), [indicator, verksamhet]).fetchall()
    return {row[0] for row in found}, len(found)


# --- Readers and switches ------------------------------------------------------------------------------------------


def _measured(
    ask: Ask, where: Any, questions: list[tuple[str, str, int]], ids: list[str], switch: Callable[[str], None]
) -> dict[str, Any]:
    """Let readers ask while the release is switched; what their answers took and were."""
    context = multiprocessing.get_context("spawn")
    done, ready, told = context.Event(), context.Barrier(PROCESSES + 1), context.Queue()
    arguments = (ask, where, questions, ids, READERS // PROCESSES, done, ready, told)
    readers = [context.Process(target=_read, args=(number, *arguments), daemon=True) for number in range(PROCESSES)]
    for reader in readers:
        reader.start()
    ready.wait()
    seconds = []
    try:
        for number in range(SWITCHES):
            time.sleep(SECONDS_BETWEEN_SWITCHES)
            started = time.perf_counter()
            switch(ids[(number + 1) % 2])
            seconds.append(time.perf_counter() - started)
        time.sleep(SECONDS_BETWEEN_SWITCHES)
    finally:
        done.set()
    answers = [told.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()
    took = sorted(ms for one, _ in answers for ms in one)
    faults = [fault for _, some in answers for fault in some]
    return {
        "answers": len(took),
        "median_ms": round(took[len(took) // 2], 2),
        "p99_ms": round(took[int(len(took) * 0.99)], 2),
        "longest_ms": round(took[-1], 1),
        "switch_s": round(max(seconds), 2),
        "faults": len(faults),
    } | ({"first_fault": faults[0]} if faults else {})


def _read(
    number: int,
    ask: Ask,
    where: Any,
    questions: list[tuple[str, str, int]],
    ids: list[str],
    threads: int,
    done: Any,
    ready: Any,
    told: Any,
) -> None:
    """One process of readers, each a thread; the first answer of each (imports, connections) is not measured."""
    took, faults = list[float](), list[str]()
    inside = threading.Barrier(threads + 1)

    def read(first: int) -> None:
        asked = _forever(questions, first)
        _answered(ask, where, next(asked), ids, faults)
        inside.wait()
        while not done.is_set():
            time.sleep(PAUSE_SECONDS)
            took.append(_answered(ask, where, next(asked), ids, faults))

    readers = [threading.Thread(target=read, args=(number * threads + n,)) for n in range(threads)]
    for reader in readers:
        reader.start()
    inside.wait()
    ready.wait()
    for reader in readers:
        reader.join()
    told.put((took, faults))


def _forever(questions: list[tuple[str, str, int]], first: int) -> Iterator[tuple[str, str, int]]:
    while True:
        yield questions[first % len(questions)]
        first += READERS + 1


def _answered(ask: Ask, where: Any, question: tuple[str, str, int], ids: list[str], faults: list[str]) -> float:
    """Milliseconds of an answer; what is wrong with it goes to `faults`."""
    indicator, verksamhet, rows = question
    started = time.perf_counter()
    try:
        releases, found = ask(where, indicator, verksamhet)
        if len(releases) != 1 or not releases <= set(ids) or found != rows:
            faults.append(f"{indicator} {verksamhet}: {found} rows of {sorted(releases)}")
    except Exception as error:  # every kind of failure of a reader is one that is counted and told
        faults.append(f"{type(error).__name__}: {error}")
    return 1000 * (time.perf_counter() - started)


def _switch_files(paths: Any, release_id: str) -> None:
    from dagster_project.releases.publish import switch_current

    switch_current(paths, release_id)


def _postgres(
    stack: ExitStack, folder: Path, paths: Any, questions: list[tuple[str, str, int]], ids: list[str]
) -> dict[str, Any]:
    """The same in PostgreSQL, and seconds to put a release there; why not, where no server is installed."""
    from dagster_project.cli.postgresserver import READER, free_port, up
    from dagster_project.core.errors import ResultattavlaError
    from dagster_project.products.postgres.serving import choose
    from dagster_project.releases.store import read_release

    try:
        local = up(folder / "postgres", free_port())
    except ResultattavlaError as error:
        return {"postgres": {"left_out": str(error)}}
    stack.callback(shutil.rmtree, local.folder, ignore_errors=True)
    stack.callback(local.stop)
    server = local.settings()

    def switch(release_id: str) -> None:
        choose(server, paths, read_release(paths.releases / release_id))

    started = time.perf_counter()
    switch(ids[0])
    loaded = time.perf_counter() - started
    switch(ids[1])
    where = {"host": server.host, "port": server.port, "dbname": server.database, "user": READER}
    where |= {"passfile": str(local.passfile)}
    return {"postgres": {"load_s": round(loaded, 2), **_measured(_ask_postgres, where, questions, ids, switch)}}


if __name__ == "__main__":
    json.dump(bench_serving(Path(sys.argv[1])), sys.stdout)
