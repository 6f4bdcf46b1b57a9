"""Evidence that is kept month by month: what no delivery touched stays, what is damaged is made again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from dagster_project.core.files import sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database
from dagster_project.ingestion import remembered as module
from dagster_project.ingestion.remembered import remembered
from dagster_project.releases.evidence import _store_months, is_whole

ROWS = """
    select d::date as event_date, 'BUH' as verksamhet, 'E1' as enhet, 'K' as kon, 1.0 as taljare, 1.0 as namnare,
        null::varchar as exclusion, 'one' as delivery, n as line
    from (values ('2022-01-03', 1), ('2022-01-31', 2), ('2022-02-01', 3)) as t(d, n)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with database(path, write=True) as connection:
        connection.execute("create schema settled")
        connection.execute("create table settled.touched_evidence (source varchar, month date)")
        connection.execute(f"create table obs_some as {ROWS}")
    return path


@pytest.mark.parametrize("harm", ["damaged", "gone", "none"])
def test_a_kept_month_is_what_it_was_or_is_made_again(tmp_path: Path, warehouse: Path, harm: str) -> None:
    data = DataPaths(tmp_path / "data")
    with database(warehouse) as connection:
        first = _store_months(connection, data, remembered(data), "some", "kva", None)
    assert sorted(first) == ["2022-01-01", "2022-02-01"]
    january, february = (data.evidence / first[month][0] for month in sorted(first))
    before = january.stat().st_mtime_ns
    if harm == "damaged":
        content = bytearray(january.read_bytes())
        content[40:80] = b"\0" * 40
        january.write_bytes(content)
    elif harm == "gone":
        january.unlink()
    with database(warehouse, write=True) as connection:
        connection.execute("insert into settled.touched_evidence values ('kva', '2022-02-01')")
        connection.execute("delete from obs_some where line = 3")
        again = _store_months(connection, data, remembered(data), "some", "kva", first)
    assert sorted(again) == ["2022-01-01"]
    assert again["2022-01-01"][0] == first["2022-01-01"][0] and february.exists()
    assert sha256_of(january) == again["2022-01-01"][1]
    assert duckdb.sql(f"select count(*) from '{january}'").fetchone() == (2,)
    assert (january.stat().st_mtime_ns == before) == (harm == "none")


def test_what_was_not_touched_is_not_read_again(
    tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataPaths(tmp_path / "data")
    data.bronze.mkdir(parents=True)
    with database(warehouse) as connection:
        first = _store_months(connection, data, remembered(data), "some", "kva", None)
    files = [data.evidence / file for file, _ in first.values()]
    for path in files:
        os.utime(path, ns=(1, 1))
    monkeypatch.setattr(module, "RACY_NS", 0)
    (data.evidence / "r.json").write_text(json.dumps({"indicators": {"some": {"files": list(first.values())}}}))
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(module, "sha256_of", counted)
    assert is_whole(data, "r") and sorted(read) == sorted(files)
    read.clear()
    assert is_whole(data, "r") and read == []
    content = files[0].read_bytes()
    files[0].write_bytes(bytes(reversed(content)))  # as many bytes
    assert not is_whole(data, "r") and read == [files[0]]
    files[0].write_bytes(content)
    assert is_whole(data, "r")
    read.clear()
    shutil.rmtree(data.bronze)  # as a rebuilding does
    assert is_whole(data, "r") and sorted(read) == sorted(files)
