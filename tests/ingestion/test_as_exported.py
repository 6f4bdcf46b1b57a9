"""Files as spreadsheets, databases and report tools really write them: read as meant, or refused with what is wrong."""

from __future__ import annotations

import csv
import io
import logging
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion import persons
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import ParsedDelivery, parse_delivery
from tests.extracts import (
    BASE,
    EXTRACTION,
    KEY,
    OTHER_UNIT,
    UNIT,
    Pipeline,
    base,
    check_digit,
    csv_bytes,
    number,
    parquet_bytes,
    parsed,
    reasons,
    xlsx_bytes,
)

CONTRACTS = load_contracts()
AVVIKELSER = [base("avvikelser", avvikelse_id=f"A{n}") for n in range(1, 6)]


def judged(source: str, content: bytes, extension: str = "csv") -> ParsedDelivery:
    raw = read_delivery(content, extension, CONTRACTS[source])
    return parse_delivery(raw, CONTRACTS[source], EXTRACTION, "x", KEY)


def told(source: str, content: bytes, extension: str = "csv") -> dict[int, set[str]]:
    return {
        line: set(r) for line, r in judged(source, content, extension).quarantined.select("line", "reasons").iter_rows()
    }


def rejected(source: str, content: bytes, extension: str = "csv") -> str:
    with pytest.raises(RejectedFileError) as caught:
        judged(source, content, extension)
    return str(caught.value)


def sheet(source: str, *rows: dict[str, Any]) -> list[list[Any]]:
    return [list(BASE[source]), *[list(r.values()) for r in rows]]


# --- Spreadsheets ----------------------------------------------------------------------------------------------------


