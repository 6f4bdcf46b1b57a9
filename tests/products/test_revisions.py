"""Revisions: what changed between two releases, no number that either hides, and what may be the cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.products.make import folder_of, make_products
from dagster_project.products.reading import Reading
from dagster_project.products.revisions.compare import REVISION_SCHEMA, cause_words, release_before, revisions
from dagster_project.products.revisions.product import PRODUCT
from dagster_project.releases.manifest import read_manifest
from dagster_project.releases.publish import switch_current
from dagster_project.releases.retractions import retract
from dagster_project.releases.tables import RESULT_SCHEMA
from tests.jobs import said
from tests.products.small import CROWNS, SHARE, cell, readable_release, reading_of
from tests.releases.small import with_tables

JULY, AUGUST = (date(2022, 7, 1), date(2022, 7, 31)), (date(2022, 8, 1), date(2022, 8, 31))


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def release(data: DataPaths, day: int, *cells: dict[str, Any], indicators: Any = None, **said: Any) -> Reading:
    """A release with these cells, whose manifest says something else where asked."""
    tables = {"indicator_result": pl.DataFrame(list(cells), schema=RESULT_SCHEMA)}
    tables["indicator"] = pl.DataFrame(indicators or [described(CROWNS), described(SHARE)])
    release_id = readable_release(data, day, tables)
    manifest = read_manifest(data.releases / release_id)
    assert manifest is not None
    replace(manifest, **said).write(data.releases / release_id)
    return reading_of(data, release_id)


def described(indicator_id: str, version: str = "1.0") -> dict[str, str]:
    kind = "belopp" if indicator_id == CROWNS else "andel"
    return {"indicator_id": indicator_id, "version": version, "kallor": "kva", "art": kind}


def delivered(
    day: str, sha: str = "", source: str = "kva", file: str = "", status: str = "accepterad"
) -> dict[str, str]:
    name = file or f"{source}/{source}_{day}.csv"
    return {"source": source, "file": name, "sha256": sha or day, "uttagsdatum": day, "status": status}


def share(of: float, number: float, *period: date, **said: Any) -> dict[str, Any]:
    return cell(SHARE, *(period or AUGUST), taljare=of, namnare=number, varde=100 * of / number) | said


def test_cells_whose_status_or_number_differs_are_revised_and_others_are_not(data: DataPaths) -> None:
    before = release(data, 1, share(40, 50, *JULY), share(45, 50), cell(CROWNS, *JULY, taljare=9.0, varde=9.0))
    now = release(
        data,
        2,
        share(40, 50, *JULY, ki_lag=66.0, kvalitet="varning"),
        share(46, 50, status="uppfyllt"),
        share(20, 20, date(2022, 9, 1), date(2022, 9, 30)),
        cell(CROWNS, *JULY, taljare=9.0, varde=9.0, status="preliminar"),
    )
    rows = revisions(now, before)
    assert dict(rows.schema) == REVISION_SCHEMA
    shown = rows.select("indicator_id", "fore_status", "efter_status", "fore_taljare", "efter_taljare", "efter_namnare")
    assert shown.rows() == [
        (SHARE, "inget_mal", "uppfyllt", 45.0, 46.0, 50.0),
        (CROWNS, "inget_mal", "preliminar", 9.0, 9.0, None),
    ]
    assert set(rows["fore_utgava"]) == {before.release.id} and set(rows["efter_utgava"]) == {now.release.id}
    assert revisions(now, now).is_empty()


@pytest.mark.parametrize("hidden_now", [True, False])
def test_where_either_release_hides_the_cell_there_are_no_numbers(data: DataPaths, hidden_now: bool) -> None:
    hides, shows = cell(SHARE, *AUGUST, status="dold", markering="MSK"), share(45, 50)
    inputs = [delivered("2022-09-01")], [delivered("2022-09-01"), delivered("2022-09-02")]
    before = release(data, 1, shows if hidden_now else hides, inputs=inputs[0])
    now = release(data, 2, hides if hidden_now else shows, inputs=inputs[1])
    (row,) = revisions(now, before).rows(named=True)
    # Nor whether what is hidden in one of them met its target in the other.
    assert (row["fore_status"], row["efter_status"]) == (("visad", "dold") if hidden_now else ("dold", "visad"))
    numbers = [n for n in row if n.startswith(("fore_", "efter_")) and not n.endswith(("status", "utgava"))]
    assert len(numbers) == 6 and all(row[n] is None for n in numbers)
    # Nor whether the hidden number was larger or smaller.
    assert row["orsaker"] == "sen_leverans|rattelse|sekretess"


def test_cells_that_were_not_complete_are_told_apart(data: DataPaths) -> None:
    before = release(data, 1, share(40, 50, *JULY), share(5, 10, status="preliminar", komplett=False))
    now = release(data, 2, share(41, 50, *JULY), share(45, 50))
    assert revisions(now, before)["slutlig"].to_list() == [True, False]


FIRST = delivered("2022-08-05")
CASES = {
    "a newer delivery brought more": ([FIRST], [FIRST, delivered("2022-09-05")], (46, 52), "sen_leverans"),
    "a newer delivery says less": ([FIRST], [FIRST, delivered("2022-09-05")], (44, 50), "rattelse"),
    "only the numerator grew": ([FIRST], [FIRST, delivered("2022-09-05")], (46, 50), "sen_leverans"),
    "only the denominator grew": ([FIRST], [FIRST, delivered("2022-09-05")], (45, 51), "sen_leverans"),
    "one grew and the other shrank": ([FIRST], [FIRST, delivered("2022-09-05")], (44, 52), "sen_leverans|rattelse"),
    "a missed delivery of an earlier day came": ([FIRST], [FIRST, delivered("2022-07-05")], (46, 52), "sen_leverans"),
    "a missed delivery says less": ([FIRST], [FIRST, delivered("2022-07-05")], (44, 50), "rattelse"),
    "a second delivery of the day": (
        [FIRST],
        [FIRST, delivered("2022-08-05", "b", file="b")],
        (46, 52),
        "sen_leverans",
    ),
    "a file has other content": ([FIRST], [FIRST | {"sha256": "annan"}], (46, 52), "rattelse"),
    "a delivery was withdrawn": (
        [FIRST, delivered("2022-09-05")],
        [FIRST, delivered("2022-09-05", status="aterkallad")],
        (40, 50),
        "aterkallelse",
    ),
    "the register came anew": ([FIRST], [FIRST, delivered("2022-09-05", source="enheter")], (46, 52), "sen_leverans"),
    "another source came": ([FIRST], [FIRST, delivered("2022-09-05", source="gas")], (46, 52), None),
    "nothing came": ([FIRST], [FIRST], (46, 52), None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_may_be_the_cause_is_read_from_the_sources_of_the_indicator(data: DataPaths, case: str) -> None:
    before_inputs, inputs, numbers, expected = CASES[case]
    before = release(data, 1, share(45, 50), inputs=before_inputs)
    now = release(data, 2, share(*numbers), inputs=inputs)
    (row,) = revisions(now, before).rows(named=True)
    assert row["orsaker"] == expected
    assert row["kallor"] == (None if expected is None else "enheter" if "register" in case else "kva")


def test_definition_code_and_parameters_are_causes_of_their_own(data: DataPaths) -> None:
    before = release(data, 1, share(45, 50), cell(CROWNS, *JULY, varde=9.0))
    other = [described(CROWNS) | {"ny": "x"}, described(SHARE, "2.0") | {"ny": "x"}]
    cells = share(46, 50), cell(CROWNS, *JULY, varde=10.0)
    defined = release(data, 2, *cells, indicators=other)
    assert revisions(defined, before)["orsaker"].to_list() == ["definition", None]
    coded = release(data, 3, *cells, code_version="annan")
    assert revisions(coded, before)["orsaker"].to_list() == ["kod", "kod"]
    limit = release(data, 4, *cells, parameters={"suppression_limit": 7})
    assert revisions(limit, before)["orsaker"].to_list() == [None, None]


KINDS = {
    "share, numerator": ("andel", (40, 50, 80), (41, 50, 82), "sen_leverans"),
    "coverage, numerator": ("tackning", (40, 50, 80), (41, 50, 82), "sen_leverans"),
    "count that grew": ("antal", (40, None, 40), (41, None, 41), "sen_leverans"),
    "count that shrank": ("antal", (40, None, 40), (39, None, 39), "rattelse"),
    "median of more": ("median", (None, 50, 8), (None, 51, 7), "sen_leverans"),
    "median of as many": ("median", (None, 50, 8), (None, 50, 7), "rattelse"),
    "median of fewer": ("median", (None, 50, 8), (None, 49, 7), "rattelse"),
    # A late one may lower a sum: what counts is how many there are.
    "mean of more": ("medel", (90, 50, 1.8), (88, 51, 1.7), "sen_leverans"),
    "mean of as many": ("medel", (90, 50, 1.8), (92, 50, 1.84), "sen_leverans|rattelse"),
    # An amount says not of how many it is: a late cost lowers a result.
    "amount that grew": ("belopp", (90, None, 90), (95, None, 95), "sen_leverans|rattelse"),
    "amount that shrank": ("belopp", (90, None, 90), (85, None, 85), "sen_leverans|rattelse"),
    "there was nothing": ("andel", (None, None, None), (2, 5, 40), "sen_leverans"),
    "nothing is left": ("andel", (2, 5, 40), (None, None, None), "rattelse"),
}


@pytest.mark.parametrize("case", KINDS)
def test_late_data_is_what_counts_more_as_its_kind_of_measure_does(data: DataPaths, case: str) -> None:
    kind, was, is_, expected = KINDS[case]
    indicators = [described(SHARE) | {"art": kind}]
    said = [cell(SHARE, *AUGUST, **dict(zip(("taljare", "namnare", "varde"), n, strict=True))) for n in (was, is_)]
    before = release(data, 1, said[0], indicators=indicators, inputs=[FIRST])
    now = release(data, 2, said[1], indicators=indicators, inputs=[FIRST, delivered("2022-09-05")])
    assert revisions(now, before)["orsaker"].to_list() == [expected]


def test_a_month_that_is_judged_now_with_the_numbers_it_had_is_no_correction(data: DataPaths) -> None:
    before = release(data, 1, share(45, 50, status="preliminar", komplett=False), inputs=[FIRST])
    inputs = [FIRST, delivered("2022-09-05"), delivered("2022-07-05")]
    now = release(data, 2, share(45, 50, status="uppfyllt"), inputs=inputs, catalogue_version="annan")
    (row,) = revisions(now, before).rows(named=True)
    assert (row["fore_status"], row["efter_status"], row["orsaker"]) == ("preliminar", "uppfyllt", None)


def test_a_status_that_turned_with_equal_numbers_was_compared_with_others(data: DataPaths) -> None:
    """The target is the year before's, which came late or was corrected: this cell does not know which."""
    before = release(data, 1, share(45, 50, status="uppfyllt", malvarde=89.0), inputs=[FIRST])
    now = release(data, 2, share(45, 50, status="ej_uppfyllt", malvarde=91.0), inputs=[FIRST, delivered("2022-09-05")])
    assert revisions(now, before)["orsaker"].to_list() == ["sen_leverans|rattelse"]


