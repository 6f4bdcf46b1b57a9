"""What a report says, and in which order, with the answers that a verksamhetschef would give."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.errors import UsageError
from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.content import report
from dagster_project.products.reports.document import (
    NOTHING,
    Block,
    Bullets,
    Column,
    Document,
    Figure,
    Heading,
    Mark,
    Paragraph,
    Quote,
    Table,
)
from dagster_project.releases.tables import DIMENSION_SCHEMAS, PLAN_SCHEMA
from tests.products.reports import small
from tests.products.small import CROWNS, SHARE

AREA, AA, BB = Asked("delar", 2022), Asked("delar", 2022, "AA"), Asked("delar", 2022, "BB")
EVERY = [AREA, AA, BB, Asked("ar", 2022)]


def told(asked: Asked = AREA) -> Document:
    return report(small.plain(), asked)


def under(document: Document, title: str) -> list[Block]:
    """The blocks below a heading, up to the next one."""
    blocks = list(document.blocks)
    start = next(n for n, b in enumerate(blocks) if isinstance(b, Heading) and b.text == title) + 1
    return blocks[start : next((n for n in range(start, len(blocks)) if isinstance(blocks[n], Heading)), len(blocks))]


def tables(document: Document) -> list[Table]:
    return [block for block in document.blocks if isinstance(block, Table)]


# --- Order ----------------------------------------------------------------------------------------------------------


def test_summary_first_then_the_plan_in_its_own_order_then_the_appendix() -> None:
    assert [(h.level, h.text) for h in told().headings][:14] == [
        (1, "Sammanfattning"),
        (2, "Det här behöver uppmärksamhet"),
        (2, "Det här är inte rapporterat"),
        (2, "Går det att lita på uppgifterna?"),
        (1, "Process"),
        (2, "Korta väntor"),
        (3, "Det sällsynta"),
        (3, "Korta väntor för alla"),
        (3, "Det hemliga"),
        (2, "Trygg & säker"),
        (3, "Helheten & delarna"),
        (4, "En del"),
        (1, "Resurs"),
        (2, "Vi <arbetar> bra"),
    ]
    assert [h.text for h in told().headings if h.level == 1][-1] == "Bilaga: så är rapporten gjord"


@pytest.mark.parametrize("asked", EVERY, ids=lambda a: a.file_name)
def test_no_heading_level_is_left_out_and_every_anchor_is_one(asked: Asked) -> None:
    headings = list(told(asked).headings)
    levels = [h.level for h in headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert len({h.anchor for h in headings}) == len(headings)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", h.anchor) for h in headings)


def test_a_verksamhet_reads_of_its_own_items_only() -> None:
    items = [h.text for h in told(BB).headings if h.level > 2]
    assert items == ["Korta väntor för alla", "Det hemliga", "En del", "En <rutin> & en vana"]
    assert [h.level for h in told(BB).headings if h.text == "En del"] == [3], "its whole is not in this report"


# --- Summary --------------------------------------------------------------------------------------------------------


def test_the_summary_counts_how_the_items_stand() -> None:
    table = tables(told())[0]
    assert [c.title for c in table.columns][1:] == [
        "Uppnått", "Delvis uppnått", "Inte uppnått", "Kan inte bedömas", "Utan mål här",
    ]  # fmt: skip
    assert [row[0] for row in table.rows] == ["Process", "Resurs", "Alla punkter"]
    assert table.rows[0][1:] == ("0", "0", "3", "1", "0")
    assert table.rows[2][1:] == ("1", "0", "3", "1", "1"), "the part is not counted beside its whole"


def test_few_cases_never_lead_what_needs_attention() -> None:
    (found,) = (b for b in under(told(), "Det här behöver uppmärksamhet") if isinstance(b, Bullets))
    assert [label for label, _ in found.entries] == ["✗ Kort:", "✗ Helheten:", "✗ Sällan:"], "Sällan is 1st in the plan"
    assert "Delen: " in found.entries[1][1], "a part stands with its whole, as it is counted"
    assert "få fall" in found.entries[-1][1].lower()
    assert not any("få fall" in text.lower() for _, text in found.entries[:-1])
    assert found.entries[0][1] == "77,5 procent (93 av 120). Når inte målet: Barn & <unga> och Avdelning A."


def test_it_says_what_nobody_has_reported() -> None:
    (found,) = under(told(), "Det här är inte rapporterat")
    assert isinstance(found, Bullets) and found.entries == (("Rutinen:", "ingen rapport från Barn & <unga>."),)
    (own,) = under(told(BB), "Det här är inte rapporterat")
    assert isinstance(own, Bullets) and own.entries == (("Rutinen:", "verksamheten har inte rapporterat."),)
    assert "Det här är inte rapporterat" not in [h.text for h in told(AA).headings]


def test_it_says_whether_the_numbers_can_be_trusted() -> None:
    found = next(b for b in under(told(), "Går det att lita på uppgifterna?") if isinstance(b, Bullets))
    assert [label for label, _ in found.entries] == ["Äldre uppgifter:", "Anmärkning:", "Skyddat:"]


# --- Items ----------------------------------------------------------------------------------------------------------


def test_an_item_is_told_by_the_release_s_own_sentence_and_a_row_per_verksamhet() -> None:
    _, sentence, table, figure, change = under(told(), "Korta väntor för alla")
    assert sentence == Paragraph("Kort: 77,5 procent (93 av 120).", "lead", label="✗ Inte uppnått.")
    assert isinstance(table, Table)
    titles = [c.title for c in table.columns]
    assert titles == ["Verksamhet", "Täljare", "Nämnare", "Värde (procent)", "Mål", "Status", "Året innan"]
    missed = Mark("✗", "Inte uppnått", "heavy")
    assert table.rows == (
        ("Barn & <unga>", "80", "100", "80,0", "≥ 90", missed, "71,5"),
        ("Avdelning A", "13", "20", "65,0", "≥ 90", missed, "71,5"),
        ("Hela området", "93", "120", "77,5", "≥ 90", missed, "71,5"),
    )
    assert isinstance(figure, Figure)
    assert change == Paragraph(
        "Som det fungerar nu nås målet inte, inte ens i en bra månad: det krävs ett nytt sätt att arbeta."
    )


def test_a_verksamhet_stands_beside_the_area_and_nobody_else() -> None:
    table = next(b for b in under(told(AA), "Korta väntor för alla") if isinstance(b, Table))
    assert [row[0] for row in table.rows] == ["Avdelning A", "Hela området"]


def test_a_total_has_no_denominator_and_crowns_are_whole() -> None:
    table = next(b for b in under(told(), "Inköp") if isinstance(b, Table))
    assert [c.title for c in table.columns] == ["Verksamhet", "Värde (kr)", "Mål", "Status", "Året innan"]
    assert table.rows[0][1:3] == ("1\u202f250\u202f000", "≤ 2\u202f000\u202f000")


def test_crowns_that_round_to_their_target_are_told_apart_from_it(tmp_path: Path) -> None:
    told_of = {"varde": 304_917.6, "malvarde": 304_917.9, "mal_operator": "<"}
    rows = [row | (told_of if row["item_id"] == "X-06" else {}) for row in small.plan_rows()]
    document = report(small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA)), AREA)
    table = next(b for b in under(document, "Inköp") if isinstance(b, Table))
    assert table.rows[0][1:3] == ("304\u202f917,6", "< 304\u202f918")


def test_a_hidden_number_is_a_dash_with_its_reason() -> None:
    table = next(b for b in under(told(), "Det hemliga") if isinstance(b, Table))
    assert table.rows == tuple(
        (place, NOTHING, NOTHING, NOTHING, NOTHING, Mark("▪", "För få för att visas", "muted"), NOTHING)
        for place in ("Avdelning A", "Hela området")
    )
    assert Paragraph("Måttet gäller inte Barn & <unga>.", "note") in under(told(), "Det hemliga")


def test_what_does_not_apply_is_said_and_no_more() -> None:
    assert [type(b) for b in under(told(BB), "Det hemliga")] == [Paragraph, Paragraph]


def test_comments_are_whole_and_in_their_own_words() -> None:
    table = next(b for b in under(told(), "En <rutin> & en vana") if isinstance(b, Table))
    told_by = {str(row[0]): row for row in table.rows}
    assert told_by["Avdelning A"][1:3] == (Mark("■", "Genomförd", "plain"), "4")
    comment = "Barn & <unga> har fått en egen ingång.\n- Rutinen är klar\n- ”Vi” fortsätter"
    assert told_by["Avdelning A"][3] == comment, "an empty line is left out, the others are kept"
    assert told_by["Barn & <unga>"][2:] == (NOTHING, "Ingen kommentar")


def test_a_long_comment_follows_the_sentence_that_has_its_beginning(tmp_path: Path) -> None:
    rows = [row | ({"kommentar": small.LONG} if row["verksamhet"] == "AA" else {}) for row in small.plan_rows()]
    plan = pl.DataFrame(rows, schema=PLAN_SCHEMA)
    document = report(small.reading(tmp_path, plan_uppfoljning=plan), AA)
    assert Quote(small.LONG.strip()) in under(document, "En <rutin> & en vana")


def test_an_item_judged_over_its_parts_has_a_status_per_verksamhet() -> None:
    table = next(b for b in under(told(), "Helheten & delarna") if isinstance(b, Table))
    assert [c.title for c in table.columns] == ["Verksamhet", "Status"]


def test_a_number_judged_on_few_calls_nobody() -> None:
    table = next(b for b in under(told(), "Det sällsynta") if isinstance(b, Table))
    assert table.rows[0][3] == Mark("✗", "Inte uppnått (få fall)", "muted")


# --- Charts ---------------------------------------------------------------------------------------------------------


def test_a_chart_ends_with_the_period_and_says_what_it_shows() -> None:
    (figure,) = (b for b in told().blocks if isinstance(b, Figure))
    assert figure.caption == "Kort per månad, 09 2020–08 2022."
    assert figure.alt == (
        "Linjediagram: Kort per månad för Hela området. Från 71,2 procent i september 2020 till 77,0 procent i augusti "
        "2022; lägst 71,2 procent i september 2020 och högst 77,0 procent i augusti 2022. Målet är 90,0 procent. En "
        "månad döljs, eftersom talen är för små. En månad saknar uppgifter."
    )


def test_a_chart_says_where_the_series_begins_anew(tmp_path: Path) -> None:
    broken = [
        (SHARE, None, date(2021, 5, 1), "ny definition"),
        (None, "AA", date(2021, 6, 1), "omorganisation"),
        (None, None, date(2020, 9, 1), "före diagrammet"),
        (CROWNS, None, date(2021, 5, 1), "något annat"),
    ]
    reading = small.reading(tmp_path, brott=pl.DataFrame(broken, schema=DIMENSION_SCHEMAS["brott"], orient="row"))
    for asked, expected in ((AREA, ["ny definition"]), (AA, ["ny definition", "omorganisation"])):
        (figure,) = (b for b in report(reading, asked).blocks if isinstance(b, Figure))
        assert [reason for *_, reason in broken if reason in figure.alt] == expected
        assert figure.svg.count('class="d-brott"') == len(expected)
    assert "Från den 1 maj 2021 är serien en annan: ny definition." in figure.alt


def test_two_items_with_one_number_share_a_chart() -> None:
    assert Paragraph("Utvecklingen visas under ”Korta väntor för alla”.", "note") in under(told(), "En del")


def worsening(tmp_path: Path, month: date, till: date = date(2022, 9, 1)) -> Document:
    """The area's report where the amount gets worse since a month."""
    row = {"indicator_id": CROWNS, "signal": "skift", "signal_manad": month, "riktning": "samre", "till": till}
    signals = small.signals().vstack(small.signals().with_columns(**{n: pl.lit(v) for n, v in row.items()}))
    return report(small.reading(tmp_path, signal=signals), AREA)