def workbook_with_errors(errors: dict[str, str]) -> bytes:
    """One row of väntetider in which formulas failed, a good one after it."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    page = book.add_worksheet()
    for y, row in enumerate(sheet("vantetider", BASE["vantetider"], base("vantetider", vardkontakt_id="V2"))):
        for x, cell in enumerate(row):
            name = row[x] if y == 0 else list(BASE["vantetider"])[x]
            if y == 1 and name in errors:
                page.write_formula(y, x, "=NA()", None, errors[name])
            else:
                page.write(y, x, cell)
    book.close()
    return stream.getvalue()


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"])
@pytest.mark.parametrize(
    "column", ["avvikelsekod", "lkf", "medicinskt_maldatum", "kon", "status", "vardkontakt_id", "makulerad"]
)
def test_an_excel_error_is_never_a_missing_cell(column: str, error: str) -> None:
    assert told("vantetider", workbook_with_errors({column: error}), "xlsx") == {2: {f"format:{column}"}}


@pytest.mark.parametrize("error", ["#N/A", "#SAKNAS!", "#REFERENS!", "#BEZUG!", "#NV", "####"])
@pytest.mark.parametrize("column", ["avvikelsekod", "lkf", "kon", "status", "vardkontakt_id", "makulerad"])
def test_an_excel_error_in_a_csv_is_the_same(column: str, error: str) -> None:
    row = base("vantetider", **{column: error})
    assert reasons("vantetider", row, base("vantetider", vardkontakt_id="V2")) == {2: {f"format:{column}"}}
    assert told("vantetider", xlsx_bytes(sheet("vantetider", row)), "xlsx") == {2: {f"format:{column}"}}


@pytest.mark.parametrize("key", ['="1001"', "'1001", "1,91E+11", "1.91e+11", "1001.0", "1001,00"])
def test_an_identifier_rewritten_by_a_tool_is_no_new_identifier(key: str) -> None:
    """The same contacts, counted once more for every tool that rewrote their ids."""
    good = base("kva", vardkontakt_id="1001")
    assert reasons("kva", base("kva", vardkontakt_id=key), good) == {2: {"format:vardkontakt_id"}}
    assert parsed("kva", base("kva", vardkontakt_id=key), good).quarantined["key"].to_list() == [None]


def test_free_texts_are_no_identifiers() -> None:
    texts = ["'citat'", "1.0", "=)", "1E+3"]
    rows = [base("avvikelser", avvikelse_id=f"A{n}", typ=t) for n, t in enumerate(texts)]
    assert parsed("avvikelser", *rows).accepted["typ"].to_list() == texts


def test_whole_numbers_of_a_sheet_are_their_digits_until_digits_are_lost() -> None:
    ids = [1001, 1001.0, 999_999_999_999_999, 1_000_000_000_000_000, 12_345_678_901_234_567, "0012"]
    found = judged("kva", xlsx_bytes(sheet("kva", *(base("kva") | {"vardkontakt_id": i} for i in ids))), "xlsx")
    # 1001 and 1001.0 are one row, written twice.
    assert found.accepted["vardkontakt_id"].to_list() == ["1001", "999999999999999", "0012"]
    assert found.rows_duplicate == 1
    assert [set(r) for r in found.quarantined["reasons"]] == [{"format:vardkontakt_id"}] * 2
    frame = pl.DataFrame([base("kva")] * 3).with_columns(vardkontakt_id=pl.Series([7.0, 1e15, 1.2345e16]))
    assert told("kva", parquet_bytes(frame), "parquet") == {2: {"format:vardkontakt_id"}, 3: {"format:vardkontakt_id"}}
    amounts = [base("gas") | {"mal_nr": n} for n in (1, 1e16)]
    assert told("gas", xlsx_bytes(sheet("gas", *amounts)), "xlsx") == {3: {"format:mal_nr"}}


def test_a_numeric_lkf_gets_its_zero_back() -> None:
    rows = [base("vantetider", vardkontakt_id=f"V{n}") | {"lkf": lkf} for n, lkf in enumerate([180, 1880, 0, "0180"])]
    wanted = ["0180", "1880", "0000", "0180"]
    assert judged("vantetider", xlsx_bytes(sheet("vantetider", *rows)), "xlsx").accepted["lkf"].to_list() == wanted
    frame = pl.DataFrame(rows[:3], schema_overrides={"lkf": pl.Int64})
    assert judged("vantetider", parquet_bytes(frame), "parquet").accepted["lkf"].to_list() == wanted[:3]
    assert reasons("vantetider", base("vantetider", lkf="180")) == {2: {"varde:lkf"}}, "a CSV is as it is written"


def test_swedish_and_english_truth() -> None:
    rows = [base("vantetider", vardkontakt_id=f"V{n}", vardgaranti=t) for n, t in enumerate(["SANT", "falskt", "TRUE"])]
    assert parsed("vantetider", *rows).accepted["vardgaranti"].to_list() == [True, False, True]


# --- Dates that mean "missing" ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-08:00", "1900-01-01T00:00:00+05:00"])
def test_an_open_end_with_a_zone_is_missing(text: str) -> None:
    waiting = base("vantetider", fas="4", medicinskt_maldatum=text)
    assert reasons("vantetider", waiting) == {2: {"saknas:medicinskt_maldatum"}}
    assert parsed("avvikelser", base("avvikelser", avslutad_datum=text)).accepted["avslutad_datum"].to_list() == [None]


def int96(values: list[datetime | None]) -> bytes:
    """Deviation reports whose closing time Spark wrote: INT96, without a note of the Arrow types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pl.DataFrame([base("avvikelser", avvikelse_id=f"A{n}") for n in range(len(values))]).drop("avslutad_datum")
    table = frame.to_arrow().append_column("avslutad_datum", pa.array(values, pa.timestamp("us")))
    stream = io.BytesIO()
    pq.write_table(table, stream, use_deprecated_int96_timestamps=True, store_schema=False)
    return stream.getvalue()