def test_code_lists_exclusions_and_plan_are_part_of_the_definition(data: DataPaths) -> None:
    """They stand in the seeds, whose hash the manifest has, and not in how an indicator is described."""
    before = release(data, 1, share(45, 50), cell(CROWNS, *JULY, taljare=9.0, varde=9.0), inputs=[FIRST])
    cells = share(46, 50), cell(CROWNS, *JULY, taljare=8.0, varde=8.0)
    listed = release(data, 2, *cells, inputs=[FIRST], catalogue_version="annan")
    assert revisions(listed, before)["orsaker"].to_list() == ["definition"] * 2
    came = release(data, 3, *cells, inputs=[FIRST, delivered("2022-09-05")], catalogue_version="annan")
    assert revisions(came, before)["orsaker"].to_list() == [
        "sen_leverans|definition",
        "sen_leverans|rattelse|definition",
    ]
    # Another indicator's new description explains the other hash; of this one it is the last thing to think of.
    other = [described(CROWNS, "2.0"), described(SHARE)]
    inputs = [FIRST, delivered("2022-09-05")]
    one = release(data, 4, *cells, indicators=other, catalogue_version="annan", inputs=inputs)
    assert revisions(one, before)["orsaker"].to_list() == ["sen_leverans", "sen_leverans|rattelse|definition"]
    alone = release(data, 5, *cells, indicators=other, catalogue_version="annan", inputs=[FIRST])
    assert revisions(alone, before)["orsaker"].to_list() == ["definition", "definition"]


