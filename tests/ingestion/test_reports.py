"""What verksamheter fill in themselves: items of the plan, rows left empty, free texts with numbers in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.catalogue import plan
from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.vocabulary import REPORT_STATUSES
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import MASK
from dagster_project.ingestion import rules, table
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import ParsedDelivery, parse_delivery
from dagster_project.runs.folder import FINDINGS, MASKED_TEXT, RunFolder
from tests.extracts import EXTRACTION, KEY, PERSON, Pipeline, base, parsed, reasons, spellings, xlsx_bytes

AKTIVITETER = load_contracts()["aktiviteter"]
HELPING = ["Punkt", "Mål i planen", "Det här rapporteras", "Förra månad", "Förra status", "Förra kommentar"]
KEYS = ["aktivitet_id", "verksamhet", "manad"]


def report(**changes: str) -> dict[str, str]:
    return base("aktiviteter", **changes)


def sheet(*rows: list[object], headers: list[str] | None = None) -> ParsedDelivery:
    """A workbook as it is filled in: delivered columns, then helping ones."""
    names = headers or [*KEYS, "status", "antal", "kommentar", *HELPING]
    raw = read_delivery(xlsx_bytes([names, *rows]), "xlsx", AKTIVITETER)
    assert raw.unknown == ()
    return parse_delivery(raw, AKTIVITETER, EXTRACTION, "test", KEY)


# --- Items of the plan -----------------------------------------------------------------------------------------------


def test_the_contract_knows_the_statuses_of_the_plan() -> None:
    assert AKTIVITETER.column("status").values == REPORT_STATUSES


def test_items_and_statuses_are_stored_as_the_plan_spells_them() -> None:
    rows = [
        report(aktivitet_id="hh 2022 12A", status="EJ PÅBÖRJAD"),
        report(aktivitet_id="HH-2022-i01", status="Utgår"),
    ]
    stored = parsed("aktiviteter", *rows).accepted
    assert stored.select("aktivitet_id", "status", "manad").rows() == [
        ("HH-2022-12a", "ej_paborjad", date(2022, 8, 31)),
        ("HH-2022-I01", "utgar", date(2022, 8, 31)),
    ]


def test_spellings_of_one_item_are_one_key() -> None:
    assert parsed("aktiviteter", report(), report(aktivitet_id="hh-2022-02")).rows_duplicate == 1
    assert reasons("aktiviteter", report(), report(aktivitet_id="hh-2022-02", antal="3")) == {
        2: {"dubblett:konflikt"},
        3: {"dubblett:konflikt"},
    }


def test_every_item_is_accepted_from_its_scope_and_from_nobody_else() -> None:
    pairs = [(item, code) for item in plan.followed_up_items() for code in verksamhet_codes()]
    result = parsed("aktiviteter", *(report(aktivitet_id=item.id, verksamhet=code) for item, code in pairs))
    accepted = set(result.accepted.select("aktivitet_id", "verksamhet").rows())
    assert accepted == {(item.id, code) for item, code in pairs if code in item.scope or not item.scope}
    assert set(result.quarantined["reasons"].list.join("|")) == {"varde:aktivitet_id"}
    shown = result.quarantined["values"][0].to_list()
    assert [value.partition("=")[0] for value in shown] == ["aktivitet_id", "verksamhet"]


def test_another_plan_reads_the_deliveries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that came into the plan after its first report is no wrong value any more."""
    pipeline = Pipeline(tmp_path)
    pipeline.deliver("aktiviteter", "2022-09-01", report(), report(aktivitet_id="HH-2022-99"))
    path = pipeline.deliver("aktiviteter", "2022-09-02", report(aktivitet_id="HH-2022-99", verksamhet="AUD"))
    assert [d.rows_quarantined for d in pipeline.run().accepted("aktiviteter")] == [1, 1]
    new = replace(plan.items()[1], id="HH-2022-99", scope=("AUD", "BUH"))
    monkeypatch.setattr(table, "items", lambda: (*plan.items(), new))
    for module in (table, rules):
        monkeypatch.setattr(module, "may_report", lambda: plan.may_report() | {(new.id, code) for code in new.scope})
    path.unlink()
    # What is in raw is read by the plan of today; what has left it counts as it was read.
    assert [(d.rows_accepted, d.rows_quarantined) for d in pipeline.run().accepted("aktiviteter")] == [(2, 0), (0, 1)]


# --- What was not filled in ------------------------------------------------------------------------------------------


