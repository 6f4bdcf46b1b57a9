"""A delivery that lies is seen: half a month lost and a column renamed, from the files to what people read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.releases.tables import QUALITY_TABLE
from tests.conftest import Run
from tests.jobs import UNIT, cases, deliver_cases, deliver_units, said
from tests.oracle.compare import compare

BUH = "SE2321000164-BUH1"


def test_half_a_month_lost_and_a_column_renamed(run: Run, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    deliver_units(raw, "2022-08-31")
    months = [date(2021 + m // 12, m % 12 + 1, 9) for m in range(5, 19)]  # June 2021 to July 2022
    rows = []
    for n, day in enumerate(months):
        rows += [*cases(30, str(day), first=1000 * n), *cases(30, str(day), BUH, 50_000 + 1000 * n)]
    deliver_cases(raw, "2022-08-05", *rows)
    # August: AUD as ever, BUH a third of it, and another name for when cases were begun.
    august = [*cases(30, "2022-08-09", first=90_000), *cases(10, "2022-08-09", BUH, 95_000)]
    newest = deliver_cases(raw, "2022-08-31", *august)
    newest.write_text(newest.read_text("utf-8").replace("paborjad_datum", "Påbörjat den"), "utf-8")
    outcome = run(raw, tmp_path / "data")
    assert (outcome.error, outcome.exit_code) == (None, 2)  # the sources that were never delivered
    release = outcome.release
    assert compare(raw, release.folder) == []

    def statuses(indicator: str, **cell: object) -> set[str]:
        found = release.table("indicator_result").filter(pl.col("indicator_id") == indicator)
        return set(found.filter(pl.col(name) == value for name, value in cell.items())["status"])

    this = {"period_typ": "manad", "period_start": date(2022, 8, 1)}
    for indicator in ("avvikelser_antal", "avvikelser_7d"):
        assert statuses(indicator, verksamhet="BUH", **this) == {"preliminar"}
        assert "preliminar" not in statuses(indicator, verksamhet="AUD", **this)
        assert "preliminar" not in statuses(indicator, niva="omrade", **this)
        assert "preliminar" not in statuses(indicator, period_typ="r12", period_slut=date(2022, 8, 31))
        assert "preliminar" not in statuses(indicator, period_typ="delar", period_slut=date(2022, 8, 31))
    assert set(release.table("indicator_result")["kvalitet"]) == {"varning"}

    quality = release.table(QUALITY_TABLE).filter(~pl.col("success") & (pl.col("severity") != "info"))
    failed = quality.filter(pl.col("source") == "avvikelser")
    assert {(r["suite"], r["expectation"]): r["observed"] for r in failed.iter_rows(named=True)} == {
        ("drift/_all", "kolumn_borta"): "paborjad_datum (ny okänd kolumn: Påbörjat den)",
        ("drift/_all", "manad_ofullstandig"): "BUH 2022-08",
    }
    assert set(failed["severity"]) == {"warning"}
    # A source that was never delivered says just that.
    assert quality.filter(pl.col("source") == "gas")["expectation"].to_list() == ["har_levererats"]

    page = (outcome.data.docs / "index.html").read_text("utf-8")
    status = said("status", "--data", outcome.data.root).stdout
    assert UNIT not in status
    for told in (page, status):
        assert "Påbörjat den" in told and "BUH 2022-08" in told
