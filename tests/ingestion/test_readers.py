"""Readers: every way a table may be written gives the same cells and line numbers; what cannot be read says why."""

from __future__ import annotations

import csv
import gzip
import io
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import Column, Contract, load_contracts
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion import readers
from dagster_project.ingestion.cells import trim
from dagster_project.ingestion.readers import EXTENSIONS, Limits, RawTable, encoding, read_delivery
from dagster_project.ingestion.readers import csv as csv_reader
from dagster_project.ingestion.rows import parse_delivery
from tests.extracts import BASE, EXTRACTION, KEY, PERSON, UNIT, base, csv_bytes, number, parquet_bytes, xlsx_bytes

KVA, ENHETER, AVVIKELSER = (load_contracts()[s] for s in ("kva", "enheter", "avvikelser"))
ROWS = [
    base("enheter", enhetsnamn="Hörselvården Örebro Å"),
    base("enheter", hsaid_enhet="SE2321000164-1002", enhetsnamn="Tolkcentralen, norr"),
]
NAMES = [r["enhetsnamn"] for r in ROWS]


def read(content: bytes, extension: str = "csv", contract: Any = ENHETER) -> RawTable:
    return read_delivery(content, extension, contract)


def names(content: bytes, extension: str = "csv") -> list[str | None]:
    return read(content, extension).frame["enhetsnamn"].to_list()


def plain(rows: list[dict[str, str]] = ROWS) -> str:
    return csv_bytes(rows, ";").decode()


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_separators_quotes_and_line_ends(separator: str, end: str, quoting: Any) -> None:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(ROWS[0]), delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writeheader()
    writer.writerows(ROWS)
    table = read(stream.getvalue().encode()).frame
    assert trim(table["enhetsnamn"]).to_list() == NAMES
    assert table["line"].to_list() == [2, 3]
    assert not table["ragged"].any()
    parsed = parse_delivery(RawTable(table, ()), ENHETER, EXTRACTION, "x", KEY)
    assert parsed.accepted.height == 2


def test_quotes_hold_separators_quotes_and_line_breaks() -> None:
    content = (
        'hsaid_enhet;enhetsnamn;verksamhet;giltig_fran\nE1;"a;b ""c""\nd\n\ne";BUH;2020-01-01\n\nE2;f;AUD;2020-01-01\n'
    )
    table = read(content.encode()).frame
    assert table["enhetsnamn"].to_list() == ['a;b "c"\nd\n\ne', "f"]
    assert table["line"].to_list() == [2, 7], "a row has the number of its first line"
    table = read(content.replace("\n", "\r\n").encode()).frame
    assert table["line"].to_list() == [2, 7]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(codec: str) -> None:
    assert names(plain().encode(codec)) == NAMES
    assert names(gzip.compress(plain().encode(codec), mtime=0), "csv.gz") == NAMES


def test_decomposed_letters_become_composed() -> None:
    decomposed = unicodedata.normalize("NFD", plain())
    assert len(decomposed) > len(plain())
    assert names(decomposed.encode()) == NAMES
    assert names(decomposed.replace("enhetsnamn", "ënhetsnamn").replace("ë", "e").encode("utf-8-sig")) == NAMES


@pytest.mark.parametrize("codec", ["cp1252", "latin-1"])
@pytest.mark.parametrize("letter", "åäöÅÄÖéü")
def test_double_encoding_is_rejected(codec: str, letter: str) -> None:
    twice = letter.encode().decode(codec, errors="replace")
    if "\ufffd" in twice:
        return
    with pytest.raises(RejectedFileError, match="dubbelkodad"):
        read(plain().replace("ö", letter).encode().decode(codec, errors="surrogateescape").encode("utf-8", "replace"))
    with pytest.raises(RejectedFileError, match="dubbelkodad"):
        read(plain([base("enheter", enhetsnamn=f"x{twice}x")]).encode())


