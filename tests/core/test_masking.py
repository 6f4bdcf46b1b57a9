"""Masking: what looks like a personnummer disappears; dates, HSA-ids and amounts stay readable."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.core.masking import (
    LONGEST_VALUE,
    MASK,
    MAY_HOLD_NUMBER,
    display,
    mask,
    mask_delivered,
    mask_valid,
    may_be_key_of_person,
)
from dagster_project.core.spellings import MAY_BE_SPELLED, MAY_BE_TEN_DIGITS
from tests.extracts import number, spellings

PERSON = number(date(1980, 5, 17), 981)
MISTYPED = PERSON[:-1] + str((int(PERSON[-1]) + 1) % 10)
RESERVE = "19800517TF98"


@pytest.mark.parametrize("text", [*spellings(PERSON), *spellings(MISTYPED), RESERVE, "19800517-TF98"])
@pytest.mark.parametrize("frame", ["{}", "kund {} ringde", "({})", "a;{};b", "{}, {}", "pnr:{}", "V1|{}|2"])
def test_looks_like_a_number(text: str, frame: str) -> None:
    assert mask(frame.format(text, text)) == frame.format(MASK, MASK)


@pytest.mark.parametrize("text", spellings(PERSON))
@pytest.mark.parametrize("frame", ["ID{}", "{}_skannad", "{}A0", "_{}_", "å{}ö", "SE{}", "SE{}-1", "se{}"])
def test_numbers_glued_to_letters(text: str, frame: str) -> None:
    for shown in (mask(frame.format(text)), mask_valid(frame.format(text))):
        assert PERSON[2:8] not in shown and PERSON[8:] not in shown


@pytest.mark.parametrize("text", [f"{PERSON[:8]} {PERSON[8:]}", f"{PERSON[2:8]} {PERSON[8:]}"])
def test_blank_before_the_last_four(text: str) -> None:
    assert mask(text) == MASK
    assert display(text.replace(" ", "\u00a0")) == MASK


@pytest.mark.parametrize(
    "text",
    [
        "SE2321000164-1001",
        "se2321000164-a1b2",
        "Se2321000164-1001",
        "SE2321000164-" + "A" * 18,
        "SE0000000000-1",
        "2022-08-31",
        "20220831",
        "2022-08-31T12:34:56",
        "2022-08-31T12:34:56+02:00",
        "2022-08",
        "1 234 567,50",
        "-2",
        "DV111",
        "V1",
        "Kurator",
        "",
        "123456789",
        "2022-13-01",
        "2022-03-25 14:30",
        "2022-03-11/2022-04-01 14:30:11",
        "2022-08-11 12:10:20.345",
        "20220325-20220401",
        "2022-03-25 - 2022-04-01",
        "2022-09-30-443901277315",
        "25 mars 2022 kl 14.30",
        "25 mars 2022 till 3 april 2022",
        "Insjuknade 2022-03-11, åter 2022-04-02. Kostnad 1500 kr",
        "ring 019-602 10 00",
        "Diagnos F84.0, 2022-03-25",
        "940517 fyra gånger",
    ],
)
def test_stays_readable(text: str) -> None:
    assert mask(text) == text == display(text) == mask_valid(text)


def test_more_digits_than_a_number_has_stay_in_messages_and_not_in_what_was_delivered() -> None:
    assert mask("12345678901234567890") == "12345678901234567890"
    assert display("12345678901234567890") == MASK


def test_an_id_without_a_letter_stays_readable_and_a_number_behind_a_day_does_not() -> None:
    """One hash in 280 has only digits in its first twelve characters."""
    assert mask("Utgåva 2022-09-30-443901277315 publicerades.") == "Utgåva 2022-09-30-443901277315 publicerades."
    assert mask(f"2022-09-30-{PERSON}") == mask(f"2022-09-30-{MISTYPED}") == f"2022-09-30-{MASK}"


def test_only_valid_numbers_are_masked_in_names() -> None:
    assert mask_valid(f"kva_2022-08-31_{PERSON}.csv") == "kva_2022-08-31_***.csv"
    assert mask_valid(f"kva_2022-08-31_{MISTYPED}.csv") == f"kva_2022-08-31_{MISTYPED}.csv"
    assert mask_valid("kva_20220831-1200.csv") == "kva_20220831-1200.csv"


def test_display_is_one_short_line() -> None:
    assert display("a\n b\t c\r\n") == "a b c"
    assert display("x" * LONGEST_VALUE) == "x" * LONGEST_VALUE
    assert display("x" * 10_000_000) == "x" * LONGEST_VALUE + "…"


@pytest.mark.parametrize("before", range(LONGEST_VALUE - 14, LONGEST_VALUE + 2))
def test_cutting_never_saves_a_number_from_the_mask(before: int) -> None:
    shown = display("x " * (before // 2) + "y" * (before % 2) + " " + PERSON)
    assert not set(shown) & set("0123456789")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=30), st.sampled_from(spellings(PERSON)), st.text(max_size=30))
def test_no_surroundings_uncover_a_number(before: str, text: str, after: str) -> None:
    """Whatever stands around it (except digits that make it a longer number), a valid number is never shown."""
    if (before and before[-1].isdigit()) or (after and after[0].isdigit()):
        return
    shown = mask(before + text + after)
    assert text not in shown
    assert text not in mask_valid(before + text + after)


# --- Generated texts, both ways --------------------------------------------------------------------------------------

BORN = st.dates(date(1900, 1, 1), date(2022, 8, 31))
GAPS = ["", "-", "+", " ", "\u00a0", "\u2013", "\u2014", "\u2212", ".", " - ", "\u202f", "\u2009", "_", "/", "- "]
AROUND = ["{}", "kund {} ringde", "({})", "pnr:{}", "x;{};y", "åäö{}", "{}å", "ID{}", "se {}.", "{}, {}", "\n{}\n"]


@settings(deadline=None, max_examples=300)
@given(BORN, st.integers(980, 999), st.booleans(), st.booleans(), st.sampled_from(GAPS), st.sampled_from(AROUND))
def test_every_gap_in_every_text(born: date, n: int, coordination: bool, century: bool, gap: str, around: str) -> None:
    twelve = number(born, n, coordination)
    text = around.format(*[(twelve if century else twelve[2:])[:-4] + gap + twelve[-4:]] * 2)
    assert twelve[2:8] not in mask(text) and twelve[-4:] not in mask(text)
    assert pl.Series([text]).str.contains(MAY_HOLD_NUMBER)[0]
    if not (gap == "_" and re.fullmatch("([01][0-9]|2[0-4])[0-5][0-9]", twelve[-4:])):
        assert twelve[-4:] not in mask_valid(text)


@settings(deadline=None, max_examples=200)
@given(BORN, st.integers(980, 999), st.integers(0, 11), st.sampled_from("0123456789"), st.booleans())
def test_mistyped_and_shifted_numbers(born: date, n: int, place: int, digit: str, century: bool) -> None:
    """One wrong digit, one too many, one too few."""
    twelve = number(born, n)
    wrong = twelve[:place] + digit + twelve[place + 1 :]
    for text in (wrong if century else wrong[2:], twelve + digit, twelve[:-1] if century else twelve[2:] + digit):
        assert mask(f"a {text} b") == "a *** b", text
        assert pl.Series([text]).str.contains(MAY_HOLD_NUMBER)[0]


@settings(deadline=None, max_examples=200)
@given(
    BORN,
    st.from_regex(r"[0-9A-Z]{3}[A-Z]|[A-Z][0-9]{3}|[0-9]{2}[ptf][0-9]", fullmatch=True),
    st.sampled_from(["", "-"]),
)
def test_reserve_numbers(born: date, last: str, gap: str) -> None:
    text = f"{born:%Y%m%d}{gap}{last}"
    assert mask(f"se {text}!") == "se ***!"
    assert pl.Series([text]).str.contains(MAY_HOLD_NUMBER)[0]


@settings(deadline=None, max_examples=200)
@given(BORN, st.integers(980, 999), st.from_regex("[A-Z0-9]{1,18}", fullmatch=True))
def test_a_person_behind_an_hsa_prefix(born: date, n: int, unit: str) -> None:
    ten = number(born, n)[2:]
    assert mask(f"hsaid_enhet=SE{ten}-{unit}").startswith("hsaid_enhet=SE***")


HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
HEX_LETTERS = HEX.filter(lambda h: set(h[:12]) & set("abcdef"))


@settings(deadline=None, max_examples=300)
@given(
    HEX,
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.uuids(),
    st.sampled_from(["{}", "utgåvan {} finns", "({})", "a/{}/b.csv"]),
)
def test_ids_and_hashes_stay_readable(digest: str, day: date, unique: object, around: str) -> None:
    ids = [digest, digest[:40], digest[:32], f"dold-{digest[:32]}", str(unique)]
    if set(digest[:12]) & set("abcdef"):
        ids += [f"{day}-{digest[:12]}", f"{day}_{digest[:12]}"]
    for own in ids:
        text = around.format(own)
        assert mask(text) == text == mask_valid(text)


@settings(deadline=None, max_examples=200)
@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.times(),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.decimals(-(10**8), 10**8, places=2),
    st.from_regex("SE[0-9]{2}[2-9][0-9]{7}-[A-Z0-9]{1,9}", fullmatch=True).filter(
        lambda t: not re.search("[0-9]{8}", t[13:])
    ),
)
def test_dates_amounts_and_units_stay_readable(day: date, time: Any, other: date, amount: Any, unit: str) -> None:
    for text in (
        f"{day}",
        f"{day:%Y%m%d}",
        f"{day}T{time:%H:%M:%S}",
        f"{day} {time:%H:%M}",
        f"{day:%Y%m%d}T{time:%H%M%S}",
        f"{day}/{other}",
        f"{day:%Y%m%d}-{other:%Y%m%d}",
        f"{amount}",
        f"{amount:,}".replace(",", " "),
        unit,
    ):
        assert mask(text) == text == mask_valid(text)


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("0123456789-+ .ATFpsSE_:\u00a0\u2013x/"), max_size=30))
def test_the_columnar_pattern_sees_all_that_mask_changes(text: str) -> None:
    if mask(text) != text:
        assert pl.Series([text]).str.contains(MAY_HOLD_NUMBER)[0]


# --- Delivered texts: any spelling -----------------------------------------------------------------------------------


def digits_left(text: str) -> str:
    """The digits of a text, of whatever script."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.digit(c, None) is not None)


