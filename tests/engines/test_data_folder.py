"""dbt finds a run's files in any data folder, whatever its name means to a file pattern, to SQL or to a list."""

from __future__ import annotations

import shutil
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


def test_another_checkout_reads_its_own_seeds_in_the_same_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt keeps what it parsed in the data folder, with the path of the project that it parsed; files are alike."""
    data = DataPaths(tmp_path / "data")

    def titles(checkout: str) -> list[tuple[str]]:
        """What a process of this checkout loads."""
        monkeypatch.setattr(dbt, "DBT_DIR", tmp_path / checkout)
        monkeypatch.setattr(dbt, "_parsed", {})
        monkeypatch.setattr(dbt, "_manifests", {})
        dbt.dbt_version.cache_clear()
        dbt.build(data, "catalogue")
        (node,) = dbt.project_manifest(data)["nodes"].values()
        assert node["root_path"] == str(tmp_path / checkout)
        with database(data.warehouse) as connection:
            return connection.execute("select titel from catalogue").fetchall()

    for checkout in ("a", "b"):
        folder = tmp_path / checkout
        (folder / "seeds").mkdir(parents=True)
        for name in ("dbt_project.yml", "profiles.yml"):
            (folder / name).write_bytes((dbt.DBT_DIR / name).read_bytes())
        (folder / "seeds" / "catalogue.csv").write_text("titel\nsom det är\n", encoding="utf-8")
    try:
        assert titles("a") == titles("b") == [("som det är",)]
        # As dbt itself finds what has changed: by what it parsed last, wherever that was.
        (tmp_path / "a" / "seeds" / "catalogue.csv").write_text("titel\nandra ord\n", encoding="utf-8")
        assert titles("b") == [("som det är",)]
        assert titles("a") == [("andra ord",)]
        shutil.rmtree(tmp_path / "a")
        assert titles("b") == [("som det är",)]
    finally:
        dbt.dbt_version.cache_clear()
