"""Held-back indicators: whose rows are shown, and what they mean."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.releases.audit import audit_frozen
from dagster_project.releases.frozen import combined_id, frozen_in, frozen_rows
from dagster_project.releases.stage import published_definitions
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import in_columns_of
from dagster_project.runs.identity import RunIdentity, identify
from dagster_project.runs.parameters import Parameters
from tests.releases.small import INDICATORS, LIMIT, described, overwrite, small_release

FIRST, SECOND = INDICATORS[:2]
TODAY = pl.DataFrame({"indicator_id": INDICATORS, "version": "2.0", "titel": "som den är", "ny": "x"})


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def identity(day: int = 9) -> RunIdentity:
    return identify(date(2022, 9, day), [], Parameters(suppression_limit=LIMIT))


def held(*indicators: str) -> dict[str, list[str]]:
    return {i: ["kva"] for i in indicators}


def test_rows_come_from_the_newest_release_that_has_them(data: DataPaths) -> None:
    holds = small_release(data, 1)
    small_release(data, 2, indicators=[i for i in INDICATORS if i != FIRST])  # by older code
    newest = small_release(data, 3, [FIRST], {FIRST: holds})
    assert frozen_rows(data, identity(), held(FIRST, SECOND)).origins == {FIRST: holds, SECOND: newest}


def test_no_rows_come_from_what_must_not_be_shown(data: DataPaths) -> None:
    holds = small_release(data, 1)
    small_release(data, 2, limit=LIMIT - 1)
    overwrite(data.releases / small_release(data, 3) / "indicator_result.parquet", b"x")
    overwrite(data.releases / small_release(data, 4) / "indicator.parquet", b"x")
    small_release(data, 10)  # of a later day
    assert frozen_rows(data, identity(), held(FIRST)).origins == {FIRST: holds}
    assert frozen_rows(data, identity(day=11), held(FIRST)).origins[FIRST].startswith("2022-09-10")
    assert frozen_rows(data, identity(), {}).rows.height == 0


def test_the_origin_is_in_the_id(data: DataPaths) -> None:
    small_release(data, 1)
    ids = {combined_id(identity(), frozen_rows(data, identity(), held(*h))) for h in ((), (FIRST,), (FIRST, SECOND))}
    small_release(data, 2)
    ids.add(combined_id(identity(), frozen_rows(data, identity(), held(FIRST))))
    assert len(ids) == 4 and identity().run_id in ids


def test_frozen_rows_keep_the_definition_that_they_were_computed_by(data: DataPaths) -> None:
    holds = small_release(data, 1, version="1.0")
    frozen = frozen_rows(data, identity(), held(FIRST))
    shown = pl.concat([frozen.rows, frozen.rows.with_columns(indicator_id=pl.lit(SECOND), kvalitet=pl.lit("godkand"))])
    table = published_definitions(TODAY, shown, frozen).sort("indicator_id")
    assert table.rows() == [(FIRST, "1.0", "som den var", None), (SECOND, "2.0", "som den är", "x")]
    assert audit_frozen(data, frozen.rows, table, frozen.signals, LIMIT) == []
    today = TODAY.filter(pl.col("indicator_id").is_in([FIRST, SECOND]))
    assert audit_frozen(data, frozen.rows, today, frozen.signals, LIMIT) == [
        f"frysta rader som beskrivs på annat sätt än i {holds}"
    ]


def test_a_day_that_is_run_again_keeps_definitions_too(data: DataPaths) -> None:
    holds = small_release(data, 1)
    again = data.releases / small_release(data, 2, [FIRST], {FIRST: holds})
    described(again, FIRST, version="0.9")
    release = read_release(again)
    assert release is not None
    frozen = frozen_in(release)
    assert frozen.origins == {FIRST: holds}
    assert frozen.definitions.select("indicator_id", "version").rows() == [(FIRST, "0.9")]


def test_rows_of_one_indicator_never_mix(data: DataPaths) -> None:
    ids = [small_release(data, 1), small_release(data, 2)]
    every = [frozen_rows(data, identity(day), held(FIRST)) for day in (1, 2)]
    assert [f.origins[FIRST] for f in every] == ids
    mixed = pl.concat([f.rows for f in every])
    told = in_columns_of(TODAY, every[0].definitions)
    assert "ur olika utgåvor" in audit_frozen(data, mixed, told, every[0].signals, LIMIT)[0]


def test_indicators_of_one_source_can_come_from_different_releases(data: DataPaths) -> None:
    """The newer release lacks one of them: it does not keep the other one's newer rows from being shown."""
    older = small_release(data, 1)
    newer = small_release(data, 2, indicators=[i for i in INDICATORS if i != FIRST])
    frozen = frozen_rows(data, identity(), held(*INDICATORS))
    assert frozen.origins == {**dict.fromkeys(INDICATORS, newer), FIRST: older}
    assert audit_frozen(data, frozen.rows, in_columns_of(TODAY, frozen.definitions), frozen.signals, LIMIT) == []


def test_reports_come_from_the_newest_release_in_which_they_passed(data: DataPaths) -> None:
    passed = small_release(data, 1, reports="varning")
    small_release(data, 2)  # by older code: no such table
    small_release(data, 3, reports="fryst", frozen_reports=passed)
    overwrite(data.releases / small_release(data, 4, reports="godkand") / "plan_uppfoljning.parquet", b"x")
    small_release(data, 10, reports="godkand")  # of a later day
    frozen = frozen_rows(data, identity(), {}, reports_held=True)
    assert frozen.reports is not None and frozen.reports.release_id == passed
    assert frozen.reports.earlier is not None and frozen.reports.earlier["rapporterad_status"].to_list() == ["pagar"]
    assert frozen_rows(data, identity(), {}).reports is None
    later = frozen_rows(data, identity(day=11), {}, reports_held=True).reports
    assert later is not None and later.release_id.startswith("2022-09-10")


def test_the_origin_of_reports_is_in_the_id(data: DataPaths) -> None:
    small_release(data, 1, reports="godkand")
    ids = {
        combined_id(identity(), frozen_rows(data, identity(), held(*h), r))
        for h in ((), (FIRST,))
        for r in (False, True)
    }
    small_release(data, 2, reports="godkand")
    ids.add(combined_id(identity(), frozen_rows(data, identity(), {}, True)))
    assert len(ids) == 5 and identity().run_id in ids


def test_a_day_that_is_run_again_keeps_reports_too(data: DataPaths) -> None:
    passed = small_release(data, 1, reports="godkand")
    again = read_release(data.releases / small_release(data, 2, reports="fryst", frozen_reports=passed))
    assert again is not None and again.origins == {passed} and again.exit_code == 2
    reports = frozen_in(again).reports
    assert reports is not None and (reports.release_id, reports.quality) == (passed, "fryst")
    own = read_release(data.releases / passed)
    assert own is not None and own.origins == set() and frozen_in(own).reports is None
