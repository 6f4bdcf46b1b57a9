"""The sentence of a row of `plan_uppfoljning`: what it says of every kind of measure, status and report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.catalogue.plan import Item, Target
from dagster_project.catalogue.vocabulary import HIDDEN, NUMBER, PLAN_STATUSES
from dagster_project.releases.sentence import LONGEST_COMMENT, Measured, deciding, quoted, sentence, target_words
from dagster_project.releases.tables import PLAN_NUMBERS, PLAN_SCHEMA

ITEM = Item(
    "P-1", "P", None, "aktivitet", "", "Första besök inom 90 dagar", ("BUH",), "beraknad", None, None, None, (), 1
)
REPORTED = replace(ITEM, short_title="Den nya värdegrunden", follow_up="sjalvrapporterad")
BOTH = replace(ITEM, short_title="Handlingsplanen", follow_up="bada")
SHARE = Measured("Första besök", "andel", unit="procent")
STOCK = replace(SHARE, stock=True)
COUNT = Measured("Avvikelser", "antal")
MEDIAN = Measured("Väntetid", "median", unit="dagar")
MEAN = Measured("Förändring", "medel", unit="poäng")
CROWNS = Measured("Inköp", "belopp", unit="kr")
AMOUNT = Measured("Inköpta produkter", "belopp")
LEVEL = replace(AMOUNT, stock=True)
OF_REPORTS = replace(LEVEL, of_reports=True)
WINDOW = Measured("Miljörond", "antal", window_months=24)
BASE_YEAR = replace(CROWNS, base_year=2020)


def row(**said: Any) -> dict[str, Any]:
    """A row of BUH's delår 2022, godkand, with nothing in it but what is said."""
    plain = {
        **dict.fromkeys(PLAN_SCHEMA),
        "niva": "verksamhet",
        "verksamhet": "BUH",
        "tillfalle": "delar",
        "ar": 2022,
        "period_start": date(2022, 1, 1),
        "period_slut": date(2022, 8, 31),
        "malstatus": "inget_mal",
        "kvalitet": "godkand",
        "release_id": "2022-09-01-0123456789ab",
    }
    return {**plain, **said}


def computed(varde: float | None, malstatus: str = "inget_mal", **said: Any) -> dict[str, Any]:
    return row(varde=varde, malstatus=malstatus, **said)


def report(status: str, **said: Any) -> dict[str, Any]:
    return row(rapporterad_status=status, rapport_kvalitet="godkand", **said)


YEAR = {"tillfalle": "ar", "period_slut": date(2022, 12, 31)}
LATEST = {"tillfalle": "senaste", "period_start": date(2021, 9, 1)}
AREA = {"niva": "omrade", "verksamhet": None}
BASIS = {"taljare": 1983.0, "namnare": 2116.0}
TO_100 = {"mal_text": "100 procent", "malvarde": 100.0, "mal_operator": ">="}
TO_90_AND_MORE = {"mal_text": "minst 90 procent och mer än föregående år", "malvarde": 90.0, "mal_operator": ">="}
MORE = {"mal_text": "mer än föregående år", "mal_operator": ">"}
A_YEAR = {"mal_text": "minst 750 per år för området", "malvarde": 750 * 243 / 365, "mal_operator": ">="}
FROZEN = {"kvalitet": "fryst", "release_id": "2022-06-30-0123456789ab"}
PARTS = {"mal_text": "avvikelser inom 7 dagar minst 70 procent; utredningar inom 60 dagar minst 80 procent"}

