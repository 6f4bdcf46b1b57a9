"""What no run can avoid, in one fresh process: the imports of its tools and an empty dbt build. Prints JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMPORTS = (("dagster", "dagster_dbt"), ("great_expectations",), ("polars",))

_PROJECT = {
    "dbt_project.yml": "name: tomt\nversion: '1.0'\nprofile: tomt\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "tomt: {target: d, outputs: {d: {type: duckdb, path: 'tomt.duckdb'}}}\n",
    "models/en_modell.sql": "select 1 as ett\n",
}


@contextmanager
def _timed(parts: dict[str, dict[str, float]], name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    parts[name] = {
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
    }


def empty_dbt_build(folder: Path) -> None:
    """Build a dbt project with one model, in this process."""
    for name, text in _PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    from dbt.cli.main import dbtRunner

    os.chdir(folder)
    arguments = ["--quiet", "--log-level-file", "none", "--no-version-check", "build"]
    result = dbtRunner().invoke([*arguments, "--project-dir", str(folder), "--profiles-dir", str(folder)])
    if not result.success:
        raise SystemExit(f"the empty dbt build failed: {result.exception}")


def main() -> None:
    """Time every part and print what they took."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"
    parts: dict[str, dict[str, float]] = {}
    for modules in IMPORTS:
        with _timed(parts, "import " + ", ".join(modules)):
            for module in modules:
                importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder, _timed(parts, "empty dbt build"):
        empty_dbt_build(Path(folder))
        os.chdir("/")
    json.dump(parts, sys.stdout)


if __name__ == "__main__":
    main()
