"""A run as OpenLineage events: which datasets came of which, from the delivered file to the published table.

Made after the run from its log, ledger, dbt's manifest and the release, and handed to the transports of OpenLineage's
own client (a file, an address). Events hold names, counts, times and outcomes: no value of a row. Datasets have the
names that they have in Dagster (`bronze/kva`, `sources/stg_kva`, `run/hidden_cells`); deliveries are `raw/<file>` and
published tables `published/<table>`, whose version is the release.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from dagster_project.catalogue.vocabulary import DELIVERY, DRIFT, RESULT_TABLE
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.gates.suites import gate_tables
from dagster_project.operations.settings import LINEAGE_KEY_VARIABLE, Lineage
from dagster_project.operations.stages import PUBLISHING
from dagster_project.releases.store import Release
from dagster_project.releases.tables import INDICATOR_TABLE, SIGNAL_TABLE
from dagster_project.runs.folder import (
    HIDDEN_CELLS,
    INDICATORS,
    LEDGER,
    PARAMETERS,
    PARTIAL_MONTHS,
    QUARANTINE,
    REFUSED,
    REPLACED,
)
from dagster_project.runs.history import CheckRecord, RunRecord
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.log import INGESTION, Line

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

DAILY_RUN = "daily_run"
PRODUCER = "urn:resultattavla"
SEND_SECONDS = 10.0
_SETTLED = (LEDGER, QUARANTINE, REFUSED, REPLACED, PARAMETERS)
_DECIDED = (INDICATORS, PARTIAL_MONTHS)


@dataclass(frozen=True)
class Dataset:
    """A dataset of an event. rows: written, of an output. columns: name, type, description. version: of a release."""

    name: str
    rows: int | None = None
    columns: tuple[tuple[str, str | None, str | None], ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    version: str | None = None


@dataclass(frozen=True)
class JobRun:
    """One step or part of a step as it went, with what it read and made."""

    job: str
    ended: datetime
    seconds: float
    inputs: Sequence[Dataset] = ()
    outputs: Sequence[Dataset] = ()
    error: str | None = None

    @property
    def began(self) -> datetime:
        return self.ended - timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Models:
    """dbt's models and seeds by name, as datasets, and the datasets that each of them reads."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    reads: Mapping[str, tuple[Dataset, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Models:
        """Of dbt's manifest."""
        nodes = {key: n for key, n in manifest["nodes"].items() if n["resource_type"] in ("model", "seed")}
        known = {key: _of_node(node) for key, node in nodes.items()}
        known |= {key: Dataset(f"{s['source_name']}/{s['name']}") for key, s in manifest["sources"].items()}
        return cls(
            {node["name"]: known[key] for key, node in nodes.items()},
            {
                node["name"]: tuple(known[k] for k in node.get("depends_on", {}).get("nodes", ()) if k in known)
                for node in nodes.values()
            },
        )


def _of_node(node: Mapping[str, Any]) -> Dataset:
    layer = "seeds" if node["resource_type"] == "seed" else node["fqn"][1]
    columns = tuple((c["name"], c.get("data_type"), c.get("description") or None) for c in node["columns"].values())
    return Dataset(f"{layer}/{node['name']}", columns=columns)


def job_runs(
    record: RunRecord,
    lines: Iterable[Line],
    deliveries: Sequence[Delivery],
    models: Models,
    release: Release | None,
) -> list[JobRun]:
    """The run and its steps, in the order in which they ended, the run itself last.

    lines: of its log. deliveries: of its ledger. release: what it published, None where it published nothing.
    """
    lines = [line for line in lines if line.run == record.started and line.ended]
    runs = [run for line in lines for run in _of_line(line, record, models, release)]
    runs += _readings(lines, deliveries)
    ended = max((run.ended for run in runs), default=datetime.fromisoformat(record.started))
    seconds = (ended - datetime.fromisoformat(record.started)).total_seconds()
    whole = JobRun(DAILY_RUN, ended, seconds, (), _published(release), mask(record.error) if record.error else None)
    return [*sorted(runs, key=lambda run: run.ended), whole]