def in_script(zero: int, digits: str) -> str:
    return "".join(chr(zero + int(d)) for d in digits)


@pytest.mark.parametrize(
    "text",
    [
        "01199403259907",
        "0119940325-9907",
        "99199403259907123",
        "19940325 (9907)",
        "(19940325)9907",
        "(19940325) - (9907)",
        "19940325,9907",
        "19940325;9907",
        "94 03 25 - 99 07",
        "9 4 0 3 2 5 9 9 0 7",
        "1 9 9 4 0 3 2 5 9 9 0 7",
        "9403-2599-07",
        "25 mars 1994-9907",
        "25:e mars -94, 99 07",
        "March 25, 1994 9907",
        "1994 mars 25 9907",
        "25/3 1994 9907",
        "25/3-94 9907",
        "25.3.1994 9907",
        "1994-3-25-9907",
        "94-3-25 9907",
        "1994/3/25 9907",
        "03/25/1994 9907",
        "född 940325 sista 9907",
        "fodd 940325 sista 9907",
        "sista fyra 9907, född 94-03-25",
        "född 940325 sista fyra siffrorna är 9908",
        "940325&nbsp;9907",
        "9907-940325",
        "9907 / 1994-03-25",
        "1994-03-25 1994-03-25-9907",
        "1994\u200b0325\u20609907",
        "9\u200b4\u200b0\u200b3\u200b2\u200b5\u200b9\u200b9\u200b0\u200b7",
        "1994\u20110325\u20119907",
        in_script(0xFF10, "199403259907"),
        in_script(0x0660, "9403259907"),
        in_script(0x06F0, "940325") + "-9907",
        in_script(0x1D7CE, "199403259907"),
        "⑨④⓪③②⑤⑨⑨⓪⑦",
        "940325\n9907",
        "94\ufe0f0325-9907",
        "19940325\u200b-\u200bTF98",
        "19940325 (TF98)",
        *(f"19940325{c}9907" for c in "*#=~|\\&%@!?<>[]{}^§°·•→"),
        *(c.join(["94", "03", "25", "99", "07"]) for c in "*#=~|\\"),
    ],
)
@pytest.mark.parametrize("frame", ["{}", "kund {} ringde", "«{}»", "2022-13-{}"])
def test_no_spelling_of_a_number_is_left_in_a_delivered_text(text: str, frame: str) -> None:
    if "13-" in frame and not text[:1].isdigit():
        return
    whole = frame.format(text)
    for shown in (mask_delivered(whole), display(whole)):
        assert MASK in shown
        assert digits_left(shown) in (("", "2022", "202213") if frame.startswith("2022") else ("",)), shown
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]


