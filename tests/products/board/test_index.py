"""The overview: what it says first, and that its table shows what the release shows and nothing else."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.board.pages import about, index
from dagster_project.products.board.site import Site
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import PLAN_SCHEMA, RESULT_SCHEMA
from tests.products.small import CROWNS, SHARE, cell, dimensions, readable_release, reading_of
from tests.products.test_telling import SIGNAL, plan_row

AUGUST = (date(2022, 8, 1), date(2022, 8, 31))
YEAR = (date(2021, 9, 1), date(2022, 8, 31))


def shown(start: date, end: date, kind: str, **said: Any) -> dict[str, Any]:
    return cell(SHARE, start, end, period_typ=kind, taljare=45.0, namnare=50.0, varde=90.0, **said)


def release(tmp_path: Path, **tables: pl.DataFrame) -> Site:
    data = DataPaths(tmp_path)
    words = [{"kod": s.code, "typ": s.kind, "ord": s.word, "symbol": s.symbol, "ordning": s.order} for s in labels()]
    at = {"niva": "verksamhet"}
    rows = [
        shown(*AUGUST, "manad", status="ej_uppfyllt", forandring=-2.0),
        shown(*AUGUST, "manad", status="ej_uppfyllt", markering="FA", verksamhet="AA", **at),
        cell(SHARE, *AUGUST, period_typ="manad", status="dold", markering="MSK", verksamhet="BB", **at),
        shown(*YEAR, "r12", status="uppfyllt"),
        cell(CROWNS, date(2022, 7, 1), date(2022, 7, 31), varde=5.0, taljare=5.0, kvalitet="fryst"),
        cell(CROWNS, *AUGUST, status="preliminar", komplett=False, varde=987.0, taljare=987.0),
    ]
    periods = [("manad", AUGUST, "aug 2022"), ("manad", (date(2022, 7, 1), date(2022, 7, 31)), "juli 2022")]
    periods += [("r12", YEAR, "sep 2021-aug 2022")]
    named = [
        {"period_nyckel": f"{kind}-{start}", "period_typ": kind, "period_start": start, "period_slut": end}
        | {"etikett": label, "ar": 2022, "manad_nr": None, "komplett": True}
        for kind, (start, end), label in periods
    ]
    plan = [
        plan_row("X-01", tillfalle="senaste", malstatus="ej_uppfyllt", indicator_id=SHARE, varde=90.0, mal_text="100"),
        plan_row("X-02", tillfalle="senaste", malstatus="uppfyllt"),
    ]
    signal = SIGNAL | {"signal": "skift", "riktning": "samre", "signal_manad": AUGUST[1]}
    every = {
        "indicator_result": pl.DataFrame(rows, schema=RESULT_SCHEMA),
        "plan_uppfoljning": pl.DataFrame(plan, schema=PLAN_SCHEMA),
        "dim_period": pl.DataFrame(named, schema_overrides={"manad_nr": pl.Int64}),
        "dim_status": pl.DataFrame(words),
        "signal": pl.DataFrame([signal], schema_overrides={"verksamhet": pl.String}),
    }
    return Site(reading_of(data, readable_release(data, tables=every | tables)), data)


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, str]:
    site = release(tmp_path)
    return {page.path: site.render(page) for page in index.pages(site)}


def text_of(html: str) -> str:
    return " ".join(
        unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script)>.*?</\1>", " ", html, flags=re.DOTALL))).split()
    )


def cells_of(html: str, indicator: str) -> list[str]:
    row = next(r for r in re.findall(r'<tr role="row">.*?</tr>', html, re.DOTALL) if f"/{indicator}.html" in r)
    return [text_of(c) for c in re.findall(r"<td.*?</td>", row, re.DOTALL)]


def test_the_first_words_are_how_it_goes(pages: dict[str, str]) -> None:
    assert re.findall(r"<h1>(.*?)</h1>", pages["index.html"]) == ["1 av 2 mål är uppnått, 1 inte."]
    first = text_of(pages["index.html"]).partition("Alla indikatorer")[0]
    assert "Blir sämre · inte uppnått" in first and "90,0 %, mål 100" in first
    assert "har 1 blivit sämre, mer än vad slumpen gör, jämfört med" in first and "30 september 2022" in first


def test_where_the_plan_is_not_followed_up_the_indicators_are_asked(pages: dict[str, str]) -> None:
    first = text_of(pages["manad.html"]).partition("Alla indikatorer")[0]
    assert "Det enda mål som bedöms är inte uppnått." in first
    assert "Blir sämre · inte uppnått Väntat kort 90,0 %, mål minst 90 procent" in first


def test_a_page_per_period_type_that_has_a_complete_one(pages: dict[str, str]) -> None:
    assert list(pages) == ["index.html", "manad.html"]
    for path, html in pages.items():
        assert re.findall(r'<li><a href="([^"]+)" aria-current="page"', html)[-1] == path


def test_a_cell_says_status_value_n_direction_and_signal(pages: dict[str, str]) -> None:
    area, hidden, few = cells_of(pages["manad.html"], SHARE)
    assert "Inte uppnått" in area and "90,0 %" in area and "n 50" in area
    assert "↓" in area and "lägre än året innan" in area and "sämre" in area
    assert "få fall" in few
    assert "För få för att visas" in hidden and not re.search(r"\d", hidden)


def test_a_target_without_what_it_compares_with_cannot_be_judged(tmp_path: Path) -> None:
    relative = {"mal_text": "mer än föregående år", "mal_jamforelse": "foregaende_ar", "mal_nivaer": "omrade"}
    told = dimensions()["dim_indikator"].with_columns(**{n: pl.lit(value) for n, value in relative.items()})
    at = {"niva": "verksamhet", "verksamhet": "AA"}
    cells = [shown(*AUGUST, "manad", status="inget_mal"), shown(*AUGUST, "manad", status="inget_mal", **at)]
    rows = pl.DataFrame(cells, schema=RESULT_SCHEMA)
    site = release(tmp_path, dim_indikator=told, indicator_result=rows)
    html = next(site.render(page) for page in index.pages(site) if page.path == "manad.html")
    area, here = cells_of(html, SHARE)
    assert "Målet kan inte bedömas" in area and "90,0 %" in area and "Inget mål" not in area
    assert "Inget mål" in here, "the target is the area's"


def test_a_years_target_says_what_it_is_for_the_period(tmp_path: Path) -> None:
    told = dimensions()["dim_indikator"].with_columns(mal_text=pl.lit("minst 750 kr per år"))
    rows = [cell(CROWNS, *AUGUST, status="ej_uppfyllt", varde=19.0, malvarde=750 * 31 / 365, mal_operator=">=")]
    site = release(tmp_path, dim_indikator=told, indicator_result=pl.DataFrame(rows, schema=RESULT_SCHEMA))
    html = text_of(next(site.render(page) for page in index.pages(site) if page.path == "manad.html"))
    assert "mål minst 750 kr per år (64 kr för perioden)" in html
    assert "Mål: minst 750 kr per år (64 kr för perioden)" in html


def test_all_that_is_counted_as_missed_can_be_reached(tmp_path: Path) -> None:
    ids = [f"X-{n:02}" for n in range(8)]
    every = pl.DataFrame(
        [dimensions()["dim_planpunkt"].row(0, named=True) | {"item_id": i, "kort_titel": f"Punkt {i}"} for i in ids],
        schema=dimensions()["dim_planpunkt"].schema,
    )
    plan = [plan_row(i, tillfalle="senaste", malstatus="ej_uppfyllt") for i in ids]
    site = release(tmp_path, dim_planpunkt=every, plan_uppfoljning=pl.DataFrame(plan, schema=PLAN_SCHEMA))
    html = next(site.render(page) for page in index.pages(site) if page.path == "index.html")
    assert "Inget av 8 mål är uppnått, 8 inte." in html
    listed = html.partition('id="behover"')[2].partition("</section>")[0]
    assert listed.count("<details") == 1 and "3 punkter till" in listed
    assert [f"Punkt {i}" for i in ids] == re.findall(r">(Punkt X-\d\d)</a>", listed)


def test_another_period_and_quality_than_the_pages_are_told(pages: dict[str, str]) -> None:
    html = pages["manad.html"]
    assert "987" not in html
    row = next(r for r in re.findall(r"<tr.*?</tr>", html, re.DOTALL) if f"/{CROWNS}.html" in r)
    assert "Avser juli 2022" in text_of(row) and "Fryst" in text_of(row)


def test_indicators_stand_in_the_plans_order_by_perspective_and_goal(tmp_path: Path) -> None:
    infos = dimensions()["dim_indikator"].with_columns(
        perspektiv=pl.when(pl.col("indicator_id") == CROWNS).then(pl.lit("invanare_samhalle")).otherwise("perspektiv")
    )
    site = release(tmp_path, dim_indikator=infos)
    found = index.groups(site.reading, "manad", AUGUST)
    assert [(g.perspective, g.first, [i.indicator.indicator_id for i in g.lines]) for g in found] == [
        ("Invånare och samhälle", True, [CROWNS]),
        ("Process", True, [SHARE]),
    ]


def test_filters_are_there_for_the_script_only(pages: dict[str, str]) -> None:
    assert '<form class="verktyg" data-filtrerar="alla" hidden>' in pages["index.html"]


def test_how_to_read_explains_every_status_and_signal_and_holds_what_the_law_asks_for(tmp_path: Path) -> None:
    site = release(tmp_path)
    (page,) = about.pages(site)
    text = text_of(site.render(page))
    for label in labels():
        if label.kind in ("status", "signal"):
            assert label.word in text
    assert "1–4 personer" in text
    for asked in ("Region Örebro län", "delvis förenlig", "Självskattning", "26 november 2026", "12 §", "9 §"):
        assert asked in text
    assert "https://www.digg.se/tdosanmalan" in site.render(page)
    site.contact = "tavlan@example.org"
    assert "helt förenlig" in site.render(page) and "mailto:tavlan@example.org" in site.render(page)


def test_a_past_period_tells_nothing_of_the_newest_months(tmp_path: Path) -> None:
    whole = (date(2021, 1, 1), date(2021, 12, 31))
    rows = [
        cell(SHARE, *AUGUST, period_typ="manad", varde=90.0, namnare=50.0, status="ej_uppfyllt"),
        cell(SHARE, *whole, period_typ="ar", varde=90.0, namnare=600.0, status="uppfyllt"),
    ]
    named = [("manad", AUGUST, "aug 2022"), ("ar", whole, "2021")]
    periods = [
        {"period_nyckel": f"{kind}-{start}", "period_typ": kind, "period_start": start, "period_slut": end}
        | {"etikett": label, "ar": end.year, "manad_nr": None, "komplett": True}
        for kind, (start, end), label in named
    ]
    site = release(
        tmp_path,
        indicator_result=pl.DataFrame(rows, schema=RESULT_SCHEMA),
        dim_period=pl.DataFrame(periods, schema_overrides={"manad_nr": pl.Int64}),
    )
    told = {page.path: text_of(site.render(page)) for page in index.pages(site)}
    assert "◆ sämre på sistone" in told["manad.html"] and "följs månad för månad" in told["manad.html"]
    assert "◆" not in told["ar.html"] and "månad för månad" not in told["ar.html"] and "sämre" not in told["ar.html"]


def test_what_cannot_be_judged_is_counted_and_what_may_not_be_told_is_not(tmp_path: Path) -> None:
    month = {"period_typ": "manad", "varde": 95.0, "status": "ej_uppfyllt"}
    rows = [cell(SHARE, *AUGUST, namnare=3.0, **month), cell(CROWNS, *AUGUST, **month)]
    limits = {"medel": 90.0, "undre_grans": 85.0, "ovre_grans": 94.0, "signal": "utanfor"}
    limits |= {"riktning": "battre", "signal_manad": AUGUST[0]}
    signals = [SIGNAL | limits | {"indicator_id": i} for i in (SHARE, CROWNS)]
    site = release(
        tmp_path,
        indicator_result=pl.DataFrame(rows, schema=RESULT_SCHEMA),
        signal=pl.DataFrame(signals, schema_overrides={"verksamhet": pl.String}),
    )
    words = index.changes_words(site.reading)
    assert words is not None and words.startswith("Av 2 indikatorer som följs månad för månad har 1 blivit bättre")
    assert words.endswith("Om 1 går det inte att säga.")
    assert "◆" not in " ".join(
        cells_of(next(site.render(p) for p in index.pages(site) if p.path == "manad.html"), SHARE)
    )


def test_what_fills_up_says_so_beside_its_number(tmp_path: Path) -> None:
    infos = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"))
    site = release(tmp_path, dim_indikator=infos)
    html = next(site.render(p) for p in index.pages(site) if p.path == "manad.html")
    row = next(r for r in re.findall(r'<tr role="row">.*?</tr>', html, re.DOTALL) if f"/{SHARE}.html" in r)
    assert "Fylls på i efterhand" in text_of(row)
