"""The sample in PostgreSQL: every row of every table, and what docs/use-the-results.md says, done as it says."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pytest

from dagster_project.cli.postgresserver import ADMINISTRATOR, DATABASE, HOST, LocalServer
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.operations.settings import CONFIG_VARIABLE, load_settings
from dagster_project.products.postgres.serving import follow
from tests.postgres import Database, running

pytestmark = pytest.mark.postgres
PAGE = (PROJECT / "docs" / "use-the-results.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    found = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found


@pytest.fixture(scope="module")
def served(
    kept_sample: tuple[DataPaths, CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, DataPaths]]:
    """The sample's release in a database that was made ready, named in the settings and filled as the page says."""
    data, _ = kept_sample
    folder = tmp_path_factory.mktemp("postgres")
    with running(prepared=False) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{server.programs}:{os.environ['PATH']}")
        patch.setenv("PGHOST", HOST)
        patch.setenv("PGPORT", str(server.port))
        patch.setenv("PGUSER", ADMINISTRATOR)
        patch.setenv("PGPASSFILE", str(server.passfile))
        for command in "".join(blocks("sh postgres")).splitlines():
            done = subprocess.run(command, shell=True, cwd=PROJECT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        passfile, settings = folder / "pgpass", folder / "resultattavla.toml"
        passfile.write_text("*:*:*:resultattavla:byt-ut-mig\n*:*:*:instrumentpanel:och-mig\n", encoding="ascii")
        passfile.chmod(0o600)
        (said,) = blocks("toml postgres")
        said = said.replace("db.example.se", HOST).replace("/etc/resultattavla/pgpass", str(passfile))
        settings.write_text(f"{said}port = {server.port}\n", encoding="utf-8")
        patch.setenv(CONFIG_VARIABLE, str(settings))
        named = load_settings().serve.postgres
        assert named is not None
        follow(named, data)
        patch.setenv("PGPASSFILE", str(passfile))
        yield Database(LocalServer(folder, server.port, server.programs), DATABASE), data


def test_every_table_and_view_of_the_sample_is_there_row_for_row(served: tuple[Database, DataPaths]) -> None:
    database, data = served
    with duckdb.connect(str(data.current / "resultat.duckdb"), read_only=True) as files:
        names = [name for (name,) in files.execute("select table_name from information_schema.tables").fetchall()]
        assert {"indicator_result", "resultat", "senaste", "kvalitet", "leveranser", "dim_enhet"} <= set(names)
        for name in names:
            listed = ", ".join(
                f'"{column}"' for column, *_ in files.execute(f'select * from "{name}" limit 0').description or ()
            )
            part = " where period_typ in ('ar', 'delar')" if name == "resultat" else ""  # its cells are compared whole
            there = files.execute(f'select {listed} from "{name}"{part}').fetchall()
            held = database.rows(f'select {listed} from resultat."{name}"{part}')
            assert Counter(held) == Counter(there), name
            assert there or name == "brott"


def test_the_documented_queries_answer_there_too(served: tuple[Database, DataPaths]) -> None:
    database, data = served
    of_views = [q for q in blocks("sql") if not re.search(r"read_\w+\(|duckdb_columns", q)]
    assert len(of_views) == 4
    with duckdb.connect(str(data.current / "resultat.duckdb"), read_only=True) as files, database.connect() as reader:
        reader.execute("set search_path = resultat")
        for query in of_views:
            found = reader.execute(query.encode()).fetchall()
            assert found and Counter(found) == Counter(files.execute(query).fetchall()), query
    for query in blocks("postgresql"):
        assert all(row[-1] is not None for row in database.rows(query)[:1]), query


def test_the_documented_program_runs(served: tuple[Database, DataPaths]) -> None:
    database, _ = served
    (program,) = blocks("python postgres")
    found: dict[str, Any] = {}
    exec(program.replace("host=db.example.se", f"host={HOST} port={database.local.port}"), found)
    assert len(found["shown"]) > 12