def decoded_at_once(content: bytes) -> bytes | str:
    """What `decode` has to give, without looking at pieces or at bytes beyond ASCII alone; a cause where it refuses."""
    for codec in ("utf-8", "cp1252"):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if encoding._DOUBLE_ENCODED.search(text):
            return "dubbelkodad"
        return unicodedata.normalize("NFC", text).encode()
    return "varken UTF-8 eller Windows-1252"


letters = st.sampled_from(
    ["a", "b;", "\n", "å", "Ö", "Ã", "Â", "â", "€", "¶", "a\u030a", "\u030a", "–", "‚", "\u212b", "😀"]
)
texts = st.lists(letters, max_size=12).map("".join)


@given(
    st.one_of(texts.map(str.encode), texts.map(lambda t: t.encode("cp1252", "ignore"))),
    st.binary(max_size=2),
    st.data(),
)
def test_bytes_beyond_ascii_decode_as_the_whole_does(content: bytes, noise: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content)))
    content = (content[:at] + noise.replace(b"\0", b"") + content[at:]).removeprefix(b"\xef\xbb\xbf")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return
    expected = decoded_at_once(content)
    if isinstance(expected, bytes):
        assert encoding.decode(content) == expected
    else:
        with pytest.raises(RejectedFileError, match=expected):
            encoding.decode(content)


def test_a_lone_foreign_letter_is_no_double_encoding() -> None:
    assert names(plain([base("enheter", enhetsnamn="São Paulo, Ãe")]).encode()) == ["São Paulo, Ãe"]


@pytest.mark.parametrize(
    "header",
    [
        "HSAID_Enhet;EnhetsNamn;VERKSAMHET;Giltig Från",
        " hsaid-enhet ;\u00a0enhetsnamn;verksamhet\u00a0;giltig-från",
        "hsaid enhet;enhetsnamn;verksamhet;GILTIG FRÅN",
        '"hsaid_enhet";"enhetsnamn";"verksamhet";"giltig_fran"',
        unicodedata.normalize("NFD", "hsaid_enhet;enhetsnamn;verksamhet;giltig_från"),
    ],
)
def test_header_variants(header: str) -> None:
    table = read(f"{header}\n{UNIT};Enhet;BUH;2020-01-01\n".encode()).frame
    assert table.row(0) == (UNIT, "Enhet", "BUH", "2020-01-01", 2, False)


def test_unknown_columns_are_ignored_and_named() -> None:
    content = csv_bytes([{"Extra kolumn": "x", **ROWS[0], f"kund {PERSON}": "y", "": "z"}])
    table = read(content)
    assert set(table.frame.columns) == {*ROWS[0], "line", "ragged"}
    assert table.unknown == ("Extra kolumn", "kund ***")


def test_column_order_does_not_count() -> None:
    columns = list(reversed(ROWS[0]))
    assert names(csv_bytes(ROWS, columns=columns)) == NAMES


def test_short_and_long_rows() -> None:
    content = (
        f"hsaid_enhet;enhetsnamn;verksamhet;giltig_fran;lansdel\n{UNIT};a\n{UNIT};b;BUH;2020-01-01;;x\n{UNIT};c;;;;;\n"
    )
    table = read(content.encode()).frame
    assert table["verksamhet"].to_list() == [None, "BUH", ""]
    assert table["ragged"].to_list() == [False, True, True]
    assert table["line"].to_list() == [2, 3, 4]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("empty", ["", ";;;;;;", " ; ;", "\u00a0;\t", '"";""'])
def test_empty_rows_are_passed_over_and_lines_stay_right(end: str, empty: str) -> None:
    header, first, second = plain().splitlines()
    lines = [empty, header, empty, empty, first, empty, second, empty, ""]
    table = read(end.join(lines).encode()).frame
    assert table["enhetsnamn"].to_list() == NAMES
    assert table["line"].to_list() == [5, 7]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_the_end_of_the_file(end: str) -> None:
    assert names((plain().rstrip("\n") + end).encode()) == NAMES


def test_an_old_mac_file_is_read_or_rejected_with_a_cause() -> None:
    with pytest.raises(RejectedFileError):
        read(plain().replace("\n", "\r").encode())


