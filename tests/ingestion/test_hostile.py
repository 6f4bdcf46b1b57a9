"""Hostile deliveries: a clear sentence for each, the others are read, no personnummer is written."""

from __future__ import annotations

import gzip
import io
import logging
import os
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED
from dagster_project.core.errors import ResultattavlaError
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.persons import KEY_VARIABLE
from dagster_project.ingestion.readers import Limits, encoding
from dagster_project.operations.ingest import ingest
from dagster_project.runs.ledger import Delivery
from tests.extracts import (
    BASE,
    OTHER_PERSON,
    PERSON,
    TODAY,
    TWO_UNITS,
    Pipeline,
    base,
    csv_bytes,
    number,
    parquet_bytes,
    spellings,
    xlsx_bytes,
)

GOOD_CSV = csv_bytes([base("kva", vardkontakt_id="K5")])
HEADER = GOOD_CSV.splitlines()[0]
SENTENCE = re.compile(r"Filen .* avvisades: [^\n]+[^.]\.", re.DOTALL)


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A register and one good delivery beside the hostile ones."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    made = Pipeline(tmp_path)
    made.deliver("enheter", "2022-01-01", *TWO_UNITS)
    made.deliver("kva", "2022-08-01", BASE["kva"])
    return made


def refused(pipeline: Pipeline, name: str, cause: str) -> Delivery:
    """The ledger line of a file that must be rejected, with the others unaffected."""
    _, ledger = pipeline.ledger()
    for other in ("enheter/enheter_2022-01-01.csv", "kva/kva_2022-08-01.csv"):
        assert ledger[other].status == ACCEPTED
    line = ledger[name]
    assert line.status == REJECTED and line.orsak is not None
    assert SENTENCE.fullmatch(line.orsak), line.orsak
    assert name in line.orsak and cause in line.orsak, line.orsak
    assert len(line.orsak) < 500
    assert line.rows_read == line.rows_accepted == line.rows_quarantined == line.rows_duplicate == 0
    return line


