"""Row rules: every mutation of a valid row gives exactly its reason codes; duplicates; counts add up."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import ParsedDelivery, parse_delivery, quarantine_schema, stored_schema
from tests.extracts import (
    BASE,
    DERIVED,
    EXTRACTION,
    KEY,
    OTHER_PERSON,
    OTHER_UNIT,
    PERSON,
    UNIT,
    WAITING,
    base,
    csv_bytes,
    number,
    parsed,
    reasons,
    spellings,
)

CONTRACTS = load_contracts()
BAD = {
    "date": "2022-02-30",
    "month": "2022-13",
    "int": "ett",
    "number": "ett",
    "yes_no": "Kanske",
    "sex": "X",
    "hsaid": "HSA1",
    "kva_code": "DV11",
    "personnummer": PERSON[:-1] + str((int(PERSON[-1]) + 1) % 10),
}
TOMORROW = "2022-09-01"
PLANS = {"medicinskt_maldatum", "giltig_fran", "giltig_till", "utgangsdatum"}

# (source, changed cells, reasons); what the contracts' cells imply one by one is generated below.
MUTATIONS: list[tuple[str, dict[str, str], set[str]]] = [
    ("enheter", {"verksamhet": "XYZ"}, {"varde:verksamhet"}),
    ("enheter", {"verksamhet": "buh"}, set()),
    ("enheter", {"giltig_till": "2014-12-31"}, {"ordning:giltig_fran>giltig_till"}),
    ("enheter", {"giltig_till": "2015-01-01"}, set()),
    ("enheter", {"giltig_fran": "2030-01-01", "giltig_till": "2031-01-01"}, set()),
    ("enheter", {"giltig_till": "9999-12-31"}, set()),
    ("enheter", {"giltig_fran": "1900-01-01"}, {"saknas:giltig_fran"}),
    ("enheter", {"lansdel": ""}, set()),
    ("vantetider", {"status": "AVSLUTAD"}, {"varde:status"}),
    ("vantetider", {"status": "genomförd"}, set()),
    ("vantetider", {"fas": "0"}, {"varde:fas"}),
    ("vantetider", {"fas": "6"}, {"varde:fas"}),
    ("vantetider", {"fas": "5"}, set()),
    ("vantetider", {"fas": "4"}, {"saknas:medicinskt_maldatum"}),
    ("vantetider", {"fas": "4", "medicinskt_maldatum": "2023-01-01"}, set()),
    ("vantetider", {"fas": "4", "medicinskt_maldatum": "snart"}, {"format:medicinskt_maldatum"}),
    ("vantetider", {"avvikelsekod": "0"}, {"varde:avvikelsekod"}),
    ("vantetider", {"avvikelsekod": "4"}, {"varde:avvikelsekod"}),
    ("vantetider", {"avvikelsekod": "3"}, set()),
    ("vantetider", {"start_datum": ""}, {"saknas:start_datum"}),
    ("vantetider", {"start_datum": "9999-12-31"}, {"saknas:start_datum"}),
    ("vantetider", {"status": "VANTANDE"}, {"varde:start_datum"}),
    ("vantetider", {"status": "VANTANDE", "start_datum": "x"}, {"varde:start_datum", "format:start_datum"}),
    ("vantetider", {"beslut_datum": "2022-05-31"}, {"ordning:beslut_datum>start_datum"}),
    ("vantetider", {"beslut_datum": "2022-05-30"}, set()),
    ("vantetider", {"matperiod": "2022-04"}, {"varde:matperiod"}),
    ("vantetider", {"matperiod": "2022-06"}, {"varde:matperiod"}),
    ("vantetider", {"matperiod": "2022-12"}, {"varde:matperiod"}),
    ("vantetider", {"status": "VANTANDE", "start_datum": "", "matperiod": "2022-12"}, set()),
    ("vantetider", {"status": "VANTANDE", "start_datum": "", "beslut_datum": "2022-05-31"}, set()),
    (
        "vantetider",
        {"status": "VANTANDE", "start_datum": "", "beslut_datum": "2022-06-01"},
        {"ordning:beslut_datum>matperiod"},
    ),
    ("vantetider", {"fodelsear": "1900"}, {"varde:fodelsear"}),
    ("vantetider", {"fodelsear": "1901"}, set()),
    ("vantetider", {"fodelsear": "2022"}, set()),
    ("vantetider", {"fodelsear": "2023"}, {"varde:fodelsear"}),
    ("vantetider", {"lkf": "188"}, {"varde:lkf"}),
    ("vantetider", {"lkf": "18a0"}, {"varde:lkf"}),
    ("vantetider", {"lkf": "0000"}, set()),
    ("kva", {"kva_kod": "dv111"}, set()),
    ("kva", {"kva_kod": "ZZ999"}, set()),
    ("kva", {"personnummer": "19800517TF98"}, set()),
    ("kva", {"personnummer": number(date(1980, 5, 17), 981, coordination=True)}, set()),
    ("gas", {"mal_nr": "0"}, {"varde:mal_nr"}),
    ("gas", {"mal_nr": "-1"}, {"varde:mal_nr"}),
    ("gas", {"mal_nr": "2,0"}, set()),
    ("gas", {"viktighet": "4"}, {"varde:viktighet"}),
    ("gas", {"svarighet": "-1"}, {"varde:svarighet"}),
    ("gas", {"viktighet": "0", "svarighet": "0"}, set()),
    ("gas", {"viktighet": ""}, {"saknas:viktighet"}),
    ("gas", {"svarighet": ""}, {"saknas:svarighet"}),
    ("gas", {"viktighet": "", "svarighet": ""}, set()),
    ("gas", {"viktighet": "", "svarighet": "x"}, {"saknas:viktighet", "format:svarighet"}),
    ("gas", {"baslinje": "-3"}, {"varde:baslinje"}),
    ("gas", {"baslinje": "3"}, {"varde:baslinje"}),
    ("gas", {"utfall": "-3"}, {"varde:utfall"}),
    ("gas", {"utfall": "3"}, {"varde:utfall"}),
    ("gas", {"utfall": "x"}, {"format:utfall"}),  # something is filled in: the date is not without utfall
    ("gas", {"utfall": ""}, {"varde:utfallsdatum"}),
    ("gas", {"utfallsdatum": ""}, {"saknas:utfallsdatum"}),
    ("gas", {"utfallsdatum": "1900-01-01"}, {"saknas:utfallsdatum"}),
    ("gas", {"utfall": "", "utfallsdatum": ""}, set()),
    ("gas", {"utfall": "", "utfallsdatum": "x"}, {"varde:utfallsdatum", "format:utfallsdatum"}),
    ("gas", {"baslinjedatum": "2022-05-31"}, {"ordning:baslinjedatum>utfallsdatum"}),
    ("gas", {"baslinjedatum": "2022-05-30"}, set()),
    ("register_population", {"register": "swedvasc"}, {"varde:register"}),
    ("register_population", {"register": "CPUP"}, set()),
    ("register_population", {"utgangsdatum": "2020-04-30"}, {"ordning:inklusionsdatum>utgangsdatum"}),
    ("register_population", {"utgangsdatum": "2020-05-01"}, set()),
    ("register_population", {"utgangsdatum": "2023-05-01"}, set()),
    ("register_registreringar", {"register": "xx"}, {"varde:register"}),
    ("register_registreringar", {"formular": ""}, set()),
    ("avvikelser", {"handelsedatum": "2022-05-03"}, {"ordning:handelsedatum>registreringsdatum"}),
    ("avvikelser", {"handelsedatum": "2022-05-02"}, set()),
    ("avvikelser", {"paborjad_datum": "2022-05-01"}, {"ordning:registreringsdatum>paborjad_datum"}),
    ("avvikelser", {"paborjad_datum": "2022-05-02", "avslutad_datum": "2022-05-02"}, set()),
    ("avvikelser", {"avslutad_datum": "2022-05-01"}, {"ordning:registreringsdatum>avslutad_datum"}),
    ("avvikelser", {"utredning_begard_datum": ""}, {"varde:utredning_besvarad_datum"}),
    ("avvikelser", {"utredning_besvarad_datum": ""}, set()),
    (
        "avvikelser",
        {"utredning_besvarad_datum": "2022-05-09"},
        {"ordning:utredning_begard_datum>utredning_besvarad_datum"},
    ),
    ("avvikelser", {"utredning_begard_datum": "x"}, {"format:utredning_begard_datum"}),
    ("avvikelser", {"allvarlighetsgrad": "0"}, {"varde:allvarlighetsgrad"}),
    ("avvikelser", {"allvarlighetsgrad": "5"}, {"varde:allvarlighetsgrad"}),
    *(
        ("aktiviteter", {"aktivitet_id": i}, set())
        for i in ("hh-2022-02", "HH 2022 02", "HH\u20132022\u201302", "hh-2022-12A")
    ),
    ("aktiviteter", {"aktivitet_id": "HH-2022-2"}, {"varde:aktivitet_id"}),
    ("aktiviteter", {"aktivitet_id": "HH-2022-99"}, {"varde:aktivitet_id"}),
    ("aktiviteter", {"aktivitet_id": "HH-2022-02", "verksamhet": "FAM"}, {"varde:aktivitet_id"}),
    ("aktiviteter", {"aktivitet_id": "HH-2022-17"}, {"varde:aktivitet_id"}),
    ("aktiviteter", {"aktivitet_id": "HH-2022-17", "verksamhet": "tc"}, set()),
    ("aktiviteter", {"aktivitet_id": "HH-2022-I07", "verksamhet": "FAM"}, set()),
    ("aktiviteter", {"aktivitet_id": "HH-2022-I09", "verksamhet": "FAM"}, set()),
    ("aktiviteter", {"aktivitet_id": "HH-2022-07"}, set()),  # computed: nobody asks for it, anybody may say it
    ("aktiviteter", {"verksamhet": "XYZ"}, {"varde:verksamhet"}),
    ("aktiviteter", {"verksamhet": "XYZ", "aktivitet_id": "x"}, {"varde:verksamhet", "varde:aktivitet_id"}),
    *(("aktiviteter", {"status": s}, set()) for s in ("Ej påbörjad", "EJ-PABORJAD", "pågår", "GENOMFÖRD", " utgår ")),
    *(("aktiviteter", {"status": s}, {"varde:status"}) for s in ("Klar", "Påbörjad", "1")),
    ("aktiviteter", {"antal": "3,0"}, set()),
    ("aktiviteter", {"antal": "tre"}, {"format:antal"}),
    ("aktiviteter", {"kommentar": "å" * 2000}, set()),
    ("aktiviteter", {"kommentar": "å" * 2001}, {"varde:kommentar"}),
    ("aktiviteter", {"kommentar": "=2+2"}, set()),
    ("aktiviteter", {"kommentar": "#REFERENS!"}, {"format:kommentar"}),
    ("aktiviteter", {"manad": "2022-08-15"}, set()),
    ("ekonomi", {"konto_grupp": ""}, set()),
    ("ekonomi", {"konto_grupp": "LÖN"}, set()),
    ("ekonomi", {"konto_grupp": "Köpt vård"}, set()),
    ("ekonomi", {"konto_grupp": "avgift-såld  vård"}, set()),
    ("ekonomi", {"konto_grupp": "hyra"}, {"varde:konto_grupp"}),
    ("ekonomi", {"konto_grupp": "anslaget"}, {"varde:konto_grupp"}),
    ("ekonomi", {"verksamhet": "HH"}, {"varde:verksamhet"}),
    ("ekonomi", {"utfall_kr": "(12,50)"}, set()),
    ("ekonomi", {"utfall_kr": "12,50 kr"}, {"format:utfall_kr"}),
    ("ekonomi", {"budget_kr": ""}, set()),
    ("ekonomi", {"budget_kr": "se bilaga"}, {"format:budget_kr"}),
    *(
        ("bhk", {"k_arm": text}, set())
        for text in ("JA", "j", "1", "nej", "N", "2", "e", "3", "Ej  aktuellt", "ej_aktuellt", "EJ-AKTUELLT ")
    ),
    *(("bhk", {"k_arm": text}, {"varde:k_arm"}) for text in ("0", "4", "ej", "vet ej", "Ja/Nej", "1,0", "x")),
    ("bhk", {"k_arm": "#N/A"}, {"format:k_arm"}),
    ("bhk", {"yrkeskategori": ""}, set()),
    ("ronder", {"rondtyp": "MILJÖ"}, set()),
    ("ronder", {"rondtyp": "patientsakerhet"}, set()),
    ("ronder", {"rondtyp": "Patientsäkerhetsrond"}, {"varde:rondtyp"}),
    *(("ronder", {"form": text}, set()) for text in ("", "-", "null", "UPPFÖLJD", "Genomförd", "genomford")),
    ("ronder", {"form": "planerad"}, {"varde:form"}),
    ("ronder", {"form": "#SAKNAS!"}, {"format:form"}),
    *(("klimatinkop", {"antal": text}, set()) for text in ("0", "-0", "0,5", "1 000", "12.25")),
    *(("klimatinkop", {"antal": text}, {"varde:antal"}) for text in ("-1", "(2)", "\u22120,01")),
    *(("klimatinkop", {"belopp_kr": text}, set()) for text in ("-1", "(2,50)", "0", "\u22121 000,25")),
    ("klimatinkop", {"manad": "202205"}, set()),
    ("klimatinkop", {"manad": "2022-05-17"}, set()),
    ("klimatinkop", {"manad": "2022-12"}, set()),
    ("klimatinkop", {"artikelgrupp": '="Handskar"'}, {"format:artikelgrupp"}),
    *(("etjanster", {"antal": text}, set()) for text in ("0", "3,0", "1 000")),
    ("etjanster", {"antal": "-1"}, {"varde:antal"}),
    ("etjanster", {"antal": "3,5"}, {"format:antal"}),
    *(("etjanster", {"tjanst": text}, {"format:tjanst"}) for text in ('="Bokning"', "'bokning", "#N/A", "#värde!")),
    ("vantetider", {"flode": "NP"}, set()),
    # A unit of another area: known or not, it is accepted.
    ("avvikelser", {"rapporterande_enhet": "SE2321000164-ANNAN", "utredande_enhet": "se5560000000-x"}, set()),
    ("avvikelser", {"rapporterande_enhet": "", "utredande_enhet": "-"}, set()),
    *(
        ("avvikelser", dict.fromkeys(empty, ""), set())
        for empty in [("handelsedatum",), ("paborjad_datum", "avslutad_datum"), ("allvarlighetsgrad", "typ")]
    ),
    # Several reasons at once.
    (
        "vantetider",
        {"status": "", "fas": "9", "kon": "X", "start_datum": "2022-13-01", "hsaid_enhet": "-"},
        {"saknas:status", "varde:fas", "format:kon", "format:start_datum", "saknas:hsaid_enhet"},
    ),
    (
        "gas",
        {"mal_nr": "NULL", "personnummer": "1", "baslinje": "", "utfall": "3", "utfallsdatum": TOMORROW},
        {"saknas:mal_nr", "format:personnummer", "saknas:baslinje", "varde:utfall", "framtid:utfallsdatum"},
    ),
    (
        "avvikelser",
        {"registreringsdatum": TOMORROW},
        {
            "framtid:registreringsdatum",
            "ordning:registreringsdatum>paborjad_datum",
            "ordning:registreringsdatum>avslutad_datum",
        },
    ),
]
for _source, _contract in CONTRACTS.items():
    _ruled = {c for rule in _contract.rules for c in (*rule.columns, *([rule.when.column] if rule.when else []))}
    for _column in _contract.columns:
        if _source in DERIVED and _column.name in _ruled:
            continue  # what else its rules then say is for its own tests
        if _column.required:
            _extra = {"varde:utfallsdatum"} if _column.name == "utfall" else set()
            MUTATIONS += [
                (_source, {_column.name: m}, {f"saknas:{_column.name}"} | _extra) for m in ("", "null", "\u00a0-")
            ]
        if _column.type in BAD:
            MUTATIONS.append((_source, {_column.name: BAD[_column.type]}, {f"format:{_column.name}"}))
        _plan = _column.plan if _source in DERIVED else _column.name in PLANS
        # A registreringsdatum of avvikelser breaks more than one rule: above.
        if _column.type == "date" and not _plan and (_source, _column.name) != ("avvikelser", "registreringsdatum"):
            _order = {
                "beslut_datum": {"ordning:beslut_datum>start_datum"},
                "start_datum": {"varde:matperiod"},
                "baslinjedatum": {"ordning:baslinjedatum>utfallsdatum"},
                "handelsedatum": {"ordning:handelsedatum>registreringsdatum"},
                "utredning_begard_datum": {"ordning:utredning_begard_datum>utredning_besvarad_datum"},
            }.get(_column.name, set())
            MUTATIONS.append((_source, {_column.name: TOMORROW}, {f"framtid:{_column.name}"} | _order))
        if _column.name == "makulerad":
            MUTATIONS += [(_source, {"makulerad": text}, set()) for text in ("Ja", "nej", "1")]


def test_every_contract_has_a_base_row_with_all_columns() -> None:
    assert {s: list(row) for s, row in BASE.items()} == {s: [c.name for c in x.columns] for s, x in CONTRACTS.items()}


@pytest.mark.parametrize("source", BASE)
def test_base_row_is_accepted(source: str) -> None:
    result = parsed(source, BASE[source])
    assert (result.rows_read, result.accepted.height, result.quarantined.height, result.rows_duplicate) == (1, 1, 0, 0)
    assert dict(result.accepted.schema) == stored_schema(CONTRACTS[source])
    assert dict(result.quarantined.schema) == quarantine_schema(CONTRACTS[source])
    assert result.accepted["line"].to_list() == [2]
    assert "personnummer" not in result.accepted.columns


def own_key(source: str, n: int) -> dict[str, str]:
    """What makes the n-th row's key its own: another id, or else another month or person."""
    key = CONTRACTS[source].key
    column = next((c for c in key if c.type in ("text", "hsaid")), None)
    if column is None and (month := next((c for c in key if c.type == "month"), None)):
        return {month.name: f"{1950 + n // 12}-{1 + n % 12:02}"}
    if column is None:
        return {"personnummer": number(date(1980, 5, 17) + timedelta(n))}
    return {column.name: f"{BASE[source][column.name]}{n}"}