CELL = st.text(
    st.characters(exclude_characters='"\r\n\x00\ufeff', exclude_categories=["Cs"]) | st.sampled_from("åäö -\t;,\u00a0"),
    max_size=6,
)


def fast_and_exact(content: bytes, separator: str, width: int) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    positions = {f"k{i}": i for i in range(0, width, 2)}
    contract = replace(ENHETER, columns=tuple(Column(n, "text", n) for n in positions))
    header, found, line, start = csv_reader._header(content, contract)
    assert (len(header), found) == (width, separator) or width == 1
    fast = csv_reader._fast(content[start:], separator, width, positions, line)
    return fast, csv_reader.read_lines(content[start:], separator, width, positions, line, contract)


@settings(deadline=None, max_examples=300)
@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n + 1), max_size=5).map(lambda r: (n, r))
    ),
    st.sampled_from((";", ",", "\t", "|")),
    st.sampled_from(("\n", "\r\n")),
    st.booleans(),
)
@example((2, [["", ""], ["a", "b"], ["", ""]]), ";", "\r\n", True)
@example((1, [[""], ["a"], [" "]]), ";", "\n", False)
@example((1, [[""]]), ",", "\r\n", True)
def test_both_csv_readers_agree(table: tuple[int, list[list[str]]], separator: str, end: str, last: bool) -> None:
    """Any table without quotes reads the same (after trimming) through the fast and the exact reader."""
    width, rows = table
    # The separator cannot stand in a cell without quotes; what splitlines knows as line ends is no line end in CSV.
    lines = [separator.join(c.replace(separator, "") for c in row) for row in rows]
    content = (end.join([separator.join(f"k{i}" for i in range(width)), *lines]) + end * last).encode()
    fast, exact = fast_and_exact(content, separator, width)
    if fast is None:
        return
    assert fast.columns == exact.columns
    assert fast["line"].to_list() == exact["line"].to_list()
    assert fast.select("cells", "surplus", "suspect").rows() == exact.select("cells", "surplus", "suspect").rows()
    for name in fast.columns[:-5]:
        assert trim(fast[name]).to_list() == trim(exact[name]).to_list()


def test_the_fast_reader_is_really_used() -> None:
    fast, exact = fast_and_exact(b"k0;k1;k2\na;b;c\nd;e;f\n", ";", 3)
    assert fast is not None and fast.equals(exact)


# --- Excel -----------------------------------------------------------------------------------------------------------

KVA_HEADER = list(BASE["kva"])
KVA_ROW: list[Any] = list(BASE["kva"].values())


def accepted(content: bytes, extension: str, contract: Any = KVA) -> pl.DataFrame:
    result = parse_delivery(read(content, extension, contract), contract, EXTRACTION, "x", KEY)
    assert result.quarantined.height == 0, result.quarantined["values"].to_list()
    return result.accepted


def test_excel_dates_and_numbers() -> None:
    with_zero = number(date(2005, 3, 1), 985)
    rows: list[list[Any]] = [
        KVA_HEADER,
        ["K1", "DV111", int(PERSON), UNIT, datetime(2022, 5, 30, 13, 45), "Kurator", True],
        [12345, "DV111", int(PERSON[2:]), UNIT, date(2022, 5, 30), 7, False],
        ["K3", "DV111", int(with_zero[2:]), UNIT, "2022-05-30", None, None],
        ["K4", "DV111", with_zero, UNIT, "20220530", 2.5, None],
    ]
    found = accepted(xlsx_bytes(rows), "xlsx")
    assert found["vardkontakt_id"].to_list() == ["K1", "12345", "K3", "K4"]
    assert found["atgardsdatum"].to_list() == [date(2022, 5, 30)] * 4
    assert found["makulerad"].to_list() == [True, False, False, False]
    assert found["fodelsear"].to_list() == [1980, 1980, 2005, 2005]
    assert found["person_id"].n_unique() == 2
    assert found["yrkeskategori"].to_list() == ["Kurator", "7", None, "2.5"]