def zip_of(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


CONTENTS: dict[str, tuple[str, bytes, str]] = {
    "empty": ("csv", b"", "tom"),
    "empty gzip": ("csv.gz", b"", "tom"),
    "empty xlsx": ("xlsx", b"", "läsbar Excelfil"),
    "empty parquet": ("parquet", b"", "läsbar Parquetfil"),
    "header only": ("csv", HEADER, "inga datarader"),
    "blank lines only": ("csv", b"\n \n;;;\n", "tom"),
    "truncated gzip": ("csv.gz", gzip.compress(GOOD_CSV * 100)[:-9], "skadad eller avkortad"),
    "gzip with garbage in it": ("csv.gz", gzip.compress(GOOD_CSV * 100)[:40] + b"x" * 40, "skadad"),
    "no gzip": ("csv.gz", GOOD_CSV, "skadad"),
    "gzip as csv": ("csv", gzip.compress(GOOD_CSV * 100), ""),
    "xlsx that is no zip": ("xlsx", GOOD_CSV, "läsbar Excelfil"),
    "zip that is no xlsx": ("xlsx", zip_of(hej=b"x"), "läsbar Excelfil"),
    "zip with a broken workbook": (
        "xlsx",
        zip_of(**{"xl/workbook.xml": b"<x", "[Content_Types].xml": b""}),
        "läsbar Excelfil",
    ),
    "old Excel": ("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "läsbar Excelfil"),
    "xlsx as csv": ("csv", xlsx_bytes([["a"]]), ""),
    "no parquet": ("parquet", GOOD_CSV, "läsbar Parquetfil"),
    "truncated parquet": ("parquet", parquet_bytes(pl.DataFrame([BASE["kva"]]))[:-30], "läsbar Parquetfil"),
    "NUL": ("csv", GOOD_CSV + b"\x00\n", "NUL"),
    "UTF-16": ("csv", GOOD_CSV.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 big-endian": ("csv", b"\xfe\xff" + GOOD_CSV.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-16 without BOM": ("csv", GOOD_CSV.decode().encode("utf-16-le"), "NUL"),
    "UTF-32": ("csv", GOOD_CSV.decode().encode("utf-32"), ""),
    "neither encoding": ("csv", GOOD_CSV + b"\x81\x8f\n", "varken UTF-8"),
    "double-encoded": ("csv", GOOD_CSV + "Ã¶\n".encode(), "dubbelkodad"),
    "old Mac line ends": ("csv", GOOD_CSV.replace(b"\n", b"\r"), "rubrikraden"),
    "a 10 MB line as header": ("csv", b"x" * 10_000_000 + b"\n1\n", "rubrikrad"),
    "10 MB of separators": ("csv", b";" * 10_000_000 + b"\nx\n", "rubrikrad"),
    "5000 foreign columns": ("csv", b";".join(b"k%d" % i for i in range(5000)) + b"\n1\n", "rubrikrad"),
    "unclosed quote": ("csv", HEADER + b'\n"x;y;z\n', "citattecken"),
    "HTML": ("csv", b"<html><body>Logga in</body></html>\n<p>\n", "rubrikrad"),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_contents_that_cannot_be_read(pipeline: Pipeline, case: str) -> None:
    extension, content, cause = CONTENTS[case]
    name = f"kva_2022-08-31.{extension}"
    pipeline.put("kva", name, content)
    refused(pipeline, f"kva/{name}", cause)


def test_a_gzip_bomb_is_refused_before_it_unpacks(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as file:
        for _ in range(25):
            file.write(bytes(16 * 1024**2))
    pipeline.put("kva", "kva_2022-08-31.csv.gz", gzip.compress(stream.getvalue()))
    bomb = pipeline.put("kva", "kva_2022-08-30.csv.gz", gzip.compress(bytes(40 * 1024**2), 9))
    monkeypatch.setattr(encoding, "BOMB_BYTES", 20 * 1024**2)
    monkeypatch.setattr(encoding, "BOMB_RATIO", 100)
    assert bomb.stat().st_size < 100_000
    tracemalloc.start()
    refused(pipeline, "kva/kva_2022-08-30.csv.gz", "bomb")
    pipeline.put("kva", "kva_2022-08-29.csv.gz", stream.getvalue())
    refused(pipeline, "kva/kva_2022-08-29.csv.gz", "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 250 * 1024**2


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_name(pipeline: Pipeline) -> None:
    """Shared strings of hundreds of megabytes pack to next to nothing."""
    pipeline.put("kva", "kva_2022-08-31.xlsx", zip_of(**{"xl/sharedStrings.xml": bytes(4 * 1024**2)}))
    _, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, limits=Limits(workbook_mb=3))
    cause = ledger_line(ledger, "kva/kva_2022-08-31.xlsx").orsak or ""
    assert "4 MB" in cause and "3 MB" in cause and "largest_workbook_mb" in cause


@pytest.mark.parametrize("name", ["kva_2022-08-31.csv", "kva_2022-08-31.parquet", "kva_2022-08-31.xlsx"])
def test_a_file_beyond_the_limit_is_never_in_memory(pipeline: Pipeline, name: str) -> None:
    """A sparse file: on disk it is nothing, in memory it would be all there is."""
    with pipeline.put("kva", name, b"").open("wb") as file:
        file.truncate(300 * 1024**2)
    tracemalloc.start()
    _, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, limits=Limits(file_mb=299))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    cause = ledger_line(ledger, f"kva/{name}").orsak or ""
    assert SENTENCE.fullmatch(cause) and "300 MB" in cause and "largest_file_mb" in cause
    assert peak < 50 * 1024**2


def test_a_packed_file_beyond_the_limit_is_refused_while_it_unpacks(pipeline: Pipeline) -> None:
    pipeline.put("kva", "kva_2022-08-31.csv.gz", gzip.compress(bytes(40 * 1024**2)))
    _, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, limits=Limits(file_mb=20))
    assert "largest_file_mb" in (ledger_line(ledger, "kva/kva_2022-08-31.csv.gz").orsak or "")


def test_a_file_that_was_too_large_is_read_when_the_limit_is_raised(pipeline: Pipeline) -> None:
    rows = [base("kva", vardkontakt_id=f"K{n}", yrkeskategori="x" * 1000) for n in range(1200)]
    pipeline.put("kva", "kva_2022-08-31.csv", csv_bytes(rows))
    for limit, status in ((1, REJECTED), (1, REJECTED), (2, ACCEPTED), (1, ACCEPTED)):
        _, ledger = read_deliveries(pipeline.raw, pipeline.data, None, TODAY, limits=Limits(file_mb=limit))
        assert ledger_line(ledger, "kva/kva_2022-08-31.csv").status == status


def ledger_line(ledger: list[Delivery], file: str) -> Delivery:
    (line,) = (d for d in ledger if d.file == file)
    return line


def test_a_cell_in_the_far_corner_of_a_sheet_is_refused(pipeline: Pipeline) -> None:
    """A reader that lays out the whole rectangle would need hundreds of gigabytes."""
    rows: list[list[object]] = [list(BASE["kva"]), list(BASE["kva"].values())]
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    for y, row in enumerate(rows):
        sheet.write_row(y, 0, row)
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    pipeline.put("kva", "kva_2022-08-31.xlsx", stream.getvalue())
    refused(pipeline, "kva/kva_2022-08-31.xlsx", "orimligt")


def test_a_10_mb_cell_is_cut_where_it_is_shown(pipeline: Pipeline) -> None:
    pipeline.deliver(
        "kva", "2022-08-31", base("kva", kva_kod="x" * 10_000_000), base("kva", vardkontakt_id="y" * 1_000_000)
    )
    settled = pipeline.run()
    (values,) = settled.quarantine["values"]
    assert values.startswith("kva_kod=xxx") and len(values) < 200
    assert {d.rows_accepted for d in settled.accepted("kva")} == {1}


def test_5000_unknown_columns_do_not_hide_the_known_ones(pipeline: Pipeline) -> None:
    wide = {f"k{i}": "x" for i in range(5000)}
    pipeline.put("kva", "kva_2022-08-31.csv", csv_bytes([{**wide, **BASE["kva"]}]))
    assert pipeline.ledger()[1]["kva/kva_2022-08-31.csv"].rows_accepted == 1


# --- Names and kinds of files ----------------------------------------------------------------------------------------


ODD_NAMES = [
    b"kva_2022-08-31_\xff\xfe.csv",
    b"kva_2022-08-31_rad\nbrytning.csv",
    b"kva_2022-08-31_'; drop table x; --.csv",
    b'kva_2022-08-31_"citat".csv',
    "kva_2022-08-31_😀.csv".encode(),
    b"kva_2022-08-31_..csv",
    b"kva_2022-08-31_*?[x].csv",
    b"kva_2022-08-31_{0}%s\\.csv",
    b"kva_2022-08-31_" + b"x" * 200 + b".csv",
]


def test_odd_names_of_good_files(pipeline: Pipeline) -> None:
    """All in one folder: each file has a row of its own that counts, and one that is quarantined."""
    folder = os.fsencode(pipeline.raw / "kva")
    for n, name in enumerate(ODD_NAMES):
        good = base("kva", vardkontakt_id=f"god {n}")
        with open(os.path.join(folder, name), "wb") as file:
            file.write(csv_bytes([good, base("kva", vardkontakt_id=f"fel {n}", personnummer="x")]))
    settled = pipeline.run()
    accepted = settled.accepted("kva")
    assert [d.status for d in accepted] == [ACCEPTED] * (1 + len(ODD_NAMES))
    assert sorted((d.rows_accepted, d.rows_quarantined) for d in accepted)[1:] == [(1, 1)] * len(ODD_NAMES)
    wanted = ["K1", *(f"god {n}" for n in range(len(ODD_NAMES)))]
    assert sorted(pipeline.rows(settled, "kva")["vardkontakt_id"]) == wanted
    for line in settled.ledger:
        line.file.encode()  # fit to be written in UTF-8
    assert pl.read_parquet(pipeline.data.run / "ledger.parquet").height == 2 + len(ODD_NAMES)
    assert pipeline.run().ledger == settled.ledger, "and found again"


@pytest.mark.parametrize("name", [b"\xff.csv", b"..csv.x", b"kva_..%2F..%2Fetc.csv", b"\n.csv", "kva_😀.csv".encode()])
def test_odd_names_without_a_date(pipeline: Pipeline, name: bytes) -> None:
    with open(os.path.join(os.fsencode(pipeline.raw / "kva"), name), "wb") as file:
        file.write(GOOD_CSV)
    if name.startswith(b"."):
        assert len(pipeline.ledger()[1]) == 2
        return
    refused(pipeline, "kva/" + os.fsdecode(name).encode("utf-8", "backslashreplace").decode(), "")


def test_nothing_is_written_outside_the_data_folder(pipeline: Pipeline) -> None:
    (pipeline.raw / "kva" / "..").mkdir(exist_ok=True)
    pipeline.put("kva", "kva_2022-08-31_..\\..\\x.csv", csv_bytes([base("kva", vardkontakt_id="K2")]))
    before = {p for p in pipeline.folder.rglob("*") if pipeline.data.root not in p.parents}
    pipeline.run()
    after = {p for p in pipeline.folder.rglob("*") if pipeline.data.root not in p.parents}
    assert after - before <= {pipeline.data.root}


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda path: path.symlink_to("kva_2022-08-01.csv"), "länk"),
        (lambda path: path.symlink_to("/etc/passwd"), "länk"),
        (lambda path: path.symlink_to("finns inte"), "länk"),
        (lambda path: path.symlink_to(path.name), "länk"),
        (lambda path: path.mkdir(), "mapp"),
        (lambda path: os.mkfifo(path), "ingen vanlig fil"),
    ],
    ids=["link to a delivery", "link out of raw", "dangling link", "link to itself", "folder", "fifo"],
)
def test_kinds_of_files(pipeline: Pipeline, make: Callable[[Path], None], cause: str) -> None:
    make(pipeline.raw / "kva" / "kva_2022-08-31.csv")
    refused(pipeline, "kva/kva_2022-08-31.csv", cause)


