"""What the gates' outcomes mean for publishing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import CRITICAL, DELIVERY, DRIFT, GOOD, RESULTS, STAGING, WARNED, WARNING
from dagster_project.gates.named import partial_months
from dagster_project.gates.outcomes import Outcome, read_outcomes
from dagster_project.gates.parameters import suite_parameters
from dagster_project.gates.suites import gate_tables
from dagster_project.runs.folder import DELIVERY_DATABASE, INDICATORS, PARTIAL_MONTHS, RunFolder
from dagster_project.runs.identity import RunIdentity


@dataclass(frozen=True)
class Decision:
    """What the first two gates mean for publishing.

    held_back: indicator id -> the sources that hold it back. warned: indicator ids published with quality varning.
    failed, doubted: the sources that do so.
    """

    held_back: dict[str, list[str]]
    warned: set[str]
    failed: set[str]
    doubted: set[str]

    def quality(self, indicator: str) -> str:
        return WARNED if indicator in self.warned else GOOD

    def quality_of(self, source: str) -> str:
        """The quality of what is published of a source itself, when it is not held back."""
        return WARNED if source in self.doubted else GOOD


def decide(outcomes: Sequence[Outcome]) -> Decision:
    """A source's critical failure holds back exactly the indicators that read it; its warnings mark them.

    Only the first two gates decide: the results gate judges all results at once (`stop_reason`). A change in deliveries
    marks nothing by itself, unless its expectation says so (`Outcome.marks`).
    """
    failed = [o for o in outcomes if not o.success and o.gate != RESULTS]
    critical = {o.source for o in failed if o.consequence == CRITICAL}
    warning = {o.source for o in failed if o.consequence == WARNING and o.marks}
    indicators = load_catalogue()
    return Decision(
        held_back={i.id: held for i in indicators if (held := [s for s in i.sources if s in critical])},
        warned={i.id for i in indicators if warning & set(i.sources)},
        failed=critical,
        doubted=warning,
    )


def stop_reason(outcomes: Sequence[Outcome]) -> str | None:
    """Why nothing may be published: the results gate failed; None when it passed or did not judge yet."""
    failed = [o for o in outcomes if o.gate == RESULTS and not o.success and o.consequence == CRITICAL]
    if failed:
        return f"Resultatgrinden underkände {failed[0].expectation} ({failed[0].titel}). {failed[0].atgard}"
    return None


def write_decision(folder: RunFolder, identity: RunIdentity) -> Decision:
    """Decide from the kept outcomes of the first two gates; write the run tables `indicators` and `partial_months`."""
    outcomes = [o for gate in (DELIVERY, STAGING) for o in read_outcomes(folder, gate, identity.run_id)]
    decision = decide(outcomes)
    rows = [
        {"indicator_id": i.id, "held_back": i.id in decision.held_back, "kvalitet": decision.quality(i.id)}
        for i in load_catalogue()
    ]
    folder.write(INDICATORS, pl.DataFrame(rows))
    parameters = suite_parameters(gate_tables()[DRIFT], identity.as_of, identity.parameters)
    folder.write(PARTIAL_MONTHS, partial_months(folder.data.run / DELIVERY_DATABASE, outcomes, parameters))
    return decision