def test_excel_keeps_what_is_left_of_rounding() -> None:
    """A sum that comes to nothing leaves 5.8E-11 kronor: an amount all the same, in a sheet that is right."""
    names = ["verksamhet", "manad", "konto", "utfall_kr"]
    rest = 100000.1 + 200000.2 - 300000.3
    sheet = xlsx_bytes([names, ["BUH", "2022-05", 4011, rest], ["BUH", "2022-05", 4012, -0.00001]])
    contract = load_contracts()["ekonomi"]
    result = parse_delivery(read_delivery(sheet, "xlsx", contract), contract, EXTRACTION, "test", KEY)
    assert 0 < abs(rest) < 1e-9
    assert result.accepted["utfall_kr"].to_list() == pytest.approx([rest, -0.00001])


def test_excel_many_lost_zeros() -> None:
    person = number(date(2000, 1, 1), 980)
    rows: list[list[Any]] = [KVA_HEADER, ["K1", "DV111", float(person[2:]), UNIT, date(2022, 5, 30)]]
    assert accepted(xlsx_bytes(rows), "xlsx")["fodelsear"].to_list() == [2000]


def test_excel_ints_and_the_1904_calendar() -> None:
    rows: list[list[Any]] = [
        list(BASE["gas"]),
        ["G1", 1, PERSON, UNIT, 3, 2, -1, date(2022, 1, 10), 0, date(2022, 5, 30), ""],
    ]
    choices: list[dict[str, object]] = [{}, {"date_1904": True}]
    for options in choices:
        found = accepted(xlsx_bytes(rows, options=options), "xlsx", load_contracts()["gas"])
        assert found.select("mal_nr", "baslinje", "utfall", "utfallsdatum").row(0) == (1, -1, 0, date(2022, 5, 30))


@pytest.mark.parametrize("first_row", [0, 1, 7])
def test_excel_row_numbers(first_row: int) -> None:
    rows: list[list[Any]] = [KVA_HEADER, KVA_ROW, [None], ["K2", *KVA_ROW[1:]], ["", " ", None], ["K3", *KVA_ROW[1:]]]
    found = accepted(xlsx_bytes(rows, first_row), "xlsx")
    assert found.select("vardkontakt_id", "line").rows() == [
        ("K1", first_row + 2),
        ("K2", first_row + 4),
        ("K3", first_row + 6),
    ]


def test_excel_sheet_that_begins_in_another_column() -> None:
    rows: list[list[Any]] = [[None, None, *KVA_HEADER], [None, None, *KVA_ROW]]
    assert accepted(xlsx_bytes(rows), "xlsx").height == 1


def test_excel_long_rows_are_ragged() -> None:
    table = read(
        xlsx_bytes([KVA_HEADER, [*KVA_ROW, "x"], KVA_ROW, [*KVA_ROW, "-"], KVA_ROW, [*KVA_ROW, 0]]), "xlsx", KVA
    ).frame
    assert table["ragged"].to_list() == [True, False, False, False, True], "a missing mark is no cell too many"


def test_excel_reads_the_first_sheet_only() -> None:
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    for rows in ([KVA_HEADER, KVA_ROW], [["annat"], ["x"]]):
        sheet = book.add_worksheet()
        for y, row in enumerate(rows):
            sheet.write_row(y, 0, row)
    book.close()
    assert accepted(stream.getvalue(), "xlsx").height == 1


def test_excel_letters_are_composed() -> None:
    rows: list[list[Any]] = [[unicodedata.normalize("NFD", h) for h in ROWS[0]]]
    rows.append([unicodedata.normalize("NFD", v) for v in ROWS[0].values()])
    assert accepted(xlsx_bytes(rows), "xlsx", ENHETER)["enhetsnamn"].to_list() == NAMES[:1]


# --- Parquet ---------------------------------------------------------------------------------------------------------


