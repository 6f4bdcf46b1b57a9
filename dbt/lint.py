"""sqlfluff over the models, with dbt's variables as a run gives them: `python dbt/lint.py [lint|fix] [paths]`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dagster_project.catalogue.sql_vars import sql_vars
from dagster_project.engines.duckdb import taken

DBT_DIR = Path(__file__).parent


def toml(value: Any) -> str:
    """A value in TOML, which knows no null: such entries are left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(v)}" for key, v in value.items() if v is not None) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def main(command: str = "lint", *paths: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        # sqlfluff reads nested values from a file of this name only. dbt opens a warehouse in `data`.
        config = Path(folder) / "pyproject.toml"
        context = toml({**sql_vars(), **taken(), "data": folder})
        config.write_text(f"[tool.sqlfluff.templater.dbt]\ncontext = {context}\n", encoding="utf-8")
        sqlfluff = [sys.executable, "-m", "sqlfluff", command, "--config", str(config)]
        return subprocess.call([*sqlfluff, *(paths or [str(DBT_DIR / "models")])], cwd=DBT_DIR.parent)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
