"""`metrics.prom`: what a release and the runs came to, for Prometheus (node_exporter's textfile collector reads it)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from dagster_project.catalogue.vocabulary import ACCEPTED
from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import RunRecord, read_records
from dagster_project.runs.log import AFTER_THE_JOB, Line, by_source, read_log

PREFIX = "resultattavla_"


@dataclass(frozen=True)
class Metric:
    """One metric, a gauge: its name without the prefix, what it is, and (labels, value) of each of its series."""

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def metrics(reading: Reading, record: RunRecord | None, steps: Sequence[Line] = ()) -> Iterator[Metric]:
    """The metrics of a release, and of the run that came to its end last. No number of a cell is among them.

    steps: the lines of that run's log.
    """
    release = reading.release
    manifest = release.manifest
    about = {"release_id": release.id, "as_of": release.as_of, "code_version": manifest.code_version}
    yield Metric("release_info", "The release that is exported.", ((about, 1),))
    yield Metric("release_as_of_timestamp_seconds", "Its as-of date.", (({}, _seconds(release.as_of)),))
    if manifest.published:
        published = datetime.fromisoformat(manifest.published).timestamp()
        yield Metric("release_published_timestamp_seconds", "When it was published.", (({}, published),))
    rows = tuple(
        ({"table": name.removesuffix(".parquet")}, float(file["rows"]))
        for name, file in sorted(manifest.files.items())
        if name.endswith(".parquet")
    )
    yield Metric("release_rows", "Rows of each of its tables.", rows)
    statuses = reading.results.group_by("status").len().sort("status")
    yield Metric(
        "release_cells",
        "Its cells by status.",
        tuple(({"status": status}, float(count)) for status, count in statuses.iter_rows()),
    )
    yield from _sources(reading)
    held_back = sorted({source for sources in release.held_back.values() for source in sources})
    yield Metric(
        "source_held_back",
        "1 for a source whose deliveries were not accepted, so that the indicators that read it were not computed.",
        tuple(({"source": source}, float(source in held_back)) for source in sorted({*manifest.sources, *held_back})),
    )
    yield Metric("indicators_held_back", "Indicators that were not computed.", (({}, float(len(release.held_back))),))
    yield Metric("indicators_frozen", "Those that show an older release.", (({}, float(len(release.frozen))),))
    if record is not None:
        started = datetime.fromisoformat(record.started).timestamp()
        yield Metric("run_started_timestamp_seconds", "When the last finished run began.", (({}, started),))
        yield Metric("run_exit_code", "Its exit code: 0 all published, 2 partly, 1 nothing.", (({}, record.exit_code),))
        if record.seconds is not None:
            yield Metric("run_seconds", "How long its job took.", (({}, record.seconds),))
        failed = sum(not check.success for check in record.checks)
        yield Metric("run_expectations_failed", "Expectations that failed in it, waived ones too.", (({}, failed),))
        yield Metric(
            "run_deliveries_overdue", "Deliveries that should have come by then.", (({}, len(record.overdue)),)
        )
        yield from _steps(steps)


_OF_STEPS: tuple[tuple[str, str, Callable[[Line], float | None]], ...] = (
    ("run_step_seconds", "How long each of its steps took, and of it each source.", lambda line: line.seconds),
    ("run_step_cpu_seconds", "Processor time of the run meanwhile.", lambda line: line.cpu_seconds),
    ("run_step_peak_bytes", "The most memory that the run held meanwhile.", lambda line: line.peak_bytes),
    ("run_step_rows", "Rows that it read, judged or made.", lambda line: line.rows),
)


def _steps(lines: Sequence[Line]) -> Iterator[Metric]:
    """The job's steps by source (source "": the whole step), as far as the run has come: what is made after the job,
    this file too, is not among them."""
    told = [line for line in by_source(lines) if line.part is None and line.step not in AFTER_THE_JOB]
    for name, text, value in _OF_STEPS:
        found = [(line, value(line)) for line in told]
        samples = tuple(
            ({"step": line.step, "source": line.source or ""}, float(number))
            for line, number in found
            if number is not None
        )
        if samples:
            yield Metric(name, text, samples)


def _sources(reading: Reading) -> Iterator[Metric]:
    ledger = reading.ledger.filter(pl.col("status") == ACCEPTED)
    columns = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")
    sources = list(
        ledger.group_by("source")
        .agg(
            pl.col("uttagsdatum").max(),
            pl.len().alias("deliveries"),
            *(pl.col(n).sum() for n in columns),
        )
        .sort("source")
        .iter_rows(named=True)
    )
    as_of = date.fromisoformat(reading.release.as_of)

    def of_each(name: str, text: str, values: Iterable[float]) -> Metric:
        series = zip(sources, values, strict=True)
        return Metric(name, text, tuple(({"source": row["source"]}, float(value)) for row, value in series))

    newest = [row["uttagsdatum"] for row in sources]
    yield of_each(
        "source_newest_delivery_timestamp_seconds",
        "Extraction date of a source's newest accepted delivery.",
        [_seconds(str(day)) for day in newest],
    )
    yield of_each("source_age_days", "Its age on the release's as-of date.", [(as_of - day).days for day in newest])
    yield of_each("source_deliveries", "Accepted deliveries.", [row["deliveries"] for row in sources])
    kinds = ("read", "accepted", "quarantined", "duplicate")
    yield Metric(
        "source_rows",
        "Rows of accepted deliveries by what came of them; quarantined: also those that were corrected later.",
        tuple(
            ({"source": row["source"], "kind": kind}, float(row[name]))
            for row in sources
            for kind, name in zip(kinds, columns, strict=True)
        ),
    )


def _seconds(day: str) -> float:
    """Midnight (UTC) of a day, as Prometheus counts time."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def text(found: Iterable[Metric]) -> str:
    """In Prometheus' text format (0.0.4)."""
    lines: list[str] = []
    for metric in found:
        name = PREFIX + metric.name
        lines += [f"# HELP {name} {_escaped(metric.help)}", f"# TYPE {name} gauge"]
        for labels, value in metric.samples:
            shown = ",".join(f'{key}="{_escaped(said, quotes=True)}"' for key, said in labels.items())
            number = repr(float(value)).removesuffix(".0")
            lines.append(f"{name}{{{shown}}} {number}" if shown else f"{name} {number}")
    return "\n".join(lines) + "\n"


def _escaped(said: str, quotes: bool = False) -> str:
    told = said.replace("\\", "\\\\").replace("\n", "\\n")
    return told.replace('"', '\\"') if quotes else told


def write(reading: Reading, data: DataPaths, path: Path) -> None:
    """Write the file. Its folder is switched whole, so that a collector reads all of it or the one before."""
    record = next(iter(read_records(data, 1)), None)
    # The run's own log is kept with its record when the run is over, which it may not be yet.
    steps = [line for line in read_log(RunFolder(data).log) if record is not None and line.run == record.started]
    path.write_text(text(metrics(reading, record, steps)), encoding="utf-8")