EXAMPLES = [
    # share
    (
        computed(100 * 1983 / 2116, "ej_uppfyllt", **BASIS, **TO_100, jamforelse_varde=90.46),
        SHARE,
        "Första besök inom 90 dagar: 93,7 procent (1 983 av 2 116) per sista augusti 2022, mot målet 100 procent – "
        "inte uppnått. Året innan: 90,5 procent.",
    ),
    (
        computed(100.0, "uppfyllt", taljare=12.0, namnare=12.0, **TO_100, **YEAR),
        SHARE,
        "Första besök inom 90 dagar: 100,0 procent (12 av 12) för 2022, mot målet 100 procent – uppnått.",
    ),
    # rounding never says the contrary
    (
        computed(100 * 2499 / 2500, "ej_uppfyllt", taljare=2499.0, namnare=2500.0, **TO_100),
        SHARE,
        "Första besök inom 90 dagar: 99,96 procent (2 499 av 2 500) per sista augusti 2022, mot målet 100 procent – "
        "inte uppnått.",
    ),
    (
        computed(93.97, "ej_uppfyllt", **BASIS, mal_text="minst 94 procent", malvarde=94.0),
        SHARE,
        "Första besök inom 90 dagar: 93,97 procent (1 983 av 2 116) per sista augusti 2022, mot målet minst 94 procent "
        "– inte uppnått.",
    ),
    (
        computed(0.04, "inget_mal", taljare=1.0, namnare=2500.0),
        SHARE,
        "Första besök inom 90 dagar: 0,04 procent (1 av 2 500) per sista augusti 2022.",
    ),
    (
        computed(90.53, "uppfyllt", **BASIS, **MORE, malvarde=90.51, jamforelse_varde=90.51),
        SHARE,
        "Första besök inom 90 dagar: 90,53 procent (1 983 av 2 116) per sista augusti 2022, mot målet mer än "
        "föregående år – uppnått. Året innan: 90,51 procent.",
    ),
    # several targets
    (
        computed(91.2, "delvis", **BASIS, **TO_90_AND_MORE, jamforelse_varde=92.0, **LATEST),
        SHARE,
        "Första besök inom 90 dagar: 91,2 procent (1 983 av 2 116) för tolv månader till och med augusti 2022, mot "
        "målet minst 90 procent och mer än föregående år – delvis uppnått. Året innan: 92,0 procent.",
    ),
    # more than last year, without a last year
    (
        computed(91.2, "inga_data", **BASIS, **TO_90_AND_MORE),
        SHARE,
        "Första besök inom 90 dagar: 91,2 procent (1 983 av 2 116) per sista augusti 2022. Målet minst 90 procent och "
        "mer än föregående år kan inte bedömas eftersom jämförelsen saknas.",
    ),
    # stock
    (
        computed(100 * 35 / 38, "ej_uppfyllt", taljare=35.0, namnare=38.0, **TO_100),
        STOCK,
        "Första besök inom 90 dagar: 92,1 procent (35 av 38), läget sista augusti 2022, mot målet 100 procent – inte "
        "uppnått.",
    ),
    (computed(4.0, **YEAR), LEVEL, "Första besök inom 90 dagar: 4, läget sista december 2022."),
    # count
    (
        computed(1499.0, "uppfyllt", **AREA, **A_YEAR, jamforelse_varde=1200.0),
        COUNT,
        "Första besök inom 90 dagar: 1 499 per sista augusti 2022, mot målet minst 750 per år för området (500 för "
        "perioden) – uppnått. Året innan: 1 200.",
    ),
    (
        computed(499.0, "ej_uppfyllt", **AREA, **{**A_YEAR, "malvarde": 499.01}),
        COUNT,
        "Första besök inom 90 dagar: 499 per sista augusti 2022, mot målet minst 750 per år för området (500 för "
        "perioden) – inte uppnått.",
    ),
    (
        computed(500.0, "preliminar", **AREA, **A_YEAR),
        COUNT,
        "Första besök inom 90 dagar: 500 för januari–augusti 2022 (preliminärt); målet är minst 750 per år för området "
        "(500 för perioden).",
    ),
    (
        computed(
            499.0, "uppfyllt", mal_text="högst 750 per år för området", malvarde=750 * 243 / 365, mal_operator="<="
        ),
        COUNT,
        "Första besök inom 90 dagar: 499 per sista augusti 2022, mot målet högst 750 per år för området (499 för "
        "perioden) – uppnått.",
    ),
    (
        computed(
            499.0, "uppfyllt", mal_text="mindre än 750 per år för området", malvarde=750 * 243 / 365, mal_operator="<"
        ),
        COUNT,
        "Första besök inom 90 dagar: 499 per sista augusti 2022, mot målet mindre än 750 per år för området (500 för "
        "perioden) – uppnått.",
    ),
    (
        computed(
            500.0, "uppfyllt", mal_text="mer än 750 per år för området", malvarde=750 * 243 / 365, mal_operator=">"
        ),
        COUNT,
        "Första besök inom 90 dagar: 500 per sista augusti 2022, mot målet mer än 750 per år för området (499 för "
        "perioden) – uppnått.",
    ),
    (  # crowns have parts
        computed(499_000.0, "ej_uppfyllt", mal_text="minst 750 000 kr per år", malvarde=499_315.07, mal_operator=">="),
        CROWNS,
        "Första besök inom 90 dagar: 499 000 kr per sista augusti 2022, mot målet minst 750 000 kr per år (499 315 kr "
        "för perioden) – inte uppnått.",
    ),
    # a target of the area only
    (
        computed(41.0, mal_text="minst 750 per år för området"),
        COUNT,
        "Första besök inom 90 dagar: 41 per sista augusti 2022. Målet minst 750 per år för området bedöms inte här.",
    ),
    # median, mean
    (
        computed(1.0, namnare=1412.0, jamforelse_varde=23.5),
        MEDIAN,
        "Första besök inom 90 dagar: i median 1 dag (1 412 observationer) per sista augusti 2022. Året innan: 23,5 "
        "dagar.",
    ),
    (
        computed(-8.25, taljare=-33.0, namnare=4.0),
        MEAN,
        "Första besök inom 90 dagar: i medeltal −8,2 poäng (4 observationer) per sista augusti 2022.",
    ),
    # amounts
    (
        computed(12_345_678.9, "uppfyllt", mal_text="mindre än 2020", malvarde=13e6, jamforelse_varde=13e6),
        BASE_YEAR,
        "Första besök inom 90 dagar: 12,35 miljoner kr per sista augusti 2022, mot målet mindre än 2020 – uppnått. "
        "Samma månader 2020: 13,00 miljoner kr.",
    ),
    (
        computed(
            12_345_678.0, "ej_uppfyllt", mal_text="mindre än 2020", malvarde=12_345_600.0, jamforelse_varde=12_345_600.0
        ),
        BASE_YEAR,
        "Första besök inom 90 dagar: 12 345 678 kr per sista augusti 2022, mot målet mindre än 2020 – inte uppnått. "
        "Samma månader 2020: 12 345 600 kr.",
    ),
    (
        computed(-345_000.4, "ej_uppfyllt", **AREA, mal_text="minst 0 kr för området", malvarde=0.0),
        CROWNS,
        "Första besök inom 90 dagar: −345 000 kr per sista augusti 2022, mot målet minst 0 kr för området – inte "
        "uppnått.",
    ),
    (
        computed(-0.3, "ej_uppfyllt", **AREA, mal_text="minst 0 kr för området", malvarde=0.0),
        CROWNS,
        "Första besök inom 90 dagar: −0,3 kr per sista augusti 2022, mot målet minst 0 kr för området – inte uppnått.",
    ),
    (computed(12.5), AMOUNT, "Första besök inom 90 dagar: 12,5 per sista augusti 2022."),
    # window
    (
        computed(2.0, "uppfyllt", mal_text="minst 1 för varje verksamhet", malvarde=1.0),
        WINDOW,
        "Första besök inom 90 dagar: 2 under 24 månader till och med augusti 2022, mot målet minst 1 för varje "
        "verksamhet – uppnått.",
    ),
    # hidden, preliminary, no data, out of scope
    (
        computed(None, HIDDEN, **TO_100),
        SHARE,
        "Första besök inom 90 dagar: för få för att visas per sista augusti 2022.",
    ),
    (
        computed(None, HIDDEN, **TO_100),
        STOCK,
        "Första besök inom 90 dagar: för få för att visas, läget sista augusti 2022.",
    ),
    (
        computed(100 * 35 / 38, "preliminar", taljare=35.0, namnare=38.0, **TO_100, jamforelse_varde=90.0),
        SHARE,
        "Första besök inom 90 dagar: 92,1 procent (35 av 38) för januari–augusti 2022 (preliminärt); målet är 100 "
        "procent. Året innan: 90,0 procent.",
    ),
    # a year that is not over is not held against the whole of the year before as if it were
    (
        computed(651.0, "preliminar", jamforelse_varde=778.0, **YEAR),
        COUNT,
        "Första besök inom 90 dagar: 651 för 2022 (preliminärt). Hela året innan: 778.",
    ),
    (
        computed(651.0, "preliminar", jamforelse_varde=778.0, **YEAR | {"release_id": "2023-01-09-0123456789ab"}),
        COUNT,
        "Första besök inom 90 dagar: 651 för 2022 (preliminärt). Året innan: 778.",
    ),
    (
        computed(12.0, "preliminar", jamforelse_varde=20.0, tillfalle="delar", release_id="2022-06-30-0123456789ab"),
        COUNT,
        "Första besök inom 90 dagar: 12 för januari–augusti 2022 (preliminärt). Hela perioden året innan: 20.",
    ),
    (
        computed(80.0, "preliminar", taljare=8.0, namnare=10.0, **YEAR),
        SHARE,
        "Första besök inom 90 dagar: 80,0 procent (8 av 10) för 2022 (preliminärt).",
    ),
    (computed(None, "inga_data", **MORE), SHARE, "Första besök inom 90 dagar: inga uppgifter per sista augusti 2022."),
    (computed(None, "ej_tillamplig"), SHARE, "Första besök inom 90 dagar: gäller inte verksamheten."),
    # frozen
    (
        computed(41.0, **FROZEN),
        COUNT,
        "Första besök inom 90 dagar: 41 per sista augusti 2022. Siffrorna är från den 30 juni 2022: senare leveranser "
        "är inte godkända.",
    ),
    # parents
    (
        row(malstatus="delvis", kvalitet=None, **PARTS),
        None,
        "Första besök inom 90 dagar: delvis uppnått per sista augusti 2022. Mål: avvikelser inom 7 dagar minst 70 "
        "procent; utredningar inom 60 dagar minst 80 procent.",
    ),
    (
        row(malstatus="inga_data", kvalitet=None, **PARTS, **LATEST),
        None,
        "Första besök inom 90 dagar: kan inte bedömas för tolv månader till och med augusti 2022. Mål: avvikelser inom "
        "7 dagar minst 70 procent; utredningar inom 60 dagar minst 80 procent.",
    ),
]

