"""The pages of indicators, made from a small release: what they say, where they lead, and what they never say."""

from __future__ import annotations

import csv
import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.board.pages import indicator
from dagster_project.products.board.site import Attachment, Page, Site
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import DIMENSION_SCHEMAS, PLAN_SCHEMA, RESULT_SCHEMA
from tests.products.small import CROWNS, SHARE, dimensions, readable_release, reading_of

TOLD = "Kort: 93,7 procent (3 144 av 3 355) för tolv månader till och med augusti 2022 – inte uppnått."
SECRET = 4713.0
"""A number that a release should never have in a hidden cell: if it had, no page would show it."""
SIGNAL = {
    "indicator_id": SHARE,
    "niva": "omrade",
    "verksamhet": None,
    "fran": date(2020, 9, 1),
    "till": date(2022, 8, 1),
    "antal_punkter": 24,
    "medel": 90.0,
    "undre_grans": 82.0,
    "ovre_grans": 98.0,
    "signal": "utanfor",
    "signal_manad": date(2022, 8, 1),
    "riktning": "samre",
    "malformaga": "nas_inte",
    "release_id": "x",
}


def rows(indicator_id: str, **said: Any) -> Iterator[dict[str, Any]]:
    """Three years by month and r12 through September 2022, which is not complete."""
    for n in range(36):
        year, m = divmod(n + 9, 12)
        first = date(2019 + year, m + 1, 1)
        last = first.replace(day=monthrange(first.year, first.month)[1])
        base = dict.fromkeys(RESULT_SCHEMA) | {"indicator_id": indicator_id, "niva": "omrade", "kon": "T"}
        base |= {"komplett": n < 35, "status": "ej_uppfyllt" if n < 35 else "preliminar", "kvalitet": "godkand"}
        base |= {"release_id": "2022-09-30-x", "mal_operator": ">=", "malvarde": 90.0}
        base |= {"taljare": 60.0 + n % 5, "namnare": 80.0, "varde": (60.0 + n % 5) * 1.25, "ki_lag": 70.0}
        base |= {"ki_hog": 90.0, "period_slut": last} | said
        yield base | {"period_typ": "manad", "period_start": first}
        yield base | {"period_typ": "r12", "period_start": date(last.year - 1, last.month, 1)}


def units() -> Iterator[dict[str, Any]]:
    *_, newest = (r for r in rows(SHARE, niva="enhet") if r["period_typ"] == "r12" and r["komplett"])
    for unit, verksamhet, done, n in (("u1", "AA", 189.0, 200.0), ("u2", "AA", 60.0, 200.0), ("u3", "BB", 5.0, 6.0)):
        yield newest | {"enhet": unit, "verksamhet": verksamhet, "taljare": done, "namnare": n, "varde": 100 * done / n}
    gone = dict.fromkeys(("taljare", "namnare", "varde", "ki_lag", "ki_hog"), SECRET)
    yield newest | {"enhet": "u4", "verksamhet": "BB", "status": "dold", "markering": "MSK"} | gone


def results(*, sexes: bool = True, of_units: bool = True, quality: str = "godkand") -> pl.DataFrame:
    found = [*rows(SHARE), *rows(SHARE, niva="verksamhet", verksamhet="AA")]
    for row in rows(SHARE, niva="verksamhet", verksamhet="BB"):
        hidden = row["period_slut"].year == 2021
        gone = dict.fromkeys(("taljare", "namnare", "varde", "ki_lag", "ki_hog"), SECRET) if hidden else {}
        found.append(row | gone | ({"status": "dold", "markering": "MSK"} if hidden else {}))
    if sexes:
        found += [*rows(SHARE, kon="K"), *rows(SHARE, kon="M", varde=70.0)]
    found += units() if of_units else ()
    return pl.DataFrame(found, schema=RESULT_SCHEMA).with_columns(kvalitet=pl.lit(quality))