def attention(document: Document) -> list[tuple[str, str]]:
    return [e for b in under(document, "Det här behöver uppmärksamhet") if isinstance(b, Bullets) for e in b.entries]


def test_what_got_worse_within_the_period_is_told_with_its_reason(tmp_path: Path) -> None:
    told = dict(attention(worsening(tmp_path, date(2022, 7, 1))))
    assert told["✓ Inköpt:"].endswith(  # though its target is met
        "En förändring till det sämre som är mer än slump, jämfört med medelvärdet för de senaste 24 månaderna och "
        "inte med året innan: juli 2022 är den sista av sju månader i rad på samma sida om medelvärdet."
    )
    assert "mer än slump" not in told["✗ Kort:"]


def test_what_fills_up_says_so_beside_its_table(tmp_path: Path) -> None:
    flow = small.reading(tmp_path).table("dim_indikator").with_columns(art=pl.lit("tackning"), bestand=False)
    document = report(small.reading(tmp_path / "b", dim_indikator=flow), AREA)
    notes = [b.text for b in under(document, "Korta väntor för alla") if isinstance(b, Paragraph)]
    assert any(note.startswith("Talet fylls på i efterhand") for note in notes)


def test_what_got_worse_later_is_no_news_of_the_period(tmp_path: Path) -> None:
    assert "✓ Inköpt:" not in [label for label, _ in attention(worsening(tmp_path / "a", date(2022, 9, 1)))]
    later = worsening(tmp_path / "b", date(2022, 7, 1), till=date(2023, 9, 1))
    assert "✓ Inköpt:" not in [label for label, _ in attention(later)], "the release tells of another time"


