"""The gates as asset checks, one per gate and source; everything downstream waits for them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import (
    DELIVERY,
    FAILED,
    PASSED,
    RESULT_TABLE,
    RESULTS,
    STAGING,
    gravity,
    outcome_of,
)
from dagster_project.defs.common import OWNERS, Folders, names, page, step
from dagster_project.disclosure.step import hide_cells
from dagster_project.engines.dbt import get_ready
from dagster_project.gates.decision import decide, write_decision
from dagster_project.gates.outcomes import GATE_TITLES, Outcome
from dagster_project.gates.run import run_gate
from dagster_project.gates.suites import SUITES, gate_tables, suites_for
from dagster_project.products.data_docs.pages import page_of
from dagster_project.products.measured import failure_sentence, measured, trend_value
from dagster_project.products.words import SEVERITY_WORDS, SOURCE_OUTCOME_WORDS
from dagster_project.runs.folder import INDICATORS, PARTIAL_MONTHS

CHECK = "gate"
"""One check per gate and source, with its expectations in a table: every check costs Dagster's storage 30 ms."""

Keys = Mapping[str, dg.AssetKey]
"""Source -> the asset that a gate judges it by."""

_TABLE = dg.TableSchema(
    columns=[
        dg.TableColumn("kontroll"),
        dg.TableColumn("utfall"),
        dg.TableColumn("uppmätt"),
        dg.TableColumn("avviker", "int"),
        dg.TableColumn("prövade", "int"),
        dg.TableColumn("svit"),
        dg.TableColumn("förväntan"),
    ]
)


def _specs(gate: str, keys: Keys) -> list[dg.AssetCheckSpec]:
    """Descriptions are what stewards read: Swedish, as in the suites."""
    titles = {
        source: [e["meta"]["titel"] for suite in suites_for(SUITES, gate, source) for e in suite.expectations]
        for source in keys
    }
    return [
        dg.AssetCheckSpec(
            CHECK,
            asset=key,
            blocking=True,
            description=f"{GATE_TITLES[gate]}: får körningen gå vidare? {'. '.join(titles[source])}.",
            metadata={"suites": [suite.name for suite in suites_for(SUITES, gate, source)]},
        )
        for source, key in keys.items()
    ]


def _told(outcome: Outcome) -> str:
    """What an analyst reads of a failure: the rule, what to do, and the waiver that covers it."""
    waiver = f" Undantag {outcome.undantag}." if outcome.undantag else ""
    found = failure_sentence(outcome.consequence, outcome.source, outcome.titel, measured(outcome))
    return f"{found} {outcome.atgard}{waiver}"


def _observed(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What was measured, by expectation; numbers, so that Dagster draws their trends."""
    return dict(found for o in outcomes if (found := trend_value(o)) is not None)


def _record(o: Outcome) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "kontroll": o.titel,
            "utfall": SOURCE_OUTCOME_WORDS[PASSED] if o.success else SEVERITY_WORDS[o.consequence],
            "uppmätt": measured(o),
            "avviker": o.unexpected,
            "prövade": o.checked,
            "svit": o.suite,
            "förväntan": o.expectation,
        }
    )


def check_result(
    outcomes: Sequence[Outcome], held: Sequence[str], key: dg.AssetKey, stops: bool, docs: Path
) -> dg.AssetCheckResult:
    """A source's outcomes at a gate as one check. held: indicators that it holds back; stops: a critical failure stops
    the run (only severity ERROR does); elsewhere it holds back indicators and the run goes on.
    """
    failed = sorted((o for o in outcomes if not o.success), key=lambda o: gravity(o.consequence))
    passed = [o for o in outcomes if o.success]
    outcome = outcome_of(o.consequence for o in failed)
    blocks = stops and outcome == FAILED
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=key,
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description="\n".join(map(_told, failed)) or None,
        metadata={
            "utfall": SOURCE_OUTCOME_WORDS[outcome],
            "håller tillbaka": ", ".join(held) or "inget",
            "förväntningar": dg.MetadataValue.table([_record(o) for o in (*failed, *passed)], schema=_TABLE),
            "datadokumentation": page(docs),
            **_observed(outcomes),
        },
    )


def _gate_check(gate: str, keys: Keys, stops: set[str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs(gate, keys), name=f"gate_{gate}")
    @step(f"gate_{gate}")
    def check(folders: dg.ResourceParam[Folders]) -> Iterator[dg.AssetCheckResult]:
        def ready() -> None:
            if gate == DELIVERY:  # dbt builds after it
                get_ready(folders.data, folders.settings.models_on)

        outcomes = run_gate(gate, folders.run, folders.identity, folders.telling(f"gate_{gate}"), ready)
        held_back = decide(outcomes).held_back
        for source, key in keys.items():
            held = sorted(i for i, sources in held_back.items() if source in sources)
            docs = page_of(folders.data, gate, source)
            yield check_result([o for o in outcomes if o.source == source], held, key, source in stops, docs)

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

    decided = {
        INDICATORS: "Which indicators the gates hold back, and with what quality the others are published.",
        PARTIAL_MONTHS: "Months of which a source delivered only a part for a verksamhet.",
    }

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                ["run", name],
                deps=[*(["bronze", source] for source in gate_tables()[DELIVERY]), *judged],
                group_name="gates",
                owners=OWNERS,
                kinds={"parquet"},
                description=text,
            )
            for name, text in decided.items()
        ],
        name="run__indicators",
    )
    @step("run__indicators")
    def indicators(folders: dg.ResourceParam[Folders]) -> Iterator[dg.MaterializeResult]:
        decision = write_decision(folders.run, folders.identity)
        yield dg.MaterializeResult(
            ["run", INDICATORS],
            metadata={
                "dagster/row_count": len(load_catalogue()),
                "held_back": names(decision.held_back),
                "with_warning": names(decision.warned),
            },
        )
        partial = folders.run.read(PARTIAL_MONTHS)
        yield dg.MaterializeResult(["run", PARTIAL_MONTHS], metadata={"dagster/row_count": partial.height})

    @dg.asset(
        key=["run", "hidden_cells"],
        deps=[models["cells"]],
        group_name="disclosure",
        owners=OWNERS,
        kinds={"polars", "parquet"},
        description="Disclosure control: which cells are hidden, so that no small number is shown or can be computed.",
    )
    @step("run__hidden_cells")
    def hidden_cells(folders: dg.ResourceParam[Folders]) -> dg.MaterializeResult:
        hidden = hide_cells(folders.run, folders.identity)
        return dg.MaterializeResult(metadata={"dagster/row_count": hidden.height})

    return [indicators, hidden_cells]