def test_int96_beyond_its_nanoseconds() -> None:
    """As nanoseconds 9999-12-31 wraps into another century, or stops in 2262; 2500 becomes 1915 or 2262."""
    ends = [datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1), datetime(2022, 6, 1, 12), None]
    found = judged("avvikelser", int96(ends), "parquet")
    assert found.accepted["avslutad_datum"].to_list() == [None, None, date(2022, 6, 1), None]
    far = judged("avvikelser", int96([datetime(2500, 1, 1)]), "parquet")
    assert far.quarantined["values"].to_list() == [["avslutad_datum=2500-01-01T00:00:00"]]
    assert far.quarantined["reasons"].to_list() == [["framtid:avslutad_datum"]]


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_duckdbs_infinity_and_days_that_no_calendar_has(kind: str) -> None:
    """polars panics at them; an open end is missing, a day beyond the calendar is refused by its cell."""
    import duckdb

    values = [f"{kind} 'infinity'", f"{kind} '-infinity'", f"{kind} '0001-01-01'", f"{kind} '290000-01-01'"]
    with duckdb.connect() as connection:
        days = connection.sql(" union all ".join(f"select {v} as d" for v in values)).arrow().read_all()
    table = pl.DataFrame([base("avvikelser", avvikelse_id=f"A{n}") for n in range(4)]).drop("avslutad_datum").to_arrow()
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(table.append_column("avslutad_datum", days["d"].combine_chunks()), stream)
    found = judged("avvikelser", stream.getvalue(), "parquet")
    assert found.accepted["avslutad_datum"].to_list() == [None] * 3
    assert found.quarantined["reasons"].to_list() == [["format:avslutad_datum"]]


def test_parquet_open_ends_are_looked_at_before_the_zone() -> None:
    ends = pl.Series([datetime(9999, 12, 31, 23, 59, 59), datetime(9999, 12, 30, 23), datetime(1, 1, 1)])
    frame = pl.DataFrame(AVVIKELSER[:3]).with_columns(avslutad_datum=ends.dt.replace_time_zone("UTC"))
    assert judged("avvikelser", parquet_bytes(frame), "parquet").accepted["avslutad_datum"].to_list() == [None] * 3
    frame = frame.with_columns(avslutad_datum=pl.Series([date(1, 1, 1), date(9999, 12, 31), date(1900, 1, 1)]))
    assert judged("avvikelser", parquet_bytes(frame), "parquet").accepted["avslutad_datum"].to_list() == [None] * 3
    assert reasons("avvikelser", base("avvikelser", avslutad_datum="0001-01-01")) == {2: {"format:avslutad_datum"}}


# --- First lines, last lines, header lines ---------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "^"])
@pytest.mark.parametrize("line", ["sep={}\n", "SEP={}\r\n", '"sep={}"\n', "\ufeffsep={}\n"])
def test_a_separator_line_is_obeyed_and_passed_over(separator: str, line: str) -> None:
    content = line.format(separator).encode() + csv_bytes(AVVIKELSER, separator)
    found = judged("avvikelser", content)
    assert found.accepted["line"].to_list() == [3, 4, 5, 6, 7]


def test_a_separator_line_that_lies_rejects_the_file() -> None:
    assert "rubrikrad" in rejected("avvikelser", b"sep=,\n" + csv_bytes(AVVIKELSER, ";"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_with_a_line_break(end: str) -> None:
    text = csv_bytes(AVVIKELSER, end=end).decode().replace("hsaid_enhet", f'"HSAID{end}enhet"', 1)
    assert judged("avvikelser", text.encode()).accepted["line"].to_list() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("typ;", '"typ;'),
        ("typ;", 'ty"p;'),
        ("avvikelse_id", '"avvikelse_id'),
        ("makulerad", '"makulerad'),
        (";handelsedatum", "handelsedatum"),
        ("utredande_enhet;typ", "utredande_enhettyp"),
        ("typ;makulerad", "typmakulerad"),
        ("handelsedatum", "handelse;datum"),
        ("avvikelse_id", ";avvikelse_id"),
        ("typ", ";typ"),
        ("makulerad\n", "makulerad"),
        ("paborjad_datum", "pabor\njad_datum"),
        (";makulerad", ";\nmakulerad"),
        ("makulerad", "makul\nerad"),
        ("handelsedatum", '"handelse;datum"'),
        ("handelsedatum", '"handelse\ndatum"'),
    ],
)
def test_a_broken_header_line_rejects_the_file(right: str, wrong: str) -> None:
    """An optional column would be empty in every row, or the rows would be read into other columns."""
    text = csv_bytes([base("avvikelser", avvikelse_id=f"A{n}", makulerad="") for n in range(4)]).decode()
    start = text.index("\n") + 1
    head, body = text[:start], text[start:]
    assert right in head
    cause = rejected("avvikelser", (head.replace(right, wrong, 1) + body).encode())
    assert any(word in cause for word in ("rubrik", "obligatorisk kolumn")), cause


