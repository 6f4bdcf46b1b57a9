"""Withdrawn deliveries: the reviewed list, the command's line, and what the ledger makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import sha256_of
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.withdrawals import COLUMNS, load_withdrawals, withdraw
from dagster_project.runs.ledger import inputs_of
from tests.extracts import BASE, PERSON, TODAY, TWO_UNITS, Pipeline, base

ON = date(2022, 10, 1)
WRONG = "kva_2022-08-20.csv"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    made = Pipeline(tmp_path)
    made.deliver("enheter", "2022-01-01", *TWO_UNITS)
    made.deliver("kva", "2022-06-01", BASE["kva"])
    made.deliver("kva", "2022-08-20", base("kva", vardkontakt_id="K9"))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aterkallade.csv"


def take_out(pipeline: Pipeline, path: Path, file: str = f"kva/{WRONG}", reason: str = "fel, år", by: str = "Ö") -> str:
    (made,) = withdraw(path, pipeline.raw, pipeline.data, file, reason, by, ON)
    return made.text


def read(pipeline: Pipeline, path: Path, as_of: date | None = None) -> tuple[date | None, dict[str, str], list[dict]]:
    day, ledger = read_deliveries(pipeline.raw, pipeline.data, as_of, TODAY, load_withdrawals(path))
    return day, {d.name: d.status for d in ledger}, inputs_of(ledger, day or TODAY)


@pytest.mark.parametrize("file", [f"kva/{WRONG}", WRONG, f"/somewhere/raw/kva/{WRONG}"])
def test_a_withdrawn_delivery_counts_no_more(pipeline: Pipeline, path: Path, file: str) -> None:
    day, before, inputs = read(pipeline, path)
    assert (day, before[WRONG]) == (date(2022, 8, 20), "accepterad")
    text = take_out(pipeline, path, file)
    assert text == "Återkallad 2022-10-01 av Ö: fel, år"
    day, after, others = read(pipeline, path)
    assert (day, after[WRONG]) == (date(2022, 6, 1), "aterkallad")
    assert inputs != others and text in [d["orsak"] for d in others]
    # However the day is given, it is the same run.
    assert read(pipeline, path, date(2022, 6, 1)) == (day, after, others)


def test_it_counts_no_more_when_bronze_alone_holds_it(pipeline: Pipeline, path: Path) -> None:
    read(pipeline, path)
    (pipeline.raw / "kva" / WRONG).unlink()
    assert read(pipeline, path)[1][WRONG] == "accepterad"
    take_out(pipeline, path)
    assert read(pipeline, path)[:2] == (
        date(2022, 6, 1),
        {"enheter_2022-01-01.csv": "accepterad", "kva_2022-06-01.csv": "accepterad", WRONG: "aterkallad"},
    )


def test_what_a_withdrawn_file_held_before_does_not_come_back(pipeline: Pipeline, path: Path) -> None:
    read(pipeline, path)
    pipeline.deliver("kva", "2022-08-20", base("kva", vardkontakt_id="K7"))
    take_out(pipeline, path)
    assert read(pipeline, path)[1][WRONG] == "aterkallad"
    (pipeline.raw / "kva" / WRONG).unlink()
    assert WRONG not in read(pipeline, path)[1]


def test_it_is_withdrawn_under_any_name_but_not_another_content_or_date(pipeline: Pipeline, path: Path) -> None:
    take_out(pipeline, path)
    file = pipeline.raw / "kva" / WRONG
    content = file.read_bytes()
    file.rename(file.with_name("kva_2022-08-20_igen.csv"))
    assert read(pipeline, path)[1]["kva_2022-08-20_igen.csv"] == "aterkallad"
    pipeline.put("kva", "kva_2022-08-19.csv", content)
    pipeline.deliver("kva", "2022-08-20", base("kva", vardkontakt_id="K8"))
    found = read(pipeline, path)[1]
    assert (found["kva_2022-08-19.csv"], found[WRONG]) == ("accepterad", "accepterad")


def test_a_withdrawn_file_need_not_be_readable(pipeline: Pipeline, path: Path) -> None:
    pipeline.put("kva", "kva_2022-08-21.csv", b"skrap")
    take_out(pipeline, path, "kva_2022-08-21.csv")
    assert read(pipeline, path)[1]["kva_2022-08-21.csv"] == "aterkallad"


def test_the_line_is_as_a_reviewer_writes_it(pipeline: Pipeline, path: Path) -> None:
    path.write_text(",".join(COLUMNS))  # without a line end
    take_out(pipeline, path, reason=f"gäller\n {PERSON}, fel år", by="systemförvaltare")
    sha = sha256_of(pipeline.raw / "kva" / WRONG)
    assert path.read_text(encoding="utf-8").splitlines() == [
        ",".join(COLUMNS),
        f'kva,kva/{WRONG},2022-08-20,{sha},"gäller ***, fel år",systemförvaltare,2022-10-01',
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"file": "kva/kva_2022-08-22.csv"}, "ingen leverans kva/kva_2022-08-22.csv"),
        ({"file": ""}, "ingen leverans"),
        ({"reason": " "}, "--reason är tomt"),
        ({"by": ""}, "--by är tomt"),
        ({"file": "kva/README.md"}, "README.md avvisades"),
    ],
)
def test_what_cannot_be_withdrawn_is_told(pipeline: Pipeline, path: Path, arguments: dict[str, str], told: str) -> None:
    pipeline.put("kva", "README.md", b"x")
    with pytest.raises(ResultattavlaError, match=told):
        take_out(pipeline, path, **arguments)
    assert not path.exists()


def test_twice_is_told(pipeline: Pipeline, path: Path) -> None:
    take_out(pipeline, path)
    with pytest.raises(ResultattavlaError, match="redan återkallad"):
        take_out(pipeline, path)


SHA = "0" * 64
GOOD = ["kva", "kva/kva_2022-08-20.csv", "2022-08-20", SHA, "fel", "jag", "2022-10-01"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({0: "kvaa"}, "källan kvaa finns inte"),
        ({1: "kva_2022-08-20.csv"}, "ingen leverans från kva med uttagsdatum 2022-08-20"),
        ({2: "2022-08-21"}, "ingen leverans från kva med uttagsdatum 2022-08-21"),
        ({2: "20220820"}, "uttagsdatum 20220820 är inget datum"),
        ({3: "abc"}, "sha256 ska vara 64 tecken"),
        ({4: " "}, "reason saknas"),
        ({5: "", 6: ""}, "withdrawn_by, withdrawn_on saknas"),
        ({6: "2022-02-30"}, "withdrawn_on 2022-02-30 är inget datum"),
        ({4: "fel, år"}, "raden har 8 celler i stället för 7"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(path: Path, changes: dict[int, str], told: str) -> None:
    wrong = [changes.get(i, cell) for i, cell in enumerate(GOOD)]
    path.write_text("\n".join([",".join(COLUMNS), ",".join(GOOD), ",".join(wrong)]), encoding="utf-8")
    with pytest.raises(ResultattavlaError) as stop:
        load_withdrawals(path)
    assert str(stop.value).startswith(f"{path}, rad 3: ") and told in str(stop.value)


def test_a_number_that_somebody_wrote_goes_no_further(path: Path) -> None:
    path.write_text("\n".join([",".join(COLUMNS), ",".join(GOOD).replace(",fel,", f",{PERSON},")]), encoding="utf-8")
    (found,) = load_withdrawals(path).values()
    assert found.text == "Återkallad 2022-10-01 av jag: ***"


def test_lists_that_are_none(path: Path) -> None:
    assert load_withdrawals(path) == {}
    path.write_text("source;file\n", encoding="utf-8")
    with pytest.raises(ResultattavlaError, match="första raden ska vara source,file,"):
        load_withdrawals(path)
    path.write_text("\n".join([",".join(COLUMNS), ",".join(GOOD), ",".join(GOOD)]), encoding="utf-8")
    with pytest.raises(ResultattavlaError, match="står redan på rad 2"):
        load_withdrawals(path)


def test_the_list_of_the_project_can_be_used() -> None:
    from dagster_project.operations.settings import Settings

    load_withdrawals(Settings().withdrawals)
