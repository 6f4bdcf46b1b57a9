"""Evidence: the observations behind every kept release, so that a published number can be explained later.

The warehouse holds what counts now only. `data/evidence/<indicator>/<content hash>.parquet` keeps the observations of
one indicator; the hash does not depend on the order of rows, so a release whose observations are those of the day
before shares its file. `data/evidence/<release id>.json` says which files belong to each indicator of a release, with
their SHA-256. An indicator whose observations each follow from one staged row has a file per month where its source
has many rows, so that a day's delivery writes anew only the months that it touched (`settled.touched_evidence`,
`ingestion/store.py`). Evidence is internal: it holds small numbers, and it never lies below `published/`.

Columns: event_date, verksamhet, enhet, kon, taljare, namnare, exclusion (null: it counts), delivery, line, person.
`person` numbers the persons (or things) of one file where the indicator counts each once, in the order of their first
delivered row; no person_id is kept, and the number says nothing in another file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import DISTINCT, HIDDEN, MONTH, PERSONS, RESULT_TABLE
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import remove, replacing, sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import count, database, sql_files
from dagster_project.engines.duckdb import keep as keep_table
from dagster_project.ingestion.remembered import Remembered, remembered
from dagster_project.ingestion.store import follows
from dagster_project.releases.manifest import Manifest, Origin, read_manifest
from dagster_project.releases.store import Release, current_id
from dagster_project.releases.tables import RESULT_KEY

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    "event_date",
    "verksamhet",
    "enhet",
    "kon",
    "taljare",
    "namnare",
    "exclusion",
    "delivery",
    "line",
    "person",
)
_DIGEST = re.compile("[0-9a-f]{64}")


_COUNTED = {PERSONS: "person_id", DISTINCT: "thing"}
"""What counts once per cell, by path: a column of the observations."""


@dataclass(frozen=True)
class Reading:
    """How cells were made of the observations, as the catalogue said then.

    path None: by older code, in the kind's usual way. lacking: the column that the indicator requires and that no row
    had filled in: nothing was known.
    """

    path: str | None = None
    window_months: int | None = None
    base_year: int | None = None
    lacking: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What is kept of one indicator of one release.

    paths: its observations, in one file or several. origin: of the release that computed the rows (another one when
    they are frozen). as_of: how far every source of the indicator reaches. data_start: the first month with data; both
    None where a source has none.
    """

    paths: tuple[Path, ...]
    origin: Origin
    as_of: date | None
    data_start: date | None
    reading: Reading = Reading()