# --- Quality --------------------------------------------------------------------------------------------------------


def test_a_warned_number_says_which_source() -> None:
    notes = [b.text for b in under(told(), "Det hemliga") if isinstance(b, Paragraph) and b.label == "Kvalitet:"]
    assert notes == [
        "Kvalitetskontrollen har anmärkt på Väntetider och vårdkontakter. Läs siffrorna med försiktighet; orsaken "
        "står i bilagan."
    ]


def test_the_appendix_tells_what_was_found_with_its_figure() -> None:
    found = [b for b in under(told(), "Källor och leveranser") if isinstance(b, Bullets)]
    assert len(found) == 1 and "14\xa0% i karantän" in found[0].entries[0][1]


# --- Periods that are not complete ----------------------------------------------------------------------------------


def test_a_period_that_is_not_over_is_said_loudly() -> None:
    document = told(Asked("ar", 2022))
    assert document.title == "Aktivitetsberättelse 2022 (preliminär)"
    assert document.alert.startswith("Perioden är inte slut. Rapporten visar vad som var känt den 30 september 2022")
    assert told().alert == "" and told().title == "Delårsrapport 2022"


def test_a_period_that_a_source_does_not_cover_is_said_loudly(tmp_path: Path) -> None:
    rows = [row | ({"malstatus": "preliminar"} if row["item_id"] == "X-01" else {}) for row in small.plan_rows()]
    document = report(small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA)), AREA)
    assert document.title == "Delårsrapport 2022 (preliminär)"
    assert document.alert.startswith("Perioden är inte fullständigt levererad: 1 av 7 punkter är preliminära")


# --- Wrong use ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("delar", 2022, "XX"), "Verksamheten XX finns inte i utgåvan: ange BB och AA."),
        (
            Asked("delar", 2031),
            "Utgåva 2022-09-30-00000000001e har ingen delårsrapport för 2031: den har 2022.",
        ),
        (
            Asked("ar", 1999, "AA"),
            "Utgåva 2022-09-30-00000000001e har ingen aktivitetsberättelse för 1999: den har 2022.",
        ),
    ],
)
def test_wrong_use_is_one_sentence(asked: Asked, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        report(small.plain(), asked)


def test_an_occasion_that_nobody_followed_up_is_wrong_use(tmp_path: Path) -> None:
    rows = [row for row in small.plan_rows() if row["tillfalle"] == "delar"]
    found = small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA))
    with pytest.raises(UsageError, match="ingen aktivitetsberättelse för 2022: den har ingen alls"):
        report(found, Asked("ar", 2022))


# --- The model ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [("a",), ("a", ""), ("a", " "), ("a", Mark("", ""))])
def test_a_table_with_an_empty_cell_is_none(row: tuple) -> None:
    with pytest.raises(ValueError, match="filled cells"):
        Table("t", (Column("A"), Column("B")), (row,))
