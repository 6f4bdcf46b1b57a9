"""One person is erased: nothing of theirs stays but the list that keeps them out, and the rest is as it was."""

from __future__ import annotations

import io
import json
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import persons
from dagster_project.ingestion.erasures import load_erasures, pseudonyms
from dagster_project.operations import erase as operation
from dagster_project.operations.claim import claim
from dagster_project.operations.clean import clean
from dagster_project.operations.daily_run import session
from dagster_project.operations.erase import Erased, erase
from dagster_project.operations.rekey import Rekeyed, rekey
from dagster_project.releases.evidence import find
from dagster_project.runs.ledger import Delivery
from tests.extracts import Pipeline, base, number
from tests.jobs import said

KEY = b"test"
PERSON, OTHER = number(date(1980, 5, 17), 981), number(date(1990, 1, 2), 982)
SHORT = f"{PERSON[2:8]}-{PERSON[8:]}"
WHY = ("dnr 2022-17", "dataskyddsombudet")
DAY = "2022-08-31"


def measure(contact: str, person: str, **changes: str) -> dict[str, str]:
    return base("kva", vardkontakt_id=contact, personnummer=person, **changes)


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Measures of two persons: one file in raw, an older one that has left it; a row in quarantine, one in a key."""
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", KEY.decode())
    made = Pipeline(tmp_path)
    gone = made.deliver("kva", "2022-06-01", measure("A1", PERSON), measure("A2", OTHER))
    made.deliver(
        "kva",
        DAY,
        measure("B1", SHORT),
        measure("B1", SHORT),
        measure("B2", OTHER),
        measure("B3", PERSON, kva_kod="?"),
        measure(SHORT, OTHER),
    )
    made.ledger()
    gone.unlink()
    claim(made.data)
    return made


def begin(pipeline: Pipeline, *texts: str) -> Erased:
    with session(pipeline.data, pipeline.settings):
        return erase(pipeline.settings, texts, *WHY)


def holding(data: DataPaths, normal: str = PERSON, key: bytes = KEY) -> list[str]:
    """Files below the data folder that have a pseudonym or the number of the person in them."""
    needles = [*pseudonyms(normal, key), normal, normal[2:], f"{normal[2:8]}-{normal[8:]}"]
    found = []
    for path in data.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += pl.read_parquet(path).write_json().encode()
            if any(n.encode() in content for n in needles):
                found.append(path.relative_to(data.root).as_posix())
    return found


def counts(delivery: Delivery) -> tuple[int, int, int, int]:
    return delivery.rows_read, delivery.rows_accepted, delivery.rows_quarantined, delivery.rows_duplicate


OLD, NEW = "kva/kva_2022-06-01.csv", f"kva/kva_{DAY}.csv"


@pytest.mark.parametrize("text", [PERSON, f"{PERSON[:8]}-{PERSON[8:]}", persons.person_id(PERSON, KEY)])
def test_no_byte_of_the_person_stays_but_in_the_list(pipeline: Pipeline, text: str) -> None:
    assert holding(pipeline.data)
    done = begin(pipeline, text)
    assert done.rows == 4  # one in the old file; the one left of two, one in quarantine and one in a key of the new
    assert [(n.file, n.lines) for n in done.raw.named] == [(NEW, (2, 3, 5, 6))]
    assert holding(pipeline.data) == ["erased.json"]
    assert pipeline.data.erasures.stat().st_mode & 0o777 == 0o600
    # What the next run reads is the same, though the file in raw still has them.
    ledger = pipeline.ledger()[1]
    assert counts(ledger[OLD]) == (1, 1, 0, 0) and counts(ledger[NEW]) == (1, 1, 0, 0)
    assert ledger[OLD].orsak == "1 rad om personer som har raderats på begäran är inte med."
    assert ledger[NEW].orsak == "4 rader om personer som har raderats på begäran är inte med."
    assert holding(pipeline.data) == ["erased.json"]
    assert holding(pipeline.data, OTHER)


def test_a_new_delivery_brings_nobody_back_and_raw_alone_gives_the_same(pipeline: Pipeline) -> None:
    begin(pipeline, PERSON)
    pipeline.deliver("kva", "2022-09-01", measure("C1", PERSON[2:]), measure("C2", OTHER))
    pipeline.deliver("kva", "2022-09-02", measure("D1", PERSON))
    before = pipeline.ledger()[1]
    assert [counts(before[f"kva/kva_2022-09-0{n}.csv"]) for n in (1, 2)] == [(1, 1, 0, 0), (0, 0, 0, 0)]
    shutil.rmtree(pipeline.data.bronze / "kva")
    again = pipeline.ledger()[1]
    assert [counts(again[f]) for f in again] == [counts(before[f]) for f in again]
    assert [again[f].orsak for f in again] == [before[f].orsak for f in again]
    assert holding(pipeline.data) == ["erased.json"]


def test_evidence_of_older_releases_forgets_the_person_only(pipeline: Pipeline) -> None:
    """Observations are known by delivery and line; two releases share a file."""
    data = pipeline.data
    ids = {d.file: d.id for d in pipeline.ledger()[1].values()}
    folder = data.evidence / "kva_antal"
    folder.mkdir(parents=True)
    rows = [(ids[OLD], 2), (ids[OLD], 3), (ids[NEW], 2), (ids[NEW], 4)]
    frame = pl.DataFrame(rows, schema={"delivery": pl.String, "line": pl.Int64}, orient="row").with_columns(
        event_date=pl.date(2022, 5, 1),
        verksamhet=pl.lit("AUD"),
        enhet=pl.lit("SE1"),
        kon=pl.lit("K"),
        taljare=pl.lit(1.0),
        namnare=pl.lit(1.0),
        exclusion=pl.lit(None, pl.String),
        person=pl.lit(None, pl.Int64),
    )
    frame.write_parquet(folder / "gammal.parquet")
    for release in ("2022-09-01-a", "2022-09-02-b"):
        entry = {"file": "kva_antal/gammal.parquet", "sha256": "", "release_id": release, "hides": ""}
        index = {"release_id": release, "indicators": {"kva_antal": entry}, "origins": {}}
        (data.evidence / f"{release}.json").write_text(json.dumps(index), encoding="utf-8")
    assert begin(pipeline, PERSON).evidence == 1
    (left,) = folder.iterdir()
    assert pl.read_parquet(left).select("delivery", "line").rows() == [rows[1], rows[3]]
    for release in ("2022-09-01-a", "2022-09-02-b"):
        entry = json.loads((data.evidence / f"{release}.json").read_text(encoding="utf-8"))["indicators"]["kva_antal"]
        assert [file for file, _ in entry["files"]] == [f"kva_antal/{left.name}"] and entry["erased"] == 2
        # Which cells still agree would tell where the person was: none is explained.
        asked = "Tal för vg_antal .* kan inte längre förklaras: .* till kva_antal, .* den aktuella utgåvan kan"
        with pytest.raises(ResultattavlaError, match=asked):
            find(data, SimpleNamespace(release_id=release), "kva_antal", "vg_antal")
    # The one that is current cannot be what is told to be explained instead.
    data.published.mkdir()
    data.current.symlink_to(f"releases/{release}")
    with pytest.raises(ResultattavlaError, match="Tal för kva_antal .* ur underlaget på begäran.*resultattavla run"):
        find(data, SimpleNamespace(release_id=release), "kva_antal")


@pytest.mark.parametrize("stop_after", [0, 1, 2, 3, 4])
def test_an_erasure_that_was_killed_is_ended_by_the_next_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Killed after the list is written, at any replaced file."""
    from dagster_project.ingestion import bronze

    done, replacing = [0], bronze.replacing

    def killed(path: Path):  # noqa: ANN202
        if done[0] == stop_after:
            raise KeyboardInterrupt
        done[0] += 1
        return replacing(path)

    monkeypatch.setattr(bronze, "replacing", killed)
    with pytest.raises(KeyboardInterrupt):
        begin(pipeline, PERSON)
    monkeypatch.setattr(bronze, "replacing", replacing)
    with session(pipeline.data, pipeline.settings):
        assert holding(pipeline.data) == ["erased.json"]
        ledger = pipeline.ledger()[1]
    assert counts(ledger[OLD]) == (1, 1, 0, 0) and counts(ledger[NEW]) == (1, 1, 0, 0)
    assert ledger[OLD].orsak == "1 rad om personer som har raderats på begäran är inte med."


