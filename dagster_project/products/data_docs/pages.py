"""Data docs for stewards: what every gate of a run expected and found, as static HTML that needs and calls no network.

Great Expectations' own renderers make the pages (page renderer -> document -> view), but the page template, the index
and the styles are ours (``assets/datadocs``): its own load styles and scripts from content networks, show a logo that
reports the context's id to a vendor, and end with a newsletter form. Nothing here needs a script.

The pages hold counts and measured values only: the collector keeps no value of any row.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.core.swedish import number
from dagster_project.gates.validate import GATES, MILDER, import_gx

if TYPE_CHECKING:
    pass

ASSETS = Path(__file__).parent / "assets"
SHARED_STYLES = ASSETS.parent.parent / "base.css"
STYLESHEET = "stil.css"

GATE_TITLES = {
    "leverans": "Grind 1: leveranser",
    "staging": "Grind 2: bearbetade tabeller",
    "resultat": "Grind 3: resultat",
}
GATE_LEADS = {
    "leverans": "Går det att lita på det som har levererats?",
    "staging": "Är uppgifterna rätt sammanställda och kopplade till rätt verksamhet?",
    "resultat": "Kan resultaten publiceras?",
}
SEVERITY_TITLES = {"critical": "Stoppar", "warning": "Varnar", "info": "Upplyser"}

@dataclass(frozen=True)
class Page:
    """One page (a gate and a source) as the index lists it; counts are expectations."""

    gate: str
    source: str
    href: str
    status: str
    status_titel: str
    count: int
    failed: list[str]


def build_data_docs(results: Sequence[SuiteResult], target: Path, facts: Mapping[str, str] | None = None) -> list[Path]:
    """Write the data docs of one run into the folder `target`, replacing what is there, and return the pages.

    results  what the run's gates found (``DocsCollector.results``)
    facts    label -> text shown at the top of the index (Swedish), such as the as-of date and the release

    One page per gate and source, ``<gate>/<source>.html``, and ``index.html``. The folder is built beside `target` and
    swapped in when whole. The same results and facts give the same files.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        written = [staging / STYLESHEET, *_write_pages(results, staging, facts or {})]
        styles = (path.read_text(encoding="utf-8") for path in (SHARED_STYLES, ASSETS / STYLESHEET))
        written[0].write_text("".join(styles), encoding="utf-8")
        staging.chmod(0o755)
        _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return [target / path.relative_to(staging) for path in written[1:]]


def _write_pages(results: Sequence[SuiteResult], folder: Path, facts: Mapping[str, str]) -> Iterator[Path]:
    renderer, view = _gx_page_renderer(), _gx_view()
    pages: list[Page] = []
    for (gate, source), group in _by_page(results).items():
        page = _page(gate, source, group)
        document = _document(renderer, page, group)
        path = folder / page.href
        path.parent.mkdir(exist_ok=True)
        path.write_text(_html(view.render(document, page=page, gate_titles=GATE_TITLES, root="../")), encoding="utf-8")
        pages.append(page)
        yield path
    index = view.env.get_template("index.html")
    path = folder / "index.html"
    gates = [(gate, [page for page in pages if page.gate == gate]) for gate in GATES]
    path.write_text(
        _html(index.render(gates=gates, facts=facts, gate_titles=GATE_TITLES, gate_leads=GATE_LEADS, root="")),
        encoding="utf-8",
    )
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
    for result in sorted(results, key=lambda item: (GATES.index(item.gate), item.source, item.suite)):
        grouped.setdefault((result.gate, result.source), []).append(result)
    return grouped


def _page(gate: str, source: str, group: Sequence[SuiteResult]) -> Page:
    results = [result for suite in group for result in suite.results]
    failed = [result["expectation_config"] for result in results if not result["success"]]
    status, titel = _status({_consequence(config) for config in failed}, gate)
    texts = [config["meta"]["titel"] for config in failed]
    return Page(gate, source, f"{gate}/{source}.html", status, titel, len(results), texts)


def _consequence(config: Mapping[str, Any]) -> str:
    """What a failure counts as: its severity, or one step milder when it is waived."""
    severity: str = config["severity"]
    return MILDER[severity] if "undantag" in config["meta"] else severity


def _status(failed: set[str], gate: str) -> tuple[str, str]:
    """Class and Swedish title of a page whose failed expectations have these severities."""
    if "critical" in failed:
        return "stopp", "Stoppad" if gate != "resultat" else "Publiceras inte"
    if "warning" in failed:
        return "varning", "Varning"
    return ("upplysning", "Godkänd, med upplysning") if failed else ("godkand", "Godkänd")


