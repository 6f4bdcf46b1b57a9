"""Deliveries: what is found, what counts, what is read again, and how rows of several files settle."""

from __future__ import annotations

import json
import logging
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import Condition, FullList, load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, LATER, REJECTED
from dagster_project.core.clock import today_in_sweden
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import sha256_of
from dagster_project.ingestion import bronze, deliveries, persons, remembered
from dagster_project.ingestion import settle as settling
from dagster_project.ingestion.bronze import digest_of, read_note
from dagster_project.ingestion.deliveries import known_deliveries
from dagster_project.ingestion.discover import parse_name
from dagster_project.ingestion.settle import Settled
from dagster_project.runs.folder import (
    FINDINGS,
    LIST_UNIT,
    MEASURES,
    REGISTER_ROW,
    UNIT_GONE,
    UNIT_LATER,
    UNIT_MOVED,
    RunFolder,
)
from dagster_project.runs.ledger import LEDGER_SCHEMA, inputs_of, natural_order, published
from tests.extracts import BASE, OTHER_UNIT, PERSON, TODAY, TWO_UNITS, UNIT, WAITING, Pipeline, base, csv_bytes


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.delenv(persons.KEY_VARIABLE, raising=False)
    made = Pipeline(tmp_path)
    made.deliver("enheter", "2022-01-01", *TWO_UNITS)
    return made


def case(number: int, **changes: str) -> dict[str, str]:
    return base("avvikelser", avvikelse_id=f"A{number}", **changes)


def shown(settled: Settled, *columns: str) -> list[tuple[Any, ...]]:
    return settled.quarantine.select(columns or ("file", "line", "reasons", "state")).rows()


def measured(pipeline: Pipeline, source: str) -> dict[str, Any]:
    """What the first gate judges of a source in the latest run."""
    return RunFolder(pipeline.data).read(MEASURES).row(by_predicate=pl.col("source") == source, named=True)


def status(settled: Settled) -> dict[str, str]:
    return {d.name: d.status for d in settled.ledger}


# --- Which files are deliveries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "kva_2022-08-31.csv",
        "kva_2022-08-31_.csv",
        "kva_2022-08-31_norr (1).csv",
        "kva_2022-08-31_åäö 😀 'x'.csv.gz",
        "kva_2022-08-31_a.b.xlsx",
        "kva_2024-02-29.parquet",
    ],
)
def test_good_names(name: str) -> None:
    found, extension = parse_name("kva", name)
    assert str(found) == name[4:14] and name.endswith("." + extension)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("kva.csv", "uttagsdatum"),
        ("kva_2022-02-30.csv", "uttagsdatum"),
        ("kva_2022-8-31.csv", "uttagsdatum"),
        ("kva_20220831.csv", "uttagsdatum"),
        ("kva_22-08-31.csv", "uttagsdatum"),
        ("kva-2022-08-31.csv", "uttagsdatum"),
        ("kva_2022-08-31x.csv", "uttagsdatum"),
        ("gas_2022-08-31.csv", "uttagsdatum"),
        (" kva_2022-08-31.csv", "uttagsdatum"),
        ("kva_٢٠٢٢-08-31.csv", "uttagsdatum"),
        ("kva_2022-08-31.txt", "filändelsen"),
        ("kva_2022-08-31", "filändelsen"),
        ("kva_2022-08-31.xls", "filändelsen"),
        ("kva_2022-08-31.csv.zip", "filändelsen"),
        ("README.md", "filändelsen"),
    ],
)
def test_bad_names_are_rejected_deliveries(pipeline: Pipeline, name: str, cause: str) -> None:
    pipeline.put("kva", name, csv_bytes([BASE["kva"]]))
    pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    _, ledger = pipeline.ledger()
    refused = ledger[f"kva/{name}"]
    assert refused.status == REJECTED
    assert refused.orsak is not None and name in refused.orsak and cause in refused.orsak
    assert (refused.rows_read, refused.uttagsdatum) == (0, None)
    assert ledger["kva/kva_2022-08-30.csv"].status == ACCEPTED


def test_hidden_and_lock_files_are_passed_over(pipeline: Pipeline) -> None:
    for name in (".kva_2022-08-31.csv", "~$kva_2022-08-31.xlsx", ".DS_Store", ".gitkeep"):
        pipeline.put("kva", name, b"x")
    (pipeline.raw / "kva" / ".mapp").mkdir()
    assert list(status(pipeline.run())) == ["enheter_2022-01-01.csv"]


def test_links_and_folders_are_rejected(pipeline: Pipeline) -> None:
    good = pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    (pipeline.raw / "kva" / "kva_2022-08-31.csv").symlink_to(good)
    (pipeline.raw / "kva" / "kva_2022-08-29.csv").symlink_to("nowhere")
    (pipeline.raw / "kva" / "kva_2022-08-28.csv").mkdir()
    (pipeline.raw / "gas").symlink_to(pipeline.raw / "kva")
    (pipeline.raw / "vantetider").write_text("x")
    causes = {d.file: d.orsak or "" for d in pipeline.run().ledger}
    assert "länk" in causes["kva/kva_2022-08-31.csv"] and "länk" in causes["kva/kva_2022-08-29.csv"]
    assert "mapp" in causes["kva/kva_2022-08-28.csv"]
    assert "länk" in causes["gas"] and "fil" in causes["vantetider"]
    assert causes["kva/kva_2022-08-30.csv"] == ""


def test_folders_without_a_contract_are_named_in_the_log(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    (pipeline.raw / "ingens").mkdir()
    with caplog.at_level(logging.INFO):
        pipeline.run()
    assert "ingens" in caplog.text


def test_delivered_files_are_never_changed(pipeline: Pipeline) -> None:
    pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.put("kva", "kva_2022-08-31.csv", b"skrap")

    def picture() -> dict[str, tuple[bytes, int, int]]:
        paths = [p for p in sorted(pipeline.raw.rglob("*")) if p.is_file()]
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode) for p in paths}

    before = picture()
    pipeline.run()
    assert picture() == before


def test_a_missing_raw_folder_is_a_clear_error(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.raw.rmdir()
    with pytest.raises(ResultattavlaError, match="raw"):
        pipeline.ledger()


def test_empty_raw(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    assert pipeline.ledger() == (None, {})
    settled = pipeline.run(every=True)
    assert settled.ledger == [] and settled.quarantine.height == 0
    assert pl.read_parquet(pipeline.data.run / "measures.parquet")["rows_accepted"].to_list() == [0] * len(
        load_contracts()
    )


# --- As-of date, same content, later ---------------------------------------------------------------------------------


def test_as_of_is_the_newest_accepted_extraction_not_after_today(pipeline: Pipeline) -> None:
    pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.put("kva", "kva_2022-09-15.csv", b"avvisas\n1\n")
    pipeline.deliver("kva", "2022-10-16", base("kva", vardkontakt_id="K9"))
    assert pipeline.ledger(today=date(2022, 10, 15))[0] == date(2022, 8, 30)
    assert pipeline.ledger(today=date(2022, 10, 16))[0] == date(2022, 10, 16)
    assert pipeline.ledger(as_of=date(2022, 9, 1))[0] == date(2022, 9, 1)


def test_one_file_far_ahead_of_all_sources_stops_the_run(pipeline: Pipeline) -> None:
    pipeline.deliver("enheter", "2022-06-01", *TWO_UNITS)
    pipeline.deliver("avvikelser", "2022-06-20", case(1))
    pipeline.deliver("kva", "2022-06-10", BASE["kva"])
    far = pipeline.deliver("kva", "2022-08-20", base("kva", vardkontakt_id="K9"))
    with pytest.raises(ResultattavlaError) as stop:
        pipeline.ledger()
    told = str(stop.value)
    assert "kva/kva_2022-08-20.csv" in told and "--as-of 2022-06-20" in told and "withdraw" in told
    assert "\n" not in told
    with pytest.raises(ResultattavlaError, match="kva_2022-08-20"):
        known_deliveries(pipeline.raw, pipeline.data, None, TODAY)
    # With the date given, the file waits; what is not later than today counts as it always did.
    assert pipeline.ledger(as_of=date(2022, 6, 20))[1]["kva/kva_2022-08-20.csv"].status == LATER
    assert pipeline.ledger(today=date(2022, 8, 19))[0] == date(2022, 6, 20)
    # 60 days are not too far; neither is any distance where only two sources were delivered.
    far.rename(far.with_name("kva_2022-08-19.csv"))
    shutil.rmtree(pipeline.data.root)
    assert pipeline.ledger()[0] == date(2022, 8, 19)
    far.with_name("kva_2022-08-19.csv").rename(far.with_name("kva_2022-10-01.csv"))
    shutil.rmtree(pipeline.data.root)
    shutil.rmtree(pipeline.raw / "avvikelser")
    assert pipeline.ledger()[0] == date(2022, 10, 1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2022, 6, 30, 21, 59, tzinfo=UTC), date(2022, 6, 30)),
        (datetime(2022, 6, 30, 22, 0, tzinfo=UTC), date(2022, 7, 1)),
        (datetime(2022, 12, 31, 22, 59, tzinfo=UTC), date(2022, 12, 31)),
        (datetime(2022, 12, 31, 23, 0, tzinfo=UTC), date(2023, 1, 1)),
    ],
)
def test_today_is_today_in_sweden(moment: datetime, day: date) -> None:
    assert today_in_sweden(moment) == day