@cache
def mutated(source: str) -> ParsedDelivery:
    """All mutations of a source's row in one delivery, in their order, each row with a key of its own."""
    changed = [changes for s, changes, _ in MUTATIONS if s == source]
    return parsed(source, *(base(source, **(own_key(source, n) | changes)) for n, changes in enumerate(changed)))


def place_of(nth: int) -> tuple[str, int]:
    """Source and line of the n-th mutation."""
    source = MUTATIONS[nth][0]
    return source, 2 + sum(s == source for s, _, _ in MUTATIONS[:nth])


@pytest.mark.parametrize("nth", range(len(MUTATIONS)), ids=[f"{s}-{c}" for s, c, _ in MUTATIONS])
def test_one_change_gives_exactly_these_reasons(nth: int) -> None:
    expected, (source, line) = MUTATIONS[nth][2], place_of(nth)
    result = mutated(source)
    accepted, quarantined = (t.filter(pl.col("line") == line) for t in (result.accepted, result.quarantined))
    found = set(quarantined["reasons"][0]) if quarantined.height else set()
    assert found == expected
    assert accepted.height + quarantined.height == 1
    if expected:
        assert quarantined["reasons"][0].to_list() == sorted(expected)
        named = {v.partition("=")[0] for v in quarantined["values"][0]}
        assert named >= {r.split(":")[1].split(">")[0] for r in expected}


