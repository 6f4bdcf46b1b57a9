"""`make dev`: Dagster's UI and daemon on localhost, on the project's raw and data folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagster_project.jobrun import instance_home
from dagster_project.paths import PROJECT, DataPaths


def main() -> None:
    """Replace this process by `dagster dev`; arguments are passed on."""
    data = Path(os.environ.setdefault("RESULTATTAVLA_DATA", str(PROJECT / "data"))).absolute()
    os.environ.setdefault("RESULTATTAVLA_RAW", str(PROJECT / "raw"))
    os.environ["DO_NOT_TRACK"] = "1"
    instance_home(DataPaths(data))
    dagster = Path(sys.executable).parent / "dagster"
    arguments = ["dev", "-m", "dagster_project.definitions", "-h", "127.0.0.1", "-p", "3000", *sys.argv[1:]]
    os.execv(dagster, [str(dagster), *arguments])


if __name__ == "__main__":
    main()