def test_a_file_that_cannot_be_opened(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so the operating system's answer is played where the test runs as root."""
    locked = pipeline.put("kva", "kva_2022-08-31.csv", csv_bytes([base("kva", vardkontakt_id="K2")]))
    locked.chmod(0)
    if os.geteuid() == 0:
        original = Path.open

        def opened(self: Path, *arguments: object, **options: object) -> object:
            if self == locked:
                raise PermissionError(13, "Permission denied", str(self))
            return original(self, *arguments, **options)  # type: ignore[call-overload]

        monkeypatch.setattr(Path, "open", opened)
    refused(pipeline, "kva/kva_2022-08-31.csv", "kan inte läsas")


# --- No personnummer anywhere ----------------------------------------------------------------------------------------

BOTH = (PERSON, OTHER_PERSON)
LEAKS = tuple(s for twelve in BOTH for s in spellings(twelve))


def everything_written(folder: Path) -> dict[str, str]:
    """Contents of all files below the data folder as text, and their names."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            text = repr(frame.columns) + "\n".join(map(repr, frame.rows())) + path.read_bytes().decode("latin-1")
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
                text = "\n".join(repr(connection.execute(f'select * from "{s}"."{t}"').fetchall()) for s, t in tables)
        else:
            text = path.read_bytes().decode("latin-1")
        found[str(path.relative_to(folder))] = f"{path.name}\n{text}"
    return found


def no_number_in(texts: dict[str, str]) -> None:
    for where, text in texts.items():
        for leak in LEAKS:
            assert leak not in text, f"{leak} in {where}"


def test_no_personnummer_is_written_anywhere(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    contracts = load_contracts()
    bare = csv_bytes([BASE["kva"]]).split(b"\n")[1]
    # Every spelling in every column of every source, in the row's key too; one delivery per source and spelling.
    for source, contract in contracts.items():
        if source == "enheter":
            continue
        for n, text in enumerate((*LEAKS, f"kund {PERSON} ringde", f"SE{PERSON}", f"{PERSON[:8]} {PERSON[8:]}")):
            rows = [base(source, **{c.name: text}) for c in contract.columns]
            pipeline.deliver(source, date(2022, 8, 1 + n % 28), *rows, suffix=f"_{n}")
    # A file without header row, with numbers in headers, in the name, in the sheet, and damaged ones.
    pipeline.put("kva", "kva_2022-08-20_utan_rubrik.csv", bare + b"\n" + bare + b"x\n")
    pipeline.put("kva", "kva_2022-08-20_rubrik.csv", csv_bytes([{**BASE["kva"], PERSON: "x", f"{PERSON}_b": PERSON}]))
    pipeline.put("kva", "kva_2022-08-20_utan_kod.csv", csv_bytes([{PERSON: "x", "personnummer": PERSON}]))
    for n, text in enumerate(LEAKS):
        pipeline.put("kva", f"kva_2022-08-21_{text}.csv", csv_bytes([base("kva", vardkontakt_id=f"N{n}")]))
        pipeline.put("kva", f"{text}.csv", b"x")
        pipeline.put("kva", f"kva_2022-08-22_{text}.parquet", f"trasig {text}".encode())
        (pipeline.raw / text).mkdir()
    pipeline.put("kva", "kva_2022-08-23.csv", csv_bytes([BASE["kva"]]) + f'"{PERSON};\n'.encode())
    pipeline.put("kva", "kva_2022-08-24.csv", csv_bytes([BASE["kva"]]).replace(b"K1;", f"K1;{PERSON}\x00".encode()))
    frame = pl.DataFrame([BASE["kva"]]).with_columns(pl.struct(pl.lit(PERSON).alias(PERSON)).alias("yrkeskategori"))
    pipeline.put("kva", "kva_2022-08-25.parquet", parquet_bytes(frame))
    lists = pl.DataFrame([BASE["kva"]]).with_columns(pl.concat_list(pl.lit(PERSON)).alias("yrkeskategori"))
    pipeline.put("kva", "kva_2022-08-26.parquet", parquet_bytes(lists))
    number_cell: list[object] = [int(PERSON[2:]) if c == "vardkontakt_id" else v for c, v in BASE["kva"].items()]
    pipeline.put("kva", "kva_2022-08-27.xlsx", xlsx_bytes([[*BASE["kva"], int(PERSON)], [*number_cell, int(PERSON)]]))
    with caplog.at_level(logging.DEBUG):
        _, settled = ingest(pipeline.settings, None, TODAY, lambda text: logging.info("%s", text))
    assert len(settled.accepted("kva")) > 10 and settled.quarantine.height > 100
    written = everything_written(pipeline.data.root)
    assert len(written) > 50
    no_number_in(written)
    no_number_in(
        {"the log": caplog.text, "the ledger": repr(settled.ledger), "the screen": "".join(capfd.readouterr())}
    )
    # The scan itself finds what is there to be found.
    planted = pipeline.data.root / "planted.parquet"
    pl.DataFrame({"x": [PERSON]}).write_parquet(planted)
    with pytest.raises(AssertionError, match="planted"):
        no_number_in(everything_written(pipeline.data.root))


def test_errors_for_the_user_hold_no_number(pipeline: Pipeline) -> None:
    for path in pipeline.raw.glob("*/*.csv"):
        path.unlink()
    pipeline.put("kva", f"{PERSON}.csv", b"x")
    with pytest.raises(ResultattavlaError) as caught:
        ingest(pipeline.settings, None, TODAY)
    no_number_in({"the error": str(caught.value)})


def test_no_unkeyed_hash_of_a_number_is_written(pipeline: Pipeline) -> None:
    import hashlib

    pipeline.run()
    texts = everything_written(pipeline.data.root)
    for text in (PERSON, PERSON[2:], f"{PERSON[:8]}-{PERSON[8:]}"):
        for algorithm in ("md5", "sha1", "sha256"):
            digest = hashlib.new(algorithm, text.encode()).hexdigest()
            assert not any(digest[:16] in content for content in texts.values())


def test_the_key_is_in_no_other_file(pipeline: Pipeline) -> None:
    pipeline.run()
    key = (pipeline.data.root / "person.key").read_text()
    texts = everything_written(pipeline.data.root)
    assert [name for name, text in texts.items() if key in text] == ["person.key"]


def test_another_number_gives_another_person(pipeline: Pipeline) -> None:
    pipeline.deliver("kva", "2022-08-31", *(base("kva", vardkontakt_id=p, personnummer=p) for p in BOTH))
    rows = pipeline.rows(pipeline.run(), "kva")
    assert rows["person_id"].n_unique() == 2
    assert rows.filter(pl.col("vardkontakt_id") != "K1")["vardkontakt_id"].str.starts_with("dold-").all()
    assert number(date(1980, 5, 17), 981) == PERSON
