"""The oracle against the known answers of the specification, and against itself on random deliveries."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from . import compare, results
from .catalogue import INDICATORS, Indicator, Period, Target, grid_periods
from .compare import COLUMNS, compare_settled, truth_of
from .deliveries import write_deliveries
from .disclosure import check_disclosure, determined, key_of
from .oracle import FormatError, Settled, parse_date, parse_int, parse_number, parse_pnr, settle
from .part2 import Reports
from .plan import COLUMNS as PLAN_COLUMNS
from .plan import plan_rows
from .results import first_grid_year, gas_t, indicator_result, is_primary, target_of, wilson
from .signals import known, signal_rows


@pytest.mark.parametrize(
    ("scores", "weights", "expected"),
    [
        ([-2, 0, -1, 2, 0, 1], [3, 5, 1, 4, 2, 6], 55),
        ([1, 0], [6, 6], 56.201737),
        ([1, 1], [1, 1], 62.403473),
        ([1], [1], 60),
        ([-1, -1, -2], [6, 6, 1], 36.124324),
        ([0, 1, -1], [6, 6, 1], 54.955599),
        ([1], [0], 60),
    ],
)
def test_gas(scores: list[int], weights: list[int], expected: float) -> None:
    """The known answers of indicators.md."""
    assert gas_t(scores, weights) == pytest.approx(expected, abs=1e-6)


def test_wilson() -> None:
    """Newcombe 1998: 81 of 263 and 15 of 148."""
    assert wilson(81, 263) == pytest.approx((25.53, 36.62), abs=0.01)
    assert wilson(15, 148) == pytest.approx((6.24, 16.05), abs=0.01)


def test_prorating() -> None:
    """750 a year is 750 * 243 / 365 for delår 2022, 366 days in a leap year, full for ar and r12."""
    indicator = next(i for i in INDICATORS if i.id == "avvikelser_antal")

    def target(typ: str, start: date, end: date) -> float | None:
        return target_of(indicator, Period(typ, start, end), "omrade", None)[1]

    assert target("delar", date(2022, 1, 1), date(2022, 8, 31)) == pytest.approx(750 * 243 / 365)
    assert target("manad", date(2020, 2, 1), date(2020, 2, 29)) == pytest.approx(750 * 29 / 366)
    assert target("r12", date(2021, 3, 1), date(2022, 2, 28)) == 750
    assert target_of(indicator, Period("ar", date(2022, 1, 1), date(2022, 12, 31)), "verksamhet", None)[0] is None


def test_periods() -> None:
    """The grid has no holes and ends with the period that holds the as-of date."""
    periods = grid_periods(2019, date(2022, 9, 1))
    assert sum(p.typ == "manad" for p in periods) == sum(p.typ == "r12" for p in periods) == 45
    assert sum(p.typ == "tertial" for p in periods) == 12
    assert Period("r12", date(2018, 2, 1), date(2019, 1, 31)) in periods
    assert Period("manad", date(2021, 2, 1), date(2021, 2, 28)).year_before().end == date(2020, 2, 29)


def test_cells() -> None:
    """Cell types."""
    assert parse_date("2022-03-04T23:30:00Z") == date(2022, 3, 5)
    assert parse_date("9999-12-31T00:00:00Z") is None
    assert parse_int("1\u00a0980") == 1980 and parse_int("3,0") == 3
    for text in ("-1 200,50", "(1200.50)", "\u22121\u202f200,5"):
        assert parse_number(text) == Decimal("-1200.5")
    on = date(2022, 5, 1)
    assert parse_pnr("121212-1212", on) == "201212121212"
    assert parse_pnr("121212+1212", on) == "191212121212"
    for bad in ("3,5", "1e3", "1_0"):
        with pytest.raises(FormatError):
            parse_int(bad)
    with pytest.raises(FormatError):
        parse_pnr("191212121213", on)


def test_determined() -> None:
    """Subtraction along one axis, along both, and a rectangle that stays unknown."""
    assert determined(["a"], [(["a"], [1])]) == ["a"]
    assert determined(["a", "b"], [(["a", "b"], [-1, -1])]) == []
    assert determined(["a", "b", "c"], [(["a", "b"], [1, 1]), (["b", "c"], [1, 1]), (["a", "c"], [1, 1])]) == [
        "a",
        "b",
        "c",
    ]


def publish(settled: Settled, everything: list[dict[str, Any]], folder: Path, change: Any = None) -> None:
    """Write the oracle's own answer as a release that hides every cell that a hidden one could follow from."""
    grid = {(p.typ, p.start) for p in grid_periods(first_grid_year(settled), settled.as_of)}
    rows = [dict(row) for row in everything if (row["period_typ"], row["period_start"]) in grid]
    bad_groups = {
        (r["indicator_id"], r["period_typ"], r["period_start"])
        for r in rows
        if r["_patient"] and is_primary(r["_skyddat"])
    }
    bad_groups |= {("gas_t_forandring", *g[1:]) for g in bad_groups if g[0] == "gas_antal"}
    hidden = set()
    for row in rows:
        if (row["indicator_id"], row["period_typ"], row["period_start"]) in bad_groups and row["_skyddat"]:
            hidden.add(key_of(row))
            row.update({name: None for name in COLUMNS if row.get(name) is not None and name in NUMBERS})
            row["status"], row["markering"] = "dold", "MSK"
            if row["_relativt"]:
                row["mal_operator"] = row["malvarde"] = None
    for row in rows:
        start = row["period_start"].replace(year=row["period_start"].year - 1)
        if (*key_of(row)[:5], start, row["kon"]) in hidden and row["jamforelse_varde"] is not None:
            row["jamforelse_varde"] = row["forandring"] = None
            if row["_relativt"]:
                row["mal_operator"] = row["malvarde"] = None
                if row["status"] in ("uppfyllt", "ej_uppfyllt"):
                    row["status"], row["markering"] = "inget_mal", None
    if change:
        change(rows)
    data = {name: [row.get(name, "r") for row in rows] for name in COLUMNS}
    cells = pl.DataFrame(data, schema=COLUMNS, strict=False)
    cells.write_parquet(folder / "indicator_result.parquet")
    followed_up = plan_rows(cells.iter_rows(named=True), Reports(settled.current["aktiviteter"]), settled.as_of)
    told = [{**row, "mal_text": in_words(row["_mal"]), "mening": sentence(row)} for row in followed_up]
    pl.DataFrame([{name: row[name] for name in PLAN_COLUMNS} for row in told], infer_schema_length=None).write_parquet(
        folder / "plan_uppfoljning.parquet"
    )
    signals = signal_rows(cells.iter_rows(named=True), known())
    pl.DataFrame(signals, infer_schema_length=None).write_parquet(folder / "signal.parquet")
    ledger = [{**row, "orsak": "x"} for row in settled.ledger if compare.of_the_day(settled, row)]
    pl.DataFrame(ledger, infer_schema_length=None).write_parquet(folder / "leveranser.parquet")
    lines = ["source,file,line,reasons,key,values,state,first_seen"]
    for row in settled.quarantine:
        line = [row["source"], row["file"], row["line"], "|".join(row["reasons"]), "", "", row["state"], ""]
        lines.append(",".join('"' + str(cell).replace('"', '""') + '"' for cell in line))
    (folder / "quarantine.csv").write_text("\n".join(lines), encoding="utf-8")


