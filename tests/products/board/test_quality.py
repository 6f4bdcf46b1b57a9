"""What the quality page tells of sources, failures, freezes and releases; and what it must not tell."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.board.pages.quality import before
from dagster_project.products.board.quality_view import QualityView, quality_view, quarantine_of, revised
from dagster_project.products.revisions.compare import REVISION_SCHEMA
from dagster_project.releases.manifest import Manifest
from dagster_project.releases.retractions import Retraction
from dagster_project.releases.store import Release
from dagster_project.releases.tables import LEDGER_COLUMNS, QUALITY_COLUMNS
from dagster_project.runs.folder import QUARANTINE, QUARANTINE_SCHEMA, RunFolder
from dagster_project.runs.identity import RunIdentity

TITLES = {"kva": "KVÅ-registrerade åtgärder", "gas": "GAS-planer och mål"}
READS = {"a": ("kva", "gas"), "b": ("gas",)}


def manifest(day: int = 30, **said: Any) -> Manifest:
    values: dict[str, Any] = {
        "release_id": f"2022-09-{day:02}-abcdef",
        "run_id": f"2022-09-{day:02}-abcdef",
        "as_of": f"2022-09-{day:02}",
        "published": f"2022-10-{day:02}T05:00:00+00:00",
        "parameters": {"agreed_age_days": {"kva": 35, "gas": 35}, "suppression_limit": 5},
        "sources": {"kva": "godkand", "gas": "godkand"},
        "gates": {"delivery": {"kva": {"utfall": "godkand"}, "gas": {"utfall": "godkand"}}},
        "inputs": [],
        "packages": {},
        "code_version": "",
        "catalogue_version": "",
        "held_back": {},
        "frozen": {},
        "frozen_since": {},
        "frozen_reports": None,
        "waivers": [],
        "files": {},
    }
    return Manifest(**(values | said))


def release(day: int, **said: Any) -> Release:
    return Release(Path("/nowhere"), manifest(day, **said))


def failure(source: str, suite: str, expectation: str, severity: str = "warning", **said: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(QUALITY_COLUMNS)
    return (
        row
        | {"source": source, "suite": suite, "expectation": expectation, "severity": severity}
        | {"success": False}
        | said
    )


def quality(*rows: dict[str, Any]) -> pl.DataFrame:
    types = {"success": pl.Boolean, "checked": pl.Int64, "unexpected": pl.Int64, "share": pl.Float64}
    return pl.DataFrame(list(rows), schema={n: types.get(n, pl.String) for n in QUALITY_COLUMNS})


def delivery(source: str, day: date, rows: int = 100, set_aside: int = 0, status: str = "accepterad") -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(LEDGER_COLUMNS)
    return (
        row
        | {"source": source, "file": f"{source}/Anna Andersson 12.xlsx", "uttagsdatum": day, "status": status}
        | {
            "rows_read": rows,
            "rows_quarantined": set_aside,
        }
    )


def ledger(*rows: dict[str, Any]) -> pl.DataFrame:
    types = {"uttagsdatum": pl.Date, **{n: pl.Int64 for n in LEDGER_COLUMNS if n.startswith("rows_")}}
    return pl.DataFrame(list(rows), schema={n: types.get(n, pl.String) for n in LEDGER_COLUMNS})


def view(m: Manifest | None = None, **said: Any) -> QualityView:
    values: dict[str, Any] = {"quality": quality(), "ledger": ledger(), "titles": TITLES, "reads": READS}
    return quality_view(m or manifest(), **(values | said))


def test_a_source_is_told_with_its_newest_day_and_its_age() -> None:
    rows = ledger(
        delivery("kva", date(2022, 8, 1), 900),
        delivery("kva", date(2022, 8, 20), 40, 3),
        delivery("kva", date(2022, 8, 20), 60, 1),
        delivery("kva", date(2022, 9, 1), status="avvisad"),
    )
    kva, gas = view(ledger=rows).sources
    assert (kva.title, kva.newest, kva.age, kva.agreed) == (TITLES["kva"], date(2022, 8, 20), 41, 35)
    assert (kva.rows, kva.set_aside, kva.rejected, kva.late) == (100, 4, 1, True)
    assert kva.gates == (("delivery", "godkand"),) and kva.read_by == ("a",)
    assert (gas.newest, gas.age, gas.late, gas.rows) == (None, None, False, 0) and gas.read_by == ("a", "b")


def test_held_back_since_is_the_first_release_in_a_row_that_stands() -> None:
    held = {"sources": {"kva": "godkand", "gas": "underkand"}}
    older = [release(29, **held), release(28, **held), release(27), release(26, **held)]
    m = manifest(30, held_back={"b": ["gas"], "a": ["gas", "kva"]}, frozen={"b": "2022-08-31-012345"}, **held)
    gas = view(m, older=older).sources[1]
    assert gas.held_back and (gas.held_since, gas.at_least) == (date(2022, 9, 28), False)
    assert [(f.indicator_id, f.since, f.release_id) for f in gas.frozen] == [
        ("b", date(2022, 8, 31), "2022-08-31-012345"),
        ("a", None, None),
    ]
    only = view(m, older=older[:2]).sources[1]
    assert (only.held_since, only.at_least) == (date(2022, 9, 28), True), "older ones are gone: it may be longer"
    first = view(m).sources[1]
    assert (first.held_since, first.at_least) == (date(2022, 9, 30), False)
    retracted = {older[2].id: Retraction(older[2].id, "fel fil", "X", "2022-10-01T00:00:00+00:00")}
    assert view(m, older=older, retracted=retracted).sources[1].held_since == date(2022, 9, 26)


def test_a_failure_is_told_once_with_what_it_means_and_a_waiver_makes_it_milder() -> None:
    rows = quality(
        failure("kva", "delivery/_all", "karantan_varning", observed="0.0803"),
        failure("kva", "delivery/_all", "karantan_stopp", "critical", observed="0.0803"),
        failure("gas", "delivery/_all", "alder_varning", observed="40"),
    )
    waiver = {"suite": "delivery/_all", "expectation": "alder_varning", "source": "gas", "anvant": True}
    waiver |= {"reason": "Känt fel", "approved_by": "Anna Andersson", "last_date": "2022-10-15"}
    found = view(manifest(waivers=[waiver]), quality=rows)
    (kva,), (gas,) = (s.problems for s in found.sources)
    assert (kva.severity, kva.counts_as) == ("critical", "critical") and kva.meaning
    assert "8" in kva.found and kva.waived_until is None
    assert (gas.severity, gas.counts_as, gas.waived_until) == ("warning", "info", date(2022, 10, 15))
    assert [p.reason for _, p in found.waivers] == ["Känt fel"]


def test_changes_in_deliveries_and_failed_results_are_told() -> None:
    rows = quality(
        failure("gas", "drift/_all", "kolumn_borta", observed="svarighet"),
        failure("indicator_result", "results/indicator_result", "har_rader", "critical"),
    )
    found = view(quality=rows)
    assert [(s.source, "svarighet" in p.found) for s, p in found.changes] == [("gas", True)]
    assert [p.tier for p in found.results] == ["results"]


def test_no_name_of_a_file_unit_or_person_is_told() -> None:
    rows = quality(
        failure("kva", "delivery/_delivered", "nyare_avvisad", observed="kva/Anna Andersson 12.xlsx"),
        failure("gas", "delivery/_free_text", "fritext_utan_personnummer", observed="gas/Anna Andersson.csv rad 3"),
    )
    waiver = {"suite": "delivery/_all", "expectation": "x", "source": "gas", "anvant": True, "reason": "r"}
    waiver |= {"approved_by": "Anna Andersson", "last_date": "2022-10-15"}
    found = view(
        manifest(waivers=[waiver]), quality=rows, ledger=ledger(delivery("kva", date(2022, 9, 1), status="avvisad"))
    )
    assert [len(s.problems) for s in found.sources] == [1, 1]
    assert "Anna" not in repr(found) and ".xlsx" not in repr(found) and ".csv" not in repr(found)


def quarantine(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """(source, reasons, state) of each row, with values that must not be told."""
    return pl.DataFrame(
        [
            dict.fromkeys(QUARANTINE_SCHEMA)
            | {"source": s, "reasons": r, "state": state, "line": n, "key": "K-hemlig", "values": "kod=hemlig"}
            for n, (s, r, state) in enumerate(rows)
        ],
        schema=QUARANTINE_SCHEMA,
    )


def test_quarantine_is_counts_per_reason_and_nothing_of_a_row() -> None:
    rows = quarantine(
        ("kva", "format:kva_kod", "open"),
        ("kva", "format:kva_kod|enhet:okand", "open"),
        ("kva", "enhet:okand", "resolved"),
    )
    found = view(quarantine=rows)
    kva, gas = (s.quarantine for s in found.sources)
    assert kva is not None and (kva.rows, kva.reasons) == (
        2,
        (("kva_kod kan inte läsas", 2), ("Enheten finns inte i enhetsregistret", 1)),
    )
    assert gas is not None and (gas.rows, gas.reasons) == (0, ())
    assert "hemlig" not in repr(found)
    assert all(s.quarantine is None for s in view().sources), "not known is not none"


@pytest.fixture
def run_folder(tmp_path: Path) -> DataPaths:
    data = DataPaths(tmp_path)
    RunFolder(data).write(QUARANTINE, quarantine(("kva", "enhet:okand", "open")))
    identity = dict.fromkeys(RunIdentity.__dataclass_fields__) | {"run_id": "2022-09-30-abcdef", "as_of": "2022-09-30"}
    (data.run / "identity.json").write_text(json.dumps(identity), encoding="utf-8")
    return data


def test_quarantine_is_that_of_the_releases_run_or_not_told(run_folder: DataPaths) -> None:
    known = quarantine_of(run_folder, manifest())
    assert known is not None and known.height == 1
    assert quarantine_of(run_folder, replace(manifest(), run_id="2022-09-29-other")) is None
    assert quarantine_of(DataPaths(run_folder.root / "empty"), manifest()) is None
    RunFolder(run_folder).path(QUARANTINE).write_bytes(b"x")
    assert quarantine_of(run_folder, manifest()) is None


def test_the_history_says_which_is_shown_and_which_was_retracted_without_by_whom() -> None:
    older = [release(29), release(28, held_back={"a": ["kva"]}, sources={"kva": "varning"})]
    retracted = {older[0].id: Retraction(older[0].id, "fel fil", "Anna Andersson", "2022-10-01T00:00:00+00:00")}
    found = view(older=older, retracted=retracted)
    assert [(r.as_of.day, r.current, r.retracted, r.held_back, r.warned) for r in found.releases] == [
        (30, True, None, 0, 0),
        (29, False, "fel fil", 0, 0),
        (28, False, None, 1, 1),
    ]
    assert found.releases[0].published == "2022-10-30 06:00" and "Anna" not in repr(found)
    many = view(older=[release(n % 28 + 1) for n in range(40)])
    assert (len(many.releases), many.older_left_out) == (30, 11)


def test_the_releases_before_one_are_those_after_it_in_the_list() -> None:
    kept = [release(30), release(29), release(28)]
    assert [r.as_of for r in before(kept[1].id, kept)] == ["2022-09-28"]
    assert before("2022-01-01-none", kept) == []


def test_revisions_are_told_per_indicator_with_their_possible_causes() -> None:
    rows = pl.DataFrame(
        [
            dict.fromkeys(REVISION_SCHEMA)
            | {"indicator_id": i, "slutlig": final, "orsaker": causes, "kallor": sources}
            | {"fore_status": before, "efter_status": "inget_mal"}
            for i, final, causes, sources, before in (
                ("a", False, None, None, "inget_mal"),
                ("b", True, "rattelse|sen_leverans", "kva", "inget_mal"),
                ("b", True, "sekretess", "gas|kva", "dold"),
            )
        ],
        schema=REVISION_SCHEMA,
    )
    every, b, a = revised(rows, TITLES)
    assert (every.indicator_id, every.cells, every.final, every.hidden) == (None, 3, 2, 1)
    assert (b.indicator_id, b.cells, b.final, b.hidden) == ("b", 2, 2, 1)
    assert b.causes == ("senare leverans", "rättelse", "sekretess") and b.sources == tuple(TITLES.values())
    assert (a.indicator_id, a.final, a.causes, a.sources) == ("a", 0, (), ())
    assert revised(rows.clear(), TITLES) == []
