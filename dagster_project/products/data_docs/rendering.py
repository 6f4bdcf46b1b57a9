"""Great Expectations' renderers: what the suites found in one table, as the body of a page.

Only its documented parts are used: the page renderer, the rendered components and the page view, whose templates are
replaced by ours. Importing it takes about 8 s, so it is imported inside functions only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster_project.gates.findings import NO_FIGURES, SuiteResult
from dagster_project.gates.validate import import_gx
from dagster_project.products.measured import Figures, measured
from dagster_project.products.words import SEVERITY_VERBS

PAGE_TEMPLATE, INDEX_TEMPLATE = "page.html", "index.html"


class Renderer:
    """Renders pages with the templates of a folder; tables, headers and icons stay Great Expectations' own."""

    def __init__(self, templates: Path) -> None:
        import_gx()
        from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
        from great_expectations.render.view.view import DefaultJinjaPageView

        self._results = ValidationResultsPageRenderer(run_info_at_end=True)
        self._view = DefaultJinjaPageView(custom_views_directory=str(templates))

    def page(self, title: str, group: Sequence[SuiteResult], **values: Any) -> str:
        """The page of the suites that judged one table. values: of the page template."""
        document = _document(self._results, title, group)
        return str(self._view.render(document, template=PAGE_TEMPLATE, **values))

    def index(self, **values: Any) -> str:
        """The page that leads to the others. values: of its template."""
        return self._view.env.get_template(INDEX_TEMPLATE).render(**values)


def _document(renderer: Any, title: str, group: Sequence[SuiteResult]) -> Any:
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
    return RenderedDocumentContent(sections=sections, renderer_type="ValidationResultsPageRenderer", page_title=title)


def _rows(renderer: Any, suite: SuiteResult) -> list[list[Any]]:
    """Great Expectations' table rows of one suite in Swedish, [status, expectation, observed]; failures first."""
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema

    by_id = {result["expectation_config"]["meta"]["id"]: result for result in suite.results}
    loaded = expectationSuiteValidationResultSchema.load(
        {
            "success": all(result["success"] for result in suite.results),
            "results": [{k: v for k, v in result.items() if k != "figures"} for result in suite.results],
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
    return [
        [status_cells[name], _explanation(result), _text("span", "$uppmatt", uppmatt=observed(suite.suite, result))]
        for name, result in ordered
    ]


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
        _text("span", "$severity", ["marke", severity], severity=SEVERITY_VERBS[severity]),
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


def observed(suite: str, result: Mapping[str, Any]) -> str:
    """What was measured. `figures` are the outcome's (`Findings.tell`)."""
    figures = Figures(suite, result["expectation_config"]["meta"]["id"], **result.get("figures", NO_FIGURES))
    return measured(figures) or "–"


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
