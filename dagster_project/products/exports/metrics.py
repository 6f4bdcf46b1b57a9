"""`metrics.prom`: what a release and the runs came to, for Prometheus (node_exporter's textfile collector reads it)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from dagster_project.catalogue.vocabulary import ACCEPTED
from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.runs.history import RunRecord, read_records

PREFIX = "resultattavla_"


@dataclass(frozen=True)
class Metric:
    """One metric, a gauge: its name without the prefix, what it is, and (labels, value) of each of its series."""

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def metrics(reading: Reading, record: RunRecord | None) -> Iterator[Metric]:
    """The metrics of a release, and of the run that came to its end last. No number of a cell is among them."""
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
    path.write_text(text(metrics(reading, record)), encoding="utf-8")
