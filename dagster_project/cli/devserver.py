"""`make dev`: Dagster's UI and daemon on localhost, on the raw and data folders of the settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagster_project.operations.settings import load_settings


def main() -> None:
    """Replace this process by `dagster dev`; arguments are passed on."""
    from dagster_project.defs.instance import instance_home

    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DAGSTER_HOME"] = str(instance_home(load_settings().paths).resolve())
    dagster = Path(sys.executable).parent / "dagster"
    arguments = ["dev", "-m", "dagster_project.definitions", "-h", "127.0.0.1", "-p", "3000", *sys.argv[1:]]
    os.execv(dagster, [str(dagster), *arguments])


if __name__ == "__main__":
    main()