def test_empty_cells_too_many_fill_nothing_in() -> None:
    """A form that was saved as CSV: an unfilled row with more separators than the others is no row, and no conflict."""
    lines = [
        "aktivitet_id;verksamhet;manad;status",
        "HH-2022-03;BUH;2022-08;pagar",
        "HH-2022-03;BUH;2022-08;;;",
        "HH-2022-04;BUH;2022-08;;;text",
        "HH-2022-06;BUH;2022-08;pagar;;",
        *(f"HH-2022-{n};BUH;2022-08;pagar" for n in (18, 23, 25, 29)),
    ]
    raw = read_delivery("\n".join(lines).encode(), "csv", AKTIVITETER)
    assert raw.frame.select("line", "ragged").rows()[:4] == [(2, False), (4, True), (5, True), (6, False)]


def test_a_row_with_nothing_but_its_keys_is_passed_over() -> None:
    empty = report(status="", antal=" ", kommentar="-", makulerad="NULL")
    result = parsed(
        "aktiviteter", report(aktivitet_id="HH-2022-03"), empty, {**empty, "aktivitet_id": ""}, report(antal="")
    )
    assert (result.rows_read, result.accepted.height, result.quarantined.height) == (2, 2, 0)
    assert result.accepted["line"].to_list() == [2, 5]


@pytest.mark.parametrize(
    "filled", [{"antal": "0"}, {"kommentar": "Glömde status."}, {"makulerad": "Nej"}, {"antal": "x", "kommentar": "y"}]
)
def test_a_row_with_anything_more_is_a_row(filled: dict[str, str]) -> None:
    row = {**report(status="", antal="", kommentar=""), **filled}
    assert "saknas:status" in reasons("aktiviteter", row, report(aktivitet_id="HH-2022-03"))[2]


def test_other_sources_pass_nothing_over() -> None:
    row = {**dict.fromkeys(base("ekonomi"), ""), "verksamhet": "BUH", "manad": "2022-05", "konto": "4011"}
    assert reasons("ekonomi", row, base("ekonomi", konto="1")) == {2: {"saknas:utfall_kr"}}


def test_a_form_that_nobody_filled_in_is_rejected_with_what_to_do() -> None:
    with pytest.raises(RejectedFileError, match="ingen rad är ifylld: fyll i minst en rad"):
        sheet(["HH-2022-02", "BUH", "2022-08", "", "", "", "Handlingsplan"])


def test_a_sheet_as_people_fill_it_in() -> None:
    result = sheet(
        ["HH-2022-02", "BUH", "2022-08", "Pågår", 2, "Två valda.", "Handlingsplan", "Mål", "Antal", "", "", ""],
        ["HH-2022-03", "BUH", "2022-08", None, None, None, "Riktlinjen", "Mål", "", "2022-06", "Pågår", "Förr"],
        ["HH-2022-04", "BUH", date(2022, 8, 31), "genomförd", None, "-", "Åtgärder", "Mål", "", "", "", ""],
        [None, None, None, None, None, None, "Skriv gärna här under!"],
    )
    assert result.rows_read == 2
    assert result.accepted.select("aktivitet_id", "status", "antal", "kommentar", "line").rows() == [
        ("HH-2022-02", "pagar", 2.0, "Två valda.", 2),
        ("HH-2022-04", "genomford", None, None, 4),
    ]


def test_only_the_forms_own_columns_are_no_surprise() -> None:
    rows = xlsx_bytes([[*KEYS, "status", "Punkt", "Ansvarig"], ["HH-2022-02", "BUH", "2022-08", "Pågår", "x", "y"]])
    assert read_delivery(rows, "xlsx", AKTIVITETER).unknown == ("Ansvarig",)


# --- Free texts ------------------------------------------------------------------------------------------------------