def _readings(lines: Sequence[Line], deliveries: Sequence[Delivery]) -> Iterator[JobRun]:
    """A job per source of which files were read in this run: from them to its rows in bronze."""
    by_id = {(d.source, d.id): d for d in deliveries}
    read = [line for line in lines if line.step == INGESTION and line.source]
    for source in dict.fromkeys(line.source for line in read if line.source):
        parts = [line for line in read if line.source == source]
        found = [d for line in parts if (d := by_id.get((source, line.part or ""))) is not None]
        first = min(_ended(line) - timedelta(seconds=line.seconds) for line in parts)
        ended = max(map(_ended, parts))
        yield JobRun(
            f"{INGESTION}.{source}",
            ended,
            (ended - first).total_seconds(),
            # A file name is the only free text that comes from outside.
            [Dataset(f"raw/{mask(d.file)}", rows=d.rows_read) for d in found],
            [Dataset(f"bronze/{source}", rows=sum(d.rows_accepted for d in found))],
            next((line.error for line in parts if line.error), None),
        )


def _of_line(line: Line, record: RunRecord, models: Models, release: Release | None) -> Iterator[JobRun]:
    def run(job: str, inputs: Iterable[Dataset], outputs: Iterable[Dataset]) -> JobRun:
        return JobRun(job, _ended(line), line.seconds, tuple(inputs), tuple(outputs), line.error)

    bronze = [Dataset(f"bronze/{source}") for source in gate_tables()[DELIVERY]]
    if line.step == INGESTION and line.part == "settle":
        yield run(f"{INGESTION}.settle", bronze, (Dataset(f"run/{name}") for name in _SETTLED))
    elif line.step.startswith("gate_") and line.source:
        judged = _judged(line.step.removeprefix("gate_"), line.source, record, models)
        yield run(f"{line.step}.{line.source}", [judged], ())
    elif line.step.startswith("dbt_") and line.part and line.part in models.datasets:
        made = models.datasets[line.part]
        yield run(f"{line.step}.{line.part}", models.reads[line.part], [Dataset(made.name, line.rows, made.columns)])
    elif line.step == f"run__{INDICATORS}" and line.whole:
        yield run(line.step, bronze, (Dataset(f"run/{name}") for name in _DECIDED))
    elif line.step == f"run__{HIDDEN_CELLS}" and line.whole:
        yield run(line.step, [_model(models, "cells")], [Dataset(f"run/{HIDDEN_CELLS}")])
    elif line.step == PUBLISHING and line.whole:
        made_of = [_model(models, name) for name in (RESULT_TABLE, INDICATOR_TABLE, SIGNAL_TABLE)]
        yield run(line.step, made_of, _published(release))


def _judged(gate: str, source: str, record: RunRecord, models: Models) -> Dataset:
    """What a gate judges of a source, with what it found."""
    checks = tuple(c for c in record.checks if c.gate == gate and c.source == source)
    name = f"bronze/{source}" if gate in (DELIVERY, DRIFT) else _model(models, gate_tables()[gate][source]).name
    return Dataset(name, checks=checks)


def _model(models: Models, name: str) -> Dataset:
    return Dataset(models.datasets[name].name if name in models.datasets else name)


def _published(release: Release | None) -> list[Dataset]:
    if release is None:
        return []
    tables = {
        name.removesuffix(".parquet"): f for name, f in release.manifest.files.items() if name.endswith(".parquet")
    }
    return [
        Dataset(f"published/{table}", rows=file["rows"], version=release.id) for table, file in sorted(tables.items())
    ]


def _ended(line: Line) -> datetime:
    assert line.ended is not None
    return datetime.fromisoformat(line.ended)


# --- As events ------------------------------------------------------------------------------------------------------


def events(runs: Sequence[JobRun], namespace: str, started: str) -> list[RunEvent]:
    """Each job's START and COMPLETE (or FAIL), the daily run's around all others'. started: the run's (its record)."""
    from openlineage.client.event_v2 import RunState

    whole = runs[-1]
    found = [event for run in runs[:-1] for event in _both(run, whole, namespace, started)]
    first = _event(RunState.START, whole, None, namespace, started)
    last = _event(RunState.FAIL if whole.error else RunState.COMPLETE, whole, None, namespace, started)
    return [first, *found, last]


def _both(run: JobRun, parent: JobRun, namespace: str, started: str) -> Iterator[RunEvent]:
    from openlineage.client.event_v2 import RunState

    yield _event(RunState.START, run, parent, namespace, started)
    yield _event(RunState.FAIL if run.error else RunState.COMPLETE, run, parent, namespace, started)


