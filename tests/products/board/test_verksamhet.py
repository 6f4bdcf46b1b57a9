"""The page of a verksamhet: what it must act on, what is missing and why, how it reports, and its units."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.core.paths import DataPaths
from dagster_project.products.board.pages import verksamhet
from dagster_project.products.board.pages.verksamhet import lead, missing, reporting, units_of
from dagster_project.products.board.site import Site
from dagster_project.products.board.standing import Standing, standings_of
from dagster_project.products.report_form import asked_of, default_name
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import PLAN_SCHEMA
from tests.products.board.test_quality import manifest
from tests.products.board.test_standing import frame, item, plan_row
from tests.products.small import SHARE, cell, dimensions, readable_release, reading_of, results

DAY = date(2022, 9, 30)


def here(*rows: dict[str, Any], **items: Any) -> list[Standing]:
    known = {r["item_id"]: items.get(r["item_id"], item(r["item_id"], n)) for n, r in enumerate(rows)}
    return standings_of(frame(*rows), known)["AA"]


def test_what_is_missing_is_told_with_its_cause() -> None:
    found = here(
        plan_row("A", indicator_id="a", kvalitet="fryst", release_id="2022-08-31-x", varde=1.0, malstatus="uppfyllt"),
        plan_row("B", indicator_id="b", malstatus="inga_data"),
        plan_row("C", indicator_id="c", malstatus="dold"),
        plan_row("D", rapporterad_status="ej_rapporterad"),
        plan_row("E", indicator_id="e", malstatus="inga_data"),
        plan_row("F", rapporterad_status="pagar", rapport_kvalitet="fryst", rapport_release_id="2022-07-31-y"),
        plan_row("G", indicator_id="g", malstatus="inga_data", varde=3.0),
    )
    m = missing(found, manifest(held_back={"a": ["kva"], "b": ["gas", "kva"]}))
    assert [(s.item.item_id, day, by) for s, day, by in m.frozen] == [("A", date(2022, 8, 31), ("kva",))]
    assert [(s.item.item_id, by) for s, by in m.held] == [("B", ("gas", "kva"))]
    assert m.reports_from == date(2022, 7, 31)
    assert [[s.item.item_id for s in part] for part in (m.silent, m.empty, m.hidden)] == [["D"], ["E"], ["C"]]
    assert m.anything and not missing(here(plan_row("A")), manifest()).anything


def test_how_to_report_is_the_command_that_makes_the_form() -> None:
    code = verksamhet_codes()[0]
    (told,) = reporting(code, DAY)
    source = told.command.split()[2]
    assert told.command == f"resultattavla template {source} --verksamhet {code} --month 2022-09"
    assert asked_of(code, DAY), "the command's own answer for these"
    assert told.file == default_name(source, code, DAY).replace("2022-09-30", "<dagens datum>")
    assert told.folder == f"raw/{source}/"


def test_units_of_today_come_first_and_each_period_is_a_row() -> None:
    rows = [
        ("E1", "Norra", "AA", "norr", date(2019, 1, 1), date(2021, 12, 31)),
        ("E1", "Norra nya", "AA", "norr", date(2022, 1, 1), None),
        ("E2", "Centrum", "AA", None, None, date(2022, 9, 30)),
        ("E3", "Annan", "BB", "syd", None, None),
        ("E4", "Kommande", "AA", "syd", date(2022, 10, 1), None),
    ]
    names = ["hsaid", "namn", "verksamhet", "lansdel", "giltig_fran", "giltig_till"]
    found = units_of(pl.DataFrame(rows, schema=names, orient="row"), "AA", DAY)
    assert [(u.name, u.now) for u in found] == [
        ("Centrum", True),
        ("Norra nya", True),
        ("Kommande", False),
        ("Norra", False),
    ]


# --- The page itself -------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script> & ”citat”"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A release with two items at two verksamheter: one misses its target, one is self-reported with a comment."""
    data = DataPaths(tmp_path / "data")
    plan = pl.DataFrame(
        [
            row | {"tillfalle": occasion, "verksamhet": code}
            for occasion in ("senaste", "delar")
            for code in ("AA", "BB")
            for row in (
                plan_row("X-01", indicator_id=SHARE, malstatus="ej_uppfyllt", taljare=80.0, namnare=100.0, varde=80.0)
                | {"malvarde": 90.0, "mal_operator": ">=", "mening": "Kort: 80,0 procent (80 av 100) – inte uppnått."},
                plan_row("X-02", rapporterad_status="ej_rapporterad", kommentar=HOSTILE, mening="Kort: x."),
            )
        ],
        schema_overrides=PLAN_SCHEMA,
    ).select(list(PLAN_SCHEMA))
    months = [
        cell(
            SHARE, date(2022, n, 1), date(2022, n, 28), niva="verksamhet", verksamhet="BB", varde=70.0 + n, namnare=50.0
        )
        for n in range(1, 9)
    ]
    statuses = pl.DataFrame(
        [{"kod": x.code, "typ": x.kind, "ord": x.word, "symbol": x.symbol, "ordning": x.order} for x in labels()]
    )
    units = {"hsaid": "E1", "namn": "Norra <b>", "verksamhet": "AA", "lansdel": None, "giltig_fran": None}
    signal = {"indicator_id": SHARE, "niva": "verksamhet", "verksamhet": "BB", "antal_punkter": 20, "signal": "skift"}
    signal |= {"signal_manad": date(2022, 8, 1), "riktning": "samre", "malformaga": "nas_inte"}
    release_id = readable_release(
        data,
        tables={
            **dimensions(),
            "indicator_result": pl.concat([results(), pl.DataFrame(months, schema=results().schema)]),
            "plan_uppfoljning": plan,
            "dim_status": statuses,
            "dim_enhet": pl.DataFrame([units | {"giltig_till": None}]),
            "signal": pl.DataFrame([signal]),
        },
    )
    return Site(reading_of(data, release_id), data)


