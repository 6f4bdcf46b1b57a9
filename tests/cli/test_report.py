"""`resultattavla report`: what it writes, where, and what it says to who asks for something that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.operations.claim import claim
from dagster_project.releases.publish import switch_current
from tests.jobs import Said, said
from tests.products.reports import small


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    data = DataPaths(tmp_path / "data")
    claim(data)
    switch_current(data, small.published(data))
    return data


def ask(data: DataPaths, *arguments: str | Path, occasion: str = "delar", year: str = "2022") -> Said:
    return said("report", "--occasion", occasion, "--year", year, *arguments, "--data", data.root)


def test_it_is_written_where_it_is_asked_for_and_leaves_the_data_alone(data: DataPaths, tmp_path: Path) -> None:
    before = sorted(data.root.rglob("*"))
    result = ask(data, "--verksamhet", "bb", "--out", tmp_path / "ut")
    assert result.returncode == 0, result.stderr
    names = ["delarsrapport_2022_BB.docx", "delarsrapport_2022_BB.html"]
    assert sorted(p.name for p in (tmp_path / "ut").iterdir()) == names
    assert all(str(tmp_path / "ut" / name) in result.stdout for name in names)
    assert "Delårsrapport 2022 – Barn & <unga>, av utgåva 2022-09-30-" in result.stdout
    assert result.stderr == "" and sorted(data.root.rglob("*")) == before


def test_without_a_folder_it_is_a_product_of_the_release(data: DataPaths) -> None:
    assert ask(data).returncode == 0
    result = ask(data, "--verksamhet", "AA")
    assert result.returncode == 0, result.stderr
    folder = data.published / "rapporter"
    assert folder.is_symlink() and str(folder) in result.stdout
    found = {p.stem for p in folder.glob("*.docx")}
    assert found == {"delarsrapport_2022", "delarsrapport_2022_AA"}


def test_the_same_report_is_the_same_files(data: DataPaths, tmp_path: Path) -> None:
    for name in ("ett", "två"):
        assert ask(data, "--out", tmp_path / name).returncode == 0
    for path in (tmp_path / "ett").iterdir():
        assert path.read_bytes() == (tmp_path / "två" / path.name).read_bytes()


def test_a_period_that_is_not_over_is_written_and_said_loudly(data: DataPaths, tmp_path: Path) -> None:
    result = ask(data, "--out", tmp_path, occasion="ar")
    assert result.returncode == 0
    assert "Aktivitetsberättelse 2022 (preliminär)" in result.stdout
    assert result.stderr.startswith("OBS! Perioden är inte slut.")


@pytest.mark.parametrize(
    ("arguments", "how", "code", "told"),
    [
        ((), {"year": "2031"}, 64, "har ingen delårsrapport för 2031: den har 2022."),
        ((), {"year": "tjugotvå"}, 64, "--year"),
        ((), {"occasion": "manad"}, 64, "--occasion ska vara delar eller ar."),
        (("--verksamhet", "XX"), {}, 64, "Verksamheten XX finns inte i utgåvan: ange BB och AA."),
        (("--template", "saknas.docx"), {}, 64, "Mallen saknas.docx finns inte"),
        (("--release", "2020-01-01-ingen"), {}, 1, "Utgåvan 2020-01-01-ingen finns inte."),
    ],
)
def test_wrong_use_is_one_sentence_and_writes_nothing(
    data: DataPaths, tmp_path: Path, arguments: tuple[str, ...], how: dict[str, str], code: int, told: str
) -> None:
    result = ask(data, *arguments, "--out", tmp_path / "ut", **how)
    assert result.returncode == code
    assert told in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "ut").exists() and result.stdout == ""


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    result = ask(DataPaths(tmp_path / "annan"))
    assert result.returncode == 64 and "är inte Resultattavlas eller finns inte" in result.stderr


def test_a_release_of_older_code_says_what_to_do(data: DataPaths, tmp_path: Path) -> None:
    from tests.releases.small import small_release

    older = small_release(data, 1)
    result = ask(data, "--release", older, "--out", tmp_path / "ut")
    assert result.returncode == 1
    assert "är gjord av en äldre version av programmet och saknar tabellen" in result.stderr
