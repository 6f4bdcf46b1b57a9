"""Apache Spark computes the same cells: the sample, on a cluster of two workers.

In a file of its own: it takes minutes, beside the other tests of Spark.
"""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from dagster_project.cli import sparkcluster
from dagster_project.core.errors import UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.engines import spark
from dagster_project.engines.engine import SPARK
from tests.engines.engines_compared import differences
from tests.jobs import SAMPLE
from tests.programs import SPARK as PROGRAM

pytestmark = pytest.mark.spark


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[dict[str, Any], Path]]:
    """A cluster of one master and two workers on this machine, as `make spark-up` starts it: the settings that it
    says, and its folder."""
    assert PROGRAM.path()
    monkeypatch.setattr(sparkcluster, "PROJECT", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert sparkcluster.main(["up", str(port)]) == 0
    yield tomllib.loads(capsys.readouterr().out.partition("resultattavla.toml:\n\n")[2]), tmp_path / ".spark"
    spark.stop()
    assert sparkcluster.main(["down"]) == 0


def test_the_sample_on_a_cluster(
    kept_sample: tuple[DataPaths, CompletedProcess[str]],
    run: Callable[..., Any],
    cluster: tuple[dict[str, Any], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, folder = cluster
    # One is there already: told, and left alone, whatever the port.
    assert sparkcluster.main(["up", "1"]) != 0 and "redan igång" in capsys.readouterr().err
    with pytest.raises(UsageError, match="make spark-down"):
        sparkcluster.up(tmp_path / "another", int(settings["spark"]["master"].rpartition(":")[2]))
    other = run(SAMPLE, tmp_path / "data", **settings)
    assert other.error is None and other.exit_code == 0 and settings["engine"] == SPARK
    assert differences(kept_sample[0], other.data) == []
    # Both workers took part, and the run has let go of them.
    assert len(list((folder / "work").glob("app-*/[01]"))) == sparkcluster.WORKERS and not spark._open
    assert sparkcluster.main(["down"]) == 0 and sparkcluster.main(["down"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["Spark har stoppats.", "Spark var inte igång."]
