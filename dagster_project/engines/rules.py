"""Rules that stand in SQL once: the macros of `dbt/macros/rules/`, for the Python that must apply them too."""

from __future__ import annotations

from functools import cache
from typing import Any

from dagster_project.core.paths import PROJECT

RULES = PROJECT / "dbt" / "macros" / "rules" / "shared_rules.sql"


@cache
def _macros() -> Any:
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    return environment.from_string(RULES.read_text(encoding="utf-8")).module


def rule(name: str, *arguments: object) -> str:
    """The SQL of one rule. Raises AttributeError for a macro that is not there."""
    return str(getattr(_macros(), name)(*arguments))