REPORTS = [
    (
        report("pagar"),
        REPORTED,
        None,
        "Den nya värdegrunden: Pågår, enligt den senaste rapporten till och med augusti 2022.",
    ),
    (
        report("genomford", kommentar='Klart.\nVi sa "ja"', antal=3.0, **YEAR),
        REPORTED,
        None,
        "Den nya värdegrunden: Genomförd, antal 3, enligt den senaste rapporten till och med 2022. Kommentar: ”Klart. "
        "Vi sa ’ja’”",
    ),
    (
        report("genomford", **YEAR),
        replace(REPORTED, short_title="Åtgärder ur omvärldsrapporten"),
        None,
        "Åtgärder ur omvärldsrapporten: Genomförd, enligt den senaste rapporten till och med 2022.",
    ),
    (
        report("ej_rapporterad", **LATEST),
        REPORTED,
        None,
        "Den nya värdegrunden: Inte rapporterad till och med augusti 2022.",
    ),
    (
        report("pagar", **AREA, rapporterade=5, i_omfattning=8, antal=12.0),
        REPORTED,
        None,
        "Den nya värdegrunden: Pågår, antal 12, enligt de senaste rapporterna till och med augusti 2022 (5 av 8 "
        "verksamheter har rapporterat).",
    ),
    (
        report("genomford", **AREA, rapporterade=1, i_omfattning=1, **YEAR),
        REPORTED,
        None,
        "Den nya värdegrunden: Genomförd, enligt den senaste rapporten till och med 2022 (1 av 1 verksamhet har "
        "rapporterat).",
    ),
    (
        report("pagar", **AREA, rapporterade=1, i_omfattning=2),
        REPORTED,
        None,
        "Den nya värdegrunden: Pågår, enligt den senaste rapporten till och med augusti 2022 (1 av 2 verksamheter har "
        "rapporterat).",
    ),
    (
        report("ej_rapporterad", **AREA, rapporterade=0, i_omfattning=8),
        REPORTED,
        None,
        "Den nya värdegrunden: Inte rapporterad till och med augusti 2022.",
    ),
    (
        report("utgar", **{"rapport_release_id": "2022-06-30-0123456789ab"}) | {"rapport_kvalitet": "fryst"},
        REPORTED,
        None,
        "Den nya värdegrunden: Utgår, enligt den senaste rapporten till och med augusti 2022. Rapporterna är från den "
        "30 juni 2022: senare leveranser är inte godkända.",
    ),
    (
        report("ej_paborjad", varde=4.0, malstatus="uppfyllt", mal_text="minst 3 för varje verksamhet", malvarde=3.0),
        BOTH,
        LEVEL,
        "Handlingsplanen: 4, läget sista augusti 2022, mot målet minst 3 för varje verksamhet – uppnått. Rapporterat: "
        "Ej påbörjad.",
    ),
    # an indicator made of the reported numbers: one number, not two
    (
        report("pagar", **AREA, varde=15.0, antal=13.0, rapporterade=8, i_omfattning=8),
        BOTH,
        OF_REPORTS,
        "Handlingsplanen: 15, läget sista augusti 2022. Rapporterat: Pågår (8 av 8 verksamheter har rapporterat).",
    ),
    (
        report("pagar", **AREA, varde=15.0, antal=13.0, rapporterade=8, i_omfattning=8),
        BOTH,
        LEVEL,
        "Handlingsplanen: 15, läget sista augusti 2022. Rapporterat: Pågår, antal 13 (8 av 8 verksamheter har "
        "rapporterat).",
    ),
    (
        report("pagar", malstatus=HIDDEN, antal=3.0),
        BOTH,
        OF_REPORTS,
        "Handlingsplanen: för få för att visas, läget sista augusti 2022. Rapporterat: Pågår.",
    ),
    # frozen, both
    (
        report("pagar", varde=4.0, rapport_release_id="2022-06-30-ba9876543210")
        | FROZEN
        | {"rapport_kvalitet": "fryst"},
        BOTH,
        LEVEL,
        "Handlingsplanen: 4, läget sista augusti 2022. Rapporterat: Pågår. Siffrorna och rapporterna är från den 30 "
        "juni 2022: senare leveranser är inte godkända.",
    ),
    (
        report("pagar", varde=4.0, rapport_release_id="2022-05-31-ba9876543210")
        | FROZEN
        | {"rapport_kvalitet": "fryst"},
        BOTH,
        LEVEL,
        "Handlingsplanen: 4, läget sista augusti 2022. Rapporterat: Pågår. Siffrorna är från den 30 juni 2022: senare "
        "leveranser är inte godkända. Rapporterna är från den 31 maj 2022: senare leveranser är inte godkända.",
    ),
    (
        report("ej_rapporterad", **AREA, malstatus="uppfyllt", mal_text="täckningsgraden mer än föregående år"),
        BOTH,
        None,
        "Handlingsplanen: uppnått per sista augusti 2022. Mål: täckningsgraden mer än föregående år. Inte rapporterad.",
    ),
]


