"""One character too many or too few (after Pollock): what is accepted is what was written, the rest is told.

Every separator, quote and line break of a small extract is deleted and doubled, and one of each is inserted at every
place. A polluted file must give exactly the right rows, or set aside (or reject) what it cannot know. A row that is
accepted and was never written, or one that is lost while nothing is in quarantine, is silently misread.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import parse_delivery
from tests.extracts import EXTRACTION, KEY, OTHER_UNIT, UNIT

AVVIKELSER = load_contracts()["avvikelser"]
HEADER = [c.name for c in AVVIKELSER.columns]
ROWS = [
    [
        "A1",
        UNIT,
        "2022-05-01",
        "2022-05-02",
        "2022-05-04",
        "2022-05-25",
        "2022-05-10",
        "2022-05-20",
        "2",
        UNIT,
        OTHER_UNIT,
        "Fall",
        "",
    ],
    ["A2", OTHER_UNIT, "", "2022-05-03", "2022-05-04", "", "", "", "1", UNIT, "", "Vård och behandling", "Nej"],
    ["A3", UNIT, "2022-05-02", "2022-05-04", "", "2022-06-25", "", "", "", "", "", "", "Ja"],
    ["A4", UNIT, "2022-05-02", "2022-05-05", "2022-05-06", "", "2022-05-11", "", "3", "", UNIT, "Läkemedel", ""],
    ["A5", OTHER_UNIT, "", "2022-05-06", "", "", "", "", "4", "", "", "Teknik", ""],
]
DIALECTS = {
    "plain": {"delimiter": ";", "quoting": csv.QUOTE_MINIMAL, "lineterminator": "\n"},
    "all quoted": {"delimiter": ";", "quoting": csv.QUOTE_ALL, "lineterminator": "\n"},
    "commas, CRLF": {"delimiter": ",", "quoting": csv.QUOTE_MINIMAL, "lineterminator": "\r\n"},
    "texts quoted": {"delimiter": ";", "quoting": csv.QUOTE_MINIMAL, "lineterminator": "\n"},
}


def written(dialect: str) -> str:
    stream = io.StringIO(newline="")
    rows = [list(r) for r in ROWS]
    if dialect == "texts quoted":
        rows[0][11], rows[3][11] = 'Fall; "halka"', "Rad 1\nrad 2"
    writer = csv.writer(stream, **DIALECTS[dialect])  # type: ignore[arg-type]
    writer.writerows([HEADER, *rows])
    return stream.getvalue()


def pollutions(text: str, dialect: str) -> Iterator[tuple[str, str]]:
    """Every polluted text with what was done to it."""
    separator = str(DIALECTS[dialect]["delimiter"])
    for i, character in enumerate(text):
        if character in (separator, '"', "\n", "\r"):
            yield f"delete {character!r} at {i}", text[:i] + text[i + 1 :]
            yield f"double {character!r} at {i}", text[: i + 1] + text[i:]
        for inserted in (separator, '"', "\n"):
            yield f"insert {inserted!r} at {i}", text[:i] + inserted + text[i:]


def rows_of(text: str) -> tuple[set[tuple], int]:
    """The accepted rows' values, but for the free text, and the number of rows in quarantine.

    A row that the ledger names, since it has a cell too few, is told too: by the specification it is accepted.

    What a stray character does inside a free text, nobody can know.
    """
    raw = read_delivery(text.encode(), "csv", AVVIKELSER)
    parsed = parse_delivery(raw, AVVIKELSER, EXTRACTION, "x", KEY)
    named = [line for remark in parsed.remarks for line in map(int, re.findall("[0-9]+", remark))]
    silent = parsed.accepted.filter(~pl.col("line").is_in(named))
    return set(silent.drop("line", "delivery", "typ").rows()), parsed.quarantined.height + len(named)


def misread(text: str, right: set[tuple]) -> str | None:
    """What is silently wrong with the reading of a polluted text."""
    try:
        accepted, quarantined = rows_of(text)
    except RejectedFileError as error:
        assert "skadad" not in str(error), "a reader that fails is no rejection"
        return None
    if wrong := accepted - right:
        return f"never written: {wrong}"
    if right - accepted and not quarantined:
        return f"lost: {right - accepted}"
    return None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_is_silently_misread(dialect: str) -> None:
    text = written(dialect)
    right, quarantined = rows_of(text)
    assert (len(right), quarantined) == (len(ROWS), 0)
    # Every 61st: together with the other dialects each kind of place is seen.
    sample = islice(pollutions(text, dialect), list(DIALECTS).index(dialect), None, 61)
    wrong = [(what, found) for what, polluted in sample if (found := misread(polluted, right))]
    assert not wrong


@pytest.mark.parametrize("id_", ["A;3", "A3;", ";A3"])
def test_a_separator_inside_a_quoted_id_is_set_aside(id_: str) -> None:
    text = written("all quoted")
    right, _ = rows_of(text)
    accepted, quarantined = rows_of(text.replace('"A3"', f'"{id_}"'))
    assert (accepted < right, len(accepted), quarantined) == (True, 4, 1)
    # Where ids have one as a rule, they are what they are.
    every = re.sub(r'"A([0-9])"', r'"A;\1"', text)
    assert len(rows_of(every)[0]) == 5


def test_a_lost_separator_is_named_in_the_ledger() -> None:
    """By the specification such a row's last cells are missing; nobody could know which separator it lost."""
    text = written("plain").replace("2022-06-25;;;;;;;Ja", "2022-06-25;;;;;;Ja")
    parsed = parse_delivery(read_delivery(text.encode(), "csv", AVVIKELSER), AVVIKELSER, EXTRACTION, "x", KEY)
    assert parsed.remarks == (
        "Färre celler än rubrikraden har rad 4: de sista läses som tomma; se efter om ett skiljetecken saknas.",
    )


def test_an_export_that_leaves_empty_cells_out_is_not_remarked_on() -> None:
    rows = [";".join(r).rstrip(";") for r in ROWS]
    text = "\n".join([";".join(HEADER), *rows]) + "\n"
    parsed = parse_delivery(read_delivery(text.encode(), "csv", AVVIKELSER), AVVIKELSER, EXTRACTION, "x", KEY)
    assert (parsed.remarks, parsed.accepted.height) == ((), 5)
