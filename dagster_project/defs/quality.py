"""The gates as asset checks: one per expectation, and a blocking check `grind` where the run must wait or stop."""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.defs.common import OWNERS, Folders, page, told
from dagster_project.gates.decision import (
    RESULT_TABLE,
    RESULT_TABLES,
    SUITES,
    catalogue,
    data_docs,
    decide,
    run_gate,
    source_outcome,
    write_decision,
)
from dagster_project.gates.validate import Outcome, suites_for
from dagster_project.runs.identity import RunState

BLOCKING = "grind"
_SEVERITY = {
    "critical": dg.AssetCheckSeverity.ERROR,
    "warning": dg.AssetCheckSeverity.WARN,
    "info": dg.AssetCheckSeverity.WARN,
}


def _specs(gate: str, key: Callable[[str], dg.AssetKey], sources: Sequence[str]) -> list[dg.AssetCheckSpec]:
    specs = []
    for source in sources:
        specs.append(
            dg.AssetCheckSpec(
                BLOCKING, asset=key(source), blocking=True, description="May the run go on behind this table?"
            )
        )
        for suite in suites_for(SUITES, gate, source):
            specs += [
                dg.AssetCheckSpec(
                    e["meta"]["id"],
                    asset=key(source),
                    description=f"{e['meta']['titel']}. {e['meta']['betydelse']}",
                    metadata={"svit": suite.name, "allvar": e["severity"]},
                )
                for e in suite.expectations
            ]
    return specs


def _told(outcome: Outcome) -> str:
    """What an analyst reads of a check: the rule; when it failed, what to do, and the waiver that covers it."""
    if outcome.success:
        return outcome.titel
    waiver = f" Undantag {outcome.undantag}." if outcome.undantag else ""
    return f"{outcome.titel}: nej. {outcome.atgard}{waiver}"


def _check_results(
    outcomes: Sequence[Outcome], key: Callable[[str], dg.AssetKey], folders: Folders, stops: set[str]
) -> Iterator[dg.AssetCheckResult]:
    """`stops`: sources whose critical failure stops the run; elsewhere it holds back indicators (`gates.decide`)."""
    held_back = decide(outcomes).held_back
    for source in dict.fromkeys(o.source for o in outcomes):
        held = sorted(i for i, sources in held_back.items() if source in sources)
        yield dg.AssetCheckResult(
            passed=source not in stops or source_outcome(outcomes, source) != "underkand",
            asset_key=key(source),
            check_name=BLOCKING,
            metadata={"utfall": source_outcome(outcomes, source), "håller tillbaka": ", ".join(held) or "inget"},
        )
    for o in outcomes:
        numbers = {"prövade": o.checked, "avviker": o.unexpected, "andel": o.share, "observerat": o.observed}
        yield dg.AssetCheckResult(
            passed=o.success,
            asset_key=key(o.source),
            check_name=o.expectation,
            severity=_SEVERITY[o.consequence],
            description=_told(o),
            metadata={k: v for k, v in numbers.items() if v is not None}
            | {"datadokumentation": page(data_docs(folders.paths) / o.gate / f"{o.source}.html")},
        )


def _gate_check(
    gate: str, key: Callable[[str], dg.AssetKey], sources: Sequence[str], stops: set[str]
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs(gate, key, sources), name=f"grind_{gate}")
    @told
    def check(folders: Folders) -> Iterator[dg.AssetCheckResult]:
        outcomes = run_gate(gate, folders.paths, RunState.read(folders.paths))
        yield from _check_results(outcomes, key, folders, stops)

    return check


SOURCES = list(load_contracts())
# A source's critical failure holds back its indicators and lets the others through; only bad results stop the run.
delivery_gate = _gate_check("leverans", lambda s: dg.AssetKey(["bronze", s]), SOURCES, set())
staging_gate = _gate_check("staging", lambda s: dg.AssetKey(["staging", f"stg_{s}"]), SOURCES, set())
results_gate = _gate_check(
    "resultat",
    lambda s: dg.AssetKey(["marts" if s == RESULT_TABLE else "intermediate", RESULT_TABLES[s]]),
    list(RESULT_TABLES),
    {RESULT_TABLE},
)


@dg.asset(
    key=["korning", "indikatorer"],
    deps=[*(["bronze", s] for s in SOURCES), *(["staging", f"stg_{s}"] for s in SOURCES)],
    group_name="kvalitet",
    owners=OWNERS,
    kinds={"parquet"},
    description="Which indicators the gates hold back, and with what quality the others are published.",
)
@told
def indicators(folders: Folders) -> dg.MaterializeResult:
    """Decide from the outcomes of the first two gates."""
    decision = write_decision(folders.paths, RunState.read(folders.paths))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(catalogue()),
            "hålls tillbaka": ", ".join(sorted(decision.held_back)) or "inga",
            "med varning": ", ".join(sorted(decision.warned)) or "inga",
        }
    )
