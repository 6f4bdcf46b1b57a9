"""Data docs for stewards: what every gate of a run expected and found, as static HTML that needs and calls no network.

Great Expectations' own renderers make the tables (`expectations`), but the page template, the index and the styles are
ours (`assets`): its own load styles and scripts from content networks, show a logo that reports the context's id to a
vendor, and end with a newsletter form. Nothing here needs a script.

The pages hold counts and measured values only: what a gate keeps for them has no value of any row (`gates.findings`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.catalogue.vocabulary import CRITICAL, GATES, RESULTS, TIERS, WARNING, consequence
from dagster_project.core.paths import DataPaths
from dagster_project.core.second import ahead, begun
from dagster_project.gates.findings import SuiteResult
from dagster_project.products.data_docs.rendering import Renderer, observed
from dagster_project.products.names import source_title
from dagster_project.products.styles import stylesheet
from dagster_project.products.words import GATE_HEADINGS, GATE_QUESTIONS
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.identity import RunIdentity

ASSETS = Path(__file__).parent / "assets"
STYLESHEET = "style.css"


def data_docs_folder(data: DataPaths) -> Path:
    """Where the data docs lie; `index.html` leads to all of them."""
    return data.docs / "datadokumentation"


def page_of(data: DataPaths, gate: str, source: str) -> Path:
    """The page of one gate and source."""
    return data_docs_folder(data) / _href(gate, source)


def _href(gate: str, source: str) -> str:
    return f"{gate}/{source}.html"


def write_data_docs(folder: RunFolder, identity: RunIdentity) -> Path | None:
    """Data docs of the gates run so far on this run's inputs, also when one stopped it.

    Returns the index; None, with what is there left alone, when no gate was run on them.
    """
    run = [gate for gate in GATES if folder.outcomes(gate, identity.run_id) is not None]
    if not run:
        return None
    results = [SuiteResult(**result) for gate in run for result in folder.gate_results(gate)]
    target = data_docs_folder(folder.data)
    build_data_docs(results, target, {"Körningens datum": str(identity.as_of), "Körning": identity.run_id})
    return target / "index.html"


@dataclass(frozen=True)
class Page:
    """One page (a gate and a source) as the index lists it; counts are expectations. name: the source's.

    failed: what is not met, with what was measured.
    """

    gate: str
    source: str
    name: str
    href: str
    status: str
    status_text: str
    count: int
    failed: list[str]


def build_data_docs(results: Sequence[SuiteResult], target: Path, facts: Mapping[str, str] | None = None) -> list[Path]:
    """Write the data docs of one run into the folder `target`, replacing what is there, and return the pages.

    results  what the run's gates found
    facts    label -> text shown at the top of the index (Swedish), such as the as-of date and the run

    One page per gate and source, ``<gate>/<source>.html``, and ``index.html``. The folder is built beside `target` and
    swapped in when whole. The same results and facts give the same files.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        asked = list(results), staging, dict(facts or {})
        # The second process, where there is one, has loaded Great Expectations: it ran the gates.
        pages = ahead(_written, asked)() if begun() else _written(asked)
        written = [staging / STYLESHEET, *pages]
        written[0].write_text(stylesheet(ASSETS / STYLESHEET), encoding="utf-8")
        _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return [target / path.relative_to(staging) for path in written[1:]]


def _written(asked: tuple[Sequence[SuiteResult], Path, Mapping[str, str]]) -> list[Path]:
    return list(_write_pages(*asked))


def _write_pages(results: Sequence[SuiteResult], folder: Path, facts: Mapping[str, str]) -> Iterator[Path]:
    renderer = Renderer(ASSETS)
    pages: list[Page] = []
    for (gate, source), group in _by_page(results).items():
        page = _page(gate, source, group)
        path = folder / page.href
        path.parent.mkdir(exist_ok=True)
        heading = GATE_HEADINGS[gate]
        text = renderer.page(f"{source}: {heading}", group, page=page, gate_heading=heading, root="../")
        path.write_text(_html(text), encoding="utf-8")
        pages.append(page)
        yield path
    gates = [
        (GATE_HEADINGS[gate], GATE_QUESTIONS[gate], [page for page in pages if page.gate == gate]) for gate in TIERS
    ]
    path = folder / "index.html"
    path.write_text(_html(renderer.index(gates=gates, facts=facts, root="")), encoding="utf-8")
    yield path


def _swap(staging: Path, target: Path) -> None:
    """Put `staging` in the place of `target`, which may exist."""
    old = staging.with_name(f"{staging.name}-old")
    if target.exists():
        target.rename(old)
    staging.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _by_page(results: Sequence[SuiteResult]) -> dict[tuple[str, str], list[SuiteResult]]:
    grouped: dict[tuple[str, str], list[SuiteResult]] = {}
    for result in sorted(results, key=lambda item: (TIERS.index(item.gate), item.source, item.suite)):
        grouped.setdefault((result.gate, result.source), []).append(result)
    return grouped


def _page(gate: str, source: str, group: Sequence[SuiteResult]) -> Page:
    results = [(suite.suite, result) for suite in group for result in suite.results]
    failed = [(suite, result) for suite, result in results if not result["success"]]
    status, titel = _status({_consequence(result["expectation_config"]) for _, result in failed}, gate)
    texts = [f"{result['expectation_config']['meta']['titel']} ({observed(suite, result)})" for suite, result in failed]
    return Page(gate, source, source_title(source), _href(gate, source), status, titel, len(results), texts)


def _consequence(config: Mapping[str, Any]) -> str:
    """What a failure counts as: its severity, or one step milder when it is waived."""
    return consequence(config["severity"], "undantag" in config["meta"])


def _status(failed: set[str], gate: str) -> tuple[str, str]:
    """Class and Swedish title of a page whose failed expectations have these severities."""
    if CRITICAL in failed:
        return "stopp", "Stoppad" if gate != RESULTS else "Publiceras inte"
    if WARNING in failed:
        return "varning", "Varning"
    return ("upplysning", "Godkänd, med upplysning") if failed else ("godkand", "Godkänd")


def _html(text: str) -> str:
    """Without the blank lines and trailing blanks that the templates leave."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"