OF_THE_PLAN: list[tuple[dict[str, Any], Measured | None, dict[str, bool], str]] = [
    # a target that does not apply is told alike, whether the number is preliminary or not
    *(
        (
            computed(41.0, status, mal_text="minst 750 per år för området", **occasion),
            COUNT,
            {"applies": False},
            f"Första besök inom 90 dagar: 41 {told}. Målet minst 750 per år för området bedöms inte här.",
        )
        for status, occasion, told in (
            ("inget_mal", {}, "per sista augusti 2022"),
            ("preliminar", YEAR, "för 2022 (preliminärt)"),
        )
    ),
    # why a parent cannot be judged, where it is known
    (
        row(malstatus="inga_data", kvalitet=None, **PARTS, **YEAR),
        None,
        {"parts_preliminary": True},
        "Första besök inom 90 dagar: kan inte bedömas för 2022, eftersom uppgifterna är preliminära. Mål: avvikelser "
        "inom 7 dagar minst 70 procent; utredningar inom 60 dagar minst 80 procent.",
    ),
    (
        row(malstatus="ej_uppfyllt", kvalitet=None, **PARTS, **YEAR),
        None,
        {"parts_preliminary": True},
        "Första besök inom 90 dagar: inte uppnått för 2022. Mål: avvikelser inom 7 dagar minst 70 procent; utredningar "
        "inom 60 dagar minst 80 procent.",
    ),
]


