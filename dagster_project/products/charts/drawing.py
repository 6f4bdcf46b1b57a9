"""Puts charts out through their Jinja macros, which escape every text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup


@cache
def _macros() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    from dagster_project.products.charts.scale import place, share

    environment.filters |= {"at": share, "px": place}
    return environment.get_template("charts.svg.j2").module


class Chart(Markup):
    """A chart's markup. cut: its scale does not hold 0, which a caption of counts and amounts must say."""

    cut: bool = False


def drawn(macro: str, cut: bool = False, **values: Any) -> Chart:
    """The chart that a macro of `charts.svg.j2` makes of these values."""
    chart = Chart(str(getattr(_macros(), macro)(**values)).strip())
    chart.cut = cut
    return chart