def tables(result: pl.DataFrame, **others: pl.DataFrame) -> dict[str, pl.DataFrame]:
    plan = {"plan_id": "X", "item_id": "X-01", "niva": "omrade", "tillfalle": "senaste", "ar": 2022, "mening": TOLD}
    named = [("u1", "AA", "Östra"), ("u2", "AA", "Norra"), ("u3", "BB", "Skola & fritid"), ("u4", "BB", "Förskola")]
    periods = result.select("period_typ", "period_start").unique().with_columns(etikett=pl.lit("en period"))
    statuses = [(x.code, x.kind, x.word, x.symbol, x.order) for x in labels()]
    remark = {"suite": "delivery/_all", "source": "vantetider", "expectation": "karantan_varning", "success": False}
    return {
        "indicator_result": result,
        "plan_uppfoljning": pl.DataFrame([plan], schema=PLAN_SCHEMA),
        "signal": pl.DataFrame([SIGNAL], schema_overrides={"verksamhet": pl.String}),
        "brott": pl.DataFrame(
            schema={"indicator_id": pl.String, "verksamhet": pl.String, "datum": pl.Date, "orsak": pl.String}
        ),
        "dim_enhet": pl.DataFrame(named, schema=["hsaid", "verksamhet", "namn"], orient="row").with_columns(
            giltig_fran=pl.lit(date(2019, 1, 1))
        ),
        "dim_period": periods,
        "dim_status": pl.DataFrame(statuses, schema=["kod", "typ", "ord", "symbol", "ordning"], orient="row"),
        "kvalitet": pl.DataFrame([remark | {"severity": "warning", "checked": None, "unexpected": None}]).with_columns(
            observed=pl.lit("0.0803")
        ),
        **others,
    }


def site_of(tmp_path: Path, result: pl.DataFrame | None = None, **others: pl.DataFrame) -> Site:
    data = DataPaths(tmp_path / "data")
    made = tables(results() if result is None else result, **others)
    return Site(reading_of(data, readable_release(data, tables=made)), data)


def page_of(site: Site, indicator_id: str = SHARE) -> str:
    found = {p.path: p for p in indicator.pages(site) if isinstance(p, Page)}
    return site.render(found[site.indicator_path(indicator_id)])