def test_what_identifies_a_run_depends_not_on_how_its_day_was_given(pipeline: Pipeline) -> None:
    pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.put("kva", "kva_2022-09-15.csv", b"avvisas\n1\n")
    pipeline.put("kva", "kva_2022-08-15.csv", b"avvisas\n1\n")
    day, ledger = pipeline.ledger()
    assert day == date(2022, 8, 30)
    assert ledger["kva/kva_2022-09-15.csv"].status == REJECTED, "the run's own record tells of it"
    _, given = pipeline.ledger(as_of=day)
    assert inputs_of(ledger.values(), day) == inputs_of(given.values(), day)
    shown = {d.name for d in published(ledger.values(), day)}
    assert shown == {"enheter_2022-01-01.csv", "kva_2022-08-15.csv", "kva_2022-08-30.csv"}


def test_later_deliveries_are_not_read(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.put("kva", "kva_2022-08-31.csv", b"trasig")
    _, ledger = pipeline.ledger(as_of=date(2022, 8, 30))
    later = ledger["kva/kva_2022-08-31.csv"]
    assert (later.status, later.rows_read) == (LATER, 0)
    assert not list(pipeline.data.bronze.glob(f"kva/{later.id}*"))
    assert ledger["kva/kva_2022-08-30.csv"].status == ACCEPTED


def test_a_past_day_can_be_repeated(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-07-01", case(1))
    first = pipeline.run(as_of=date(2022, 7, 31))
    before = pipeline.rows(first, "avvikelser")
    pipeline.deliver("avvikelser", "2022-08-15", case(1, typ="Ny"), case(2))
    assert pipeline.rows(pipeline.run(), "avvikelser").height == 2
    assert pipeline.rows(pipeline.run(as_of=date(2022, 7, 31)), "avvikelser").equals(before)


def test_same_bytes_on_one_date_are_one_delivery(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-30", case(1))
    pipeline.deliver("avvikelser", "2022-06-30", case(1), suffix="_b")
    settled = pipeline.run()
    assert status(settled)["avvikelser_2022-06-30.csv"] == "accepterad"
    (twin,) = (d for d in settled.ledger if d.name == "avvikelser_2022-06-30_b.csv")
    assert twin.status == "samma_innehall" and twin.rows_read == 0
    assert twin.orsak and "avvikelser_2022-06-30.csv" in twin.orsak
    assert pipeline.rows(settled, "avvikelser").height == 1


def test_same_bytes_under_a_later_date_are_a_delivery_of_their_own(pipeline: Pipeline) -> None:
    """A corrected export followed by the first one again: the last counts, and proves freshness."""
    pipeline.deliver("avvikelser", "2022-06-30", case(1))
    pipeline.deliver("avvikelser", "2022-07-10", case(1, typ="Ny"))
    path = pipeline.deliver("avvikelser", "2022-08-20", case(1))
    settled = pipeline.run()
    assert set(status(settled).values()) == {"accepterad"}
    assert settled.as_of == date(2022, 8, 20)
    assert pipeline.rows(settled, "avvikelser")["typ"].to_list() == [BASE["avvikelser"]["typ"]]
    assert measured(pipeline, "avvikelser")["age_days"] == 0
    path.unlink()
    assert pipeline.run().ledger == settled.ledger, "its rows are in bronze as well"


def test_an_unchanged_register_stays_fresh(pipeline: Pipeline) -> None:
    for month in (2, 3, 4, 5, 6):
        pipeline.deliver("enheter", f"2022-0{month}-01", *TWO_UNITS)
    pipeline.run(as_of=date(2022, 6, 15))
    assert measured(pipeline, "enheter")["age_days"] == 14


def test_the_files_of_the_newest_date_are_judged_together(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", *(case(n) for n in range(9)))
    pipeline.deliver("avvikelser", "2022-07-01", *(case(n, registreringsdatum="x") for n in range(3)), suffix="_a")
    pipeline.deliver("avvikelser", "2022-07-01", case(10), suffix="_b")
    pipeline.run()
    found = measured(pipeline, "avvikelser")
    assert (found["rows_read_newest"], found["rows_quarantined_newest"]) == (4, 3)
    assert found["quarantined_share_newest"] == 0.75


def test_the_same_bytes_in_two_sources_are_two_deliveries(pipeline: Pipeline) -> None:
    content = csv_bytes([{**BASE["kva"], **BASE["avvikelser"], **BASE["kva"]}])
    pipeline.put("kva", "kva_2022-08-01.csv", content)
    pipeline.put("avvikelser", "avvikelser_2022-08-01.csv", content)
    assert set(status(pipeline.run()).values()) == {"accepterad"}


# --- Bronze ----------------------------------------------------------------------------------------------------------


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a file was parsed again")

    monkeypatch.setattr(bronze, "read_delivery", fail)


def test_unchanged_files_are_not_parsed_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.deliver("kva", "2022-08-30", BASE["kva"], base("kva", vardkontakt_id=""))
    pipeline.put("kva", "kva_2022-08-31.csv", b"skrap\n1\n")
    first = pipeline.run()
    with monkeypatch.context() as patch:
        forbid_reading(patch)
        second = pipeline.run()
    assert second.ledger == first.ledger and second.quarantine.equals(first.quarantine)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x15
    path.write_bytes(content)


DAMAGES = {
    "missing": Path.unlink,
    "short": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "flipped": flip,
    "other": lambda path: path.write_text("[]"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Settled]:
    """A register and one delivery with a good and a bad row, read and settled."""
    made = Pipeline(tmp_path_factory.mktemp("kept") / "pipeline")
    made.deliver("enheter", "2022-01-01", *TWO_UNITS)
    made.deliver("avvikelser", "2022-06-01", case(1), case(2, typ="x"))
    return made, made.run(every=True)


@pytest.fixture
def read(kept: tuple[Pipeline, Settled], tmp_path: Path) -> Pipeline:
    """A copy of what was read, to be damaged."""
    shutil.copytree(kept[0].folder, tmp_path / "pipeline")
    return Pipeline(tmp_path / "pipeline")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", ["accepted.parquet", "quarantine.parquet", "json"])
def test_damaged_bronze_is_read_again_or_refused(
    kept: tuple[Pipeline, Settled], read: Pipeline, kind: str, damage: str
) -> None:
    known = read.ledger()
    (path,) = read.raw.glob("avvikelser/*.csv")
    (stored,) = read.data.bronze.glob(f"avvikelser/2*.{kind}")
    DAMAGES[damage](stored)
    again = read.run()
    assert again.ledger == kept[1].ledger and again.quarantine.equals(kept[1].quarantine)
    content = path.read_bytes()
    path.unlink()
    assert read.ledger() == known
    DAMAGES[damage](stored)
    # What cannot be read again is never left out in silence; the sentence says which files and what to do.
    with pytest.raises(ResultattavlaError, match=f"lägg tillbaka den eller ta bort .*{stored.name.split('.')[0]}"):
        read.ledger()
    path.write_bytes(content)
    assert read.ledger() == known


@pytest.mark.parametrize("damage", ["short", "empty", "flipped", "other"])
def test_a_damaged_empty_table_is_made_again(kept: tuple[Pipeline, Settled], read: Pipeline, damage: str) -> None:
    DAMAGES[damage](read.data.bronze / "gas" / "0.accepted.parquet")
    assert read.run(every=True).ledger == kept[1].ledger


def test_every_change_of_a_note_is_seen(pipeline: Pipeline) -> None:
    """A note that still parses, with another count or name in it, must not be believed."""
    pipeline.deliver("avvikelser", "2022-06-01", case(1))
    pipeline.run()
    (note,) = pipeline.data.bronze.glob("avvikelser/*.json")
    whole = note.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x01
        note.write_bytes(changed)
        try:
            same = json.loads(changed) == json.loads(whole)  # white space
        except ValueError:
            same = False
        assert same or read_note(note) is None, position


def test_deliveries_count_when_their_file_has_left_raw(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2, typ="x"), case(2))
    pipeline.put("avvikelser", "avvikelser_2022-07-02.csv", b"skrap\n1\n")
    first = pipeline.run()
    path.unlink()
    (pipeline.raw / "avvikelser" / "avvikelser_2022-07-02.csv").unlink()
    forbid_reading(monkeypatch)
    second = pipeline.run()
    assert [d for d in first.ledger if d.status == "accepterad"] == [
        d for d in second.ledger if d.status == "accepterad"
    ]
    assert "avvikelser_2022-07-02.csv" not in status(second), "a rejected file is forgotten with its file"
    assert second.quarantine.equals(first.quarantine)
    assert pipeline.run(as_of=date(2022, 6, 30)).accepted("avvikelser") == []


def test_a_file_replaced_under_its_name_replaces_its_rows(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2))
    pipeline.run()
    pipeline.deliver("avvikelser", "2022-07-01", case(3))
    settled = pipeline.run()
    assert pipeline.rows(settled, "avvikelser")["avvikelse_id"].to_list() == ["A3"]
    assert len(settled.accepted("avvikelser")) == 1


def test_a_file_overwritten_says_so_in_the_ledger(pipeline: Pipeline) -> None:
    first = case(1), case(2)
    path = pipeline.deliver("avvikelser", "2022-07-01", *first)
    assert pipeline.run().accepted("avvikelser")[0].orsak is None
    pipeline.deliver("avvikelser", "2022-07-01", case(3))
    for _ in range(2):  # read now, and known from bronze
        (line,) = pipeline.run().accepted("avvikelser")
        assert line.orsak and "skrivits över" in line.orsak
    path.unlink()
    settled = pipeline.run()
    assert pipeline.rows(settled, "avvikelser")["avvikelse_id"].to_list() == ["A3"], "what it held last counts"
    pipeline.deliver("avvikelser", "2022-07-01", *first)
    for _ in range(2):
        settled = pipeline.run()
        assert len(settled.accepted("avvikelser")) == 1
        assert sorted(pipeline.rows(settled, "avvikelser")["avvikelse_id"]) == ["A1", "A2"]


def test_a_file_overwritten_with_junk_keeps_its_rows_and_warns(pipeline: Pipeline) -> None:
    path = pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2))
    pipeline.run()
    path.write_bytes(b"skrap\n1\n")
    for _ in range(2):
        settled = pipeline.run()
        assert pipeline.rows(settled, "avvikelser").height == 2
        lines = {d.status: d.orsak or "" for d in settled.ledger if d.source == "avvikelser"}
        assert "avvisades" in lines[ACCEPTED] and "kolumn" in lines[REJECTED]
        assert measured(pipeline, "avvikelser")["files_kept"] == 1
    path.unlink()
    path.mkdir()
    assert pipeline.rows(pipeline.run(), "avvikelser").height == 2


@pytest.mark.parametrize("read_before", [True, False])
def test_a_file_that_can_no_longer_be_opened(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, read_before: bool
) -> None:
    path = pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2, allvarlighetsgrad="9"))
    pipeline.deliver("avvikelser", "2022-06-01", case(3))
    before = pipeline.run() if read_before else None

    def closed(one: Path) -> str:
        if one == path:
            raise PermissionError(13, "Permission denied")
        return sha256_of(one)

    monkeypatch.setattr(remembered, "sha256_of", closed)
    path.chmod(0o200)
    settled = pipeline.run()
    (line,) = (d for d in settled.ledger if d.file == f"avvikelser/{path.name}")
    assert line.orsak and "kan inte läsas" in line.orsak
    if before is None:
        assert line.status == REJECTED and measured(pipeline, "avvikelser")["files_kept"] == 0
        return
    assert line.status == ACCEPTED and "tidigare läsningen" in line.orsak
    assert pipeline.rows(settled, "avvikelser").equals(pipeline.rows(before, "avvikelser"))
    assert settled.quarantine.equals(before.quarantine)
    assert measured(pipeline, "avvikelser")["files_kept"] == 1
    assert pipeline.ledger()[1][line.file].orsak == line.orsak