def test_an_older_copy_that_is_restored_is_cleaned_by_the_next_run(pipeline: Pipeline, tmp_path: Path) -> None:
    shutil.copytree(pipeline.data.root, tmp_path / "copy")
    begin(pipeline, PERSON)
    shutil.copy(pipeline.data.erasures, tmp_path / "copy")
    restored = DataPaths(tmp_path / "copy")
    with session(restored, pipeline.settings.model_copy(update={"data": restored.root})):
        assert holding(restored) == ["erased.json"]


def test_who_is_erased_twice_stands_once_and_others_stay_erased(pipeline: Pipeline) -> None:
    begin(pipeline, PERSON)
    begin(pipeline, OTHER, PERSON)
    erasures = load_erasures(pipeline.data)
    assert erasures is not None and len(erasures.persons) == 2
    ledger = pipeline.ledger()[1]
    assert counts(ledger[OLD]) == counts(ledger[NEW]) == (0, 0, 0, 0)
    assert ledger[OLD].orsak == "2 rader om personer som har raderats på begäran är inte med."
    assert holding(pipeline.data, OTHER) == ["erased.json"]


@pytest.mark.parametrize("text", ["", "198005179811", SHORT, "Kurt Larsson", "0" * 31])
def test_what_is_no_person_erases_nothing_and_is_not_repeated(pipeline: Pipeline, text: str) -> None:
    before = holding(pipeline.data)
    with pytest.raises(ResultattavlaError) as refused:
        begin(pipeline, text)
    assert holding(pipeline.data) == before and not pipeline.data.erasures.exists()
    assert not text or text not in str(refused.value)