@pytest.mark.parametrize(
    "footer",
    [
        "Antal rader: 5",
        "(5 rows affected)",
        "Antal rader: 5;;;;;;;;;;",
        '"Antal rader: 5"',
        ";;;;;;;;;Slut;",
        "\n\nAntal rader: 5\n\n",
    ],
)
def test_footers_are_passed_over_and_named(footer: str, tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    content = csv_bytes(AVVIKELSER) + footer.encode() + b"\n" + b"Uttag klart\n"
    found = judged("avvikelser", content)
    assert (found.rows_read, found.accepted.height, found.quarantined.height) == (5, 5, 0)
    pipeline = Pipeline(tmp_path)
    pipeline.put("avvikelser", "avvikelser_2022-08-31.csv", content)
    with caplog.at_level(logging.INFO):
        assert pipeline.ledger()[1]["avvikelser/avvikelser_2022-08-31.csv"].rows_read == 5
    assert "Uttag klart" in caplog.text


def test_footers_of_a_sheet() -> None:
    rows = [*sheet("avvikelser", *AVVIKELSER), [], ["Antal rader: 5"], [None, None, "Slut"]]
    assert judged("avvikelser", xlsx_bytes(rows), "xlsx").rows_read == 5


def test_what_is_no_footer() -> None:
    lines = csv_bytes(AVVIKELSER).decode().splitlines()
    inside = "\n".join([*lines[:3], "Delsumma: 2", *lines[3:]])
    assert set(told("avvikelser", inside.encode())) == {4}, "a line between the rows is a row"
    two = "\n".join([*lines, f"A9;{UNIT};;;;;;;;;"])
    assert told("avvikelser", two.encode()) == {7: {"saknas:registreringsdatum"}}, "a full row that lacks a cell"
    shifted = "\n".join([*lines, ";" + lines[-1].replace("A5", "A6")])
    assert "format:rad" in told("avvikelser", shifted.encode())[7]


def test_nothing_but_footers_is_no_data() -> None:
    assert "inga datarader" in rejected(
        "avvikelser", csv_bytes(AVVIKELSER[:1]).splitlines()[0] + b"\n(0 rows affected)\n"
    )
    assert "inga datarader" in rejected("avvikelser", xlsx_bytes([*sheet("avvikelser"), ["Antal rader: 0"]]), "xlsx")


# --- Cells of a row --------------------------------------------------------------------------------------------------


def lines_with(*ends: str) -> bytes:
    lines = csv_bytes([base("avvikelser", avvikelse_id=f"A{n}") for n in range(len(ends))]).decode().splitlines()
    return "\n".join([lines[0], *(line + end for line, end in zip(lines[1:], ends, strict=True))]).encode()


@pytest.mark.parametrize(
    ("ends", "ragged"),
    [
        (("", "", "", ";x"), {5}),
        (("", "", "", ";"), {5}),  # a superfluous separator somewhere before
        (("", "", "", ";-"), {5}),  # a missing mark counts as empty
        ((";", ";", "", ""), set()),  # trailing separators
        ((";;", ";;", ";;", ";"), {5}),
        ((";", ";", ";", ";;"), {5}),
        ((";", ";", ";", ";x"), {5}),
        (("", "", ";NULL", ";NA"), set()),
    ],
)
def test_more_cells_than_headers(ends: tuple[str, ...], ragged: set[int]) -> None:
    assert told("avvikelser", lines_with(*ends)) == {line: {"format:rad"} for line in ragged}


def test_rows_that_are_wider_than_the_header_reject_the_file() -> None:
    assert "fler ifyllda celler" in rejected("avvikelser", lines_with("", ";x", ";x"))
    rows = sheet("avvikelser", *AVVIKELSER[:3])
    assert "fler ifyllda celler" in rejected(
        "avvikelser", xlsx_bytes([rows[0], *([*r, "x"] for r in rows[1:])]), "xlsx"
    )


def test_a_superfluous_separator_is_never_read_into_the_next_column() -> None:
    """Dates would move one column on, and be dates there too."""
    lines = csv_bytes([*AVVIKELSER, base("avvikelser", avvikelse_id="A9", avslutad_datum="")]).decode().splitlines()
    lines[2] = lines[2].replace(";2022-05-04;", ";;2022-05-04;")
    found = told("avvikelser", "\n".join(lines).encode())
    assert set(found) == {3} and "format:rad" in found[3]


def test_a_row_may_lack_its_last_cells() -> None:
    names = ["avvikelse_id", "hsaid_enhet", "registreringsdatum", "handelsedatum", "typ"]
    lines = csv_bytes(AVVIKELSER, columns=names).decode().splitlines()
    lines[2] = lines[2].rsplit(";", 1)[0]
    found = judged("avvikelser", "\n".join(lines).encode())
    assert found.accepted["typ"].null_count() == 1 and found.quarantined.height == 0


@pytest.mark.parametrize("place", [3, 20, 30, 41, 55, 70])
def test_a_row_cut_in_two_is_set_aside_in_both_its_parts(place: int) -> None:
    """By itself the first part is a row whose last cells are missing."""
    lines = csv_bytes(AVVIKELSER).decode().splitlines()
    lines[2] = lines[2][:place] + "\n" + lines[2][place:]
    found = judged("avvikelser", "\n".join(lines).encode())
    assert found.quarantined["line"].to_list() == [3, 4]
    assert found.accepted["avvikelse_id"].to_list() == ["A1", "A3", "A4", "A5"]


# --- Quotes ----------------------------------------------------------------------------------------------------------


def ditto(column: str, first: int, last: int) -> bytes:
    """An export without quotes, in which somebody wrote a ditto mark."""
    rows = [{**r, "kommentar": ""} for r in AVVIKELSER]
    for n in (first, last):
        rows[n][column] = '"'
    return csv_bytes(rows)


@pytest.mark.parametrize("column", ["kommentar", "typ"])
@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 4), (0, 4)])
def test_ditto_marks_that_swallow_rows_reject_the_file(column: str, first: int, last: int) -> None:
    cause = rejected("avvikelser", ditto(column, first, last))
    assert "hela rader" in cause and f"rad {first + 2}" in cause