def number(value: float) -> str:
    """As a Swede writes it."""
    return f"{value:.1f}".replace(".", ",").replace("-", "−")


def in_words(targets: list[Target]) -> str | None:
    """Targets as a sentence might name them."""
    parts = ["mot föregående år" if t.relative else f"{t.operator} {number(t.value or 0)}" for t in targets]
    return " och ".join(parts) or None


def sentence(row: dict[str, Any]) -> str:
    """A sentence that says what it must."""
    if row["malstatus"] == "dold":
        return f"{row['item_id']}: för få för att visas."
    shown = [number(row[name]) for name in ("varde", "jamforelse_varde") if row[name] is not None]
    return f"{row['item_id']}: {' mot '.join(shown) or 'inga uppgifter'}."


NUMBERS = {"taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring"}


def only(monkeypatch: pytest.MonkeyPatch, indicators: list[Indicator]) -> None:
    """The oracle computes these only, which takes as much less time."""
    for module in (results, compare):
        monkeypatch.setattr(module, "INDICATORS", indicators)


@pytest.mark.parametrize(
    ("seed", "indicators"),
    [(1, INDICATORS[:8]), (2, INDICATORS[8:20]), (3, INDICATORS[20:])],
    ids=["first", "others", "part 2"],
)
def test_compare_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, indicators: list[Indicator]
) -> None:
    """A careful release of the oracle's own rows has no difference but what comparisons before the grid tell."""
    only(monkeypatch, indicators)
    raw, release = tmp_path / "raw", tmp_path / "release"
    release.mkdir()
    as_of = write_deliveries(raw, seed, hostile=seed % 2 == 1)
    settled = settle(raw, as_of)
    everything = truth_of(settled)
    publish(settled, everything, release)
    found = compare_settled(settled, release, release / "quarantine.csv", everything)
    assert [sentence for sentence in found if "before the grid" not in sentence] == []

    def spoil(rows: list[dict[str, Any]]) -> None:
        shown = [row for row in rows if row["varde"] is not None]
        shown[0]["varde"] += 1
        shown[-1]["status"] = "inget_mal" if shown[-1]["status"] != "inget_mal" else "uppfyllt"
        rows.pop()

    publish(settled, everything, release, spoil)
    assert len(compare_settled(settled, release, None, everything)) > len(found)