def test_parquet_native_types() -> None:
    stamp = datetime(2022, 5, 30, 12, 0)
    frame = pl.DataFrame(
        {
            "Avvikelse-ID": [1, 2, None],
            "hsaid_enhet": pl.Series([UNIT, UNIT, None], dtype=pl.Categorical),
            "handelsedatum": [date(2022, 5, 1), None, None],
            "registreringsdatum": [stamp, stamp, None],
            "paborjad_datum": pl.Series([stamp, None, None]).dt.replace_time_zone("UTC"),
            "allvarlighetsgrad": [2.0, float("nan"), None],
            "typ": pl.Series(["Vård", unicodedata.normalize("NFD", "Vård"), None], dtype=pl.Categorical),
            "makulerad": [True, None, None],
            "okand": [1, 2, None],
        }
    )
    table = read(parquet_bytes(frame), "parquet", AVVIKELSER)
    assert table.unknown == ("okand",)
    assert table.frame["line"].to_list() == [1, 2], "the wholly empty row is passed over"
    found = accepted(parquet_bytes(frame), "parquet", AVVIKELSER)
    assert found["avvikelse_id"].to_list() == ["1", "2"]
    assert found["registreringsdatum"].to_list() == [date(2022, 5, 30)] * 2
    assert found["paborjad_datum"].to_list() == [date(2022, 5, 30), None]
    assert found["allvarlighetsgrad"].to_list() == [2, None]
    assert found["typ"].to_list() == ["Vård", "Vård"]
    assert found["makulerad"].to_list() == [True, False]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_parquet_times_in_a_zone_become_swedish_days(unit: Any) -> None:
    stamps = pl.Series([datetime(2022, 1, 15, 23), datetime(2022, 7, 15, 22), datetime(2022, 7, 15, 21, 59)])
    stamps = stamps.dt.cast_time_unit(unit).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    frame = pl.DataFrame([BASE["kva"]] * 3).with_columns(
        atgardsdatum=stamps, vardkontakt_id=pl.Series(["A", "B", "C"]), makulerad=None
    )
    found = accepted(parquet_bytes(frame), "parquet")
    assert found["atgardsdatum"].to_list() == [date(2022, 1, 16), date(2022, 7, 16), date(2022, 7, 15)]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([int(PERSON), 503019853], pl.Int64),
        ([float(PERSON), 503019853.0], pl.Float64),
        ([Decimal(PERSON), Decimal(503019853)], pl.Decimal(14, 0)),
        ([PERSON, "0503019853"], pl.String),
        ([PERSON.encode(), b"0503019853"], pl.Binary),
        ([PERSON, "0503019853"], pl.Categorical),
    ],
)
def test_parquet_person_numbers(values: list[Any], dtype: Any) -> None:
    assert number(date(2005, 3, 1), 985)[2:] == "0503019853"
    frame = pl.DataFrame([BASE["kva"]] * 2).with_columns(
        personnummer=pl.Series(values, dtype=dtype), vardkontakt_id=pl.Series(["A", "B"])
    )
    assert accepted(parquet_bytes(frame), "parquet")["fodelsear"].to_list() == [1980, 2005]


# --- What is rejected ------------------------------------------------------------------------------------------------

HEADER = ";".join(KVA_HEADER)


def _xlsx_of(*rows: list[Any]) -> Callable[[], bytes]:
    return lambda: xlsx_bytes(list(rows))


