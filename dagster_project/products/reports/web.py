"""Writes a report as one HTML file that asks nothing of any network: the same blocks and words as the Word document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.products.reports.document import Document

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
CONTENTS_LEVELS = 3


def write_html(report: Document, path: Path) -> None:
    """Write the report as HTML, UTF-8."""
    path.write_text(as_html(report), encoding="utf-8")


def as_html(report: Document) -> str:
    """The report as the text of an HTML file. What it says is escaped; its charts and styles are ours."""
    contents = [h for h in report.headings if h.level <= CONTENTS_LEVELS]
    return _template().render(report=report, contents=contents, style=_style())


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals["kind"] = lambda block: type(block).__name__
    return environment.get_template("report.html.j2")


@cache
def _style() -> str:
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")