def _document(renderer: Any, page: Page, group: Sequence[SuiteResult]) -> Any:
    """The page as Great Expectations' document: per suite a header and one table, failures first."""
    from great_expectations.render.components import (
        RenderedDocumentContent,
        RenderedHeaderContent,
        RenderedSectionContent,
        RenderedTableContent,
    )

    sections = []
    for suite in group:
        table = RenderedTableContent(
            table=_rows(renderer, suite),
            header_row=["Status", "Förväntan", "Utfall"],
            styling={"body": {"classes": ["forvantningar"]}},
        )
        header = RenderedHeaderContent(header=_text("h2", "$titel", titel=suite.titel))
        sections.append(RenderedSectionContent(section_name=suite.titel, content_blocks=[header, table]))
    return RenderedDocumentContent(
        sections=sections, renderer_type="ValidationResultsPageRenderer", page_title=f"{page.source}: {page.gate}"
    )


def _rows(renderer: Any, suite: SuiteResult) -> list[list[Any]]:
    """Great Expectations' table rows of one suite in Swedish, [status, expectation, observed]; failures first."""
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema

    by_id = {result["expectation_config"]["meta"]["id"]: result for result in suite.results}
    loaded = expectationSuiteValidationResultSchema.load(
        {
            "success": all(result["success"] for result in suite.results),
            "results": suite.results,
            "suite_name": suite.suite,
            "suite_parameters": {},
            "statistics": {
                "evaluated_expectations": len(suite.results),
                "successful_expectations": sum(result["success"] for result in suite.results),
                "unsuccessful_expectations": sum(not result["success"] for result in suite.results),
                "success_percent": None,
            },
            "meta": {},
        }
    )
    for result in loaded.results:
        # The renderer puts the description first in its cell, which tells whose row it is.
        result.expectation_config.description = result.expectation_config.meta["id"]
    status_cells: dict[str, Any] = {}
    for section in renderer.render(loaded).to_json_dict()["sections"]:
        for block in section["content_blocks"]:
            if block["content_block_type"] == "table" and block.get("header_row"):
                status_cells |= {_described(cells[1]): cells[0] for cells in block["table"]}
    if status_cells.keys() != by_id.keys():
        raise RuntimeError(f"{suite.suite}: {len(status_cells)} of {len(by_id)} expectations were rendered")
    ordered = sorted(by_id.items(), key=lambda item: item[1]["success"])
    return [[status_cells[name], _explanation(result), _observed(result)] for name, result in ordered]


def _described(cell: Any) -> str:
    """The description in an expectation's cell, which also holds what was unexpected when it failed."""
    first = cell[0] if isinstance(cell, list) else cell
    return str(first["string_template"]["template"])


def _explanation(result: Mapping[str, Any]) -> list[Any]:
    """What is expected, what it means, what to do when it fails, and the rule itself."""
    config = result["expectation_config"]
    meta, severity = config["meta"], config["severity"]
    blocks = [
        _text("h3", "$titel", titel=meta["titel"]),
        _text("span", "$severity", ["marke", severity], severity=SEVERITY_TITLES[severity]),
        _text("p", "$betydelse", betydelse=meta["betydelse"]),
    ]
    if not result["success"]:
        blocks.append(_text("p", "<strong>Att göra:</strong> $atgard", ["atgard"], atgard=meta["atgard"]))
        if "undantag" in meta:
            blocks.append(_text("p", "<strong>Undantag</strong> $undantag", ["atgard"], undantag=meta["undantag"]))
    blocks.append(
        _text(
            "details",
            "<summary>Regeln</summary><code>$id</code> <code>$type</code><pre>$rule</pre>",
            id=meta["id"],
            type=config["type"],
            rule=_rule(config["kwargs"]),
        )
    )
    return blocks


def _rule(kwargs: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in kwargs.items() if key != "batch_id"}
    query = shown.pop("unexpected_rows_query", None)
    return query or json.dumps(shown, ensure_ascii=False)


def _observed(result: Mapping[str, Any]) -> Any:
    found = result["result"]
    if "unexpected_count" in found:
        checked = found["element_count"] - (found.get("missing_count") or 0)
        failed = number(found["unexpected_count"] or 0)
        return _text("span", "$antal fel av $kontrollerade", antal=failed, kontrollerade=number(checked))
    suffix = " fel" if result["expectation_config"]["type"] == "unexpected_rows_expectation" else ""
    return _text("span", f"$antal{suffix}", antal=number(found.get("observed_value")))


def _text(tag: str, template: str, classes: Sequence[str] = (), **params: str) -> Any:
    """A block in Great Expectations' string template form; parameters are escaped when it is rendered."""
    from great_expectations.render.components import RenderedStringTemplateContent

    return RenderedStringTemplateContent(
        string_template={
            "template": template,
            "params": params,
            "tag": tag,
            "styling": {"classes": list(classes)},
        }
    )


def _html(text: str) -> str:
    """Without the blank lines and trailing blanks that the templates leave."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def _gx_page_renderer() -> Any:
    import_gx()
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    return ValidationResultsPageRenderer(run_info_at_end=True)


def _gx_view() -> Any:
    """Great Expectations' page view with our page template; its blocks (tables, headers, icons) stay its own."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    class PageView(DefaultJinjaPageView):
        _template = "sida.html"

    return PageView(custom_views_directory=str(ASSETS))
