"""What dbt parsed is kept by the checkout: the next run of the same code reads it, and nothing else."""

import json

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.engines import dbt


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A process that has parsed nothing yet, in a checkout that keeps what it parses below `tmp_path`."""
    monkeypatch.setattr(dbt, "PARSED", tmp_path / "target" / "parsed")

    def forget() -> None:
        monkeypatch.setattr(dbt, "_parsed", {})
        monkeypatch.setattr(dbt, "_manifests", {})

    forget()
    return forget


def _compiled(data: DataPaths, manifest) -> str:
    result = dbt._invoke(["compile", "--select", "signal", "--no-introspect", "--no-write-json"], data, manifest)
    assert result.success, result.exception
    return result.result.results[0].node.compiled_code.replace(str(data.root), "")


def test_another_data_folder_of_the_same_checkout_parses_nothing(tmp_path, fresh, monkeypatch):
    first, second = DataPaths(tmp_path / "a"), DataPaths(tmp_path / "b")
    parsed = dbt.parse(first)
    told = dbt.project_manifest(first)
    sql = _compiled(first, parsed)
    assert str(first.root) not in json.dumps(told["nodes"])

    fresh()
    invoked = dbt._invoke
    monkeypatch.setattr(dbt, "_invoke", lambda arguments, *rest: pytest.fail(f"dbt was asked to {arguments}"))
    kept = dbt.parse(second)
    assert dbt.project_manifest(second)["nodes"].keys() == told["nodes"].keys() == kept.nodes.keys()
    # The folder is as if dbt had parsed into it.
    assert (second.dbt_target / "manifest.json").read_bytes() == (first.dbt_target / "manifest.json").read_bytes()
    assert (second.dbt_target / "manifest.version").read_bytes() == (first.dbt_target / "manifest.version").read_bytes()
    monkeypatch.setattr(dbt, "_invoke", invoked)
    assert _compiled(second, kept) == sql
    assert {n.status for n in dbt.build(second, "resource_type:seed")} == {"success", "pass"}

    # Other code, and what is damaged or lost, is parsed anew.
    class Asked(Exception):
        pass

    def asked(arguments, *rest):
        raise Asked

    monkeypatch.setattr(dbt, "_invoke", asked)
    monkeypatch.setattr(dbt, "dbt_version", lambda: "another")
    fresh()
    with pytest.raises(Asked):
        dbt.parse(second)


@pytest.mark.parametrize("file", ["partial_parse.msgpack", "manifest.json", "whole"])
@pytest.mark.parametrize("damage", ["half", "gone"])
def test_what_is_not_whole_is_not_read(tmp_path, fresh, file, damage):
    target = tmp_path / "from"
    target.mkdir()
    for name in dbt._PARSED_FILES:
        (target / name).write_bytes(b"what dbt wrote")
    dbt._keep("key", target)
    path = dbt.PARSED / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:5])
    assert dbt._kept("key", tmp_path / "manifest.json") is None
    dbt._keep("key", target)  # and is replaced, whole
    assert {p.name for p in dbt.PARSED.iterdir()} == {*dbt._PARSED_FILES, "whole"}
    assert [p.name for p in dbt.PARSED.parent.iterdir()] == ["parsed"]


def test_a_checkout_that_cannot_be_written_to_keeps_nothing(tmp_path, fresh):
    (tmp_path / "target").write_text("a file where the folder would be")
    target = tmp_path / "from"
    target.mkdir()
    for name in dbt._PARSED_FILES:
        (target / name).write_bytes(b"what dbt wrote")
    dbt._keep("key", target)
    assert dbt._kept("key", tmp_path / "manifest.json") is None
