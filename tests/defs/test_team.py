"""Dagster for a team: its storage in PostgreSQL, its daemon and UI as services."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.cli.postgresserver import ADMINISTRATOR, HOST, LocalServer
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.defs.instance import dagster_instance, instance_home
from tests.postgres import Database, new_database, postgres_server
from tests.programs import SYSTEMD

__all__ = ["postgres_server"]
UNITS = sorted((PROJECT / "deploy").glob("*.service"))
EXAMPLE = dict(
    line.split("=", 1)
    for line in (PROJECT / "deploy" / "environment.example").read_text(encoding="utf-8").splitlines()
    if "=" in line and not line.startswith("#")
)


@pytest.fixture
def team(postgres_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The environment of `deploy/environment.example`, with a database of this server."""
    database = new_database(postgres_server, EXAMPLE["DAGSTER_PG_DB"])
    (password,) = re.findall(rf":{ADMINISTRATOR}:(.*)", postgres_server.passfile.read_text(encoding="ascii"))
    here = {"DAGSTER_PG_HOST": HOST, "DAGSTER_PG_PORT": str(postgres_server.port)}
    here |= {"DAGSTER_PG_USER": ADMINISTRATOR, "DAGSTER_PG_PASSWORD": password}
    for name in (n for n in EXAMPLE if n.startswith("DAGSTER_")):
        monkeypatch.setenv(name, here.get(name, EXAMPLE[name]))
    yield database


@dg.op
def nothing() -> None: ...


@dg.job
def small() -> None:
    nothing()


@pytest.mark.postgres
def test_runs_are_kept_in_postgresql_and_others_see_them(team: Database, tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")
    with dagster_instance(data) as instance:
        run_id = small.execute_in_process(instance=instance).run_id
    assert team.rows("select run_id, status from runs", ADMINISTRATOR) == [(run_id, "SUCCESS")]
    assert list(data.dagster_home.rglob("*.db")) == []
    with dagster_instance(DataPaths(tmp_path / "annan")) as instance:  # another process of the team
        assert [run.run_id for run in instance.get_runs()] == [run_id]
    assert "password: " not in (instance_home(data) / "dagster.yaml").read_text(encoding="utf-8")


@pytest.mark.postgres
@pytest.mark.whole_run
def test_the_daemon_of_the_service_beats_in_postgresql(team: Database, tmp_path: Path) -> None:
    (unit,) = [path for path in UNITS if path.stem.endswith("daemon")]
    (command,) = re.findall(r"^ExecStart=\S+ (.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    environment = os.environ | {"RESULTATTAVLA_DATA": str(tmp_path / "data"), "RESULTATTAVLA_RAW": str(tmp_path)}
    log = (tmp_path / "logg.txt").open("w", encoding="utf-8")
    daemon = subprocess.Popen(
        [sys.executable, *command.split()], cwd=PROJECT, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        until = time.monotonic() + 240
        beats: set[str] = set()
        while not {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR"} <= beats and time.monotonic() < until:
            assert daemon.poll() is None, (tmp_path / "logg.txt").read_text(encoding="utf-8")
            time.sleep(0.5)
            there = team.rows("select to_regclass('daemon_heartbeats') is not null", ADMINISTRATOR)[0][0]
            rows = team.rows("select daemon_type from daemon_heartbeats", ADMINISTRATOR) if there else []
            beats = {str(kind) for (kind,) in rows}
        assert {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR"} <= beats
    finally:
        if daemon.poll() is None:
            os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait(timeout=60)
        log.close()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_the_units_start_the_services_of_one_installation(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    assert f"EnvironmentFile=/etc/resultattavla/{Path('environment')}" in text
    assert text.count("/opt/resultattavla/.venv/bin/python -m dagster_project.cli.devserver") == 1


@pytest.mark.systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_the_units_are_valid(unit: Path, tmp_path: Path) -> None:
    """As systemd reads them; their folder, user and environment are not those of this machine."""
    verify = SYSTEMD.path()
    assert verify is not None
    text = unit.read_text(encoding="utf-8")
    here = text.replace("/opt/resultattavla/.venv/bin/python", sys.executable).replace("User=resultattavla\n", "")
    copy = tmp_path / unit.name
    copy.write_text(here.replace("/opt/resultattavla", str(PROJECT)), encoding="utf-8")
    done = subprocess.run([verify, "verify", "--man=no", str(copy)], capture_output=True, text=True)
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
