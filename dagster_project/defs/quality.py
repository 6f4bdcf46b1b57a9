"""The gates as asset checks: one per expectation, and a blocking check `gate` where the run must wait or stop."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import CRITICAL, DELIVERY, FAILED, INFO, RESULTS, STAGING, WARNING
from dagster_project.defs.common import OWNERS, Folders, names, page, told
from dagster_project.disclosure.step import hide_cells
from dagster_project.gates.decision import decide, write_decision
from dagster_project.gates.outcomes import Outcome, source_outcome
from dagster_project.gates.run import run_gate
from dagster_project.gates.suites import RESULT_TABLE, SUITES, gate_tables, suites_for
from dagster_project.products.data_docs.pages import page_of

BLOCKING = "gate"
_SEVERITY = {
    CRITICAL: dg.AssetCheckSeverity.ERROR,
    WARNING: dg.AssetCheckSeverity.WARN,
    INFO: dg.AssetCheckSeverity.WARN,
}

Keys = Mapping[str, dg.AssetKey]
"""Source -> the asset that a gate judges it by."""


def _specs(gate: str, keys: Keys) -> list[dg.AssetCheckSpec]:
    """Descriptions are what stewards read: Swedish, as in the suites."""
    specs = []
    for source, key in keys.items():
        specs.append(dg.AssetCheckSpec(BLOCKING, asset=key, blocking=True, description="Får körningen gå vidare?"))
        for suite in suites_for(SUITES, gate, source):
            specs += [
                dg.AssetCheckSpec(
                    e["meta"]["id"],
                    asset=key,
                    description=f"{e['meta']['titel']}. {e['meta']['betydelse']}",
                    metadata={"suite": suite.name, "severity": e["severity"]},
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


def _figures(outcome: Outcome) -> dict[str, Any]:
    """What was measured; a number is a number, so that Dagster draws its trend."""
    observed: str | float | None = outcome.observed
    if observed is not None:
        with contextlib.suppress(ValueError):  # a text is shown as it is
            observed = float(observed)
    figures = {
        "prövade": outcome.checked,
        "avviker": outcome.unexpected,
        "andel": outcome.share,
        "observerat": observed,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _check_results(
    outcomes: Sequence[Outcome], keys: Keys, folders: Folders, stops: set[str]
) -> Iterator[dg.AssetCheckResult]:
    """`stops`: sources whose critical failure stops the run; elsewhere it holds back indicators (`gates.decision`)."""
    held_back = decide(outcomes).held_back
    for source, key in keys.items():
        held = sorted(i for i, sources in held_back.items() if source in sources)
        outcome = source_outcome(outcomes, source)
        yield dg.AssetCheckResult(
            passed=source not in stops or outcome != FAILED,
            asset_key=key,
            check_name=BLOCKING,
            metadata={"utfall": outcome, "håller tillbaka": ", ".join(held) or "inget"},
        )
    for o in outcomes:
        yield dg.AssetCheckResult(
            passed=o.success,
            asset_key=keys[o.source],
            check_name=o.expectation,
            severity=_SEVERITY[o.consequence],
            description=_told(o),
            metadata=_figures(o) | {"datadokumentation": page(page_of(folders.data, o.gate, o.source))},
        )


def _gate_check(gate: str, keys: Keys, stops: set[str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs(gate, keys), name=f"gate_{gate}")
    @told
    def check(folders: dg.ResourceParam[Folders]) -> Iterator[dg.AssetCheckResult]:
        outcomes = run_gate(gate, folders.run, folders.identity)
        yield from _check_results(outcomes, keys, folders, stops)

    return check


def gate_checks(models: Keys) -> list[dg.AssetChecksDefinition]:
    """The three gates; `models`: name of every dbt model -> its asset.

    A source's critical failure holds back its indicators and lets the others through; only bad results stop the run.
    """
    tables = gate_tables()
    return [
        _gate_check(DELIVERY, {source: dg.AssetKey(["bronze", source]) for source in tables[DELIVERY]}, set()),
        _gate_check(STAGING, {source: models[table] for source, table in tables[STAGING].items()}, set()),
        _gate_check(RESULTS, {source: models[table] for source, table in tables[RESULTS].items()}, {RESULT_TABLE}),
    ]


def decision_assets(models: Keys) -> list[dg.AssetsDefinition]:
    """What is decided between dbt's builds: which indicators are held back, and which cells are hidden."""
    judged = [key for table in gate_tables()[STAGING].values() for key in [models[table]]]

    @dg.asset(
        key=["run", "indicators"],
        deps=[*(["bronze", source] for source in gate_tables()[DELIVERY]), *judged],
        group_name="gates",
        owners=OWNERS,
        kinds={"parquet"},
        description="Which indicators the gates hold back, and with what quality the others are published.",
    )
    @told
    def indicators(folders: dg.ResourceParam[Folders]) -> dg.MaterializeResult:
        decision = write_decision(folders.run, folders.identity.run_id)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(load_catalogue()),
                "held_back": names(decision.held_back),
                "with_warning": names(decision.warned),
            }
        )

    @dg.asset(
        key=["run", "hidden_cells"],
        deps=[models["cells"]],
        group_name="disclosure",
        owners=OWNERS,
        kinds={"polars", "parquet"},
        description="Disclosure control: which cells are hidden, so that no small number is shown or can be computed.",
    )
    @told
    def hidden_cells(folders: dg.ResourceParam[Folders]) -> dg.MaterializeResult:
        hidden = hide_cells(folders.run, folders.identity)
        return dg.MaterializeResult(metadata={"dagster/row_count": hidden.height})

    return [indicators, hidden_cells]
