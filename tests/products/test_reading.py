"""A release as products read it: typed rows, newest periods, words; what an older one lacks is one sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import THIN_SPACE
from dagster_project.products.reading import Reading
from tests.products.small import CROWNS, SHARE, dimensions, readable_release, reading_of
from tests.releases.small import overwrite, small_release


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    data = DataPaths(tmp_path)
    return reading_of(data, readable_release(data))


def test_rows_of_dimensions_are_typed_and_lists_are_parted(reading: Reading) -> None:
    share = reading.indicators[SHARE]
    assert (share.titel, share.riktning, share.decimaler, share.patient) == ("Väntat kort", "battre_upp", 1, True)
    assert share.kallor == ("enheter", "vantetider") and share.omfattning == ("BB", "AA")
    assert reading.indicators[CROWNS].omfattning == ()
    assert reading.statuses["ej_uppfyllt"].ord == "Inte uppnått"
    assert reading.ties.rows() == [("X-01", SHARE, "huvud")]


def test_verksamheter_and_items_stand_in_their_own_order(reading: Reading) -> None:
    assert list(reading.verksamheter) == ["BB", "AA"] and reading.area.verksamhet == "HH"
    assert reading.verksamheter["BB"].regionskod is None  # a column that came later
    assert list(reading.items) == ["X-01", "X-02"] and reading.items["X-01"].omfattning == ("AA", "BB")


def test_newest_complete_period_of_one_indicator_or_of_any(reading: Reading) -> None:
    august, may = (date(2022, 8, 1), date(2022, 8, 31)), (date(2022, 5, 1), date(2022, 5, 31))
    assert reading.newest_complete("manad", SHARE) == reading.newest_complete("manad") == august
    assert reading.newest_complete("manad", CROWNS) == may
    assert reading.newest_complete("ar", SHARE) == (date(2021, 1, 1), date(2021, 12, 31))
    assert reading.newest_complete("ar", CROWNS) is None and reading.newest_complete("r12") is None


def test_cells_are_chosen_by_level_sex_and_period_type(reading: Reading) -> None:
    assert reading.cells(SHARE).height == 7 and reading.cells("okand").is_empty()
    assert reading.cells(SHARE, niva="omrade", kon="T", period_typ="manad")["varde"].to_list() == [80.0, 90.0, None]
    assert reading.cells(SHARE, kon="K")["taljare"].to_list() == [20.0]


def test_words_of_periods_and_values(reading: Reading) -> None:
    assert reading.period_label("manad", date(2022, 8, 1)) == "augusti 2022"
    assert reading.value_words(SHARE, 93.7) == "93,7 procent" and reading.value_words(SHARE, 90.0) == "90,0 procent"
    assert reading.value_words(SHARE, 99.96) == "99,96 procent"  # not 100,0
    assert reading.value_words(SHARE, 89.97, target=90.0) == "89,97 procent"
    assert reading.value_words(CROWNS, 1_250_000.0) == "1,25 miljoner kr"
    assert reading.value_words(CROWNS, 12_500.0) == f"12{THIN_SPACE}500 kr"
    with pytest.raises(ResultattavlaError, match="ingen period av typen manad som börjar 2030-01-01"):
        reading.period_label("manad", date(2030, 1, 1))


def test_a_release_of_older_code_is_one_sentence(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    older = reading_of(data, small_release(data, 3))
    assert older.results.height > 0
    with pytest.raises(ResultattavlaError, match=r"^Utgåva 2022-09-03-\w+ är gjord av en äldre .*tabellen signal: kör"):
        _ = older.signals
    with pytest.raises(ResultattavlaError, match="saknar tabellen dim_indikator"):
        _ = older.indicators
    lacking = {"dim_status": dimensions()["dim_status"].drop("symbol")}
    with pytest.raises(ResultattavlaError, match="saknar kolumnen symbol i tabellen dim_status"):
        _ = reading_of(data, readable_release(data, 4, lacking)).statuses


def test_a_damaged_table_and_no_release_are_one_sentence_each(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    release_id = readable_release(data)
    reading = reading_of(data, release_id)
    overwrite(data.releases / release_id / "dim_period.parquet", b"skadad")
    with pytest.raises(ResultattavlaError, match=r"^Tabellen dim_period i utgåva .* är skadad: kör"):
        _ = reading.periods
    with pytest.raises(ResultattavlaError, match="Ingen utgåva är publicerad"):
        _ = Reading(None).results


def test_a_table_is_read_once(reading: Reading) -> None:
    assert reading.results is reading.results and reading.indicators is reading.indicators
