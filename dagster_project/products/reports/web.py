"""Writes a report as one HTML file that asks nothing of any network: the same blocks and words as the Word document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.products.reports.document import Document

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
CHART_STYLE = Path(__file__).parents[1] / "charts" / "diagram.css"
CONTENTS_LEVELS = 3


def as_html(report: Document) -> str:
    """The report as the text of an HTML file. What it says is escaped; its charts and styles are ours."""
    contents = [h for h in report.headings if h.level <= CONTENTS_LEVELS]
    return _template("report.html.j2").render(report=report, contents=contents, style=_style())


def index_page(area: str, release_id: str, reports: Sequence[tuple[str, str, str]]) -> str:
    """A page that lists reports: title, place, and the name that a report's files share."""
    return _template("index.html.j2").render(area=area, release_id=release_id, reports=reports, style=_style())


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals["kind"] = lambda block: type(block).__name__
    return environment.get_template(name)


@cache
def _style() -> str:
    """The report's own styles and those of charts."""
    return "".join(path.read_text(encoding="utf-8") for path in (TEMPLATES / "report.css", CHART_STYLE))