def _files(entry: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What an entry of an index says of its files: path below `evidence`, SHA-256 (none of what older code kept)."""
    if "files" in entry:
        return [(file, sha256) for file, sha256 in entry["files"]]
    return [(entry["file"], entry.get("sha256"))]


def _index_path(data: DataPaths, release_id: str) -> Path:
    return data.evidence / f"{release_id}.json"


def _index(data: DataPaths, release_id: str) -> dict[str, Any] | None:
    """A release's evidence as it was written; None when it is missing or damaged."""
    try:
        content = json.loads(_index_path(data, release_id).read_text(encoding="utf-8"))
        return content if isinstance(content["indicators"], dict) else None
    except (OSError, ValueError, KeyError):
        return None


def _seen_file(data: DataPaths) -> Path:
    return data.bronze / ".evidence.json"  # which a rebuilding sets aside


@contextmanager
def _seen(data: DataPaths) -> Iterator[Remembered]:
    """The hashes of kept files that were not touched since they were read."""
    seen = remembered(data, _seen_file(data))
    yield seen
    if seen.has_news:
        seen.save(data, _seen_file(data), also_unseen=True)


def is_whole(data: DataPaths, release_id: str) -> bool:
    """Whether all evidence that was written for a release is still there, byte for byte; what was not touched since it
    was read is not read again (`ingestion.remembered`)."""
    index = _index(data, release_id)
    if index is None:
        return False
    with _seen(data) as seen:
        # What older code kept has no checksum: a run of today keeps it anew.
        return all(_is_as_kept(seen, data, f, s) for e in index["indicators"].values() for f, s in _files(e))


def keep(data: DataPaths, release: Release, frozen: Mapping[str, str]) -> None:
    """Keep the evidence of the release that was just made from the warehouse; does nothing where all of it is there.

    frozen: held-back indicators that the release shows -> the release that computed their rows; their evidence is that
    release's. An indicator whose origin has lost its evidence is left out: `find` tells the reader.
    """
    if is_whole(data, release.id):
        return
    with _seen(data) as seen:
        seen.look_again()
        _keep(data, release, frozen, seen)


def _keep(data: DataPaths, release: Release, frozen: Mapping[str, str], seen: Remembered) -> None:
    hides = _hides(release)
    catalogue = {i.id: i for i in load_catalogue()}
    indicators: dict[str, dict[str, Any]] = {}
    found = warehouse.made(data)
    parts: dict[str, dict[str, list[str]]] = {}
    with database(data.warehouse) as connection:
        computed = connection.execute(
            "select indicator_id, as_of, data_start, lacking from run_indicators order by indicator_id"
        ).fetchall()
        # Month by month only where it is known what changed since.
        many = _of_many_rows(connection) if found is not None else {}
        for indicator, as_of, data_start, lacking in computed:
            row = catalogue[indicator]
            months: dict[str, list[str]] = {}
            if indicator in many:
                known = (found.evidence or {}).get(indicator) if found else None
                months = _store_months(connection, data, seen, indicator, many[indicator], known)
            if months:
                parts[indicator] = months
                files = [months[month] for month in sorted(months)]
            else:  # also where there is no observation: a file says so
                file = _store(connection, data, indicator, _COUNTED.get(row.path))
                files = [[file, seen.sha256(data.evidence / file)]]
            indicators[indicator] = {
                "files": files,
                "release_id": release.id,
                "as_of": as_of and str(as_of),
                "data_start": data_start and str(data_start),
                "hides": hides[indicator],
                "reading": asdict(Reading(row.path, row.window_months, row.base_year, lacking)),
            }
    origins: dict[str, dict[str, Any]] = {}
    for indicator, origin in sorted(frozen.items()):
        index = _index(data, origin)
        if index is not None and indicator in index["indicators"]:
            indicators[indicator] = index["indicators"][indicator] | {"hides": hides[indicator]}
            made = read_manifest(data.releases / origin)
            assert made is not None, "frozen rows come from whole releases"
            origins[origin] = asdict(made.origin)
    content = {"release_id": release.id, "indicators": indicators, "origins": origins}
    _write_index(_index_path(data, release.id), content)
    if found is not None:
        warehouse.keep_note(data, replace(found, evidence=parts, evidence_of=found.settled))


def _of_many_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Indicators whose evidence is kept month by month, with their source (the model `row_by_row`: which can be)."""
    rows = connection.execute("select indicator_id, source from row_by_row order by indicator_id").fetchall()
    # Rows of the store are told without a look at them; observations would have to be counted.
    many = {source for _, source in rows if follows(count(connection, f"settled.{source}"))}
    return {indicator: source for indicator, source in rows if source in many}


def _store_months(
    connection: duckdb.DuckDBPyConnection,
    data: DataPaths,
    seen: Remembered,
    indicator: str,
    source: str,
    known: Mapping[str, list[str]] | None,
) -> dict[str, list[str]]:
    """Write the months of one indicator's observations that are not known or were touched; month -> [file, SHA-256].

    known: what was kept of the same warehouse.
    """
    rows = connection.execute("select month from settled.touched_evidence where source = ?", [source]).fetchall()
    touched = {"" if month is None else str(month) for (month,) in rows}
    whole = known is None or "" in touched or not all(_is_as_kept(seen, data, f, s) for f, s in known.values())
    made = {} if whole or known is None else {m: f for m, f in known.items() if m and m[:10] not in touched}
    folder = data.evidence / indicator
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{os.getpid()}.part"
    remove(part)
    columns = ", ".join(f"o.{c}" for c in COLUMNS if c != "person")
    wanted = "true"
    if not whole:
        ranges = [f"o.event_date between date '{m}' and last_day(date '{m}')" for m in sorted(touched)]
        wanted = " or ".join(["o.event_date is null", *ranges])
    try:
        connection.execute(
            f"copy (select {columns}, cast(null as bigint) as person, "
            "coalesce(cast(cast(date_trunc('month', o.event_date) as date) as varchar), '') as month "
            f"from obs_{indicator} o where {wanted}) "
            f"to {sql_files([part])[1:-1]} (format parquet, compression zstd, partition_by (month))"
        )
        for of_month in sorted(part.glob("month=*")) if part.is_dir() else ():
            for n, path in enumerate(sorted(of_month.glob("*.parquet"))):
                name = _content_name(connection, path)
                if not _holds(connection, folder / name):
                    os.replace(path, folder / name)
                month = of_month.name.removeprefix("month=") + (f" {n}" if n else "")
                made[month] = [f"{indicator}/{name}", seen.sha256(folder / name)]
    finally:
        remove(part)
    return made


def _is_as_kept(seen: Remembered, data: DataPaths, file: str, checksum: str | None) -> bool:
    try:
        return seen.sha256(data.evidence / file) == checksum
    except OSError:
        return False


def _write_index(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as part:
        part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _store(connection: duckdb.DuckDBPyConnection, data: DataPaths, indicator: str, counted: str | None) -> str:
    """Write one indicator's observations unless the same ones are kept already; the file's path below `evidence`.

    counted: the column of what counts once per cell.

    A kept file that no longer holds what its name says is replaced.
    """
    folder = data.evidence / indicator
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".*.part"):  # of runs that were killed; only one run writes at a time
        remove(leftover)
    part = folder / f".{os.getpid()}.part"
    observations = f"""
        select o.event_date, o.verksamhet, o.enhet, o.kon, o.taljare, o.namnare, o.exclusion, o.delivery, o.line,
            {"p.person" if counted else "cast(null as bigint) as person"}
        from obs_{indicator} o
    """
    if counted:
        observations += f"""
        left join (
            select {counted}, row_number() over (order by min(row(delivery, line))) as person
            from obs_{indicator} where {counted} is not null group by {counted}
        ) p using ({counted})
        """
    try:
        connection.execute(f"copy ({observations}) to {sql_files([part])[1:-1]} (format parquet, compression zstd)")
        name = _content_name(connection, part)
        if not _holds(connection, folder / name):
            os.replace(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    return f"{indicator}/{name}"


def _content_name(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The name of a file of observations: a hash of its rows, in whatever order they lie."""
    found = connection.execute(
        f"select count(*), sum(cast(hash({', '.join(COLUMNS)}) as hugeint)), bit_xor(hash({', '.join(COLUMNS)})) "
        f"from read_parquet({sql_files([path])})"
    ).fetchone()
    assert found is not None
    rows, total, xor = (int(n or 0) for n in found)
    # A sum and an exclusive or of row hashes: neither depends on the order, both together tell copies apart.
    return f"{rows:x}-{total & (2**64 - 1):016x}{xor:016x}.parquet"


def _holds(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether a file is there and holds the observations that its name says."""
    import duckdb

    try:
        return path.exists() and _content_name(connection, path) == path.name
    except duckdb.Error:
        return False


def same_cells_key(data: DataPaths, release_id: str, indicator: str) -> str:
    """Releases with the same key have and hide the same cells of type manad of an indicator.

    A release without evidence, or with evidence by older code, is like no other.
    """
    index = _index(data, release_id)
    entry = index["indicators"].get(indicator) if index else None
    return entry["hides"] if entry and _DIGEST.fullmatch(entry.get("hides", "")) else release_id


def _hides(release: Release) -> dict[str, str]:
    """Indicator -> a digest of its cells of type manad and which of them are hidden."""
    cells = (
        release.scan(RESULT_TABLE)
        .filter(pl.col("period_typ") == MONTH)
        .select(*RESULT_KEY, hidden=pl.col("status") == HIDDEN)
        .sort(RESULT_KEY, nulls_last=False)
        .collect()
    )
    return {
        str(indicator): hashlib.sha256(rows.write_csv().encode()).hexdigest()
        for (indicator,), rows in cells.group_by("indicator_id", maintain_order=True)
    }


def find(data: DataPaths, manifest: Manifest, indicator: str, asked: str | None = None) -> Evidence:
    """The evidence of a published indicator. Raises ResultattavlaError, with what to do, when it is not there.

    Nor where a person was erased from it: which of its cells still agree would tell where that person was.
    asked: the indicator that is to be explained, where it takes the evidence of another one.
    """
    release_id = manifest.release_id
    index = _index(data, release_id)
    entry = index["indicators"].get(indicator) if index else None
    if index is None or entry is None or not all((data.evidence / f).exists() for f, _ in _files(entry)):
        raise ResultattavlaError(
            f"Underlaget till {indicator} i utgåvan {release_id} finns inte i {data.evidence}: kör `resultattavla run "
            f"--as-of {manifest.as_of}` igen, så sparas det (med samma kod och leveranser; annars blir det en ny "
            "utgåva)."
        )
    if entry.get("erased"):
        of = "" if asked in (None, indicator) else f" till {indicator}, som det vägs mot,"
        way_out = (
            "kör `resultattavla run`, så görs en utgåva utan personen som kan förklaras."
            if current_id(data) == release_id
            else "den aktuella utgåvan kan förklaras."
        )
        raise ResultattavlaError(
            f"Tal för {asked or indicator} i utgåvan {release_id} kan inte längre förklaras: en persons rader är "
            f"raderade ur underlaget{of} på begäran. Det publicerade är oförändrat; {way_out}"
        )
    other = index["origins"].get(entry["release_id"])
    origin = Origin(**other) if other else manifest.origin
    as_of, data_start = (entry[k] and date.fromisoformat(entry[k]) for k in ("as_of", "data_start"))
    paths = tuple(data.evidence / f for f, _ in _files(entry))
    return Evidence(paths, origin, as_of, data_start, reading(data, release_id, indicator))


def reading(data: DataPaths, release_id: str, indicator: str) -> Reading:
    """How a release's cells of an indicator were made of its observations; the usual way where its evidence is gone."""
    index = _index(data, release_id)
    entry = index["indicators"].get(indicator) if index else None
    return Reading(**entry["reading"]) if entry and "reading" in entry else Reading()


def erase(data: DataPaths, rows: pl.DataFrame) -> int:
    """Take the observations of delivered rows (`delivery`, `line`) out of all evidence; returns from how many files.

    New files first, then the indexes, then the old ones go: killed in the middle it can be done again.
    """
    changed: dict[str, tuple[str, int]] = {}
    if rows.height == 0:
        return 0
    with database() as connection:
        keep_table(connection, "erased_rows", rows.select("delivery", "line"))
        for path in sorted(data.evidence.glob("*/*.parquet")):
            source = f"read_parquet({sql_files([path])})"
            found = count(connection, f"(from {source} semi join erased_rows using (delivery, line))")
            if not found:
                continue
            part = path.with_name(f".{os.getpid()}.part")
            try:
                left = f"select {', '.join(COLUMNS)} from {source} anti join erased_rows using (delivery, line)"
                connection.execute(f"copy ({left}) to {sql_files([part])[1:-1]} (format parquet, compression zstd)")
                name = _content_name(connection, part)
                os.replace(part, path.with_name(name))
            finally:
                part.unlink(missing_ok=True)
            changed[f"{path.parent.name}/{path.name}"] = f"{path.parent.name}/{name}", found
    for path in sorted(data.evidence.glob("*.json")):
        index = _index(data, path.stem)
        entries = index["indicators"].values() if index is not None else ()
        if index is None or not any(f in changed for e in entries for f, _ in _files(e)):
            continue
        for entry in entries:
            told = [changed[f] for f, _ in _files(entry) if f in changed]
            if told:
                now = [changed[f][0] if f in changed else f for f, _ in _files(entry)]
                entry["files"] = [[f, sha256_of(data.evidence / f)] for f in now]
                entry["erased"] = entry.get("erased", 0) + sum(n for _, n in told)
                for older in ("file", "sha256"):
                    entry.pop(older, None)
        _write_index(path, index)
    for name in changed:
        (data.evidence / name).unlink()
    return len(changed)


def prune(data: DataPaths, kept_release_ids: Collection[str]) -> None:
    """Remove evidence that none of these releases needs. Run it only while no other run writes."""
    needed: set[Path] = set()
    for path in data.evidence.glob("*.json"):
        index = _index(data, path.stem)
        if path.stem not in kept_release_ids:
            path.unlink()
        elif index is not None:
            needed |= {data.evidence / f for entry in index["indicators"].values() for f, _ in _files(entry)}
    for path in [*data.evidence.glob("*/*.parquet"), *data.evidence.glob("*/.*.part")]:
        if path not in needed:
            remove(path)
    for folder in data.evidence.glob("*/"):
        if not any(folder.iterdir()):
            folder.rmdir()