def test_a_spoiled_plan_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row gone, another status, a hidden number in a sentence."""
    only(monkeypatch, INDICATORS[:1] + INDICATORS[-3:])
    settled = settle(tmp_path / "raw", write_deliveries(tmp_path / "raw", 1))
    everything = truth_of(settled)
    publish(settled, everything, tmp_path)
    path = tmp_path / "plan_uppfoljning.parquet"
    plan = pl.read_parquet(path)
    hidden = plan.with_row_index().filter(pl.col("malstatus") == "dold")["index"]
    assert len(hidden)
    spoiled = plan.with_row_index().with_columns(
        malstatus=pl.when(pl.col("index") == 0).then(pl.lit("delvis")).otherwise("malstatus"),
        mening=pl.when(pl.col("index") == hidden[0]).then(pl.lit("För få för att visas (3 av 4).")).otherwise("mening"),
    )
    spoiled.drop("index").head(-1).write_parquet(path)
    found = compare_settled(settled, tmp_path, None, everything)
    assert [sum(kind in sentence for sentence in found) for kind in ("plan malstatus", "plan mening", "missing")] == [
        1,
        1,
        1,
    ]


def test_primary_alone_discloses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without secondary suppression the checker finds numbers that can be computed."""
    only(monkeypatch, INDICATORS[:5])
    as_of = write_deliveries(tmp_path, 3)
    rows = indicator_result(settle(tmp_path, as_of))
    faults = check_disclosure(rows, rows)
    assert any("can be computed" in fault for fault in faults)
    assert not any("is shown" in fault for fault in faults)


def test_order_of_deliveries_does_not_matter(tmp_path: Path) -> None:
    """An as-of date before the newest deliveries gives what those days knew."""
    as_of = write_deliveries(tmp_path, 4)
    earlier = settle(tmp_path, as_of - timedelta(days=400))
    assert all(
        row["status"] in ("senare", "avvisad")
        for row in earlier.ledger
        if row["uttagsdatum"] and row["uttagsdatum"] > as_of - timedelta(days=400)
    )