def test_a_damaged_list_stops_everything(pipeline: Pipeline) -> None:
    begin(pipeline, PERSON)
    pipeline.data.erasures.write_text("{", encoding="utf-8")
    with pytest.raises(ResultattavlaError, match="säkerhetskopian"):
        pipeline.ledger()


def test_cleaning_keeps_the_list_and_the_key(pipeline: Pipeline) -> None:
    (pipeline.data.root / "person.key").write_bytes(KEY)
    begin(pipeline, PERSON)
    clean(pipeline.data)
    assert sorted(p.name for p in pipeline.data.root.iterdir()) == [".resultattavla", "erased.json", "person.key"]
    pipeline.ledger()
    assert holding(pipeline.data) == ["erased.json"]


def test_the_command_asks_on_standard_input_tells_files_and_lines_and_runs(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr("dagster_project.cli.erase.run", lambda raw, data: ran.append((raw, data)))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PERSON}\n"))
    folders = ("--raw", pipeline.raw, "--data", pipeline.data.root)
    told = said("erase", "--reason", WHY[0], "--by", WHY[1], *folders)
    assert told.returncode == 0, told.stderr
    assert f"{pipeline.raw / NEW}, rad 2-3, 5-6" in told.stdout and ran == [(pipeline.raw, pipeline.data.root)]
    assert not any(n in told.stdout + told.stderr for n in (PERSON, PERSON[2:], SHORT))
    refused = said("erase", PERSON, "--reason", "x", "--by", "y", *folders)
    assert refused.returncode == 64 and PERSON not in refused.stderr.replace(" ", "")


def test_a_file_that_cannot_be_looked_through_is_named(pipeline: Pipeline) -> None:
    pipeline.put("kva", "kva_2022-08-30.xlsx", b"inget ark")
    assert begin(pipeline, PERSON).raw.unread == ("kva/kva_2022-08-30.xlsx",)


# --- A new key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The same with the key in its file, and every file in raw."""
    monkeypatch.delenv("RESULTATTAVLA_PERSON_KEY")
    (pipeline.data.root / "person.key").write_bytes(KEY)
    pipeline.deliver("kva", "2022-06-01", measure("A1", PERSON), measure("A2", OTHER))
    return pipeline


