"""`make postgres-up` and `postgres-down`: what cannot be done is one sentence that says what to install or change."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.cli import postgresserver
from dagster_project.cli.postgresserver import free_port, main
from dagster_project.products.postgres.serving import look


def test_a_machine_without_a_server_is_told_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgresserver, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["up"]) == 1 and main(["down"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 and "apt-get install postgresql" in told[0] == told[1]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder that the server's own user is let through to."""
    folder = Path(tempfile.mkdtemp(prefix="resultattavla-projekt-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setattr(postgresserver, "PROJECT", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.postgres
def test_it_starts_again_with_what_it_held_and_stops(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    try:
        assert main(["up", str(port)]) == 0 and main(["up", str(port)]) == 0
        told = capsys.readouterr().out
        assert f"port = {port}" in told and str(project / ".postgres" / "pgpass") in told
        server = postgresserver.up(project / ".postgres", port)
        assert look(server.settings()).release_id is None and server.passfile.stat().st_mode & 0o777 == 0o600
        assert main(["up", str(other := free_port())]) == 1
        assert f"redan igång på 127.0.0.1:{port}" in capsys.readouterr().err
        assert main(["down"]) == 0 and main(["up", str(other)]) == 0  # the port is not that of its making for ever
        assert f"svarar på 127.0.0.1:{other}" in capsys.readouterr().out
        server.passfile.unlink()
        assert main(["up", str(other)]) == 1
        assert f"Lösenorden {server.passfile} är borta" in capsys.readouterr().err
    finally:
        assert main(["down"]) == 0
    assert main(["down"]) == 0
    assert capsys.readouterr().out.splitlines() == ["PostgreSQL har stoppats.", "PostgreSQL var inte igång."]