def plain(text: str) -> str:
    """The thin spaces between thousands as ordinary ones, so that the examples can be read."""
    return text.replace("\u202f", " ")


@pytest.mark.parametrize(("said", "measured", "expected"), EXAMPLES)
def test_what_is_computed(said: dict[str, Any], measured: Measured | None, expected: str) -> None:
    assert plain(sentence(said, ITEM, measured)) == expected


@pytest.mark.parametrize(("said", "measured", "known", "expected"), OF_THE_PLAN)
def test_what_the_plan_says_of_the_row(
    said: dict[str, Any], measured: Measured | None, known: dict[str, bool], expected: str
) -> None:
    assert plain(sentence(said, ITEM, measured, **known)) == expected


@pytest.mark.parametrize(("said", "item", "measured", "expected"), REPORTS)
def test_what_is_reported(said: dict[str, Any], item: Item, measured: Measured | None, expected: str) -> None:
    assert plain(sentence(said, item, measured)) == expected


def test_thousands_have_a_thin_space_that_no_line_is_broken_at() -> None:
    assert "1\u202f983 av 2\u202f116" in sentence(*(EXAMPLES[0][0], ITEM, SHARE))


def test_a_comment_is_one_bounded_line() -> None:
    assert quoted("  \n ") is None and quoted(None) is None
    long = quoted("ord " * 500)
    assert long is not None and long.endswith("ord …”") and len(long) <= LONGEST_COMMENT + 4
    assert quoted("a\tb\u202ec\x07\r\nd") == "”a b⟨U+202E⟩c⟨U+0007⟩ d”"
    assert quoted("”slut” =1+1") == "”’slut’ =1+1”"


