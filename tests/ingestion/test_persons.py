"""Personal numbers: known answers, agreement with python-stdnum, and the keyed person_id."""

from __future__ import annotations

import hashlib
import hmac
import stat
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.exceptions import ValidationError
from stdnum.se import personnummer as reference

from dagster_project.ingestion import persons
from tests.extracts import KEY, check_digit, number, spellings

DAY = date(2022, 8, 31)


def normal(text: str, extraction: date = DAY) -> str | None:
    result: str | None = persons.normal_forms(pl.Series([text]), extraction)["normal"][0]
    return result


def facts(text: str, extraction: date = DAY) -> tuple[str | None, str | None, int | None]:
    row = persons.normal_forms(pl.Series([text]), extraction).row(0)
    return row[0], row[1], row[2]


def ten(nine: str) -> str:
    return nine + check_digit(nine)


BORN = date(1980, 5, 17)
WOMAN, MAN = number(BORN, 980), number(BORN, 991)


@pytest.mark.parametrize("text", [WOMAN, f"{WOMAN[:8]}-{WOMAN[8:]}", WOMAN[2:], f"{WOMAN[2:8]}-{WOMAN[8:]}"])
def test_spellings_of_one_number(text: str) -> None:
    assert facts(text) == (WOMAN, "K", 1980)


def test_sex_is_the_second_last_digit() -> None:
    assert WOMAN[-2] == "0" and facts(WOMAN)[1] == "K"
    assert MAN[-2] == "1" and facts(MAN)[1] == "M"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        (ten("220831980"), 2022),  # born on the extraction day
        (ten("220901980"), 1922),  # one day later: the century before, 99 years old
        (ten("211231980"), 2021),
        (ten("230101980"), 1923),
        (ten("000229980"), 2000),  # a leap day
        ("220831+" + ten("220831980")[6:], 1922),  # 100 years old that day
        ("220901+" + ten("220901980")[6:], 1822),
        ("100101+" + ten("100101980")[6:], 1910),
    ],
)
def test_century_of_ten_digits(text: str, year: int) -> None:
    found = facts(text)
    assert found[2] == year and found[0] is not None and found[0][:4] == str(year)


def test_century_is_judged_on_the_extraction_date() -> None:
    text = ten("220901980")
    assert facts(text, date(2022, 8, 31))[2] == 1922
    assert facts(text, date(2022, 9, 1))[2] == 2022


def test_coordination_number() -> None:
    text = number(BORN, 991, coordination=True)
    assert text[6:8] == "77"
    assert facts(text) == (text, "M", 1980)
    assert facts(text[2:]) == (text, "M", 1980)
    # The century of ten digits follows the real day of birth, not the one with 60 added.
    young = number(date(2022, 8, 31), 980, coordination=True)
    assert facts(young[2:]) == (young, "K", 2022)


@pytest.mark.parametrize("text", ["19800517TF98", "19800517-TF98", "198005179A9P", "19800517pt98", "2022013198AB"])
def test_reserve_number(text: str) -> None:
    assert facts(text) == (text.replace("-", "").upper(), "O", int(text[:4]))


@pytest.mark.parametrize(
    "text",
    [
        WOMAN[:-1] + str((int(WOMAN[-1]) + 1) % 10),  # wrong check digit
        "19" + ten("800230980"),  # no such day
        "19" + ten("801301980"),  # no such month
        "19" + ten("800500980"),
        "19" + ten("800532980"),
        "19" + ten("800592980"),  # 92 - 60 = 32
        "19" + ten("800560980"),  # 60 - 60 = 0
        "19" + ten("810229980"),  # 1981 was no leap year
        "19" + ten("000229980"),  # nor was 1900
        "000229+" + ten("000229980")[6:],
        "19" + ten("800517000"),  # birth number 000
        f"{WOMAN[:8]}+{WOMAN[8:]}",  # + belongs to ten digits
        f"{WOMAN[:8]} {WOMAN[8:]}",
        WOMAN[:8],
        WOMAN[1:],
        WOMAN + "0",
        "1980-05-17-" + WOMAN[8:],
        "19800517abcd",
        "19800517ab98",
        "800517TF98",
        "0000" + ten("000101980"),
        "00" + ten("000101980"),
        "personnummer",
        "",
        "١٩٨٠٠٥١٧٩٨٠٣",
    ],
)
def test_refused(text: str) -> None:
    assert facts(text) == (None, None, None)


@pytest.mark.parametrize(("leap", "accepted"), [("20000229", True), ("19960229", True), ("20010229", False)])
def test_leap_day(leap: str, accepted: bool) -> None:
    assert (normal(leap + ten(leap[2:] + "980")[6:]) is not None) is accepted