@pytest.mark.parametrize("source", BASE)
def test_an_empty_row_lacks_every_mandatory_cell(source: str) -> None:
    contract = CONTRACTS[source]
    row = {**dict.fromkeys(BASE[source], ""), "makulerad": "Nej"}
    # After the last full row it would be a footer.
    assert reasons(source, row, BASE[source]) == {2: {f"saknas:{c.name}" for c in contract.columns if c.required}}


def test_optional_columns_may_be_absent() -> None:
    for source, contract in CONTRACTS.items():
        ruled = {column for rule in contract.rules if rule.kind == "required" for column in rule.columns}
        asked = {rule.when.column for rule in contract.rules if rule.kind == "required" and rule.when}
        needed = {c.name for c in contract.columns if c.required} | ruled | asked
        result = parsed(source, BASE[source], columns=[n for n in BASE[source] if n in needed])
        assert result.accepted.height == 1, source
        assert result.accepted["makulerad"].to_list() == [False]


def test_too_many_cells_in_a_row() -> None:
    contract = CONTRACTS["kva"]
    lines = (
        csv_bytes([BASE["kva"], base("kva", vardkontakt_id="K2"), base("kva", vardkontakt_id="K3")])
        .decode()
        .splitlines()
    )
    lines[2] += ";för mycket"
    lines[3] += ";; ;"
    content = "\n".join(lines).encode()
    result = parse_delivery(read_delivery(content, "csv", contract), contract, EXTRACTION, "test", KEY)
    assert result.quarantined.select("line", "reasons", "key").rows() == [
        (3, ["format:rad"], "K2|DV111"),
        (4, ["format:rad"], "K3|DV111"),
    ]
    assert result.accepted["vardkontakt_id"].to_list() == ["K1"]