MEASURED = st.sampled_from([SHARE, STOCK, COUNT, MEDIAN, MEAN, CROWNS, AMOUNT, WINDOW, BASE_YEAR])


@given(MEASURED, st.lists(st.floats(0, 1e9), min_size=5, max_size=5))
def test_a_hidden_row_says_the_same_whatever_it_hides(measured: Measured, numbers: list[float]) -> None:
    hidden = row(malstatus=HIDDEN, **TO_100)
    assert sentence(hidden | dict(zip(PLAN_NUMBERS, numbers, strict=True)), ITEM, measured) == sentence(
        hidden, ITEM, measured
    )


@given(MEASURED, st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 100))
def test_what_is_read_agrees_with_how_it_is_judged(measured: Measured, one: int, other: int, target: int) -> None:
    """The number of the sentence, read again, stands to the target as the number does."""
    value = 100 * min(one, other) / other if measured.kind == "andel" else float(one)
    met = value >= target
    said = computed(value, "uppfyllt" if met else "ej_uppfyllt", taljare=0.0, namnare=1.0, malvarde=float(target))
    text = plain(sentence(said | {"mal_text": "x"}, ITEM, measured)).split(": ", 1)[1]
    number = text.removeprefix("i median ").removeprefix("i medeltal ").split(", mot")[0].replace(" ", "")
    read = float(
        number.split("procent")[0]
        .split("dag")[0]
        .split("poäng")[0]
        .split("kr")[0]
        .split("per")[0]
        .split("under")[0]
        .replace(",", ".")
        .replace("−", "-")
    )
    assert (read >= target) == met


