"""What is shown of indicators that are held back: carried forward from the newest release in which they passed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from dagster_project.catalogue.indicators import parts_and_wholes
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    FROZEN,
    HIDDEN,
    MONTH,
    NO_TARGET,
    RESULT_TABLE,
    TOO_FEW,
    UNSURE,
)
from dagster_project.core.paths import DataPaths
from dagster_project.disclosure.further import hidden_further
from dagster_project.releases.plan_followup import Reports, earlier_reports
from dagster_project.releases.store import Release, releases
from dagster_project.releases.tables import (
    INDICATOR_TABLE,
    PLAN_TABLE,
    RESULT_KEY,
    RESULT_SCHEMA,
    SIGNAL_KEY,
    SIGNAL_SCHEMA,
    SIGNAL_TABLE,
    UNIT_DIMENSION,
    in_columns_of,
)
from dagster_project.runs.identity import RunIdentity


@dataclass(frozen=True)
class Frozen:
    """Rows that are carried forward, and what they mean.

    rows: RESULT_SCHEMA, with the release id that computed them; `kvalitet` is fryst. definitions: the row of each of
    their indicators in the table `indicator` of that release, since a number means what it was computed as. reports:
    what the verksamheter reported of the plan, where that source is held back and an older release shows it. units:
    `dim_enhet` of the releases that the rows are from, the newest first, of those that have it. signals: rows of
    `signal` of the same indicators in the same releases (SIGNAL_SCHEMA).
    """

    rows: pl.DataFrame
    definitions: pl.DataFrame
    reports: Reports | None = None
    units: tuple[pl.DataFrame, ...] = ()
    signals: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SIGNAL_SCHEMA))

    @property
    def origins(self) -> dict[str, str]:
        """Frozen indicator -> the release that computed its rows."""
        return dict(sorted(self.rows.select("indicator_id", "release_id").unique().iter_rows()))


def holders(
    found: Iterable[Release], wanted: Collection[str], limit: int, last_day: str | None = None
) -> dict[str, Release]:
    """Indicator -> the newest release in which it passed: where its rows come from when it is held back.

    found: newest first. Such a release is whole, has rows of the indicator (one by older code can lack it without
    having held it back), is of last_day or before, and was made with at least this suppression limit: under a lower
    one it could show what is hidden now.
    """
    missing, there = set(wanted), dict[str, Release]()
    for release in found:
        if not missing:
            break
        if (last_day is not None and release.as_of > last_day) or release.manifest.suppression_limit < limit:
            continue
        passed = _with_rows(release, missing - set(release.held_back))
        there |= dict.fromkeys(passed, release)
        missing -= passed
    return there


def _with_rows(release: Release, wanted: set[str]) -> set[str]:
    """Those of these indicators that a release has rows of; none where it is damaged or of another contract."""
    try:  # few bytes first: a long row of releases may have to be asked
        described = wanted & set(release.table(INDICATOR_TABLE)["indicator_id"]) if wanted else wanted
        if not described or not release.whole:
            return set()
        table = release.scan(RESULT_TABLE)
        if dict(table.collect_schema()) != RESULT_SCHEMA:
            return set()
        return described & set(table.select(pl.col("indicator_id").unique()).collect()["indicator_id"])
    except (OSError, pl.exceptions.PolarsError):
        return set()


def report_holder(found: Iterable[Release], last_day: str | None = None) -> Release | None:
    """The newest release in which the verksamheter's reports passed: where they come from when they are held back.

    found: newest first. Such a release is whole and of last_day or before. One by older code has no such table.
    """
    for release in found:
        if last_day is not None and release.as_of > last_day:
            continue
        try:
            passed = release.has(PLAN_TABLE) and any(
                quality not in (None, FROZEN) for quality in release.table(PLAN_TABLE)["rapport_kvalitet"].unique()
            )
        except (OSError, pl.exceptions.PolarsError):
            continue
        if passed and release.whole:
            return release
    return None


def frozen_rows(
    data: DataPaths, identity: RunIdentity, held_back: Mapping[str, Sequence[str]], reports_held: bool = False
) -> Frozen:
    """What is shown of held-back indicators, and of held-back reports, from releases up to this run's day (`holders`,
    `report_holder`)."""
    limit, last_day = identity.parameters["suppression_limit"], str(identity.as_of)
    there = holders(releases(data), held_back, limit, last_day) if held_back else {}
    rows, definitions = [pl.DataFrame(schema=RESULT_SCHEMA)], [pl.DataFrame(schema={"indicator_id": pl.String()})]
    signals = [pl.DataFrame(schema=SIGNAL_SCHEMA)]
    for release_id in sorted({r.id for r in there.values()}):
        ids = sorted(indicator for indicator, holder in there.items() if holder.id == release_id)
        release, of_these = there[ids[0]], pl.col("indicator_id").is_in(ids)
        definitions.append(release.table(INDICATOR_TABLE).filter(of_these))
        published = release.table(RESULT_TABLE).filter(of_these)
        rows.append(carried(published, definitions[-1], limit))
        signals.append(carried_signals(release, ids, published, rows[-1]))
    holder = report_holder(releases(data), last_day) if reports_held else None
    reports = earlier_reports(holder.table(PLAN_TABLE), holder.id) if holder is not None else None
    origins = sorted({r.id: r for r in there.values()}.items(), reverse=True)
    units = tuple(release.table(UNIT_DIMENSION) for _, release in origins if release.has(UNIT_DIMENSION))
    return Frozen(pl.concat(rows), pl.concat(definitions, how="diagonal_relaxed"), reports, units, pl.concat(signals))


def carried(rows: pl.DataFrame, definitions: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Rows of an older release as they are shown again: frozen, and hidden further where today's rule requires it."""
    return hidden_further(rows, definitions, limit, parts_and_wholes()).with_columns(kvalitet=pl.lit(FROZEN))