def test_stored_values() -> None:
    row = parsed(
        "vantetider", base("vantetider", status="Genomförd", kon="Kvinna", hsaid_enhet="se2321000164-abc")
    ).accepted
    assert row.select("status", "kon", "hsaid_enhet", "matperiod", "event_date", "vardgaranti").row(0) == (
        "GENOMFORD",
        "K",
        "SE2321000164-ABC",
        date(2022, 5, 31),
        date(2022, 5, 30),
        True,
    )
    waiting = parsed("vantetider", WAITING).accepted
    assert waiting["event_date"].to_list() == [date(2022, 5, 31)]
    person = parsed("kva", BASE["kva"]).accepted
    assert person.select("kon", "fodelsear", "event_date").row(0) == ("M", 1980, date(2022, 5, 30))
    assert len(person["person_id"][0]) == 32


def test_answers_are_stored_in_one_spelling() -> None:
    row = parsed("bhk", BASE["bhk"]).accepted
    items = [c.name for c in CONTRACTS["bhk"].columns if c.values]
    assert row.select(items).row(0) == ("ja", "ja", "ej_aktuellt", "ej_aktuellt", "ja", "nej", "nej", "ej_aktuellt")


def test_an_empty_cell_has_the_contracts_default() -> None:
    """Also where the column is not delivered; a cell that cannot be read has none."""
    assert parsed("ronder", BASE["ronder"]).accepted["form"].to_list() == ["genomford"]
    without = parsed("ronder", BASE["ronder"], columns=[n for n in BASE["ronder"] if n != "form"])
    assert without.accepted["form"].to_list() == ["genomford"]
    assert parsed("ronder", base("ronder", form="#N/A")).quarantined["form"].to_list() == [None]
    assert counts("ronder", BASE["ronder"], base("ronder", form="Genomförd")) == (1, 0, 1)
    assert counts("ronder", BASE["ronder"], base("ronder", form="uppföljd")) == (0, 2, 0)