def test_what_was_frozen_and_counts_now_is_late_data(data: DataPaths) -> None:
    before = release(data, 1, share(45, 50), inputs=[FIRST], frozen={SHARE: "2022-08-01-0123456789ab"})
    now = release(data, 2, share(50, 60), inputs=[FIRST])
    assert revisions(now, before)["orsaker"].to_list() == ["sen_leverans"]


def test_causes_in_words() -> None:
    assert cause_words("sen_leverans|rattelse", "enheter|kva") == "senare leverans eller rättelse (enheter, kva)"
    assert cause_words("kod|definition|sekretess", None) == "ändrad beräkning, ändrad definition eller sekretess"
    assert cause_words(None, None) == "okänd (tiden har gått)"


def test_the_release_before_stands_and_is_whole(data: DataPaths) -> None:
    ids = [release(data, day, share(40, 50)).release.id for day in (1, 2, 3, 4)]
    assert release_before(data, ids[0]) is None

    def before_the_last() -> str | None:
        found = release_before(data, ids[3])
        return found.id if found else None

    assert before_the_last() == ids[2]
    (data.releases / ids[2] / "indicator.parquet").write_bytes(b"skadad")
    assert before_the_last() == ids[1]
    retract(data, ids[1], "fel", "chefen")
    assert before_the_last() == ids[0]


