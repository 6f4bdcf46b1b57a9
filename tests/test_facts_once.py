"""Ids stand in seeds and contracts: no code for all of them lists indicators, sources, items, verksamheter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import nodes
from dagster_project.catalogue.plan import items, plans
from dagster_project.core.paths import PROJECT

IDS = {
    "an indicator": [i.id for i in load_catalogue()],
    "a source": [source for source in load_contracts() if source != REGISTER_SOURCE],
    "a node of the organisation": [node.code for node in nodes()],
    "a plan or an item of one": [*(p.id for p in plans()), *(item.id for item in items())],
}


def shared_files() -> Iterator[Path]:
    """Code that is for all indicators and sources: not what belongs to one of them, nor invented data."""
    package = PROJECT / "dagster_project"
    yield from (p for p in package.rglob("*.py") if p.relative_to(package).parts[0] != "samples")
    yield from (PROJECT / "dbt" / "macros").rglob("*.sql")
    for layer in ("cells", "results"):
        yield from (PROJECT / "dbt" / "models" / layer).rglob("*.sql")


def code_of(path: Path) -> str:
    """The file without its comments and, in Python, docstrings: they may give examples."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        return re.sub(r"\{#.*?#\}|--[^\n]*", "", text, flags=re.DOTALL)
    return re.sub(r'"""(?:.|\n)*?"""|#[^\n]*', "", text)


@pytest.mark.parametrize("kind", IDS)
def test_shared_code_names_none_of_them(kind: str) -> None:
    words = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, IDS[kind])) + r")(?!\w)")
    named = {
        path.relative_to(PROJECT).as_posix(): sorted(set(words.findall(code_of(path))))
        for path in shared_files()
        if words.search(code_of(path))
    }
    assert named == {}, f"code that is for all of them names {kind}: say it in the seed or contract"


def test_the_register_is_named_once() -> None:
    """It is reference data for all other sources: one constant says which it is."""
    quoted = [p for p in shared_files() if p.suffix == ".py" and f'"{REGISTER_SOURCE}"' in code_of(p)]
    assert [p.relative_to(PROJECT).as_posix() for p in quoted] == ["dagster_project/catalogue/contracts.py"]


def test_one_module_opens_duckdb() -> None:
    opens = [p.relative_to(PROJECT).as_posix() for p in shared_files() if "duckdb.connect" in code_of(p)]
    assert opens == ["dagster_project/engines/duckdb.py"]


def test_one_module_runs_great_expectations_and_one_renders_its_results() -> None:
    imports = re.compile(r"(?:import|from) great_expectations")
    users = sorted(p.relative_to(PROJECT).as_posix() for p in shared_files() if imports.search(code_of(p)))
    assert users == ["dagster_project/gates/validate.py", "dagster_project/products/data_docs/rendering.py"]