def test_a_text_in_any_case_is_one_key() -> None:
    """Compared and stored in lower case, whatever form its letters have: distinct values are distinct services."""
    names = ["Förnya recept", " FÖRNYA RECEPT\u00a0", "fo\u0308rnya recept"]
    same = [base("etjanster", tjanst=name) for name in names]
    assert counts("etjanster", *same) == (1, 0, 2)
    assert parsed("etjanster", *same).accepted["tjanst"].to_list() == ["förnya recept"]
    other = parsed("etjanster", *(base("etjanster", tjanst=name, antal=str(n)) for n, name in enumerate(names)))
    assert other.quarantined["reasons"].to_list() == [["dubblett:konflikt"]] * 3
    assert set(other.quarantined["key"]) == {f"{UNIT}|2022-05|förnya recept"}
    # Blanks within, and other letters, make another service.
    assert (
        counts("etjanster", same[0], *(base("etjanster", tjanst=t) for t in ("fornya recept", "förnya  recept")))[0]
        == 3
    )


# --- Duplicates and conflicts ----------------------------------------------------------------------------------------


def counts(source: str, *rows: dict[str, str]) -> tuple[int, int, int]:
    result = parsed(source, *rows)
    assert result.rows_read == len(rows)
    return result.accepted.height, result.quarantined.height, result.rows_duplicate


