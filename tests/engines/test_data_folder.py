"""dbt finds a run's files in any data folder, whatever its name means to a file pattern, to SQL or to a list."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from dagster_project.catalogue.breaks import read_breaks
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.seeds import read_seed
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


def test_dbt_reads_a_break_as_python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed has no row today: an empty cell is null, a date a date, with the column types of seeds.yml."""
    data, (indicator, *_), (place, *_) = DataPaths(tmp_path / "data"), load_catalogue(), verksamhet_codes()
    seeds = tmp_path / "dbt" / "seeds"
    seeds.mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        (seeds.parent / name).write_bytes((dbt.DBT_DIR / name).read_bytes())
    described = yaml.safe_load((dbt.DBT_DIR / "seeds" / "seeds.yml").read_text(encoding="utf-8"))
    (config,) = ({"name": s["name"], "config": s["config"]} for s in described["seeds"] if s["name"] == "brott")
    (seeds / "seeds.yml").write_text(yaml.safe_dump({"seeds": [config]}), encoding="utf-8")
    rows = (f"{indicator.id},,2021-05-01,a", f",{place},2021-03-01,b", f"{indicator.id},{place},2021-04-01,c")
    text = "\n".join(("indicator_id,verksamhet,datum,orsak", *rows, ',,2020-01-01,"d, e"', ""))
    (seeds / "brott.csv").write_text(text, encoding="utf-8")
    expected = read_breaks(read_seed(seeds / "brott.csv"), {indicator.id})
    monkeypatch.setattr(dbt, "DBT_DIR", seeds.parent)
    monkeypatch.setattr(dbt, "_parsed", {})
    monkeypatch.setattr(dbt, "_manifests", {})
    dbt.dbt_version.cache_clear()
    try:
        dbt.build(data, "brott")
    finally:
        dbt.dbt_version.cache_clear()
    with database(data.warehouse) as connection:
        loaded = connection.execute("select * from brott order by orsak").fetchall()
    assert loaded == [(b.indicator_id, b.verksamhet, b.day, b.reason) for b in expected]