def test_one_ditto_mark_rejects_the_file_with_its_line() -> None:
    content = csv_bytes([{**r, "kommentar": '"' if n == 2 else ""} for n, r in enumerate(AVVIKELSER)])
    assert "citattecken" in (cause := rejected("avvikelser", content)) and "rad 4" in cause


def test_two_ditto_marks_in_one_row() -> None:
    rows = [{**AVVIKELSER[0], "handelsedatum": '"', "paborjad_datum": '"'}, *AVVIKELSER[1:]]
    found = told("avvikelser", csv_bytes(rows))
    assert set(found) == {2} and "format:rad" in found[2]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_long_comments_are_no_rows(separator: str) -> None:
    """Line breaks and as many separators as the header has, in a text that somebody wrote."""
    comment = f"Ringde{separator} frågade{separator} väntade\noch sedan{separator * 10} igen\nslut"
    rows = [{**r, "kommentar": comment} for r in AVVIKELSER]
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    found = judged("avvikelser", stream.getvalue().encode())
    assert found.accepted["line"].to_list() == [2, 5, 8, 11, 14]


def test_a_lost_quote_is_told() -> None:
    quoted = "\n".join(
        ";".join(f'"{c}"' for c in line.split(";")) for line in csv_bytes(AVVIKELSER).decode().splitlines()
    )
    assert told("avvikelser", quoted.encode()) == {}
    assert set(told("avvikelser", quoted.replace('"A2"', 'A2"').encode())) == {3}
    assert "citattecken" in rejected("avvikelser", quoted.replace('"A2"', '"A2').encode())


