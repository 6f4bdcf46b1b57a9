"""`make docs` works on the settings' data folder, and its errors are sentences with exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.cli import dbtdocs


def ended(capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    with pytest.raises(SystemExit) as end:
        dbtdocs.main()
    return end.value.code, capsys.readouterr().err


def test_docs_are_those_of_the_settings_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setattr(dbtdocs, "generate_docs", lambda data: asked.append(data.root) or data.dbt_target)
    for given, meant in ((tmp_path / "x", tmp_path / "x"), (Path("relativ"), tmp_path / "relativ")):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RESULTATTAVLA_DATA", str(given))
        dbtdocs.main()
        assert asked[-1] == meant
    config = tmp_path / "egen" / "inst.toml"
    config.parent.mkdir()
    config.write_text('data = "mappen"\n', encoding="utf-8")
    monkeypatch.delenv("RESULTATTAVLA_DATA")
    monkeypatch.setenv("RESULTATTAVLA_CONFIG", str(config))
    dbtdocs.main()
    assert asked[-1] == tmp_path / "egen" / "mappen"
    capsys.readouterr()


def test_without_a_run_and_with_wrong_settings_it_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("RESULTATTAVLA_DATA", str(tmp_path / "tom"))
    code, told = ended(capsys)
    assert code == 1 and "kör `resultattavla run` först" in told and not (tmp_path / "tom").exists()
    monkeypatch.setenv("RESULTATTAVLA_WAIVERS", str(tmp_path / "borta.csv"))
    code, told = ended(capsys)
    assert code == 64 and "borta.csv finns inte" in told
