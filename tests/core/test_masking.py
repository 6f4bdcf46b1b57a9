"""Masking: what looks like a personnummer disappears; dates, HSA-ids and amounts stay readable."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.core.masking import LONGEST_VALUE, MASK, display, mask, mask_valid
from tests.extracts import number, spellings

PERSON = number(date(1980, 5, 17), 981)
MISTYPED = PERSON[:-1] + str((int(PERSON[-1]) + 1) % 10)
RESERVE = "19800517TF98"


@pytest.mark.parametrize("text", [*spellings(PERSON), *spellings(MISTYPED), RESERVE, "19800517-TF98"])
@pytest.mark.parametrize("frame", ["{}", "kund {} ringde", "({})", "a;{};b", "{}, {}", "pnr:{}", "V1|{}|2"])
def test_looks_like_a_number(text: str, frame: str) -> None:
    assert mask(frame.format(text, text)) == frame.format(MASK, MASK)


@pytest.mark.parametrize("text", spellings(PERSON))
@pytest.mark.parametrize("frame", ["ID{}", "{}_skannad", "_{}_", "å{}ö", "SE{}", "SE{}-1", "se{}"])
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
        "12345678901234567890",
    ],
)
def test_stays_readable(text: str) -> None:
    assert mask(text) == text == display(text) == mask_valid(text)


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
