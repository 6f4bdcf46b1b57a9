"""The page's template, styles and script, so that one file holds them all and nothing else can run in it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dagster_project.core.printable import printable
from dagster_project.core.swedish import counted, number
from dagster_project.products.styles import stylesheet

ASSETS = Path(__file__).parent / "assets"


def render(**values: Any) -> str:
    """The page with these values of its template; each is escaped."""
    css = stylesheet(ASSETS / "page.css")
    script = (ASSETS / "page.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            css=Markup(css),
            script=Markup(script),
            css_hash=_csp_hash(css),
            script_hash=_csp_hash(script),
            **values,
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"tal": number}
    environment.globals |= {"antal": counted}
    return environment


def _shown(value: Any) -> Any:
    """What the template puts out: texts from outside made `printable`."""
    if value is None:
        return ""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _csp_hash(text: str) -> str:
    """What the page's Content-Security-Policy knows an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