CELLS = st.text(st.sampled_from('ab1 ";,\nå'), max_size=5)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([";", ","]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_quotes_is_read_as_it_was(table: list[list[str]], quoting: Any, separator: str, end: str) -> None:
    """Whatever stands in the cells: the lines that need no care and those that do give what the library gives."""
    rows = [[f"k{n}", UNIT, "2022-05-01", *cells] for n, cells in enumerate(table)]
    names = ["avvikelse_id", "hsaid_enhet", "registreringsdatum", "typ", "x", "y"]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting).writerows([names, *rows])
    raw = read_delivery(stream.getvalue().encode(), "csv", CONTRACTS["avvikelser"]).frame
    assert raw["avvikelse_id"].to_list() == [r[0] for r in rows]
    assert [(t or "") for t in raw["typ"]] == [r[3] for r in rows]
    assert not raw["ragged"].any()


# --- Letters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", ["Vård – dag", "Vård ’hemma’", "§ 5", "Ö", "•", "50 €", "\u00a0x"])
def test_two_encodings_in_one_file_are_rejected(piece: str) -> None:
    """Two exports joined: the one UTF-8, the other Windows-1252."""
    lines = csv_bytes(AVVIKELSER).splitlines()
    lines[1] = lines[1].replace("Vård".encode(), b"V\xe5rd")
    lines[2] += piece.encode()
    assert "dubbelkodad" in rejected("avvikelser", b"\n".join(lines))


@pytest.mark.parametrize("text", ["château", "Ângela", "São", "Â", "dâ€t"[:2], "Åsa – ”Öst”", "Ä»"])
def test_foreign_letters_are_no_double_encoding(text: str) -> None:
    assert parsed("avvikelser", base("avvikelser", typ=text)).accepted["typ"].to_list() == [text]


def test_marks_without_width_at_any_cells_edge() -> None:
    odd = {k: f"\ufeff\u200b{v}\u200b \ufeff" for k, v in base("avvikelser").items()}
    plain = parsed("avvikelser", base("avvikelser")).accepted
    assert parsed("avvikelser", odd).accepted.equals(plain)
    content = csv_bytes([{f"\u200b{k}\ufeff": v for k, v in base("avvikelser").items()}])
    assert judged("avvikelser", b"\xef\xbb\xbf" + content).accepted.drop("delivery").equals(plain.drop("delivery"))
    assert judged("avvikelser", csv_bytes(AVVIKELSER[:2]) + "\ufeff;\u200b;\u00a0\n".encode()).rows_read == 2