def accepted_by_reference(text: str) -> bool:
    try:
        reference.validate(text)
    except ValidationError:
        return False
    return True


BIRTHDAYS = st.dates(date(1930, 1, 1), DAY)


@settings(deadline=None, max_examples=120)
@given(BIRTHDAYS, st.integers(980, 999), st.integers(0, 9), st.booleans())
def test_agrees_with_python_stdnum(born: date, birth_number: int, last: int, swap: bool) -> None:
    text = number(born, birth_number)[:-1] + str(last)
    if swap:  # a day and month that may not exist
        text = text[:4] + text[6:8] + text[4:6] + text[8:]
    texts = [text, f"{text[:8]}-{text[8:]}", f"{text[2:8]}-{text[8:]}"]
    found = persons.normal_forms(pl.Series(texts), DAY)["normal"]
    assert found.is_not_null().to_list() == [accepted_by_reference(t) for t in texts], texts


@settings(deadline=None, max_examples=50)
@given(st.dates(DAY - timedelta(days=36000), DAY), st.integers(980, 999), st.booleans())
def test_all_spellings_give_one_person(born: date, birth_number: int, coordination: bool) -> None:
    twelve = number(born, birth_number, coordination)
    *texts, with_plus = spellings(twelve)
    found = persons.identify(pl.Series(texts), DAY, KEY)
    assert found["person_id"].n_unique() == 1
    assert found["fodelsear"].unique().to_list() == [born.year]
    assert normal(with_plus) != twelve, "+ says one hundred years older"


def test_person_id_is_a_keyed_hash_of_the_normal_form() -> None:
    expected = hmac.new(KEY, WOMAN.encode(), hashlib.sha256).hexdigest()[:32]
    found = persons.identify(pl.Series([WOMAN[2:], None, "x", WOMAN]), DAY, KEY)
    assert found["person_id"].to_list() == [expected, None, None, expected]
    assert found["kon"].to_list() == ["K", None, None, "K"]
    assert persons.person_id(WOMAN, b"another key") != expected
    assert expected != hashlib.sha256(WOMAN.encode()).hexdigest()[:32]


def test_key_file_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(persons.KEY_VARIABLE, raising=False)
    folder = tmp_path / "new" / "data"
    key = persons.person_key(folder)
    assert len(key) >= 32 and persons.person_key(folder) == key
    assert stat.S_IMODE((folder / "person.key").stat().st_mode) == 0o600
    assert [p.name for p in folder.iterdir()] == ["person.key"]
    assert persons.person_key(tmp_path / "other") != key


def test_environment_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(persons.KEY_VARIABLE, raising=False)
    stored = persons.person_key(tmp_path)
    monkeypatch.setenv(persons.KEY_VARIABLE, "hemlig")
    assert persons.person_key(tmp_path) == b"hemlig"
    monkeypatch.delenv(persons.KEY_VARIABLE)
    assert persons.person_key(tmp_path) == stored


def test_fingerprint_tells_keys_apart_without_telling_them() -> None:
    fingerprint = persons.key_fingerprint(KEY)
    assert fingerprint == persons.key_fingerprint(KEY) != persons.key_fingerprint(b"another")
    assert hashlib.sha256(KEY).hexdigest()[:16] != fingerprint and KEY.hex() not in fingerprint


def test_numbers_in_texts_are_masked_and_in_keys_replaced() -> None:
    texts = pl.Series([f"se {WOMAN}", "Kurator", None, f"x{WOMAN[2:8]}-{WOMAN[8:]}y", "2022-08-31 12:00"])
    assert persons.mask_in_texts(texts).to_list() == ["se ***", "Kurator", None, "x***y", "2022-08-31 12:00"]
    keys = persons.pseudonymise_in_keys(pl.Series([WOMAN, MAN, "V1", None, WOMAN]), KEY)
    assert keys[0] == keys[4] != keys[1] and keys[2:4].to_list() == ["V1", None]
    assert all(WOMAN not in k and MAN not in k for k in keys.drop_nulls())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=16) | st.from_regex(r"[0-9]{6,12}[-+]?[0-9A-Zptf]{0,4}", fullmatch=True), max_size=6))
def test_no_text_stops_it(texts: list[str]) -> None:
    found = persons.identify(pl.Series(texts, dtype=pl.String), DAY, KEY)
    assert found.height == len(texts)
    assert all(p is None or len(p) == 32 and not set(p) - set("0123456789abcdef") for p in found["person_id"])