def test_identical_rows_are_counted_once() -> None:
    assert counts("kva", BASE["kva"], BASE["kva"], BASE["kva"]) == (1, 0, 2)


def test_identical_is_judged_after_parsing() -> None:
    texts = spellings(PERSON)[:4]
    rows = [
        base("kva", personnummer=t, atgardsdatum=d) for t, d in zip(texts, ("2022-05-30", "20220530") * 2, strict=True)
    ]
    rows += [base("kva", kva_kod="dv111", hsaid_enhet=BASE["kva"]["hsaid_enhet"].lower(), makulerad="Nej")]
    assert counts("kva", *rows) == (1, 0, 4)


def test_same_key_other_content_is_a_conflict() -> None:
    rows = [BASE["kva"], base("kva", atgardsdatum="2022-05-29"), base("kva", vardkontakt_id="K2")]
    assert reasons("kva", *rows) == {2: {"dubblett:konflikt"}, 3: {"dubblett:konflikt"}}
    assert counts("kva", *rows) == (1, 2, 0)
    # A withdrawal beside the row it withdraws is other content too.
    assert reasons("kva", BASE["kva"], base("kva", makulerad="Ja")) == {n: {"dubblett:konflikt"} for n in (2, 3)}


def test_a_conflict_names_the_columns_that_differ_and_no_others() -> None:
    other = base("kva", atgardsdatum="2022-05-29", yrkeskategori="", personnummer=spellings(OTHER_PERSON)[0])
    rows = parsed(
        "kva", BASE["kva"], other, base("kva", vardkontakt_id="K2"), base("kva", vardkontakt_id="K2")
    ).quarantined
    assert [v.to_list() for v in rows["values"]] == [
        ["personnummer=***", "atgardsdatum=2022-05-30", f"yrkeskategori={BASE['kva']['yrkeskategori']}"],
        ["personnummer=***", "atgardsdatum=2022-05-29", "yrkeskategori="],
    ]
    # A column in which two of three rows agree differs too; what only is spelled otherwise does not.
    three = parsed(
        "kva", BASE["kva"], base("kva", atgardsdatum="20220530", makulerad="Ja"), base("kva", makulerad="Nej")
    )
    assert {v.partition("=")[0] for values in three.quarantined["values"] for v in values} == {"makulerad"}


def test_duplicates_of_rows_in_conflict_are_counted_as_duplicates() -> None:
    rows = [BASE["kva"], BASE["kva"], base("kva", yrkeskategori="Läkare"), base("kva", yrkeskategori="Läkare")]
    assert counts("kva", *rows) == (0, 2, 2)
    assert set(reasons("kva", *rows)) == {2, 4}


def test_rows_that_break_other_rules_take_part() -> None:
    broken = base("kva", atgardsdatum=TOMORROW)
    assert counts("kva", broken, broken) == (0, 1, 1)
    assert reasons("kva", broken, BASE["kva"]) == {
        2: {"dubblett:konflikt", "framtid:atgardsdatum"},
        3: {"dubblett:konflikt"},
    }
    # Unreadable cells outside the key differ by what is written there.
    assert counts("kva", base("kva", atgardsdatum="x"), base("kva", atgardsdatum="x")) == (0, 1, 1)
    assert reasons("kva", base("kva", atgardsdatum="x"), base("kva", atgardsdatum="y")) == {
        n: {"dubblett:konflikt", "format:atgardsdatum"} for n in (2, 3)
    }


@pytest.mark.parametrize("change", [{"kva_kod": "DV11"}, {"vardkontakt_id": ""}])
def test_rows_without_a_readable_key_take_no_part(change: dict[str, str]) -> None:
    row = base("kva", **change)
    assert counts("kva", row, row, {**row, "yrkeskategori": "Läkare"}) == (0, 3, 0)
    assert all("dubblett:konflikt" not in codes for codes in reasons("kva", row, row).values())
    assert parsed("kva", row).quarantined["key"].to_list() == [None]


