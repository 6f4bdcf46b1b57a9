"""`resultattavla export`: the exports of a release again, in the product's place or in a folder of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.claim import claim
from dagster_project.products.exports.product import PRODUCT
from dagster_project.releases.publish import switch_current
from dagster_project.releases.retractions import retract
from dagster_project.releases.store import current_id
from tests.products.exports.small import exported_release, sheet_rows

FILES = {
    "kolada.json", "kpi.json", "measure_reports.json", "metrics.prom", "ou.json", "resultat.xlsx",
    "varden_i_siffror.csv",
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    data = DataPaths(tmp_path / "data")
    claim(data)
    switch_current(data, exported_release(data).release.id)
    return data


def _run(data: DataPaths, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["export", "--data", str(data.root), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_product_is_made_again_and_linked(data: DataPaths) -> None:
    told = _run(data)
    link = data.published / PRODUCT.name
    assert link.is_symlink() and {p.name for p in link.iterdir()} == {*FILES, "produkt.json"}
    assert all(name in told for name in FILES) and "Enheter" not in _sheets(link / "resultat.xlsx")
    _run(data, "--units")
    assert sheet_rows(link / "resultat.xlsx", "Enheter")


def _sheets(path: Path) -> list[str]:
    from openpyxl import load_workbook

    return list(load_workbook(path, read_only=True).sheetnames)


def test_a_folder_of_ones_own_keeps_what_else_is_there(data: DataPaths, tmp_path: Path) -> None:
    folder = tmp_path / "min mapp"
    folder.mkdir()
    (folder / "egen.txt").write_text("kvar")
    (folder / "ou.json").write_text("gammal")
    _run(data, "--out", str(folder), "--units")
    assert {p.name for p in folder.iterdir()} == {*FILES, "egen.txt"}
    assert (folder / "egen.txt").read_text() == "kvar" and (folder / "ou.json").read_text() != "gammal"
    assert not (data.published / PRODUCT.name).exists()


def test_what_cannot_be_done_is_one_sentence(data: DataPaths, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hör till det som är publicerat och skrivs inte över: ange en annan mapp"):
        _run(data, "--out", str(data.published / "export"))
    (tmp_path / "fil").write_text("")
    with pytest.raises(UsageError, match="Exporterna kan inte skrivas i .*fil: en fil är i vägen. Ange en annan mapp"):
        _run(data, "--out", str(tmp_path / "fil"))
    with pytest.raises(ResultattavlaError, match="Utgåvan 2022-01-01-x finns inte"):
        _run(data, "--release", "2022-01-01-x")
    release = current_id(data)
    assert release is not None
    retract(data, release, "fel period", "verksamhetsutvecklaren")
    with pytest.raises(ResultattavlaError, match=f"Utgåva {release} gäller inte: .*fel period.* Ange en annan utgåva"):
        _run(data, "--release", release)
