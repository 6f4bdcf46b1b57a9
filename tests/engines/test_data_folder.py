"""dbt finds a run's files in any data folder, whatever its name means to a file pattern, to SQL or to a list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.engines import dbt
from dagster_project.engines.duckdb import database
from dagster_project.runs.parameters import Parameters, parameter_row


@pytest.mark.parametrize("name", ["med blank", "a,b", "it's", "[x]", "a*b", 'a"b', "å{ö}", "n#50%25"])
def test_files_are_found_below_the_data_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # Neither a folder that the name would match as a pattern, nor the one that the process was started in.
    folders = [tmp_path / "data" / name, tmp_path / "data" / "x", tmp_path / "data" / "acb", tmp_path]
    for number, folder in enumerate(folders):
        (folder / "run").mkdir(parents=True)
        frame = parameter_row(str(number), date(2022, 8, 31), Parameters())
        frame.write_parquet(folder / "run" / "parameters.parquet")
    monkeypatch.chdir(tmp_path)
    data = DataPaths(folders[0])
    dbt.build(data, "run_parameters")
    with database(data.warehouse) as connection:
        assert connection.execute("select run_id from run_parameters").fetchall() == [("0",)]
