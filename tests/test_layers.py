"""A room imports only rooms that stand before it, and no module is in a circle. Every import counts, lazy ones too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from dagster_project.core.paths import PROJECT

PACKAGE = "dagster_project"
ROOMS = (
    "core",
    "catalogue",
    "engines",
    "runs",
    "ingestion",
    "gates",
    "disclosure",
    "releases",
    "products",
    "samples",
    "operations",
    "defs",
    "cli",
    "definitions",
)
"""Lowest first; `docs/architecture.md` says what each is for."""

MODULES = {
    ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((PROJECT / PACKAGE).rglob("*.py"))
}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every module of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            names = [
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES else node.module or ""
                for a in node.names
            ]
        for name in names:
            if name.split(".")[0] == PACKAGE and name != PACKAGE:
                yield node.lineno, name


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_module_is_in_a_room() -> None:
    assert {room(name) for name in MODULES if name != PACKAGE} == set(ROOMS)


def test_no_import_points_up() -> None:
    rank = {name: number for number, name in enumerate(ROOMS)}
    wrong = [
        f"{path.relative_to(PROJECT)}:{line}: {room(name)} may not know {room(target)} ({target})"
        for name, path in MODULES.items()
        if name != PACKAGE
        for line, target in imported(path)
        if rank[room(target)] > rank[room(name)]
    ]
    assert wrong == []


def test_no_module_is_in_a_circle() -> None:
    graph = {name: {target for _, target in imported(path) if target != name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_imports_name_modules_that_exist() -> None:
    wrong = [
        f"{p.relative_to(PROJECT)}:{line}: {t}" for p in MODULES.values() for line, t in imported(p) if t not in MODULES
    ]
    assert wrong == []