def test_the_product_has_all_cells_and_a_csv_of_final_ones(data: DataPaths) -> None:
    unit = {"niva": "enhet", "verksamhet": "AA", "enhet": "SE1"}
    first = release(data, 1, share(40, 50, *JULY), share(1, 2, komplett=False), share(30, 40, *JULY, **unit))
    second = release(data, 2, share(41, 50, *JULY), share(2, 3), share(31, 40, *JULY, **unit))
    for one in (first, second):
        made, trouble = make_products(data, one.release, [PRODUCT])
        assert trouble == [] and made[0].anew
    folder = folder_of(data, second.release.id, "revideringar")
    assert pl.read_parquet(folder / "revideringar.parquet").height == 3
    text = (folder / "revideringar.csv").read_text("utf-8-sig").splitlines()
    assert len(text) == 2 and ";80;82;40;41;50;50;" in text[1]
    nothing = folder_of(data, first.release.id, "revideringar")
    assert pl.read_parquet(nothing / "revideringar.parquet").schema == REVISION_SCHEMA
    # When the release before is retracted, it is compared with another, or none.
    retract(data, first.release.id, "fel", "chefen")
    (again,), _ = make_products(data, second.release, [PRODUCT])
    assert again.anew and pl.read_parquet(folder / "revideringar.parquet").is_empty()


def test_the_command_tells_what_changed(data: DataPaths) -> None:
    data.root.mkdir()
    data.root.joinpath(".resultattavla").touch()
    before = release(data, 1, share(45, 50), share(4, 5, *JULY), inputs=[FIRST])
    now = release(data, 2, share(46, 52), cell(SHARE, *JULY, status="dold"), inputs=[FIRST, delivered("2022-09-05")])
    statuses = [("inget_mal", "Inget mål", 1), ("dold", "För få för att visas", 2)]
    words = pl.DataFrame([{"kod": k, "typ": "status", "ord": w, "symbol": "x", "ordning": n} for k, w, n in statuses])
    with_tables(data, now.release.id, {"dim_status": words})
    switch_current(data, now.release.id)
    told = said("changes", "--data", data.root)
    assert told.returncode == 0 and f"Utgåva {before.release.id} → {now.release.id}" in told.stdout
    assert "2 tal har ändrats, 2 av dem slutliga" in told.stdout
    assert "90,0 procent (inget mål)" in told.stdout and "88,5 procent (inget mål)" in told.stdout
    assert "senare leverans (kva)" in told.stdout and "80,0" not in told.stdout  # the hidden month's
    assert "Visades" in told.stdout and "För få för att" in told.stdout
    (data.root / "fil").touch()
    for target, why in ((data.root / "fil" / "a.csv", "en fil är i vägen"), (data.root, "en mapp är i vägen")):
        wrong = said("changes", "--csv", target, "--data", data.root)
        assert wrong.returncode == 1 and f"Filen {target} kan inte skrivas: {why}." in wrong.stderr
    remove(data.releases / before.release.id)
    alone = said("changes", "--data", data.root)
    assert alone.returncode == 0 and f"Det finns ingen utgåva före {now.release.id}" in alone.stdout


@pytest.mark.parametrize("status", ["uppfyllt", "ej_uppfyllt", "inget_mal", "preliminar", "ingen_data"])
def test_whether_a_hidden_cell_met_its_target_is_told_of_neither_side(data: DataPaths, status: str) -> None:
    shown, hidden = (
        release(data, 1, share(45, 50, status=status)),
        release(data, 2, cell(SHARE, *AUGUST, status="dold")),
    )
    for now, before in ((hidden, shown), (shown, hidden)):
        (row,) = revisions(now, before).rows(named=True)
        assert {row["fore_status"], row["efter_status"]} == {"visad", "dold"} and status not in row.values()