PARTED = st.text(st.sampled_from(" \t-–—‑+.,:;/\\|*#=~()[]_\u00a0\u202f\u200b\u2060\u00ad\u202e'\"&%"), max_size=4)
ZEROS = st.sampled_from([0x30, 0xFF10, 0x0660, 0x06F0, 0x0966, 0x1D7CE, 0x1D7D8, 0x1D7F6])


@settings(deadline=None, max_examples=300)
@given(BORN, st.integers(980, 999), st.booleans(), st.booleans(), ZEROS, st.data())
def test_generated_spellings(born: date, n: int, coordination: bool, century: bool, zero: int, data: Any) -> None:
    """Something between any two digits, in any script, among words."""
    twelve = number(born, n, coordination)
    written = twelve if century else twelve[2:]
    parts = [data.draw(PARTED) for _ in written[1:]]
    text = "".join(a + b for a, b in zip(in_script(zero, written), [*parts, ""], strict=True))
    around = data.draw(st.sampled_from(["{}", "kund {} ringde", "({})", "x;{};y", "å{}ö", "se {}."]))
    whole = around.format(text)
    assert digits_left(mask_delivered(whole)) == ""
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]
    assert may_be_key_of_person(whole)
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}")[0]


@settings(deadline=None, max_examples=200)
@given(
    BORN,
    st.integers(980, 999),
    st.from_regex("[0-9]{1,8}", fullmatch=True),
    st.from_regex("[0-9]{0,8}", fullmatch=True),
)
def test_among_more_digits(born: date, n: int, before: str, after: str) -> None:
    twelve = number(born, n)
    for text in (before + twelve + after, f"{before}{twelve[:8]}-{twelve[8:]}", f"x {before}{twelve}{after} y"):
        shown = mask_delivered(text)
        assert twelve[2:8] not in shown and twelve[8:] not in shown, shown


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("0123456789-+ .,:/()TFpsSE_mars\u200b٣²"), max_size=30))
def test_the_columnar_patterns_see_all_that_is_masked_in_a_delivered_text(text: str) -> None:
    if mask_delivered(text) != text:
        assert pl.Series([text]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]
    if may_be_key_of_person(text):
        assert pl.Series([text]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}")[0]