def test_a_value_outside_the_list_is_a_readable_key() -> None:
    outside = base("register_population", register="annat")
    assert counts("register_population", outside, outside) == (0, 1, 1)
    assert reasons("register_population", outside, {**outside, "hsaid_enhet": OTHER_UNIT}) == {
        n: {"dubblett:konflikt", "varde:register"} for n in (2, 3)
    }
    assert parsed("register_population", outside).quarantined["key"].item() is not None


def test_an_optional_key_cell_may_be_empty() -> None:
    """formular is K and O: an empty one is a key of its own, also in a conflict."""
    rows = [base("register_registreringar", formular=f) for f in ("", "", "a")]
    assert counts("register_registreringar", *rows) == (2, 0, 1)
    conflict = base("register_registreringar", formular="", hsaid_enhet=OTHER_UNIT)
    assert counts("register_registreringar", rows[0], conflict) == (0, 2, 0)


def test_matperiod_is_key_for_waiting_rows_only() -> None:
    assert counts("vantetider", WAITING, {**WAITING, "matperiod": "2022-06"}) == (2, 0, 0)
    done = BASE["vantetider"]
    assert counts("vantetider", done, {**done, "matperiod": "2022-06", "start_datum": "2022-06-01"}) == (0, 2, 0)
    assert counts("vantetider", done, WAITING) == (2, 0, 0)


def test_periods_that_only_touch_end_the_day_before() -> None:
    """Many systems write an exclusive end; the ledger names the units."""
    old = base("enheter", giltig_fran="2015-01-01", giltig_till="2020-06-01", verksamhet="BUH")
    new = base("enheter", giltig_fran="2020-06-01", giltig_till="2022-09-01", verksamhet="VUH")
    last = base("enheter", giltig_fran="2022-09-01", verksamhet="AUD")
    other = base("enheter", hsaid_enhet=OTHER_UNIT, giltig_fran="2020-06-01", giltig_till="2022-09-01")
    found = parsed("enheter", last, old, other, new)
    assert found.quarantined.height == 0
    ends = dict(found.accepted.select("line", "giltig_till").iter_rows())
    assert ends == {2: None, 3: date(2020, 5, 31), 4: date(2022, 9, 1), 5: date(2022, 8, 31)}
    (remark,) = found.remarks
    assert UNIT in remark and OTHER_UNIT not in remark and "dagen före" in remark
    # A day more is an overlap, and neither is read in another way.
    assert reasons("enheter", {**old, "giltig_till": "2020-06-02"}, new) == {
        2: {"overlapp:giltighet"},
        3: {"overlapp:giltighet"},
    }
    # A row that withdraws is no period.
    assert parsed("enheter", old, {**new, "makulerad": "Ja"}).remarks == ()


def test_overlapping_periods_of_one_unit() -> None:
    first = base("enheter", giltig_till="2020-12-31")
    second = base("enheter", giltig_fran="2021-01-01", verksamhet="VUH")
    assert reasons("enheter", first, second) == {}
    early = {**second, "giltig_fran": "2020-12-30"}
    both = {n: {"overlapp:giltighet"} for n in (2, 3)}
    assert reasons("enheter", first, early) == both
    assert reasons("enheter", early, first, base("enheter", hsaid_enhet=OTHER_UNIT)) == both
    third = base("enheter", giltig_fran="2019-01-01", giltig_till="2019-01-01")
    far = base("enheter", giltig_fran="2025-01-01", giltig_till="2026-01-01")
    assert reasons("enheter", third, first, {**second, "giltig_till": "2024-12-31"}, far) == both
    # Identical rows are one period; a withdrawn one is none.
    assert reasons("enheter", first, first) == {}
    assert reasons("enheter", first, {**early, "makulerad": "Ja"}) == {}


# --- What the quarantine shows ---------------------------------------------------------------------------------------


def test_offending_values_are_shown_masked() -> None:
    row = base("kva", personnummer=BAD["personnummer"], hsaid_enhet=PERSON, kva_kod="DV11", atgardsdatum="2022-09-09")
    shown = parsed("kva", row).quarantined["values"][0].to_list()
    assert shown == ["kva_kod=DV11", "personnummer=***", "hsaid_enhet=***", "atgardsdatum=2022-09-09"]
    missing = parsed("kva", base("kva", personnummer="")).quarantined["values"][0].to_list()
    assert missing == ["personnummer="]


@pytest.mark.parametrize(
    ("column", "delivered", "shown"),
    [
        ("atgardsdatum", "2022-13-01199403259907", "2022-***"),
        ("atgardsdatum", "2022-13-0119940325-9907", "2022-***"),
        ("hsaid_enhet", "19940325 (9907)", "***)"),
        ("hsaid_enhet", "född 25 mars 1994, sista 99 07", "född ***, sista ***"),
        ("kva_kod", "AB|C=1", "AB¦C=1"),
    ],
)
def test_no_spelling_of_a_number_is_shown_of_an_offending_value(column: str, delivered: str, shown: str) -> None:
    """A lost separator puts a number behind a date; a bar in a value is not the one between values."""
    values = parsed("kva", base("kva", **{column: delivered})).quarantined["values"].to_list()
    assert values == [[f"{column}={shown}"]]