@given(
    MEASURED | st.none(), st.sampled_from(PLAN_STATUSES), st.none() | st.floats(-1e9, 1e9), st.sampled_from([None, "x"])
)
def test_every_row_has_a_sentence(
    measured: Measured | None, status: str, value: float | None, goal: str | None
) -> None:
    said = computed(value, status, taljare=1.0, namnare=2.0, mal_text=goal)
    text = sentence(said, REPORTED if measured is None and goal is None else ITEM, measured)
    assert (text.endswith(".") and "None" not in text) or (measured is None and goal is None and text == "")


TARGET = Target("P-1", "a", ">=", 90.0, None, None, ("verksamhet", "omrade"), False, (), None, None, True)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], None),
        (
            [TARGET, replace(TARGET, operator=">", value=None, base="foregaende_ar")],
            "minst 90 procent och mer än föregående år",
        ),
        ([replace(TARGET, value=100.0)], "100 procent"),
        ([replace(TARGET, operator="<=", value=2.5)], "högst 2,5 procent"),
        (
            [replace(TARGET, indicator_id="n", value=750.0, prorated=True, levels=("omrade",))],
            "minst 750 per år för området (avvikelser)",
        ),
        (
            [replace(TARGET, indicator_id="n", value=1.0, judged_on=("ar", "r12"), levels=("verksamhet",))],
            "minst 1 per år för varje verksamhet (avvikelser)",
        ),
        (
            [
                replace(TARGET, operator="<", value=None, base="basar", base_year=2020),
                replace(TARGET, indicator_id="n", operator="<", value=None, base="basar", base_year=2020),
            ],
            "mindre än 2020 och mindre än 2020 (avvikelser)",
        ),
        ([replace(TARGET, indicator_id="kr", value=0.0)], "minst 0 kr (inköp)"),
        (
            [
                replace(TARGET, indicator_id=name, operator="<", value=None, base="basar", base_year=2020)
                for name in ("list_kr", "list_n")
            ],
            "mindre än 2020, räknat i kronor och i antal",
        ),
        (  # not the item's own number: which one it is must be said
            [
                replace(TARGET, indicator_id=name, operator="<", value=None, base="basar", base_year=2020)
                for name in ("list_n", "kr")
            ],
            "mindre än 2020 (listans produkter, antal) och mindre än 2020 (inköp)",
        ),
    ],
)
def test_targets_in_words(targets: list[Target], expected: str | None) -> None:
    known = {
        "a": SHARE,
        "n": COUNT,
        "kr": CROWNS,
        "list_kr": replace(CROWNS, title="Listans produkter, kronor"),
        "list_n": replace(AMOUNT, title="Listans produkter, antal"),
    }
    main = "list_kr" if any(t.indicator_id == "list_kr" for t in targets) else "a"
    assert target_words(targets, main, known) == expected


def test_the_unit_of_a_number_is_no_word() -> None:
    assert COUNT.unit == NUMBER


@pytest.mark.parametrize(
    ("measured", "operator", "target", "read"),
    [
        (COUNT, ">=", 499.3, 500),
        (COUNT, ">", 499.3, 499),
        (COUNT, "<=", 499.3, 499),
        (COUNT, "<", 499.3, 500),
        (COUNT, ">=", 3.0, 3),
        (SHARE, ">=", 99.5, 99.5),
    ],
)
def test_a_target_of_things_is_the_whole_number_that_decides_the_same(
    measured: Measured, operator: str, target: float, read: float
) -> None:
    assert deciding(measured, operator, target) == read