SPELLED = [
    *spellings(PERSON),
    f"{PERSON[:8]} {PERSON[8:]}",
    " ".join(PERSON),
    f"{PERSON[:4]}-{PERSON[4:6]}-{PERSON[6:8]} {PERSON[8:]}",
    PERSON.translate(str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")),
]


@pytest.mark.parametrize("number", SPELLED)
def test_a_number_in_a_comment_is_masked_before_it_is_stored(number: str) -> None:
    stored = parsed("aktiviteter", report(kommentar=f"Gäller {number}, se journalen.")).accepted
    text = stored["kommentar"].item()
    assert MASK in text and text.endswith("se journalen.") and text.startswith("Gäller")
    assert sum(c.isdigit() for c in text) == 0
    assert stored["masked"].item() is True


@pytest.mark.parametrize(
    "text", ["Klart 2022-08-31.", "*** betyder viktigt", "Dnr 22RS1234", "Ring 019-602 10 00", "12 000 kr"]
)
def test_an_ordinary_comment_is_left_as_it_is(text: str) -> None:
    stored = parsed("aktiviteter", report(kommentar=text)).accepted
    assert stored.select("kommentar", "masked").row(0) == (text, False)


def test_a_comment_that_is_too_long_shows_no_number_and_is_cut() -> None:
    """The number stands across the greatest length, in every place."""
    start = AKTIVITETER.column("kommentar").max_length or 0
    texts = ["x" * (start - n) + f" {PERSON} " + "y" * 50_000 for n in range(0, 16)]
    rows = [report(aktivitet_id=f"HH-2022-{n:02}", kommentar=text) for n, text in enumerate(texts)]
    table_ = parsed("aktiviteter", *rows).quarantined
    assert table_["reasons"].list.contains("varde:kommentar").all()
    for kept in table_["kommentar"]:
        assert len(kept) <= start and sum(c.isdigit() for c in kept) == 0
    for shown in table_["values"].list.join("|"):
        assert len(shown) < 250 and not any(number in shown for number in spellings(PERSON))


def test_numbers_in_comments_never_leave_through_the_quarantine() -> None:
    row = report(aktivitet_id="HH-2022-99", kommentar=f"{PERSON} ringde", status="")
    other = report(aktivitet_id="HH-2022-99", kommentar=f"{PERSON[2:]} ringde igen", status="")
    result = parsed("aktiviteter", row, other, report())
    assert result.quarantined.height == 2
    assert not any(number[-6:] in str(result.quarantined.to_dicts()) for number in spellings(PERSON))


def test_the_steward_is_told_where_a_number_stood_but_not_which(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    told = report(kommentar=f"Ring {PERSON}")
    pipeline.deliver("aktiviteter", "2022-09-01", report(aktivitet_id="HH-2022-03"), told)
    pipeline.deliver(
        "aktiviteter", "2022-09-02", report(aktivitet_id="HH-2022-04", kommentar=PERSON[2:]), suffix="_BUH"
    )
    pipeline.run()
    findings = RunFolder(pipeline.data).read(FINDINGS)
    assert findings.filter(kind=MASKED_TEXT).select("source", "unit", "rows", "detail").rows() == [
        ("aktiviteter", None, 1, "aktiviteter/aktiviteter_2022-09-01.csv rad 3"),
        ("aktiviteter", None, 1, "aktiviteter/aktiviteter_2022-09-02_BUH.csv rad 2"),
    ]
    # The report comes again without the number: nothing is left to tell.
    pipeline.deliver("aktiviteter", "2022-09-03", report(kommentar="Ring"))
    pipeline.run()
    details = RunFolder(pipeline.data).read(FINDINGS).filter(pl.col("kind") == MASKED_TEXT)["detail"].to_list()
    assert details == ["aktiviteter/aktiviteter_2022-09-02_BUH.csv rad 2"]
    everything = b"".join(p.read_bytes() for p in pipeline.data.root.rglob("*") if p.is_file() and p.suffix != ".key")
    assert PERSON.encode() not in everything and PERSON[2:].encode() not in everything


def test_a_comment_may_be_written_as_people_write() -> None:
    """Lists, quotes, separators and what a sheet would run: text, in every format."""
    texts = ["- Klart\n- Pågår", '"så här"; och =så', '=HYPERLINK("http://x")', "+46", "@alla", "<b>fet</b> & <script>"]
    rows = [
        report(aktivitet_id=f"HH-2022-{i}", kommentar=t)
        for i, t in zip(("02", "03", "04", "06", "18", "23"), texts, strict=True)
    ]
    names = [n for n in rows[0] if n != "makulerad"]
    lines = [";".join(names), *(";".join('"' + r[n].replace('"', '""') + '"' for n in names) for r in rows)]
    as_text = {"strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsx_bytes([names, *([r[n] for n in names] for r in rows)], options=as_text)
    for content, extension in (("\n".join(lines).encode(), "csv"), (workbook, "xlsx")):
        raw = read_delivery(content, extension, AKTIVITETER)
        stored = parse_delivery(raw, AKTIVITETER, EXTRACTION, "test", KEY).accepted
        assert stored["kommentar"].to_list() == texts, extension