def words(html: str) -> str:
    """What a page says, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<(?:style|script)>.*?</(?:style|script)>|<[^>]+>", " ", html, flags=re.DOTALL))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(site_of(tmp_path_factory.mktemp("whole")))


def test_a_page_says_first_what_the_plan_says(whole: str) -> None:
    assert re.findall(r"<h1>(.*?)</h1>", whole) == ["Väntat kort"]
    assert f'<p class="ledtext">{TOLD}</p>' in whole
    told = words(whole)
    assert told.index(TOLD) < told.index("till det sämre som är mer än slump") < told.index("Hur utvecklas det?")
    assert "det krävs ett nytt sätt att arbeta" in told


def test_it_answers_each_question_under_a_heading_without_a_step_left_out(whole: str) -> None:
    headings = [(int(n), text) for n, text in re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", whole, re.DOTALL)]
    assert [text for level, text in headings if level == 2] == [
        "Hur utvecklas det?",
        "Hur är det i verksamheterna?",
        "Är det lika för kvinnor och män?",
        "Hur är det på enheterna?",
        "Vad mäts?",
        "Går det att lita på siffrorna?",
        "Ta med siffrorna",
    ]
    levels = [level for level, _ in headings]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_every_chart_has_its_words_and_its_table(whole: str) -> None:
    charts = re.findall(r'<svg class="diagram d-(\w+)"[^>]*role="img" aria-label="([^"]+)"', whole)
    assert [kind for kind, _ in charts] == ["trend", "trend", "trend", "trend", "par", "tratt"]
    assert all(len(text) > 30 for _, text in charts)
    tables_ = re.findall(r'<table id="(\w+)"', whole)
    assert tables_ == ["manader", "tolvmanader", "perioder", "verksamhetstabell", "kontabell", "enhetstabell"]
    assert "mål 90" in whole, "the target's line"


def test_no_number_of_a_hidden_cell_is_anywhere_in_a_page(whole: str) -> None:
    assert not re.search(r"4\D{0,8}713", whole)
    # Nor in a scale: everything that is shown of percent lies between 0 and 100.
    ticks = re.findall(r'class="d-tal"[^>]*>([\d,]+)', whole)
    assert ticks and all(float(tick.replace(",", ".")) <= 100 for tick in ticks)
    assert words(whole).count("För få för att visas") >= 2


def test_units_stand_by_verksamhet_with_their_place_and_are_not_ranked(whole: str) -> None:
    (table,) = re.findall(r'<table id="enhetstabell".*?</table>', whole, re.DOTALL)
    names = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert names == ["Förskola", "Skola &amp; fritid", "Norra", "Östra"], "BB before AA, as in reports"
    assert re.findall(r'scope="rowgroup"[^>]*><a href="\.\./verksamhet/(\w+)\.html"', table) == ["BB", "AA"]
    told = words(table)
    assert "60 200 30,0" in told and "klart under" in told and "≥ 90" in told
    assert "u1" not in told


def test_links_lead_to_the_plan_the_verksamheter_and_quality(whole: str) -> None:
    links = set(re.findall(r'href="([^"]+)"', whole))
    assert {"../plan/X.html#X-01", "../verksamhet/AA.html", "../kvalitet.html", f"data/{SHARE}.csv"} <= links


def test_what_was_remarked_on_the_sources_is_told_with_its_measure(whole: str) -> None:
    assert "vantetid" not in words(whole) and "anmärkning: 8 % i karantän" in words(whole)


def test_a_share_that_misses_its_target_tells_how_many_were_lacking(whole: str) -> None:
    # The newest complete twelve months: 64 of 80, and 90 percent of 80 is 72.
    assert "Målet hade nåtts med 8 fler av 80." in words(whole)


@pytest.mark.parametrize(
    "said", [{"markering": "FA"}, {"status": "dold", "markering": "MSK"}, {"komplett": False, "status": "preliminar"}]
)
def test_few_hidden_and_preliminary_numbers_lack_nothing(tmp_path: Path, said: dict[str, Any]) -> None:
    html = page_of(site_of(tmp_path, pl.DataFrame([*rows(SHARE, **said)], schema=RESULT_SCHEMA)))
    assert "för att nå målet" not in words(html)


def test_a_verksamhet_that_has_changed_says_so_in_a_word(tmp_path: Path) -> None:
    of_aa = SIGNAL | {"niva": "verksamhet", "verksamhet": "AA", "riktning": "battre"}
    still = SIGNAL | {"niva": "verksamhet", "verksamhet": "BB", "signal": "ingen", "riktning": None}
    html = page_of(site_of(tmp_path, signal=pl.DataFrame([SIGNAL, of_aa, still], infer_schema_length=None)))
    (cards,) = re.findall(r'<ul class="serier ren">.*?</ul>', html, re.DOTALL)
    assert [words(card).count("◆ bättre") for card in cards.split("</li>")[:2]] == [0, 1]


def test_a_change_on_few_cases_raises_no_alarm(tmp_path: Path) -> None:
    few = {"taljare": 3.0, "namnare": 3.0, "varde": 100.0, "markering": "FA"}
    result = pl.DataFrame(
        [*rows(SHARE, **few), *rows(SHARE, niva="verksamhet", verksamhet="AA", **few)], schema=RESULT_SCHEMA
    )
    of_aa = SIGNAL | {"niva": "verksamhet", "verksamhet": "AA", "riktning": "samre"}
    html = page_of(site_of(tmp_path, result, signal=pl.DataFrame([SIGNAL, of_aa], infer_schema_length=None)))
    assert "Få fall: vänta med slutsatser. Augusti 2022 sticker ut" in words(html)
    assert "Inringad punkt" not in words(html)
    assert "◆" not in re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)


def test_a_table_has_no_column_for_targets_or_statuses_that_there_are_none_of(tmp_path: Path) -> None:
    none = pl.DataFrame([*rows(SHARE, status="inget_mal", mal_operator=None, malvarde=None)], schema=RESULT_SCHEMA)
    html = page_of(site_of(tmp_path, none.filter(pl.col("komplett"))))
    (table,) = re.findall(r'<table id="manader".*?</table>', html, re.DOTALL)
    assert (
        words(table).split("Månad ")[1].startswith("Täljare Nämnare Värde (procent) 95 % intervall augusti 2022 64 80")
    )
    assert "d-mal" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def test_registers_that_fill_up_say_that_the_newest_months_will_rise(tmp_path: Path) -> None:
    def page(stock: bool) -> str:
        kind = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"), bestand=pl.lit(stock))
        return words(page_of(site_of(tmp_path / str(stock), dim_indikator=kind)))

    assert "stiger när fler hinner registreras" in page(stock=False)
    assert "stiger när fler hinner registreras" not in page(stock=True)


def test_a_break_is_a_line_with_its_reason(tmp_path: Path) -> None:
    broken = [
        (None, None, date(2021, 6, 1), "nytt journalsystem"),
        (None, "AA", date(2021, 5, 1), "omorganisation"),
        (SHARE, None, date(2021, 5, 1), "ny definition"),
        (SHARE, "BB", date(2021, 7, 1), "flyttad registrering"),
        (CROWNS, None, date(2021, 5, 1), "något annat"),
    ]
    frame = pl.DataFrame(broken, schema=DIMENSION_SCHEMAS["brott"], orient="row")
    html = page_of(site_of(tmp_path, brott=frame))
    trend = r'<svg class="diagram d-trend".*?role="img" aria-label="([^"]+)"(.*?)(?:</figure>|</li>)'
    charts = re.findall(trend, html, re.DOTALL)
    everywhere = {"nytt journalsystem", "ny definition"}
    assert [{reason for *_, reason in broken if reason in alt} for alt, _ in charts] == [
        everywhere,
        everywhere,
        everywhere | {"flyttad registrering"},  # BB
        everywhere | {"omorganisation"},  # AA
    ]
    assert [svg.count('class="d-brott"') for _, svg in charts] == [2, 2, 3, 3]


def test_frozen_numbers_say_from_when_they_are(tmp_path: Path) -> None:
    html = page_of(site_of(tmp_path, results(quality="fryst")))
    assert "Siffrorna är från den 30 september 2022: senare leveranser är inte godkända." in words(html)


def test_an_indicator_that_is_held_back_has_a_page_that_says_so(tmp_path: Path) -> None:
    html = page_of(site_of(tmp_path), CROWNS)
    assert "Inga siffror är publicerade" in words(html)
    assert "<svg" not in html and "Vad mäts?" in html and ".csv" not in html


def test_what_an_indicator_has_not_is_not_asked(tmp_path: Path) -> None:
    html = page_of(site_of(tmp_path, results(sexes=False, of_units=False)))
    told = words(html)
    assert "Är det lika för kvinnor och män?" not in told and "Hur är det på enheterna?" not in told
    assert "d-tratt" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def test_an_indicator_that_is_no_items_number_is_told_in_the_same_words(tmp_path: Path) -> None:
    tie = pl.DataFrame([{"item_id": "X-01", "indicator_id": SHARE, "roll": "stod"}])
    told = words(page_of(site_of(tmp_path, planmatt=tie))).replace("\u202f", " ")
    assert "Väntat kort: 80,0 procent (64 av 80) för tolv månader till och med augusti 2022, mot målet minst" in told
    assert "(stöd)" in told


def test_the_download_is_the_pages_rows_for_swedish_excel(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    (file,) = [p for p in indicator.pages(site) if isinstance(p, Attachment)]
    assert file.path == f"indikator/data/{SHARE}.csv"
    text = file.content.decode("utf-8-sig")
    found = list(csv.DictReader(StringIO(text), delimiter=";"))
    assert list(found[0]) == list(RESULT_SCHEMA) and len(found) == results().height
    assert {"94,5"} == {r["varde"] for r in found if r["enhet"] == "u1"}


def test_what_has_changed_since_the_release_before_is_told_without_hidden_numbers(tmp_path: Path) -> None:
    august = (pl.col("period_slut") == date(2022, 8, 31)) & (pl.col("period_typ") == "manad") & (pl.col("kon") == "T")
    area, of_bb = august & (pl.col("niva") == "omrade"), august & (pl.col("verksamhet") == "BB")
    before = results().with_columns(
        varde=pl.when(area).then(71.3).when(of_bb).then(64.5).otherwise("varde"),
        status=pl.when(of_bb).then(pl.lit("dold")).otherwise("status"),
    )
    data = DataPaths(tmp_path / "data")
    readable_release(data, day=23, tables=tables(before))
    site = Site(reading_of(data, readable_release(data, tables=tables(results()))), data)
    html = page_of(site)
    told = words(html)
    assert "2 tal för hela perioder har ändrats sedan utgåvan från den 23 september 2022" in told
    (table,) = re.findall(r'<table id="andringar".*?</table>', html, re.DOTALL)
    assert unescape(words(table)).split(" Nu ")[1].strip() == (
        "en period Hela området 71,3 80,0 en period Barn & <unga> för få för att visas visas"
    )
    assert "64,5" not in html
    assert page_of(Site(site.reading, DataPaths(tmp_path / "empty"))).count('id="andringar"') == 0


def test_the_same_release_gives_the_same_bytes(tmp_path: Path, whole: str) -> None:
    again = page_of(site_of(tmp_path))
    assert again == whole


def test_what_fills_up_says_so_and_rings_no_month_that_lies_low(tmp_path: Path) -> None:
    infos = dimensions()["dim_indikator"].with_columns(art=pl.lit("tackning"))
    told = words(page_of(site_of(tmp_path, dim_indikator=infos)))
    assert "· fylls på i efterhand" in told and "talet fylls på i efterhand" in told
    assert "Inringad punkt" not in told


def test_limits_without_width_draw_no_band_and_ring_no_month(tmp_path: Path) -> None:
    flat = SIGNAL | dict.fromkeys(("undre_grans", "ovre_grans"), SIGNAL["medel"])
    table = pl.DataFrame([flat], schema_overrides={"verksamhet": pl.String})
    told = words(page_of(site_of(tmp_path, signal=table)))
    assert "nästan alla månader är lika" in told and "nytt sätt att arbeta" not in told
    assert "Inringad punkt" not in told and "Skuggat band" not in told
