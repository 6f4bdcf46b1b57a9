"""What to do: one card per thing that failed, the gravest first.

A warning and a stop of the same measure (`products.measured.measure_of`) are one card. A card says what failed, what it
does to publishing, where it is seen, what to do and whom to ask, and has the line that would waive it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.vocabulary import CRITICAL, DRIFT, INFO, RESULTS, WARNING
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import decide
from dagster_project.gates.outcomes import GATE_TITLES, Outcome
from dagster_project.gates.waivers import COLUMNS, may_be_waived
from dagster_project.products.data_docs.pages import page_of
from dagster_project.products.measured import by_measure, leads_to, measured
from dagster_project.products.names import source_title, with_unit_names
from dagster_project.products.steward_page.checks import FAILED

REASONS_LINKED = 5
"""So many of a source's quarantine groups are named on a card."""


def cards_view(
    data: DataPaths,
    outcomes: Sequence[Outcome],
    titles: Mapping[str, str],
    sources: Mapping[str, Mapping[str, Any]],
    quarantine: Mapping[str, Any] | None,
    units: Mapping[str, str],
) -> list[dict[str, Any]]:
    """This run's failures as cards.

    titles: indicator -> title. sources: `sources_view`, by source. quarantine: `quarantine_view`. units: HSA-id ->
    name.
    """
    indicators = load_catalogue()
    held = decide(outcomes).held_back
    groups = {s["name"]: s["groups"] for s in quarantine["sources"]} if quarantine else {}
    cards = []
    for together in by_measure(outcomes):
        o = together[0]
        effect, touched = _effect(o, held, indicators)
        page = page_of(data, o.gate, o.source)
        found = with_unit_names(measured(o), units)
        place = leads_to(o.suite, o.expectation)
        status, word, sign = FAILED[o.severity]
        contract = load_contracts().get(o.source)
        cards.append(
            {
                "status": status,
                "word": word,
                "sign": sign,
                "gate": GATE_TITLES[o.gate],
                "source": o.source,
                "name": source_title(o.source),
                "heading": found[:1].upper() + found[1:] if found else o.titel,
                "title": o.titel if found else "",
                "also": [(FAILED[m.severity][1], m.titel, measured(m)) for m in together[1:]],
                "meaning": o.betydelse,
                "action": o.atgard,
                "waiver": o.undantag,
                "counts_as": FAILED[o.consequence][1],
                "effect": effect,
                "touched": [titles.get(i, i) for i in touched],
                "everything": len(touched) == len(indicators),
                "page": page if page.exists() else None,
                "groups": groups.get(o.source, [])[:REASONS_LINKED] if place == "quarantine" else [],
                "groups_left_out": max(0, len(groups.get(o.source, [])) - REASONS_LINKED),
                "delivered": sources.get(o.source) if place == "deliveries" else None,
                "owner": contract.owner if contract else None,
                "contact": contract.contact if contract else None,
                "waiver_lines": [_waiver_line(m) for m in together if _may_get_waiver(m)],
            }
        )
    return cards


def _may_get_waiver(outcome: Outcome) -> bool:
    useful = outcome.severity != INFO  # a note is a note with a waiver, too
    return useful and outcome.undantag is None and may_be_waived(outcome.gate, outcome.severity)


def _waiver_line(outcome: Outcome) -> str:
    """The line of the waiver file, ready but for reason, who approves and the last day: empty cells are refused."""
    known = {"suite": outcome.suite, "expectation": outcome.expectation, "source": outcome.source}
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([known.get(column, "") for column in COLUMNS])
    return line.getvalue()


def _effect(
    failure: Outcome, held: Mapping[str, Sequence[str]], indicators: Sequence[Indicator]
) -> tuple[str, list[str]]:
    """What a failure does to publishing, in words, and to which indicators (ids). held: those held back -> sources."""
    reads = [i.id for i in indicators if failure.source in i.sources]
    if failure.gate == RESULTS:
        stops = failure.consequence == CRITICAL
        return "Ingenting publiceras." if stops else "Hindrar inte publiceringen.", []
    if failure.consequence == CRITICAL:
        return "Håller tillbaka", reads
    if failure.consequence == WARNING and not failure.marks:
        return "Ändrar inget i publiceringen: något att fråga om.", []
    if failure.consequence == WARNING:
        marked = [i for i in reads if i not in held]
        nothing = "Märker inget: källans indikatorer hålls redan tillbaka."
        partial = "Månadens celler är preliminära. " if failure.gate == DRIFT else ""
        return partial + "Märker med varning" if marked else nothing, marked
    return "Ändrar inget i publiceringen.", []