@settings(deadline=None, max_examples=200)
@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.times(),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    HEX_LETTERS,
)
def test_days_times_and_ids_stay_readable_in_a_delivered_text(day: date, time: Any, other: date, digest: str) -> None:
    for text in (
        f"{day}",
        f"{day:%Y%m%d}",
        f"{day} {time:%H:%M}",
        f"{day} {time:%H:%M:%S}",
        f"{day}T{time:%H:%M:%S}+02:00",
        f"{day}/{other}",
        f"{day} - {other}",
        f"{day:%Y%m%d}-{other:%Y%m%d}",
        digest,
        f"dold-{digest[:32]}",
    ):
        assert mask_delivered(text) == text


# --- Letters that look like digits ----------------------------------------------------------------------------------

LOOK_ALIKE = {"0": "OoÖöØøОΟ", "1": "lIi|ІΙ", "2": "Zz", "5": "Ss", "8": "B"}
"""Cyrillic and Greek capitals too."""


@pytest.mark.parametrize(
    "text",
    [
        "85O3l2-9846",
        "l985o3l2 9846",
        "19850312-9B46",
        "1985O3129846",
        "85O3129846",
        "1985-O3-l2-9846",
        "85/o3/12 9846",
        "85O3|2-9846",
        "85Ø312-9846",
        "85\u041e312-9846",
        "85O3l2\u20139846",
        "85O3l2+9847",
        "8 5 O 3 l 2 9 8 4 6",
        "85O3\u200bl2-9846",
        "född 85O3l2, sista fyra 9846",
        "född 85O312, personnumrets sista fyra 9846",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "Patienten {} väntar.", "V1|{}|2", "({})"])