@pytest.mark.parametrize(
    ("extension", "content", "cause"),
    [
        ("csv", b"", "tom"),
        ("csv", b"\n\n;;\n", "tom"),
        ("csv", b"\xef\xbb\xbf", "tom"),
        ("csv", HEADER.encode(), "inga datarader"),
        ("csv", HEADER.encode() + b"\n;;;\n\n", "inga datarader"),
        ("csv", "a;b\n1;2\n", "rubrikrad"),
        ("csv", f"{HEADER.replace('kva_kod', 'kod')}\nx\n", "obligatorisk kolumn saknas: kva_kod"),
        ("csv", f"{HEADER};Kva-Kod\nx\n", "två rubriker motsvarar samma kolumn, kva_kod"),
        ("csv", f"{HEADER};KVA KOD\nx\n", "två rubriker"),
        ("csv", f'{HEADER}\n"x;y\n', "citattecken"),
        ("csv", f'{HEADER}\n"x"y;z\n', "citattecken"),
        ("csv", f"{HEADER}\nx\x00y\n", "NUL"),
        ("csv", f"{HEADER}\nx\n".encode("utf-16"), "UTF-16"),
        ("csv", f"{HEADER}\nx\n".encode("utf-16-le"), "NUL"),
        ("csv", f"{HEADER}\n".encode() + b"\x81\x8d\n", "varken UTF-8 eller Windows-1252"),
        ("csv.gz", b"ingen gzip", "skadad"),
        ("csv.gz", gzip.compress(HEADER.encode() * 100, mtime=0)[:-20], "avkortad"),
        ("csv.gz", b"", "tom"),
        ("csv.gz", gzip.compress(b"", mtime=0), "tom"),
        ("xlsx", b"", "läsbar Excelfil"),
        ("xlsx", b"PK\x03\x04 och inget mer", "läsbar Excelfil"),
        ("xlsx", _xlsx_of(), "tom"),
        ("xlsx", _xlsx_of(KVA_HEADER), "inga datarader"),
        ("xlsx", _xlsx_of([*KVA_HEADER, "kva-kod"], KVA_ROW), "två rubriker"),
        ("xlsx", _xlsx_of(KVA_HEADER[1:], KVA_ROW), "obligatorisk kolumn saknas: vardkontakt_id"),
        ("parquet", b"", "läsbar Parquetfil"),
        ("parquet", b"PAR1" + b"x" * 100 + b"PAR1", "läsbar Parquetfil"),
        ("parquet", lambda: parquet_bytes(pl.DataFrame([BASE["kva"]]).clear()), "inga datarader"),
        ("parquet", lambda: parquet_bytes(pl.DataFrame([BASE["kva"]]).drop("kva_kod")), "kolumn saknas: kva_kod"),
        (
            "parquet",
            lambda: parquet_bytes(pl.DataFrame([BASE["kva"]]).with_columns(pl.col("kva_kod").alias("KVA kod"))),
            "två rubriker",
        ),
    ],
)
def test_rejections_name_the_cause(extension: str, content: Any, cause: str) -> None:
    body = content() if callable(content) else content.encode() if isinstance(content, str) else content
    with pytest.raises(RejectedFileError, match=cause):
        read(body, extension, KVA)


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=200), st.sampled_from(EXTENSIONS))
def test_no_bytes_raise_anything_else(content: bytes, extension: str) -> None:
    try:
        read(content, extension, KVA)
    except RejectedFileError as error:
        assert str(error)


def test_a_reader_that_panics_rejects_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars gives up on some damaged Parquet with what is no Exception."""

    def panics(content: bytes, contract: Contract, limits: Limits) -> RawTable:
        raise pl.exceptions.PanicException("assertion failed")

    monkeypatch.setitem(readers._READERS, "parquet", panics)
    with pytest.raises(RejectedFileError, match="skadad"):
        read(b"PAR1", "parquet", KVA)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(["csv", "csv.gz", "xlsx", "parquet"]))
def test_no_damage_raises_anything_else(data: st.DataObject, extension: str) -> None:
    """Some bytes of a good file are overwritten, or its end is lost."""
    good = GOOD[extension]
    start = data.draw(st.integers(0, len(good) - 1))
    damaged = good[:start] + data.draw(st.binary(max_size=8))
    if data.draw(st.booleans()):
        damaged += good[len(damaged) :]
    try:
        read(damaged, extension, KVA)
    except RejectedFileError as error:
        assert str(error)


GOOD = {
    "csv": csv_bytes([BASE["kva"]]),
    "csv.gz": gzip.compress(csv_bytes([BASE["kva"]]), mtime=0),
    "xlsx": xlsx_bytes([KVA_HEADER, KVA_ROW]),
    "parquet": parquet_bytes(pl.DataFrame([BASE["kva"]])),
}