def test_no_spelling_of_a_number_is_stored_in_a_text() -> None:
    parts = {
        "19940325 (9907)": "***)",
        "1994\u200b0325\u20609907": "***",
        "rum 12, 2022-03-25 14:30": "rum 12, 2022-03-25 14:30",
    }
    for delivered, stored in parts.items():
        found = parsed("kva", base("kva", yrkeskategori=delivered))
        assert found.accepted["yrkeskategori"].to_list() == [stored]


def test_a_bar_within_a_key_is_not_the_one_between_its_parts() -> None:
    row = base("kva", vardkontakt_id="V|1", atgardsdatum="2022-09-09")
    assert parsed("kva", row).quarantined["key"].to_list() == [f"V¦1|{row['kva_kod']}"]


def test_key_is_shown_without_the_person() -> None:
    row = base("register_population", utgangsdatum="2019-01-01")
    assert parsed("register_population", row).quarantined["key"].to_list() == ["cpup|***|2020-05-01"]
    assert parsed("vantetider", {**WAITING, "kon": "X"}).quarantined["key"].to_list() == ["V1|VANTANDE|2022-05"]
    assert parsed("vantetider", base("vantetider", kon="X")).quarantined["key"].to_list() == ["V1|GENOMFORD"]


MISPLACED = [*spellings(PERSON)[:4], f"pnr {PERSON}", OTHER_PERSON, f"{OTHER_PERSON},0", "198 005 179 810"]
MISPLACED += [f"SE{PERSON}"]


@pytest.mark.parametrize(
    ("source", "column"), [(s, c.name) for s in BASE for c in CONTRACTS[s].columns if c.type != "personnummer"]
)
def test_a_number_in_the_wrong_column_is_stored_nowhere(source: str, column: str) -> None:
    rows = [base(source, **(own_key(source, n) | {column: text})) for n, text in enumerate(MISPLACED)]
    # In the key's own column the same number twice is one key: those rows are read one by one.
    for together in [[row] for row in rows] if column in own_key(source, 0) else [rows]:
        result = parsed(source, *together)
        content = repr(result.accepted.rows()) + repr(result.quarantined.rows())
        assert result.accepted.height + result.quarantined.height == len(together)
        for twelve in (PERSON, OTHER_PERSON):
            assert not any(s in content for s in spellings(twelve))


def test_keys_that_are_personal_numbers_stay_apart() -> None:
    rows = [base("avvikelser", avvikelse_id=t) for t in (PERSON, OTHER_PERSON, PERSON)]
    assert counts("avvikelser", *rows) == (2, 0, 1)


# --- Every row ends in exactly one place -----------------------------------------------------------------------------

GARBAGE = st.one_of(
    st.text(st.characters(exclude_characters='";\r\n\x00ÃÂâ', exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["", "1", "2022-05-30", "x", PERSON, "NULL", "-", "9999-12-31", "Ja", "VANTANDE", "cpup", "A"]),
)


@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from(sorted(BASE)))
def test_rows_read_are_accepted_quarantined_or_duplicate(data: st.DataObject, source: str) -> None:
    changed = st.dictionaries(st.sampled_from(sorted(BASE[source])), GARBAGE, max_size=4)
    drawn = data.draw(st.lists(changed, min_size=1, max_size=8))
    rows = [*(base(source, **c) for c in drawn), base(source)]  # what follows a full row could be a footer
    result = parsed(source, *rows)
    assert result.rows_read == result.accepted.height + result.quarantined.height + result.rows_duplicate
    lines = Counter(result.accepted["line"].to_list() + result.quarantined["line"].to_list())
    assert set(lines.values()) <= {1} and set(lines) <= set(range(2, len(rows) + 2))
    for codes in result.quarantined["reasons"]:
        assert codes.len() and codes.n_unique() == codes.len()
    key = [c.stored for c in CONTRACTS[source].key]
    if source != "vantetider" and result.accepted.height:
        assert not result.accepted.select(pl.struct(key).is_duplicated().any()).item(), "accepted keys are unique"


def test_a_ditto_mark_is_no_key_and_may_be_a_text() -> None:
    """Seven rows "as above" are no seven rows of one contact."""
    for mark in ("\u2033", ",,", "dito"):
        row = base("avvikelser", avvikelse_id=mark)
        assert reasons("avvikelser", row) == {2: {"format:avvikelse_id"}}
        assert reasons("avvikelser", base("avvikelser", typ=mark)) == {}