def _run_id(namespace: str, started: str, job: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{PRODUCER}/{namespace}/{started}/{job}"))


def _event(state: Any, run: JobRun, parent: JobRun | None, namespace: str, started: str) -> RunEvent:
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import error_message_run, output_statistics_output_dataset, parent_run

    facets: dict[str, Any] = {}
    if parent is not None:
        facets["parent"] = parent_run.ParentRunFacet(
            parent_run.Run(_run_id(namespace, started, parent.job)),
            parent_run.Job(namespace, parent.job),
            producer=PRODUCER,
        )
    begins = state == RunState.START
    if run.error and not begins:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(run.error, "Python", producer=PRODUCER)
    outputs = [
        OutputDataset(
            namespace,
            dataset.name,
            facets=_facets(dataset),
            outputFacets={
                "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                    rowCount=dataset.rows, producer=PRODUCER
                )
            }
            if dataset.rows is not None
            else {},
        )
        for dataset in run.outputs
    ]
    return RunEvent(
        eventTime=(run.began if begins else run.ended).isoformat(),
        producer=PRODUCER,
        run=Run(_run_id(namespace, started, run.job), facets=facets),
        job=Job(namespace, run.job),
        eventType=state,
        inputs=[]
        if begins
        else [InputDataset(namespace, d.name, facets=_facets(d), inputFacets=_found(d)) for d in run.inputs],
        outputs=[] if begins else outputs,
    )


def _facets(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset, schema_dataset

    found: dict[str, Any] = {}
    if dataset.columns:
        fields = [schema_dataset.SchemaDatasetFacetFields(*column) for column in dataset.columns]
        found["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
    if dataset.version:
        version = dataset_version_dataset.DatasetVersionDatasetFacet(dataset.version, producer=PRODUCER)
        found["version"] = version
    return found


def _found(dataset: Dataset) -> dict[str, Any]:
    """What a gate found in a dataset: the expectation and whether it held, nothing of what it saw."""
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    if not dataset.checks:
        return {}
    checks = [
        quality.Assertion(assertion=f"{c.suite}/{c.expectation}", success=c.success, severity=c.consequence)
        for c in dataset.checks
    ]
    return {"dataQualityAssertions": quality.DataQualityAssertionsDatasetFacet(checks, producer=PRODUCER)}


# --- Sent -----------------------------------------------------------------------------------------------------------


def send(found: Sequence[RunEvent], settings: Lineage) -> list[str]:
    """Append the events to the file and post them to the address that the settings name; a sentence for each of the
    two that did not take all of them."""
    trouble = []
    if settings.file is not None:
        try:
            _to_file(found, settings)
        except (OSError, RuntimeError) as error:  # the client's own error is a RuntimeError
            trouble.append(
                f"Härkomsten kunde inte skrivas till {settings.file} ({type(error).__name__}, lineage.file)."
            )
    if settings.address is not None:
        try:
            _to_address(found, settings)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            trouble.append(
                f"Härkomsten kunde inte skickas till {settings.address.host} ({type(error).__name__}, "
                "lineage.address): utgåvan berörs inte, nästa körning skickar sin egen."
            )
    return trouble


def _to_file(found: Sequence[RunEvent], settings: Lineage) -> None:
    from openlineage.client.transport.file import FileConfig, FileTransport

    assert settings.file is not None
    settings.file.parent.mkdir(parents=True, exist_ok=True)
    transport = FileTransport(FileConfig(log_file_path=str(settings.file), append=True))
    for event in found:
        transport.emit(event)


def _to_address(found: Sequence[RunEvent], settings: Lineage) -> None:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    # The transports alone: the client around them would read files and variables of its own besides our settings.
    key = os.environ.get(LINEAGE_KEY_VARIABLE)
    auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
    config = HttpConfig(url=str(settings.address), timeout=SEND_SECONDS, auth=auth, retry={"total": 1})
    transport = HttpTransport(config)
    try:
        for event in found:
            transport.emit(event)
    finally:
        transport.close()


def tell_lineage(
    data: DataPaths,
    settings: Lineage,
    record: RunRecord,
    lines: Iterable[Line],
    deliveries: Sequence[Delivery],
    release: Release | None,
) -> list[str]:
    """Send a run's events to the file and the address that the settings name; a sentence for each that failed."""
    from dagster_project.engines.dbt import project_manifest

    runs = job_runs(record, lines, deliveries, Models.of(project_manifest(data)), release)
    return send(events(runs, settings.namespace, record.started), settings)