def test_a_new_key_leaves_no_pseudonym_of_the_old_one_and_changes_no_count(keyed: Pipeline) -> None:
    before = keyed.ledger()[1]
    with session(keyed.data, keyed.settings):
        assert rekey(keyed.settings) == Rekeyed(2, 0)
    assert holding(keyed.data) == [] == holding(keyed.data, OTHER)
    new = persons.person_key(keyed.data.root)
    assert new != KEY and keyed.ledger()[1] == before
    assert holding(keyed.data, key=new) and holding(keyed.data) == []


def test_an_erased_person_stays_erased_under_a_new_key(keyed: Pipeline) -> None:
    begin(keyed, PERSON)
    with session(keyed.data, keyed.settings):
        rekey(keyed.settings)
        keyed.ledger()
    new = persons.person_key(keyed.data.root)
    assert holding(keyed.data, key=new) == ["erased.json"] and holding(keyed.data, OTHER, new)


def test_a_new_key_counts_erased_persons_who_are_not_in_raw_and_forgets_the_old_pseudonyms(keyed: Pipeline) -> None:
    begin(keyed, PERSON)
    begin(keyed, "0" * 32)  # nobody in raw
    with session(keyed.data, keyed.settings):
        assert rekey(keyed.settings) == Rekeyed(2, 1)
    erasures = load_erasures(keyed.data)
    new = persons.person_key(keyed.data.root)
    assert erasures is not None and len(erasures.persons) == 2
    assert erasures.ids_of(new) == pseudonyms(PERSON, new) and holding(keyed.data) == []


def test_the_list_tells_nothing_without_the_person_key(keyed: Pipeline) -> None:
    """There are few enough numbers to try them all: what is no secret elsewhere must hash none of them."""
    begin(keyed, PERSON)
    (person,) = json.loads(keyed.data.erasures.read_text("utf-8"))["persons"]
    assert set(person) == {"keys", "reason", "by", "on"}
    assert person["keys"] == {persons.key_fingerprint(KEY): sorted(pseudonyms(PERSON, KEY))}


def test_a_list_of_the_form_before_is_read_and_loses_its_hash(keyed: Pipeline) -> None:
    before = {"number": "ab", "ids": sorted(pseudonyms(PERSON, KEY)), "key": persons.key_fingerprint(KEY)}
    said_then = {"reason": "dnr", "by": "ombudet", "on": "2022-09-01"}
    keyed.data.erasures.write_text(json.dumps({"secret": "cd", "persons": [before | said_then]}), encoding="utf-8")
    with session(keyed.data, keyed.settings):
        assert counts(keyed.ledger()[1][NEW]) == (1, 1, 0, 0)
    begin(keyed, OTHER)
    assert not {"secret", "number"} & set(keyed.data.erasures.read_text("utf-8").split('"'))
    assert counts(keyed.ledger()[1][NEW]) == (0, 0, 0, 0)


def test_under_a_key_that_the_list_does_not_know_nobody_comes_back(
    keyed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(keyed, PERSON)
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "en annan")
    with pytest.raises(ResultattavlaError, match="1 raderad person är listad .* en annan personnyckel"):
        keyed.ledger()


def test_a_key_is_not_changed_where_something_would_be_lost(
    pipeline: Pipeline, keyed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keyed.raw / OLD).unlink()
    with session(keyed.data, keyed.settings), pytest.raises(ResultattavlaError, match="kva_2022-06-01.*--rebuild"):
        rekey(keyed.settings)
    keyed.deliver("kva", "2022-06-01", measure("A1", PERSON), measure("A2", OTHER))
    begin(keyed, PERSON)
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", KEY.decode())
    with session(keyed.data, keyed.settings), pytest.raises(ResultattavlaError, match="miljövariabeln"):
        rekey(keyed.settings)
    assert (keyed.data.root / "person.key").read_bytes() == KEY and operation.load_erasures(keyed.data) is not None