def signals_of(release: Release, indicators: Collection[str]) -> pl.DataFrame:
    """What a release says of changes and noise of these indicators; one by older code says nothing."""
    if not release.has(SIGNAL_TABLE):
        return pl.DataFrame(schema=SIGNAL_SCHEMA)
    told = in_columns_of(pl.DataFrame(schema=SIGNAL_SCHEMA), release.table(SIGNAL_TABLE))
    return told.filter(pl.col("indicator_id").is_in(list(indicators)))


def carried_signals(
    release: Release, indicators: Collection[str], published: pl.DataFrame, shown: pl.DataFrame
) -> pl.DataFrame:
    """The signals of an older release as they are shown again: of a chart with a month that is hidden since, nothing is
    told, as its mean would give the month's number.

    published: the release's rows of the indicators; shown: the same as they are `carried`.
    """
    told = signals_of(release, indicators)
    gone = (
        shown.filter(pl.col("status") == HIDDEN, pl.col("period_typ") == MONTH, pl.col("kon") == ALL_SEXES)
        .join(published.filter(pl.col("status") != HIDDEN), on=RESULT_KEY, how="semi", nulls_equal=True)
        .select(*SIGNAL_KEY, "period_start")
    )
    touched = (
        told.join(gone, on=SIGNAL_KEY, nulls_equal=True)
        .filter(pl.col("period_start").is_between("fran", "till"))
        .select(*SIGNAL_KEY, touched=pl.lit(True))
        .unique()
    )
    silent = pl.col("touched").fill_null(False)
    emptied = ["fran", "till", "medel", "undre_grans", "ovre_grans", "signal_manad", "riktning"]
    return (
        told.join(touched, on=SIGNAL_KEY, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            *(pl.when(~silent).then(name).alias(name) for name in emptied),
            antal_punkter=pl.when(silent).then(0).otherwise("antal_punkter"),
            signal=pl.when(silent).then(pl.lit(TOO_FEW)).otherwise("signal"),
            malformaga=pl.when(silent & (pl.col("malformaga") != NO_TARGET))
            .then(pl.lit(UNSURE))
            .otherwise("malformaga"),
        )
        .select(pl.col(n).cast(t) for n, t in SIGNAL_SCHEMA.items())
    )


def frozen_in(release: Release) -> Frozen:
    """What a release shows of held-back indicators."""
    rows = release.table(RESULT_TABLE).filter(pl.col("kvalitet") == FROZEN)
    of_these = pl.col("indicator_id").is_in(rows["indicator_id"].unique().implode())
    reports = None
    if release.manifest.frozen_reports is not None:
        reports = earlier_reports(release.table(PLAN_TABLE), release.manifest.frozen_reports)
    units = (release.table(UNIT_DIMENSION),) if rows.height and release.has(UNIT_DIMENSION) else ()
    signals = signals_of(release, rows["indicator_id"].unique().to_list())
    return Frozen(rows, release.table(INDICATOR_TABLE).filter(of_these), reports, units, signals)


def combined_id(identity: RunIdentity, frozen: Frozen) -> str:
    """The release's id: the run's own, or, with frozen rows, one that also says where those come from."""
    if frozen.rows.height == 0 and frozen.reports is None:
        return identity.run_id
    said: list[object] = [identity.run_id, list(frozen.origins.items())]
    if frozen.reports is not None:
        said.append(frozen.reports.release_id)
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    return f"{identity.as_of}-{digest[:12]}"