def rendered(site: Site) -> dict[str, str]:
    return {page.path: site.render(page) for page in verksamhet.pages(site)}


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]).split())


def test_a_page_per_verksamhet_and_occasion_each_reached_from_the_others(site: Site) -> None:
    pages = rendered(site)
    assert set(pages) == {f"verksamhet/{code}{at}.html" for code in ("AA", "BB") for at in ("", "-delar-2022")}
    for path, html in pages.items():
        code = path[11:13]
        tabs = re.findall(r'<a href="\.\./(verksamhet/\w\w[^"]*)"( aria-current="page")?>(?:Läget nu|Delår 2022)', html)
        assert [(p, bool(now)) for p, now in tabs] == [
            (p, p == path) for p in (f"verksamhet/{code}.html", f"verksamhet/{code}-delar-2022.html")
        ]


def test_the_page_leads_with_what_must_be_acted_on(site: Site) -> None:
    html = rendered(site)["verksamhet/BB.html"]
    assert re.findall(r"<h2[^>]*>\s*([^<]*?)\s*<", html)[:2] == ["Att åtgärda", "Inte påbörjat eller inte rapporterat"]
    text = words(html)
    assert "Det enda mål som bedöms är inte uppnått" in text
    assert "80,0 procent (80 av 100) – inte uppnått." in text and "Målet hade nåtts med 10 fler av 100." in text
    assert "En förändring till det sämre som är mer än slump" in text
    assert 'aria-label="Kort, månad för månad' in html or "<title>Kort, månad för månad" in html
    assert "resultattavla template" in text and "Barn &amp; &lt;unga&gt;" in html


def test_a_past_occasion_has_no_trend_of_today(site: Site) -> None:
    html = rendered(site)["verksamhet/BB-delar-2022.html"]
    assert "mer än slump" not in html and "månad för månad" not in html


def test_what_others_wrote_is_escaped_and_told_whole(site: Site) -> None:
    html = rendered(site)["verksamhet/AA.html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; ”citat”" in html and "<script>alert" not in html
    assert "Norra &lt;b&gt;" in html


def test_the_same_release_gives_the_same_bytes(site: Site) -> None:
    assert rendered(site) == rendered(Site(site.reading, site.data))


def test_a_lead_counts_wholes_and_says_which_are_on_few(site: Site) -> None:
    found = here(
        plan_row("A", indicator_id="a", malstatus="uppfyllt"),
        plan_row("B", indicator_id="b", malstatus="ej_uppfyllt", markering="FA"),
        plan_row("C", indicator_id="c", malstatus="ej_uppfyllt"),
        plan_row("D", rapporterad_status="pagar"),
        C=item("C", 3, "A"),
    )
    judged, told = lead(site.reading, found)
    assert judged.startswith("1 av 2 mål är") and judged.endswith("1 av dem bedöms på få fall.")
    assert "1 punkt" in told and "1 pågår" in told