def test_a_renamed_file_stays_one_delivery(pipeline: Pipeline) -> None:
    path = pipeline.deliver("avvikelser", "2022-07-01", case(1))
    pipeline.run()
    path.rename(path.with_name("avvikelser_2022-07-01_b.csv"))
    settled = pipeline.run()
    assert len(settled.accepted("avvikelser")) == 1
    assert pipeline.rows(settled, "avvikelser").height == 1


def test_a_changed_contract_reads_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.run()
    monkeypatch.setattr(bronze, "BRONZE_VERSION", bronze.BRONZE_VERSION + 1)
    assert status(pipeline.run())["kva_2022-08-30.csv"] == "accepterad"
    path.unlink()
    monkeypatch.setattr(bronze, "BRONZE_VERSION", bronze.BRONZE_VERSION + 1)
    with pytest.raises(ResultattavlaError, match="kva_2022-08-30.csv"):
        pipeline.run()


def test_a_changed_person_key_rebuilds(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.deliver(
        "enheter", "2022-02-01", *TWO_UNITS, base("enheter", giltig_fran="2010-01-01", giltig_till="2010-02-01")
    )
    before = pipeline.rows(pipeline.run(), "kva")["person_id"].to_list()
    monkeypatch.setenv(persons.KEY_VARIABLE, "en annan nyckel")
    again = pipeline.run()
    after = pipeline.rows(again, "kva")["person_id"].to_list()
    assert before != after == [persons.person_id(PERSON, b"en annan nyckel")]
    # Without the file the rows cannot be rebuilt: refused, never mixed.
    path.unlink()
    monkeypatch.setenv(persons.KEY_VARIABLE, "en tredje nyckel")
    with pytest.raises(ResultattavlaError, match="personnyckel"):
        pipeline.run()
    monkeypatch.setenv(persons.KEY_VARIABLE, "en annan nyckel")
    assert pipeline.rows(pipeline.run(), "kva")["person_id"].to_list() == after


# --- The unit register -----------------------------------------------------------------------------------------------


def test_unknown_and_invalid_units(pipeline: Pipeline) -> None:
    pipeline.deliver(
        "enheter", "2022-01-02", base("enheter", hsaid_enhet="SE2321000164-2000", giltig_till="2022-05-01")
    )
    pipeline.deliver(
        "avvikelser",
        "2022-08-30",
        case(1, hsaid_enhet="SE2321000164-9999"),
        case(2, hsaid_enhet="SE2321000164-2000"),
        case(3, hsaid_enhet="SE2321000164-2000", registreringsdatum="2022-05-01"),
        case(4, hsaid_enhet="SE2321000164-9999", allvarlighetsgrad="9"),
        case(5, hsaid_enhet="HSA"),
        case(6, hsaid_enhet="SE2321000164-9999", registreringsdatum="x"),
        case(7, hsaid_enhet="SE2321000164-2000", registreringsdatum="x"),
    )
    settled = pipeline.run()
    assert shown(settled, "line", "reasons") == [
        (2, "enhet:okand"),
        (3, "enhet:ej_giltig"),
        (5, "enhet:okand|varde:allvarlighetsgrad"),
        (6, "format:hsaid_enhet"),
        (7, "enhet:okand|format:registreringsdatum"),
        (8, "format:registreringsdatum"),
    ]
    assert pipeline.rows(settled, "avvikelser")["avvikelse_id"].to_list() == ["A3"]
    values = dict(shown(settled, "line", "values"))
    assert values[2] == "hsaid_enhet=SE2321000164-9999"
    assert values[5] == "allvarlighetsgrad=9|hsaid_enhet=SE2321000164-9999"
    assert dict(shown(settled, "line", "key"))[2] == "A1"


def test_waiting_rows_are_judged_on_the_last_day_of_the_month(pipeline: Pipeline) -> None:
    closed = base("enheter", hsaid_enhet="SE2321000164-2000", giltig_till="2022-05-30")
    pipeline.deliver("enheter", "2022-01-02", closed)
    row = {**WAITING, "hsaid_enhet": closed["hsaid_enhet"]}
    pipeline.deliver("vantetider", "2022-08-30", row, {**row, "matperiod": "2022-04"})
    assert shown(pipeline.run(), "line", "reasons") == [(2, "enhet:ej_giltig")]


def test_a_months_row_needs_a_unit_that_was_valid_some_day_of_it(pipeline: Pipeline) -> None:
    """Closed on the first of May, open from the last of July, and away in June: valid in May and July, not in June."""
    unit = "SE2321000164-2000"
    early = base("enheter", hsaid_enhet=unit, giltig_till="2022-05-01")
    pipeline.deliver(
        "enheter", "2022-01-02", *TWO_UNITS, early, {**early, "giltig_fran": "2022-07-31", "giltig_till": ""}
    )
    months = ["2014-12", "2015-01", "2022-04", "2022-05", "2022-06", "2022-07", "2022-08"]
    pipeline.deliver("klimatinkop", "2022-08-30", *(base("klimatinkop", hsaid_enhet=unit, manad=m) for m in months))
    pipeline.deliver("etjanster", "2022-08-30", base("etjanster", hsaid_enhet="SE2321000164-9999"))
    assert shown(pipeline.run(), "source", "line", "reasons") == [
        ("etjanster", 2, "enhet:okand"),
        ("klimatinkop", 2, "enhet:ej_giltig"),
        ("klimatinkop", 6, "enhet:ej_giltig"),
    ]


def test_units_that_others_name_need_not_be_known(pipeline: Pipeline) -> None:
    """Who reported and who was asked may be of another area: that refuses no row, and is no unknown unit."""
    pipeline.deliver(
        "avvikelser",
        "2022-08-30",
        case(1, rapporterande_enhet="SE2321000164-9999", utredande_enhet="SE2321000164-9999"),
        case(2, rapporterande_enhet=OTHER_UNIT, hsaid_enhet="SE2321000164-9999"),
    )
    settled = pipeline.run()
    assert shown(settled, "line", "reasons") == [(3, "enhet:okand")]
    row = pipeline.rows(settled, "avvikelser").select("hsaid_enhet", "rapporterande_enhet", "utredande_enhet").row(0)
    assert row == (UNIT, "SE2321000164-9999", "SE2321000164-9999")
    assert measured(pipeline, "avvikelser")["units_unknown"] == 0


def test_plans_without_an_event_need_a_known_unit_only(pipeline: Pipeline) -> None:
    pipeline.deliver(
        "enheter", "2022-01-02", base("enheter", hsaid_enhet="SE2321000164-2000", giltig_till="2015-02-01")
    )
    rows = [
        base("gas", utfall="", utfallsdatum="", hsaid_enhet=f"SE2321000164-{n}", mal_nr=n) for n in ("2000", "9999")
    ]
    pipeline.deliver("gas", "2022-08-30", *rows)
    assert shown(pipeline.run(), "line", "reasons") == [(3, "enhet:okand")]


def test_a_register_delivered_later_heals_rows(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = "SE2321000164-3000"
    pipeline.deliver("avvikelser", "2022-08-30", case(1, hsaid_enhet=unit))
    assert shown(pipeline.run(), "reasons", "state") == [("enhet:okand", "open")]
    pipeline.deliver("enheter", "2022-09-30", base("enheter", hsaid_enhet=unit))
    settled = pipeline.run()
    assert settled.quarantine.height == 0
    assert pipeline.rows(settled, "avvikelser").height == 1
    assert shown(pipeline.run(as_of=date(2022, 8, 31)), "reasons") == [("enhet:okand",)]


def test_a_withdrawn_unit_is_unknown(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-08-30", case(1))
    pipeline.deliver("enheter", "2022-09-30", base("enheter", makulerad="Ja"))
    assert shown(pipeline.run(), "reasons") == [("enhet:okand",)]


def test_without_a_register_every_unit_is_unknown(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.deliver("avvikelser", "2022-08-30", case(1))
    assert shown(pipeline.run(), "reasons") == [("enhet:okand",)]


# --- Several deliveries ----------------------------------------------------------------------------------------------


def test_the_newest_extraction_wins(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-08-01", case(1, typ="ny"), suffix="_a")
    pipeline.deliver("avvikelser", "2022-07-01", case(1, typ="gammal"), case(2), suffix="_z")
    rows = pipeline.rows(pipeline.run(), "avvikelser").sort("avvikelse_id")
    assert rows["typ"].to_list() == ["ny", BASE["avvikelser"]["typ"]]


def test_with_equal_dates_the_last_name_wins(pipeline: Pipeline) -> None:
    for suffix in ("_b", "_c", "_a", ""):
        pipeline.deliver("avvikelser", "2022-08-01", case(1, typ=f"x{suffix}"), suffix=suffix)
    assert pipeline.rows(pipeline.run(), "avvikelser")["typ"].to_list() == ["x_c"]


def test_versions_are_counted_as_numbers(pipeline: Pipeline) -> None:
    for suffix in ("_v10", "_v2", "_v9"):
        pipeline.deliver("avvikelser", "2022-08-01", case(1, typ=f"x{suffix}"), suffix=suffix)
    assert pipeline.rows(pipeline.run(), "avvikelser")["typ"].to_list() == ["x_v10"]


@given(st.lists(st.text("a_v.\u0663019", max_size=6), max_size=8))
def test_any_names_can_be_put_in_natural_order(names: list[str]) -> None:
    ordered = sorted(names, key=natural_order)
    assert [n for n in ordered if not re.search("[0-9]", n)] == sorted(n for n in names if not re.search("[0-9]", n))


def test_a_quarantined_newer_row_displaces_nothing(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-07-01", case(1, typ="gammal"), case(2, typ="gammal"))
    pipeline.deliver(
        "avvikelser",
        "2022-08-01",
        case(1, typ="ny", allvarlighetsgrad="9"),
        case(2, typ="ny", hsaid_enhet="SE2321000164-9"),
    )
    settled = pipeline.run()
    assert pipeline.rows(settled, "avvikelser")["typ"].to_list() == ["gammal"] * 2
    assert [s for _, _, _, s in shown(settled)] == ["open"] * 2, "an older accepted row resolves nothing"


def test_open_until_a_newer_delivery_holds_the_key(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", case(1, typ="x"), case(1), case(2, allvarlighetsgrad="9"))
    first = {(line, state) for _, line, _, state in shown(pipeline.run())}
    assert first == {(2, "open"), (3, "open"), (4, "open")}
    pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2, allvarlighetsgrad="8"))
    states = {(file[-8:-4], line, state) for file, line, state in shown(pipeline.run(), "file", "line", "state")}
    assert states == {("7-01", 3, "open"), ("6-01", 2, "resolved"), ("6-01", 3, "resolved"), ("6-01", 4, "open")}
    pipeline.deliver("avvikelser", "2022-08-01", case(2, makulerad="Ja"))
    assert set(shown(pipeline.run(), "state")) == {("resolved",)}
    assert {row[0] for row in shown(pipeline.run(), "first_seen")} == {date(2022, 6, 1), date(2022, 7, 1)}


def test_history_says_which_file_settled_or_repeated_a_row(pipeline: Pipeline) -> None:
    """Open, superseded (open, but come again in a newer file), resolved: by which file, and nothing is forgotten."""

    def followed() -> list[tuple]:
        return [(f[-8:-4], *rest) for f, *rest in shown(pipeline.run(), "file", "line", "state", "followed_by")]

    bad = case(2, allvarlighetsgrad="9")
    pipeline.deliver("avvikelser", "2022-06-01", bad, base("avvikelser", avvikelse_id=""))
    assert followed() == [("6-01", 2, "open", None), ("6-01", 3, "open", None)]
    pipeline.deliver("avvikelser", "2022-07-01", bad, case(1))
    july = "avvikelser/avvikelser_2022-07-01.csv"
    assert followed() == [("6-01", 2, "open", july), ("6-01", 3, "open", None), ("7-01", 2, "open", None)]
    pipeline.deliver("avvikelser", "2022-08-01", case(2))
    pipeline.deliver("avvikelser", "2022-09-01", case(2, typ="ny"))
    august = "avvikelser/avvikelser_2022-08-01.csv"
    assert followed() == [(day, line, "resolved", august) for day, line in (("6-01", 2), ("6-01", 3), ("7-01", 2))]


def test_the_same_day_counts_as_newer_by_name(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", case(1, allvarlighetsgrad="9"), suffix="_b")
    pipeline.deliver("avvikelser", "2022-06-01", case(1), suffix="_a")
    assert shown(pipeline.run(), "state") == [("open",)]
    pipeline.deliver("avvikelser", "2022-06-01", case(1, typ="c"), suffix="_c")
    assert shown(pipeline.run(), "state") == [("resolved",)]


def test_rows_without_a_key_wait_for_a_clean_delivery(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", base("avvikelser", avvikelse_id=""))
    pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2, allvarlighetsgrad="9"))
    assert [s for _, _, _, s in shown(pipeline.run())] == ["open"] * 2
    pipeline.deliver("avvikelser", "2022-08-01", case(3))
    states = {reasons: state for _, _, reasons, state in shown(pipeline.run())}
    assert states == {"saknas:avvikelse_id": "resolved", "varde:allvarlighetsgrad": "open"}


def without_key(**changes: str) -> dict[str, str]:
    return base("avvikelser", avvikelse_id="", **changes)


def test_a_row_without_a_key_is_settled_where_its_unit_and_month_come_again(pipeline: Pipeline) -> None:
    """Whole and clean there; what is wrong with another unit or month does not keep it open."""
    june = {"registreringsdatum": "2022-06-02", "paborjad_datum": "", "avslutad_datum": ""}
    pipeline.deliver("avvikelser", "2022-06-01", case(1), case(2), without_key())
    pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2), case(3), case(4, allvarlighetsgrad="9", **june))
    assert shown(pipeline.run(), "line", "state", "settled_by", "followed_by") == [
        (4, "resolved", "covering", "avvikelser/avvikelser_2022-07-01.csv"),
        (5, "open", None, None),
    ]


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param([case(3)], id="a few later rows are no new extract"),
        pytest.param([case(1), case(2, hsaid_enhet=OTHER_UNIT, allvarlighetsgrad="9")], id="a key is not back"),
        pytest.param([case(1), case(2), without_key()], id="the same again"),
        pytest.param([case(1), case(2), without_key(hsaid_enhet="x")], id="who knows of which unit"),
        pytest.param([case(1), case(2), without_key(registreringsdatum="x")], id="who knows of which month"),
        pytest.param([case(1), case(2), case(3, allvarlighetsgrad="9")], id="another row there is not mended"),
        pytest.param(
            [case(1, makulerad="Ja"), case(2, makulerad="Ja"), case(9, hsaid_enhet="SE2321000164-9")],
            id="withdrawals are no extract",
        ),
    ],
)
def test_a_row_without_a_key_stays_open(pipeline: Pipeline, newer: list[dict[str, str]]) -> None:
    elsewhere = case(8, hsaid_enhet=OTHER_UNIT, allvarlighetsgrad="9")  # so that the delivery is not clean
    pipeline.deliver("avvikelser", "2022-06-01", case(1), case(2), without_key())
    pipeline.deliver("avvikelser", "2022-07-01", *newer, elsewhere)
    assert shown(pipeline.run(), "file", "line", "state")[0] == ("avvikelser/avvikelser_2022-06-01.csv", 4, "open")


@pytest.mark.parametrize("place", ["hsaid_enhet", "registreringsdatum"])
def test_a_row_without_key_and_place_waits_for_a_clean_delivery(pipeline: Pipeline, place: str) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", case(1), without_key(**{place: "x"}))
    pipeline.deliver("avvikelser", "2022-07-01", case(1), case(2, hsaid_enhet=OTHER_UNIT, allvarlighetsgrad="9"))
    assert shown(pipeline.run(), "state")[0] == ("open",)


def test_a_full_list_covers_also_where_keys_have_left_it(pipeline: Pipeline) -> None:
    """A wait that has ended is no longer in the list: what the list says of unit and month counts."""
    waiting = [{**WAITING, "vardkontakt_id": f"V{i}"} for i in (1, 2)]
    pipeline.deliver("vantetider", "2022-09-01", *waiting, {**WAITING, "vardkontakt_id": ""})
    elsewhere = {**WAITING, "vardkontakt_id": "V9", "hsaid_enhet": OTHER_UNIT, "kon": "x"}
    pipeline.deliver("vantetider", "2022-09-05", waiting[0], elsewhere)
    assert shown(pipeline.run(), "line", "state", "settled_by")[0] == (4, "resolved", "covering")


def test_the_first_that_settles_is_told(pipeline: Pipeline) -> None:
    other = case(5, hsaid_enhet=OTHER_UNIT, allvarlighetsgrad="9")
    pipeline.deliver("avvikelser", "2022-06-01", case(1), without_key())
    pipeline.deliver("avvikelser", "2022-07-01", case(7))
    pipeline.deliver("avvikelser", "2022-08-01", case(1), other)
    assert shown(pipeline.run(), "settled_by", "followed_by")[0] == ("clean", "avvikelser/avvikelser_2022-07-01.csv")


def test_a_delivery_that_the_register_refuses_is_not_clean(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", base("avvikelser", avvikelse_id=""))
    pipeline.deliver("avvikelser", "2022-07-01", case(1, hsaid_enhet="SE2321000164-9"))
    assert [s for _, _, _, s in shown(pipeline.run())] == ["open"] * 2


def test_resolved_by_person_key(pipeline: Pipeline) -> None:
    bad = base("register_population", utgangsdatum="2019-01-01")
    pipeline.deliver("register_population", "2022-06-01", bad)
    pipeline.deliver("register_population", "2022-07-01", base("register_population", personnummer=PERSON[2:]))
    assert shown(pipeline.run(), "key", "state") == [("cpup|***|2020-05-01", "resolved")]


def test_withdrawal(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", case(1), case(2))
    pipeline.deliver(
        "avvikelser", "2022-07-01", case(1, makulerad="Ja"), case(2, makulerad="Ja", allvarlighetsgrad="9")
    )
    assert pipeline.rows(pipeline.run(), "avvikelser")["avvikelse_id"].to_list() == ["A2"], "it must pass the rules too"
    pipeline.deliver("avvikelser", "2022-08-01", case(1, typ="åter"))
    assert pipeline.rows(pipeline.run(), "avvikelser").height == 2


# --- Full lists ------------------------------------------------------------------------------------------------------

MAY = "2022-05"


def waiting(number: int, month: str = MAY, **changes: str) -> dict[str, str]:
    return {**WAITING, "vardkontakt_id": f"V{number}", "matperiod": month, **changes}


def on_the_list(pipeline: Pipeline, settled: Settled) -> dict[str, str]:
    """Contact and month -> unit of the rows that count."""
    rows = pipeline.rows(settled, "vantetider")
    return {
        f"{contact} {month:%m}" if status == "VANTANDE" else contact: unit[-4:]
        for contact, status, month, unit in rows.select(
            "vardkontakt_id", "status", "matperiod", "hsaid_enhet"
        ).iter_rows()
    }


def test_a_newer_list_replaces_its_month_and_no_other(pipeline: Pipeline) -> None:
    performed = base("vantetider", vardkontakt_id="P1")
    april = [waiting(n, "2022-04") for n in (1, 2)]
    pipeline.deliver("vantetider", "2022-06-01", performed, *april, *(waiting(n) for n in (1, 2, 3)))
    pipeline.deliver("vantetider", "2022-06-08", waiting(2), waiting(4), base("vantetider", vardkontakt_id="P2"))
    settled = pipeline.run()
    assert set(on_the_list(pipeline, settled)) == {"P1", "P2", "V1 04", "V2 04", "V2 05", "V4 05"}
    assert status(settled)["vantetider_2022-06-01.csv"] == "accepterad"
    before = pipeline.run(as_of=date(2022, 6, 7))
    assert set(on_the_list(pipeline, before)) == {"P1", "V1 04", "V2 04", "V1 05", "V2 05", "V3 05"}


@pytest.mark.parametrize(("source", "part"), [("klimatinkop", "artikelgrupp"), ("etjanster", "tjanst")])
def test_a_list_of_a_unit_and_month_replaces_these_alone(pipeline: Pipeline, source: str, part: str) -> None:
    def rows(unit: str, month: str, *parts: str) -> list[dict[str, str]]:
        return [base(source, hsaid_enhet=unit, manad=month, **{part: name}) for name in parts]

    pipeline.deliver(
        source,
        "2022-06-08",
        *rows(UNIT, MAY, "a", "b"),
        *rows(OTHER_UNIT, MAY, "a", "b"),
        *rows(UNIT, "2022-04", "a", "b"),
    )
    pipeline.deliver(source, "2022-07-08", *rows(UNIT, "2022-05-31", "b", "c"), *rows(UNIT, "2022-06", "a"))
    found = pipeline.rows(pipeline.run(), source).select("hsaid_enhet", pl.col("manad").dt.month(), part).rows()
    assert sorted(found) == [
        *((UNIT, 4, "a"), (UNIT, 4, "b"), (UNIT, 5, "b"), (UNIT, 5, "c"), (UNIT, 6, "a")),
        *((OTHER_UNIT, 5, "a"), (OTHER_UNIT, 5, "b")),
    ]


def test_the_files_of_one_day_are_one_list(pipeline: Pipeline) -> None:
    pipeline.deliver("vantetider", "2022-06-01", *(waiting(n) for n in (1, 2, 3)))
    pipeline.deliver("vantetider", "2022-06-08", waiting(1), suffix="_a")
    pipeline.deliver("vantetider", "2022-06-08", waiting(2), suffix="_b")
    assert set(on_the_list(pipeline, pipeline.run())) == {"V1 05", "V2 05"}


def test_a_row_in_quarantine_takes_nothing_away(pipeline: Pipeline) -> None:
    """Its key keeps the older row; a list of which every row was refused replaces nothing; an unread key is none."""
    pipeline.deliver("vantetider", "2022-06-01", *(waiting(n) for n in (1, 2, 3)), waiting(1, "2022-04"))
    pipeline.deliver(
        "vantetider",
        "2022-06-08",
        waiting(1, kon="?"),
        waiting(2),
        waiting(3, hsaid_enhet="SE2321000164-9999"),
        waiting(1, "2022-04", kon="?"),
    )
    assert set(on_the_list(pipeline, pipeline.run())) == {"V1 04", "V1 05", "V2 05", "V3 05"}
    pipeline.deliver("vantetider", "2022-06-15", waiting(1), waiting(9, kon="?"), waiting(3, "x"))
    assert set(on_the_list(pipeline, pipeline.run())) == {"V1 04", "V1 05"}


def test_a_withdrawing_row_takes_its_key_and_no_list(pipeline: Pipeline) -> None:
    pipeline.deliver("vantetider", "2022-06-01", *(waiting(n) for n in (1, 2, 3)))
    pipeline.deliver("vantetider", "2022-06-08", waiting(2, makulerad="Ja"))
    assert set(on_the_list(pipeline, pipeline.run())) == {"V1 05", "V3 05"}
    pipeline.deliver("vantetider", "2022-06-15", waiting(1), waiting(3, makulerad="Ja"), waiting(2))
    assert set(on_the_list(pipeline, pipeline.run())) == {"V1 05", "V2 05"}


def test_what_is_gone_does_not_come_back(pipeline: Pipeline) -> None:
    """A key that a list lacked is not brought back by a later list that has it in quarantine."""
    pipeline.deliver("vantetider", "2022-06-01", waiting(1), waiting(2))
    pipeline.deliver("vantetider", "2022-06-08", waiting(2))
    pipeline.deliver("vantetider", "2022-06-15", waiting(2), waiting(1, kon="?"))
    assert set(on_the_list(pipeline, pipeline.run())) == {"V2 05"}


def narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting lists come from several systems, each for its own units."""
    contracts = load_contracts()
    by_unit = replace(contracts["vantetider"], full_list=FullList(("matperiod", "hsaid_enhet"), WAITS))
    for module in (deliveries, settling):
        monkeypatch.setattr(module, "load_contracts", lambda: {**contracts, "vantetider": by_unit})
    monkeypatch.setattr("tests.extracts.load_contracts", lambda: {**contracts, "vantetider": by_unit})


WAITS = Condition("status", "VANTANDE")


def test_a_scope_can_be_narrowed_by_unit(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    narrowed(monkeypatch)
    pipeline.deliver("vantetider", "2022-06-01", waiting(1), waiting(2), waiting(3, hsaid_enhet=OTHER_UNIT))
    pipeline.deliver("vantetider", "2022-06-08", waiting(2), suffix="_north")
    assert on_the_list(pipeline, pipeline.run()) == {"V2 05": UNIT[-4:], "V3 05": OTHER_UNIT[-4:]}
    # One that has moved is gone from its new unit: it is not back at the old one.
    pipeline.deliver("vantetider", "2022-06-15", waiting(2, hsaid_enhet=OTHER_UNIT))
    assert on_the_list(pipeline, pipeline.run()) == {"V2 05": OTHER_UNIT[-4:]}
    pipeline.deliver("vantetider", "2022-06-22", waiting(3, hsaid_enhet=OTHER_UNIT))
    assert on_the_list(pipeline, pipeline.run()) == {"V3 05": OTHER_UNIT[-4:]}


def test_what_a_list_lacks_is_measured(pipeline: Pipeline) -> None:
    elsewhere = [waiting(n, hsaid_enhet=OTHER_UNIT) for n in (8, 9)]
    pipeline.deliver("vantetider", "2022-06-01", *(waiting(n) for n in range(4)), *elsewhere, waiting(1, "2022-04"))
    pipeline.run()
    first = measured(pipeline, "vantetider")
    assert (first["list_units_missing"], first["list_keys_missing_share"]) == (0, 0.0)
    pipeline.deliver(
        "vantetider", "2022-06-08", waiting(0), waiting(1, kon="?"), waiting(2, makulerad="Ja"), waiting(7)
    )
    pipeline.run()
    found = measured(pipeline, "vantetider")
    assert (found["list_units_missing"], found["list_keys_missing_share"]) == (1, 0.5)
    findings = RunFolder(pipeline.data).read(FINDINGS).filter(kind=LIST_UNIT, source="vantetider")
    assert findings.select("unit", "rows", "detail").rows() == [(OTHER_UNIT, 2, "2022-05")]
    assert found["list_units_named"] == f"{OTHER_UNIT} (2022-05)"
    assert measured(pipeline, "enheter")["list_units_missing"] == 0
    pipeline.deliver("avvikelser", "2022-06-08", case(1))
    pipeline.run()
    assert measured(pipeline, "avvikelser")["list_units_missing"] is None


def test_a_unit_that_several_lists_lack_is_one_unit(pipeline: Pipeline) -> None:
    """Three months' lists of a day without the unit: one unit, each month named."""
    months = ("2022-03", "2022-04", "2022-05")
    units = {1: UNIT, 2: OTHER_UNIT, 3: OTHER_UNIT}
    both = [waiting(n, m, hsaid_enhet=u, beslut_datum="2022-01-01") for m in months for n, u in units.items()]
    pipeline.deliver("vantetider", "2022-06-01", *both)
    pipeline.deliver("vantetider", "2022-06-08", *(r for r in both if r["hsaid_enhet"] == UNIT))
    pipeline.run()
    found = measured(pipeline, "vantetider")
    assert found["list_units_missing"] == 1
    assert found["list_units_named"] == f"{OTHER_UNIT} (2022-03, 2022-04, 2022-05)"
    # A register has no scope to name.
    pipeline.deliver("enheter", "2022-06-08", TWO_UNITS[0])
    pipeline.run()
    assert measured(pipeline, "enheter")["list_units_named"] == OTHER_UNIT


@pytest.mark.parametrize(("left", "gone", "told"), [(20, 3, False), (20, 5, True), (0, 1, True), (20, 1, False)])
def test_a_unit_whose_few_rows_leave_with_the_others_is_no_gap(
    pipeline: Pipeline, left: int, gone: int, told: bool
) -> None:
    """A week in which 20 of 100 waiting were seen: a unit's three may have been among them, hardly all five."""
    here, elsewhere = [waiting(n) for n in range(100)], [waiting(200 + n, hsaid_enhet=OTHER_UNIT) for n in range(gone)]
    pipeline.deliver("vantetider", "2022-06-01", *here, *elsewhere)
    pipeline.deliver("vantetider", "2022-06-08", *here[left:])
    pipeline.run()
    assert measured(pipeline, "vantetider")["list_units_missing"] == told


KEYS = ("A", "B", "C")
LISTED = st.fixed_dictionaries(
    {
        "vardkontakt_id": st.sampled_from(KEYS),
        "matperiod": st.sampled_from(["2022-04", "2022-05"]),
        "status": st.sampled_from(["VANTANDE"] * 4 + ["GENOMFORD"]),
        "kon": st.sampled_from(["K"] * 3 + ["?"]),
        "hsaid_enhet": st.sampled_from([UNIT, OTHER_UNIT, OTHER_UNIT, "SE2321000164-9"]),
        "makulerad": st.sampled_from([""] * 4 + ["Ja"]),
    }
)


@pytest.mark.parametrize("by_unit", [False, True])
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(st.booleans(), st.lists(LISTED, min_size=1, max_size=5)), min_size=2, max_size=5))
def test_lists_replace_as_a_plain_reading_of_the_rules_says(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    by_unit: bool,
    files: list[tuple[bool, list[dict[str, str]]]],
) -> None:
    """Day by day: what a day's accepted rows touch is emptied of all but the keys that the day has in quarantine."""
    if by_unit:
        narrowed(monkeypatch)
    pipeline = Pipeline(tmp_path_factory.mktemp("lists"))
    pipeline.deliver("enheter", "2022-01-01", *TWO_UNITS)
    day, state = 0, {}
    days: dict[int, list[list[dict[str, str]]]] = {}
    for number, (same_day, rows) in enumerate(files):
        day += not same_day
        unique = {(r["vardkontakt_id"], r["status"], r["status"] == "VANTANDE" and r["matperiod"]): r for r in rows}
        days.setdefault(day, []).append(list(unique.values()))
        made = [
            {**(WAITING if r["status"] == "VANTANDE" else BASE["vantetider"]), **r, "beslut_datum": "2022-04-01"}
            | ({"start_datum": f"{r['matperiod']}-10"} if r["status"] == "GENOMFORD" else {})
            for r in unique.values()
        ]
        pipeline.deliver("vantetider", f"2022-06-{day + 1:02}", *made, suffix=f"_{number}")
    for parts in days.values():
        good: dict[tuple, tuple[bool, tuple]] = {}
        bad, touched = set(), set()
        for row in (r for rows in parts for r in rows):
            waits = row["status"] == "VANTANDE"
            key = (row["vardkontakt_id"], row["status"], row["matperiod"] if waits else "")
            scope = (row["matperiod"], row["hsaid_enhet"] if by_unit else "") if waits else None
            if row["kon"] == "?" or row["hsaid_enhet"].endswith("-9"):
                bad.add(key)
                continue
            good[key] = (row["makulerad"] == "Ja", (scope, row["hsaid_enhet"]))
            if waits and row["makulerad"] != "Ja":
                touched.add(scope)
        state = {k: v for k, v in state.items() if v[1][0] not in touched or k in bad} | good
    expected = {k[0] + (f" {k[2][5:]}" if k[2] else ""): v[1][1][-4:] for k, v in state.items() if not v[0]}
    assert on_the_list(pipeline, pipeline.run()) == expected


# --- The register as a full export -----------------------------------------------------------------------------------


def test_a_unit_gone_from_the_newest_export_is_gone_and_named(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-08-30", *(case(n, hsaid_enhet=OTHER_UNIT) for n in range(4)), case(5))
    pipeline.deliver("enheter", "2022-08-30", TWO_UNITS[0])
    settled = pipeline.run()
    assert pipeline.rows(settled, "enheter")["hsaid_enhet"].to_list() == [UNIT]
    assert shown(settled, "reasons") == [("enhet:okand",)] * 4
    found = measured(pipeline, "avvikelser")
    # Four of five rows are in quarantine, for nothing that their source has done.
    assert (found["rows_quarantined_newest"], found["rows_register_newest"]) == (4, 4)
    assert found["quarantined_share_newest"] == 0
    assert measured(pipeline, "enheter")["units_gone"] == 1
    assert {measured(pipeline, s)["units_unknown"] for s in ("enheter", "avvikelser")} == {0}
    findings = RunFolder(pipeline.data).read(FINDINGS).filter(kind=UNIT_GONE)
    assert findings.select("unit", "rows").rows() == [(OTHER_UNIT, 4)]
    # Rows of more than a year ago name nobody.
    pipeline.run(as_of=date(2023, 5, 2))
    assert measured(pipeline, "enheter")["units_gone"] == 0


def test_a_unit_that_never_was_is_the_sources_own_matter(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-08-30", case(1, hsaid_enhet="SE2321000164-9"), case(2))
    pipeline.run()
    found = measured(pipeline, "avvikelser")
    assert (found["rows_register_newest"], found["quarantined_share_newest"]) == (0, 0.5)
    assert measured(pipeline, "enheter")["units_gone"] == 0


def test_a_unit_that_changes_verksamhet_backwards_is_named(pipeline: Pipeline) -> None:
    """Without a day of its own the move takes the unit's whole history with it."""

    def moved() -> list[tuple]:
        pipeline.run()
        return RunFolder(pipeline.data).read(FINDINGS).filter(kind=UNIT_MOVED).select("unit", "rows", "detail").rows()

    assert moved() == []
    pipeline.deliver("enheter", "2022-08-30", TWO_UNITS[0], {**TWO_UNITS[1], "verksamhet": "SC"})
    assert moved() == [(OTHER_UNIT, 1, "AUD till SC")]
    assert measured(pipeline, "enheter")["units_gone"] == 0
    # The next register says the same: known. Moved on a day of its own: a reorganisation.
    pipeline.deliver("enheter", "2022-08-31", TWO_UNITS[0], {**TWO_UNITS[1], "verksamhet": "SC"})
    assert moved() == []
    before = {**TWO_UNITS[1], "verksamhet": "SC", "giltig_till": "2022-08-31"}
    after = {**TWO_UNITS[1], "verksamhet": "AUD", "giltig_fran": "2022-09-01"}
    pipeline.deliver("enheter", "2022-09-01", TWO_UNITS[0], before, after)
    assert moved() == []


def test_a_unit_that_begins_later_than_it_did_is_the_registers_fault(pipeline: Pipeline) -> None:
    """An HSA date of the last change as giltig_fran: years of events would be blamed on six innocent sources."""
    pipeline.deliver("avvikelser", "2022-08-30", *(case(n, hsaid_enhet=OTHER_UNIT) for n in range(4)), case(5))
    pipeline.deliver("enheter", "2022-08-30", TWO_UNITS[0], {**TWO_UNITS[1], "giltig_fran": "2022-08-20"})
    settled = pipeline.run()
    assert shown(settled, "reasons") == [("enhet:ej_giltig",)] * 4
    found = measured(pipeline, "avvikelser")
    assert (found["rows_register_newest"], found["quarantined_share_newest"]) == (4, 0)
    findings = RunFolder(pipeline.data).read(FINDINGS).filter(kind=UNIT_LATER)
    assert findings.select("unit", "rows").rows() == [(OTHER_UNIT, 1)]
    # A unit that closes is no fault: rows after its last day are their source's own.
    pipeline.deliver("enheter", "2022-08-31", TWO_UNITS[0], {**TWO_UNITS[1], "giltig_till": "2022-01-31"})
    pipeline.run()
    found = measured(pipeline, "avvikelser")
    assert (found["rows_register_newest"], found["rows_quarantined_newest"]) == (0, 4)
    assert RunFolder(pipeline.data).read(FINDINGS).filter(kind=UNIT_LATER).height == 0


def test_an_overlap_holds_back_that_units_rows_only(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    twice = [base("enheter", giltig_till="2022-09-01"), base("enheter", giltig_fran="2022-06-01", verksamhet="VUH")]
    pipeline.deliver("enheter", "2022-08-01", *twice, TWO_UNITS[1])
    pipeline.deliver("avvikelser", "2022-08-30", case(1), case(2, hsaid_enhet=OTHER_UNIT))
    settled = pipeline.run()
    assert pipeline.rows(settled, "avvikelser")["avvikelse_id"].to_list() == ["A2"]
    assert measured(pipeline, "avvikelser")["quarantined_share_newest"] == 0
    findings = RunFolder(pipeline.data).read(FINDINGS).filter(kind=REGISTER_ROW)
    assert findings.select("unit", "rows", "detail").rows() == [(UNIT, 2, "overlapp:giltighet")]


def test_files_of_one_day_overlap_too(pipeline: Pipeline) -> None:
    pipeline.deliver("enheter", "2022-08-01", base("enheter", giltig_till="2022-09-01"), suffix="_a")
    later = base("enheter", giltig_fran="2022-06-01", verksamhet="VUH")
    pipeline.deliver("enheter", "2022-08-01", later, TWO_UNITS[1], suffix="_b")
    settled = pipeline.run()
    assert {r for (r,) in shown(settled, "reasons")} == {"overlapp:giltighet"}
    assert len(shown(settled)) == 2
    # The key of one of them is in the export before: it keeps what it had.
    rows = pipeline.rows(settled, "enheter").sort("hsaid_enhet").select("hsaid_enhet", "verksamhet").rows()
    assert rows == [(UNIT, "BUH"), (OTHER_UNIT, "AUD")]


def test_a_kept_row_yields_to_the_newest_export(pipeline: Pipeline) -> None:
    """A unit has one verksamhet a day, also where the newest export has an older row's key in quarantine."""
    closed = base("enheter", giltig_till="2021-13-01")
    pipeline.deliver("enheter", "2022-08-01", closed, base("enheter", giltig_fran="2022-01-01", verksamhet="VUH"))
    pipeline.deliver("avvikelser", "2022-08-30", case(1), case(2, registreringsdatum="2021-05-02", handelsedatum=""))
    settled = pipeline.run()
    assert pipeline.rows(settled, "enheter")["verksamhet"].to_list() == ["VUH"]
    assert [(s, r) for s, r in shown(settled, "source", "reasons")] == [
        ("avvikelser", "enhet:ej_giltig"),
        ("enheter", "format:giltig_till"),
    ]
    assert measured(pipeline, "avvikelser")["quarantined_share_newest"] == 0


def test_the_ledger_tells_of_periods_that_touch(pipeline: Pipeline) -> None:
    old, new = base("enheter", giltig_till="2022-09-01"), base("enheter", giltig_fran="2022-09-01", verksamhet="VUH")
    pipeline.deliver("enheter", "2022-09-01", old, new)
    for _ in range(2):  # read now, and known from bronze
        (line,) = [d for d in pipeline.run().ledger if d.name == "enheter_2022-09-01.csv"]
        assert line.status == ACCEPTED and line.orsak and UNIT in line.orsak


# --- The ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_on_disk_reconciles(pipeline: Pipeline) -> None:
    pipeline.deliver(
        "avvikelser", "2022-06-01", case(1), case(1), case(2, hsaid_enhet="SE2321000164-9"), case(3, typ="")
    )
    pipeline.put("kva", "kva_2022-06-01.csv", b"")
    pipeline.run(every=True)
    ledger = pl.read_parquet(pipeline.data.run / "ledger.parquet")
    assert dict(ledger.schema) == LEDGER_SCHEMA
    assert ledger.filter(source="avvikelser").select(
        "file", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "status", "orsak"
    ).rows() == [("avvikelser/avvikelser_2022-06-01.csv", 4, 2, 1, 1, "accepterad", None)]
    parts = ledger["rows_accepted"] + ledger["rows_quarantined"] + ledger["rows_duplicate"]
    assert (ledger["rows_read"] == parts).all()
    (cause,) = ledger.filter(source="kva")["orsak"]
    assert cause == "Filen kva/kva_2022-06-01.csv avvisades: den är tom."


def test_rows_that_do_not_add_up_stop_the_run(pipeline: Pipeline) -> None:
    pipeline.deliver("avvikelser", "2022-06-01", case(1))
    pipeline.run()
    (note,) = pipeline.data.bronze.glob("avvikelser/*.json")
    meta = read_note(note)
    meta["rows_read"] = 2
    note.write_text(json.dumps({**meta, "note": digest_of(meta)}))
    with pytest.raises(ResultattavlaError, match="går inte ihop"):
        pipeline.run()


CHANGES = st.fixed_dictionaries(
    {"avvikelse_id": st.sampled_from(["A1", "A2", "A3", ""])},
    optional={
        "typ": st.sampled_from(["a", "b"]),
        "allvarlighetsgrad": st.sampled_from(["1", "9"]),
        "hsaid_enhet": st.sampled_from([UNIT, OTHER_UNIT, "SE2321000164-9", "x"]),
        "makulerad": st.sampled_from(["Ja", "Nej", "?"]),
        "registreringsdatum": st.sampled_from(["2022-05-02", "x", "2010-01-01"]),
    },
)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.lists(CHANGES, min_size=1, max_size=5), min_size=1, max_size=4))
def test_settling_agrees_with_a_plain_reading_of_the_rules(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[dict[str, str]]]
) -> None:
    """Newest accepted row per key, withdrawals and open states, against a few lines of Python."""
    pipeline = Pipeline(tmp_path_factory.mktemp("settle"))
    pipeline.deliver("enheter", "2022-01-01", *TWO_UNITS)
    newest: dict[str, tuple[str, str | None, bool]] = {}
    later: dict[str, int] = {}
    last_clean = -1
    expected: list[tuple[int, int, str, tuple[str | None, str | None]]] = []
    accepted: dict[int, set[tuple[str, str, bool]]] = {}
    for day, changes in enumerate(files, start=1):
        rows = [base("avvikelser", handelsedatum="", **c) for c in changes]
        pipeline.put("avvikelser", f"avvikelser_2022-07-0{day}.csv", csv_bytes(rows))
        position = day
        unique: list[tuple[int, dict[str, str]]] = []
        for line, row in enumerate(rows, start=2):
            same = {**row, "makulerad": "Ja" if row["makulerad"] == "Ja" else row["makulerad"].replace("Nej", "")}
            if not row["avvikelse_id"] or all(same != other for _, other in unique):
                unique.append((line, same))
        clean = True
        accepted[position] = set()
        for line, row in unique:
            key = row["avvikelse_id"]
            bad = (
                not key
                or sum(r["avvikelse_id"] == key for _, r in unique) > 1
                or row["allvarlighetsgrad"] == "9"
                or row["hsaid_enhet"] not in (UNIT, OTHER_UNIT)
                or row["makulerad"] == "?"
                or row["registreringsdatum"] != "2022-05-02"
            )
            if bad:
                clean = False
                unit, month = row["hsaid_enhet"], row["registreringsdatum"]
                expected.append((position, line, key, (unit if unit != "x" else None, month if month != "x" else None)))
            else:
                newest[key] = (key, row["typ"], row["makulerad"] == "Ja")
                later[key] = position
                accepted[position].add((key, row["hsaid_enhet"], row["makulerad"] == "Ja"))
        if clean:
            last_clean = position

    def covered(p: int, unit: str | None, month: str | None) -> bool:
        """A newer file has the unit's May again, whole, with nothing of it (or of who knows what) in quarantine."""
        left = {key for key, of, _ in accepted[p] if of == unit}
        return month == "2022-05-02" and any(
            any(of == unit and not gone for _, of, gone in rows)
            and left <= {key for key, *_ in rows}
            and not any(f == q and u in (unit, None) and m in (month, None) for f, _, _, (u, m) in expected)
            for q, rows in accepted.items()
            if q > p
        )

    settled = pipeline.run()
    found = pipeline.rows(settled, "avvikelser").select("avvikelse_id", "typ").sort("avvikelse_id").rows()
    assert found == sorted((k, t) for k, t, withdrawn in newest.values() if not withdrawn)
    states = [
        (
            f"avvikelser/avvikelser_2022-07-0{p}.csv",
            line,
            "resolved" if (later.get(k, -1) if k else last_clean) > p or (not k and covered(p, *place)) else "open",
        )
        for p, line, k, place in expected
    ]
    assert shown(settled, "file", "line", "state") == sorted(states)
    for delivery in settled.ledger:
        counted = delivery.rows_accepted + delivery.rows_quarantined + delivery.rows_duplicate
        assert delivery.rows_read == counted


def test_a_damaged_note_without_its_file_is_a_clear_error(pipeline: Pipeline) -> None:
    path = pipeline.deliver("kva", "2022-08-30", BASE["kva"])
    pipeline.run()
    next(pipeline.data.bronze.glob("kva/*.json")).write_text("{")
    path.unlink()
    with pytest.raises(ResultattavlaError, match="skadad"):
        pipeline.run()
