"""What explanations say of things, windows, base years, stated amounts and what nobody delivered; worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.catalogue.periods import months_of
from dagster_project.disclosure.split import Address
from dagster_project.products.explain.calculation import calculate, has_data
from dagster_project.products.explain.model import Calculation, Definition, Explanation, Period, Told
from dagster_project.products.explain.text import sections
from dagster_project.products.explain.text_numbers import number_sentences
from dagster_project.releases.evidence import Evidence, Reading
from dagster_project.releases.manifest import Origin

ROW: dict[str, Any] = {
    **{"indicator_id": "i", "version": "1.0", "titel": "", "definition": "", "taljare_text": "", "namnare_text": None},
    **{"art": "antal", "bestand": False, "patient": False, "kallor": "ronder", "omfattning": "AUD"},
    **{"mal_varde": None, "mal_jamforelse": None},
}
CELL: dict[str, Any] = {
    **{"taljare": 3.0, "namnare": None, "varde": 3.0, "ki_lag": None, "ki_hog": None, "jamforelse_varde": None},
    **{"forandring": None, "mal_operator": None, "malvarde": None, "status": "inget_mal", "markering": None},
    **{"kvalitet": "godkand", "period_slut": date(2022, 8, 31)},
}
DELAR = Period("delar", date(2022, 1, 1), date(2022, 8, 31))


def meaning(reading: Reading, **changed: Any) -> Definition:
    return Definition.of(ROW | changed, reading)


def said(indicator: Definition, cell: dict[str, Any], value: Calculation = Calculation(), **more: Any) -> list[str]:  # noqa: B008
    explanation = Explanation("r", "2022-09-30", indicator, Address(None, None, "T"), DELAR)
    known = {"data_start": date(2019, 1, 1), "evidence_as_of": date(2022, 9, 30)} | more
    return list(number_sentences(replace(explanation, cell=CELL | cell, calculation=value, **known)))


def seen(*rows: tuple[float, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(t, None, p) for t, p in rows],
        schema={"taljare": pl.Float64, "namnare": pl.Float64, "person": pl.Int64},
        orient="row",
    )


def test_a_window_looks_at_its_months_whatever_the_period() -> None:
    months = months_of(date(2022, 1, 1), date(2022, 8, 31), stock=False, window_months=24)
    assert (months[0], months[-1], len(months)) == (date(2020, 9, 1), date(2022, 8, 1), 24)
    assert months_of(date(2022, 8, 1), date(2022, 8, 31), stock=False, window_months=24) == months
    assert months_of(date(2022, 1, 1), date(2022, 8, 31), stock=True) == [date(2022, 8, 1)]
    assert len(months_of(date(2022, 1, 1), date(2022, 8, 31), stock=False)) == 8


def test_things_in_use_count_once() -> None:
    things = meaning(Reading(path="distinct"))
    own = seen((1, 1), (1, 1), (1, 2), (0, 2), (0, 3))
    assert calculate(things, own, known=True) == Calculation(2.0, None, 2.0)
    (sentence, *_) = said(things, {}, Calculation(2.0, None, 2.0))
    assert sentence == "Värde: 2 (olika, vart och ett räknat en gång hur många observationer det än har)."


@pytest.mark.parametrize(("stock", "expected"), [(True, Calculation()), (False, Calculation(0.0, None, 0.0))])
def test_an_amount_that_nobody_has_stated_is_no_amount(stock: bool, expected: Calculation) -> None:
    assert calculate(meaning(Reading(), art="belopp", bestand=stock), seen(), known=True) == expected


def test_what_a_stated_amount_lacks_is_said() -> None:
    stated = meaning(Reading(), art="belopp", bestand=True)
    sentences = said(stated, {"taljare": None, "varde": None, "status": "inga_data"})
    assert "Ingen har lämnat något värde till och med periodens slut." in sentences


def test_a_window_that_begins_before_the_data_says_so() -> None:
    window = meaning(Reading(path="window", window_months=24))
    sentences = said(window, {"status": "preliminar"}, Calculation(3.0, None, 3.0), data_start=date(2021, 1, 1))
    assert sentences[0] == "Värdet räknar de 24 månader som slutar med perioden: 2020-09 till 2022-08."
    assert "Underlaget börjar 2021-01, inne i de månader som räknas." in sentences
    assert not any("troligen ofullständig" in s for s in sentences)


def test_a_base_year_is_named() -> None:
    based = meaning(Reading(base_year=2020), art="belopp", mal_jamforelse="basar")
    cell = {"jamforelse_varde": 5.0, "forandring": -2.0, "mal_operator": "<", "malvarde": 5.0, "status": "uppfyllt"}
    sentences = said(based, cell, Calculation(3.0, None, 3.0))
    assert "Samma cell samma månader 2020: 5; förändring 3 − 5 = −2." in sentences
    assert "Mål: < 5 (värdet samma månader 2020)." in sentences
    assert "Ingen jämförelse med 2020 visas." in said(based, {}, Calculation(3.0, None, 3.0))


def test_what_no_row_says_is_unknown() -> None:
    lacking = Reading(lacking="flode")
    origin = Origin("r", "2022-09-30", "", "", {}, [])
    evidence = Evidence(Path(), origin, date(2022, 9, 30), date(2019, 1, 1), lacking)
    assert not has_data(CELL, evidence)
    assert has_data(CELL, replace(evidence, reading=Reading()))
    sentences = said(meaning(lacking), {"taljare": None, "varde": None, "status": "inga_data"}, lacking="flode")
    assert "Ingen levererad rad har den uppgift som indikatorn bygger på (flode): talen är okända." in sentences


def test_what_nobody_has_reported_is_told_beside_the_deliveries() -> None:
    explanation = Explanation("r", "2022-09-30", meaning(Reading()), Address(None, None, "T"), DELAR, cell=CELL)
    assert Told().undelivered == 0
    (told,) = [s for s in sections(replace(explanation, files=(), undelivered=7)) if "per leverans" in s.title]
    assert told.sentences == ("7 som ingen har rapporterat: de har ingen rad.",)
