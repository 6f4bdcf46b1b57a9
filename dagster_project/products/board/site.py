"""The site's frame: pages are put together here, in one layout, with one navigation, and written as files.

A page module (`board.pages`) has `pages(site) -> Iterable[Page | Attachment]`. It asks `site.reading` for the release
and names a template in `templates/`, which extends `layout.html.j2`; `docs/style.md` says what the layout and the
macros give it. A page holds its styles and script, known to its policy by their hashes: it can be mailed or saved as
one file, and nothing else can run in it or be fetched by it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import pkgutil
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from markupsafe import Markup

from dagster_project.core.paths import DataPaths
from dagster_project.core.printable import printable
from dagster_project.core.swedish import counted, day_in_words, fixed, joined, month_in_words, number
from dagster_project.products.board import pages
from dagster_project.products.reading import Reading
from dagster_project.products.revisions.compare import release_before, revisions

if TYPE_CHECKING:
    import jinja2

HERE = Path(__file__).parent
CHARTS = HERE.parent / "charts" / "diagram.css"
OVERVIEW, VERKSAMHETER, PLAN, QUALITY, ABOUT = SECTIONS = ("oversikt", "verksamheter", "plan", "kvalitet", "om")
"""Where a page belongs in the navigation."""


@dataclass(frozen=True)
class Page:
    """A page of the site.

    path: from the site's root, `indikator/x.html`. title: of the tab; the template sets its own h1. template: in
    `templates/`. context: its values. section: of SECTIONS, marked in the navigation.
    """

    path: str
    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    section: str = ""


@dataclass(frozen=True)
class Attachment:
    """A file to download beside the pages."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Revised:
    """The id of the release before, and the cells that changed since (`revisions.compare.REVISION_SCHEMA`)."""

    before: str
    cells: pl.DataFrame


class Site:
    """All pages of one release. reading: the release; data: run records and older releases (the quality page).

    actor, contact: who answers for the site by law and the address that readers may write to, empty where none is said
    (`contact.toml`).
    """

    def __init__(self, reading: Reading, data: DataPaths | None = None) -> None:
        self.reading = reading
        self.data = data
        said = tomllib.loads((HERE / "contact.toml").read_text(encoding="utf-8"))
        self.actor: str = said["actor"]
        self.contact: str = said["address"]

    # --- Addresses: from the site's root; a template puts `root` before them -------------------------------------

    @staticmethod
    def indicator_path(indicator_id: str) -> str:
        return f"indikator/{indicator_id}.html"

    @staticmethod
    def verksamhet_path(code: str) -> str:
        return f"verksamhet/{code}.html"

    @staticmethod
    def plan_path(plan_id: str) -> str:
        return f"plan/{plan_id}.html"

    # --- What every page tells ----------------------------------------------------------------------------------

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.reading.release.as_of)

    @property
    def published(self) -> date:
        """The day on which the release was published (UTC); its own day where an old manifest does not say."""
        said = self.reading.release.manifest.published
        return datetime.fromisoformat(said).date() if said else self.as_of

    @cached_property
    def revisions(self) -> Revised | None:
        """What has changed since the release before; None where no earlier one is kept."""
        before = None if self.data is None else release_before(self.data, self.reading.release.id)
        return None if before is None else Revised(before.id, revisions(self.reading, Reading(before)))

    @cached_property
    def plans(self) -> list[tuple[str, str]]:
        """Id and title of the plans that the release follows up."""
        return list(dict.fromkeys((item.plan_id, item.plan_titel) for item in self.reading.items.values()))

    # --- Making it ----------------------------------------------------------------------------------------------

    def all(self) -> list[Page | Attachment]:
        """What every page module gives."""
        found: list[Page | Attachment] = []
        for module in sorted(pkgutil.iter_modules(pages.__path__), key=lambda module: module.name):
            found += importlib.import_module(f"{pages.__name__}.{module.name}").pages(self)
        return found

    def write(self, folder: Path, made: Iterable[Page | Attachment] | None = None) -> None:
        """Write pages and files (all by default) below an empty folder. Two for one path are a ValueError."""
        written: set[str] = set()
        for page in self.all() if made is None else made:
            if page.path in written:
                raise ValueError(f"two pages are {page.path}")
            written.add(page.path)
            path = folder / page.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page.content if isinstance(page, Attachment) else self.render(page).encode())

    def render(self, page: Page) -> str:
        """A page's HTML."""
        own = {"root": "../" * page.path.count("/"), "page": page}
        return self.environment.get_template(page.template).render(**page.context, **own)

    @cached_property
    def environment(self) -> jinja2.Environment:
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )
        css = (HERE / "tavla.css").read_text(encoding="utf-8") + CHARTS.read_text(encoding="utf-8")
        script = (HERE / "tavla.js").read_text(encoding="utf-8")
        environment.globals |= {
            "site": self,
            "reading": self.reading,
            "css": Markup(css),
            "css_hash": _csp_hash(css),
            "script": Markup(script),
            "script_hash": _csp_hash(script),
            "antal": counted,
            "navigation": self._navigation(),
        }
        environment.filters |= {
            "tal": number,
            "fast": fixed,
            "dag": day_in_words,
            "manad": month_in_words,
            "uppraknat": joined,
            "varde": self.reading.value_words,
            "verksamhetsnamn": lambda code: self.reading.verksamheter[code].namn,
        }
        return environment

    def _navigation(self) -> list[tuple[str, str, str]]:
        """Section, path and name of the main navigation; the verksamheter have a list of their own."""
        plan = self.plan_path(self.plans[0][0]) if self.plans else "index.html"
        return [
            (OVERVIEW, "index.html", "Översikt"),
            (VERKSAMHETER, "", "Verksamheter"),
            (PLAN, plan, "Planen"),
            (QUALITY, "kvalitet.html", "Går det att lita på?"),
            (ABOUT, "om.html", "Så läser du"),
        ]


def _shown(value: Any) -> Any:
    """What a template puts out: texts from outside made `printable`; markup of ours as it is; None is nothing."""
    if value is None:
        return ""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