# --- Persons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", ["1963", "2008"])
def test_a_samordningsnummer_without_a_birthday(year: str) -> None:
    """Skatteverket writes month 00 and day 60 where the date of birth is not known."""
    nine = f"{year[2:]}0060991"
    twelve = f"{year[:2]}{nine}{check_digit(nine)}"
    rows = [
        base("kva", vardkontakt_id=f"K{n}", personnummer=t)
        for n, t in enumerate((twelve, twelve[2:], f"{twelve[:8]}-{twelve[8:]}"))
    ]
    found = parsed("kva", *rows).accepted
    assert found["fodelsear"].to_list() == [int(year)] * 3
    assert found["person_id"].n_unique() == 1 and found["kon"].to_list() == ["M"] * 3
    for wrong in (f"{year}0077991", f"{year}0560991", f"{year}0000991", f"{year}0001991"):
        assert persons.normal_forms(pl.Series([wrong + check_digit(wrong[2:])]), EXTRACTION)["normal"].to_list() == [
            None
        ]


BORN = st.dates(date(1920, 1, 1), date(2021, 12, 31))
GAPS = ("", "-", "+", " ", "\u00a0", "\u2013", ".", "\u2212", " - ")


@settings(deadline=None, max_examples=10)
@given(BORN, st.integers(980, 999), st.integers(0, 11), st.integers(0, 9), st.booleans(), st.sampled_from(GAPS))
def test_no_number_reaches_bronze_or_quarantine_in_any_column(
    born: date, birth_number: int, place: int, digit: int, century: bool, gap: str
) -> None:
    """Right, mistyped, with something between, in the wrong column: what is stored holds none of it."""
    right = number(born, birth_number)
    wrong = right[:place] + str(digit) + right[place + 1 :]
    reserve = f"{right[:8]}{'' if gap == '+' else gap[:1]}TF{digit}8"
    written = [
        (t if century else t[2:])[:-4] + gap + t[-4:] for t in (right, wrong) if gap in ("", "-", "+") or t == right
    ]
    texts = [*written, reserve, *(f"kund {t}, ringde" for t in written), f"x{written[0]}y", f"SE{right[2:]}-A1"]
    for source in ("vantetider", "kva", "avvikelser"):
        names = [c.name for c in CONTRACTS[source].columns if c.type in ("text", "code", "hsaid")]
        rows = [base(source, **{n: t}) for n in names for t in texts]
        rows += [base(source, **{n: t, "makulerad": "kanske"}) for n in names for t in texts]
        result = parsed(source, *rows)
        for frame in (result.accepted, result.quarantined):
            stored = repr(frame.drop("line").rows())
            for text in (*written, reserve, right[2:], right[:8] + gap + right[8:]):
                assert text not in stored, (source, text)


def test_long_numbers_in_number_columns() -> None:
    """A digit too many makes thirteen; as a number it would be stored in clear."""
    right = number(date(1980, 5, 17), 981)
    for text in (right + "3", right, right[2:], f"{right[:8]} {right[8:]}", right + ",0"):
        result = parsed("gas", base("gas", mal_nr=text))
        assert result.quarantined["reasons"].to_list() == [["format:mal_nr"]], text
        assert right[2:8] not in repr(result.quarantined.rows())


def test_units_that_are_persons_meet_under_one_token() -> None:
    """A sole trader's HSA-id holds a personnummer: never in clear, and still the same unit in register and rows."""
    unit = f"SE{number(date(1990, 1, 1), 980)[2:]}-A1"
    register = parsed("enheter", base("enheter", hsaid_enhet=unit)).accepted["hsaid_enhet"][0]
    assert register == parsed("kva", base("kva", hsaid_enhet=unit.lower())).accepted["hsaid_enhet"][0]
    assert register.startswith("SE0000000000-") and register != parsed("kva", BASE["kva"]).accepted["hsaid_enhet"][0]


def test_an_unknown_unit_that_is_a_person_is_shown_masked(tmp_path: Any) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.deliver("enheter", "2022-08-31", BASE["enheter"])
    pipeline.deliver(
        "kva",
        "2022-08-31",
        base("kva", hsaid_enhet="SE9001019802-A1"),
        base("kva", hsaid_enhet=OTHER_UNIT, vardkontakt_id="K2"),
    )
    values = pipeline.run().quarantine["values"].to_list()
    assert len(values) == 2 and not any("900101" in v for v in values)