def test_letters_for_digits(text: str, frame: str) -> None:
    whole = frame.format(text)
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]
    for shown in (mask_delivered(whole), display(whole)):
        assert MASK in shown and digits_left(shown) in ("", "12"), shown
        assert not re.search("[0-9]{2}|O3|o3", shown)


@pytest.mark.parametrize(
    "text", ["85O3l2-9846", "l985o3l2 9846", "1985O3l29846", "ID85O3l2-9846", "85\uff2f3\uff4c2-9846"]
)
def test_letters_for_digits_in_a_key(text: str) -> None:
    assert may_be_key_of_person(text)
    assert pl.Series([text]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}")[0]


@settings(deadline=None, max_examples=300)
@given(
    BORN,
    st.integers(980, 999),
    st.booleans(),
    st.sampled_from(GAPS),
    st.sampled_from(["{}", "kund {} ringde", "({})", "ID{}", "{}å", "V1|{}|2"]),
    st.data(),
)
def test_generated_letters_for_digits(born: date, n: int, century: bool, gap: str, around: str, data: Any) -> None:
    """As long as seven of the characters are digits, and no S, B or Z comes first."""
    twelve = number(born, n)
    written = list(twelve if century else twelve[2:])
    places = [p for p, d in enumerate(written) if d in ("01258" if p else "01")]
    wrong = data.draw(st.lists(st.sampled_from(places), max_size=len(written) - 7, unique=True)) if places else []
    for place in wrong:
        written[place] = data.draw(st.sampled_from(LOOK_ALIKE[written[place]]))
    text = "".join(written)
    whole = around.format(text[:-4] + gap + text[-4:])
    shown = mask_delivered(whole)
    assert text[-4:] not in shown and text[:-4] not in shown, whole
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]
    assert may_be_key_of_person(whole)
    assert pl.Series([whole]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}")[0]


@pytest.mark.parametrize(
    "text",
    [
        "SE2321000164-1O01",
        "SE2321000164-B50101",
        "DV111 XS005 GB009 UX001",
        "Diagnos I10 2022-03-25, S72.00, O80 och Z03.9",
        "I109 2022-03-25 O800",
        "2022-12-05 I961 Z164",
        "2021-05-23 O201 I371",
        "B50101-1000",
        "S50101-1001",
        "i 2022-10-12 15:12",
        "I oktober 2022 kom 12 av 850 besök",
        "OBS 2022-03-25 kl 14.30",
        "Ö 12 ligger 2022-03-25 i Örebro",
        "85B31200-1234-4B46-9846-AB23C56D89EF",
        "ISO9001 2015 och ISBN 91",
        "Hus 10I, rum 12 B, 2022-03-25",
        "Rollator B8512-984",
        "SOLIB",
        "1O0 000 kr 2022-03-25",
    ],
)
def test_codes_and_words_with_such_letters_stay_readable(text: str) -> None:
    assert mask_delivered(text) == text
    assert not may_be_key_of_person(text)


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("0123456789-+ .OolIi|SBZ\u041e"), max_size=30))
def test_the_columnar_patterns_see_letters_for_digits(text: str) -> None:
    if mask_delivered(text) != text:
        assert pl.Series([text]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}")[0]
    if may_be_key_of_person(text):
        assert pl.Series([text]).str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}")[0]


def test_what_joins_values_is_another_sign_within_one() -> None:
    assert display("A|B") == "A¦B"
