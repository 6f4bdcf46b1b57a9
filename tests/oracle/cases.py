"""Part 2 and the plan by hand: one small set of deliveries, and what is right, each number derived beside it.

``write_cases(raw)`` writes the deliveries; ``CELLS`` and ``PLAN`` are the answers at the as-of date ``AS_OF``.
Every source has a matter of its own, so that one run answers all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from .compare import same
from .oracle import DRESS, HYGIENE, luhn_ok

AS_OF = date(2022, 10, 5)  # September is the newest complete month
HSA = "SE2321000164-"


def person(number: int) -> str:
    """A boy's or man's test personnummer."""
    nine = f"9001{number:02d}{981 + 2 * (number % 10)}"
    return "19" + nine + next(d for d in "0123456789" if luhn_ok(nine + d))


def _units() -> list[str]:
    # B becomes VUH in the middle of September; O closes in the middle of June.
    return [
        "hsaid_enhet;enhetsnamn;verksamhet;lansdel;giltig_fran;giltig_till",
        f"{HSA}A;Audiologen;AUD;Örebro;2015-01-01;",
        f"{HSA}B;Ungdomsteamet;BUH;Norr;2015-01-01;2022-09-14",
        f"{HSA}B;Ungdomsteamet;VUH;Norr;2022-09-15;",
        f"{HSA}S;Syn;SC;Söder;2015-01-01;",
        f"{HSA}O;Ortopedtekniken;OT;Väster;2015-01-01;2022-06-20",
        f"{HSA}T;Tolkarna;TC;Länet;2015-01-01;",
    ]


def _rounds() -> list[str]:
    return [
        "rond_id;hsaid_enhet;rondtyp;form;ronddatum",
        f"R1;{HSA}A;miljo;;2019-10-02",  # the data start is 2019-10
        f"R2;{HSA}B;Miljö;Uppföljd;2020-09-30",  # a followed-up round counts
        f"R3;{HSA}S;miljo;genomford;2021-02-10",
        f"R4;{HSA}A;Patientsäkerhet;;2022-03-01",  # empty form: genomford
        f"R5;{HSA}A;patientsakerhet;uppfoljd;2022-04-01",  # no round of its own
    ]


def _services() -> list[str]:
    return [
        "hsaid_enhet;manad;tjanst;antal",
        f"{HSA}A;2021-01;ombokning;1",
        f"{HSA}A;2022-01;ombokning;5",
        f"{HSA}A;2022-02; Ombokning ;3",
        f"{HSA}A;2022-02;bokning;0",  # none used: not in what is offered
        f"{HSA}S;2022-02;OMBOKNING;7",
        f"{HSA}S;2022-02;avbokning;2",
        f"{HSA}T;2022-02;bokning;9",  # TC: in utbud, out of scope of antal
    ]


def _purchases() -> list[list[str]]:
    head = "hsaid_enhet;manad;artikelgrupp;antal;belopp_kr"
    old = [
        head,
        f"{HSA}A;2020-01;handskar;10;1000",
        f"{HSA}A;2020-08;handskar;20;500,50",
        f"{HSA}A;2022-03;handskar;5;9999",
        f"{HSA}A;2022-03;muggar;7;77",
    ]
    new = [
        head,
        f"{HSA}A;2022-03;handskar;5;1 200,00",  # the list of A's March is replaced: muggar is gone, handskar corrected
        f"{HSA}A;2022-04;muggar;0;(300,25)",  # a return
        f"{HSA}B;2022-09;handskar;3;30",  # B's last valid day of September is VUH's
        f"{HSA}O;2022-06;handskar;4;40",  # closed on 20 June: still valid some day of it
        f"{HSA}O;2022-07;handskar;4;40",  # quarantined: enhet:ej_giltig
    ]
    return [old, new]


def _accounts() -> list[str]:
    return [
        "verksamhet;manad;konto;konto_grupp;utfall_kr;budget_kr",
        "AUD;2021-01;3010;anslag;800;",
        "AUD;2021-01;6990;kvalitetsbrist;-80;",
        "AUD;2022-01;3010;anslag;1000;1000",
        "AUD;2022-01;4010;Lön;-900;-950",
        "AUD;2022-01;6990;kvalitetsbrist;-50;",  # no budget: not in budgetavvikelse
        "SC;2022-01;3010;anslag;500;",
        "SC;2022-01;4010;lon;−600;-580",
    ]


def _activities() -> list[str]:
    return [
        "aktivitet_id;verksamhet;manad;status;antal;kommentar",
        "HH-2022-02;AUD;2022-03;Pågår;2;Två valda",
        "HH-2022-02;AUD;2022-05;Genomförd;;Alla klara",  # no antal: 2 stays the newest filled in
        "HH-2022-02;SC;2022-04;pagar;4;",
        "HH-2022-02;TC;2022-04;;;",  # nothing but its keys: not read
        "HH-2022-02;FAM;2022-04;pagar;3;",  # FAM is not in its scope: quarantined
        "HH-2022-14;TC;2022-08;Utgår;;Läggs ned",
        "HH-2022-24;OT;2022-09;genomford;;",  # after delår
        "HH-2022-06;AUD;2022-02;Ej påbörjad;;",
    ]


def _deviations() -> list[str]:
    rows = ["avvikelse_id;hsaid_enhet;registreringsdatum;paborjad_datum;avslutad_datum;rapporterande_enhet"]
    rows.append(f"OLD;{HSA}A;2021-12-01;2021-12-01;2021-12-01;")  # the data start
    for i in range(10):  # AUD: 8 of 10 begun within 7 days, 7 of 10 ended within 180; the first reported by S
        begun = "2022-02-08" if i < 8 else "2022-02-09"
        ended = "2022-07-31" if i < 7 else "2022-08-01"  # day 180 and day 181
        rows.append(f"A{i};{HSA}A;2022-02-01;{begun};{ended};{HSA + 'S' if i == 0 else ''}")
    for i in range(2):  # SC: both in time; the second reported by somebody outside
        rows.append(f"S{i};{HSA}S;2022-03-01;2022-03-02;2022-04-01;{'SE2321000131-UTE' if i else ''}")
    return rows


def _population() -> list[str]:
    rows = ["register;personnummer;hsaid_enhet;inklusionsdatum;utgangsdatum"]
    for year, first in ((2021, 1), (2022, 6)):
        rows += [f"horselrehab;{person(n)};{HSA}A;{year}-03-01;" for n in range(first, first + 5)]
    rows += [f"grav_horsel_vuxna;{person(n)};{HSA}A;2021-01-15;" for n in range(1, 4)]
    rows += [f"horsel_barn;{person(n)};{HSA}A;2021-01-15;" for n in range(11, 16)]
    return rows


def _registrations() -> list[str]:
    rows = ["register;personnummer;hsaid_enhet;registreringsdatum"]
    rows += [f"horselrehab;{person(n)};{HSA}A;2021-03-02" for n in (1, 2)]
    rows += [f"horselrehab;{person(n)};{HSA}A;2022-03-02" for n in (6, 7, 8)]
    # In the year up to 31 August 2021: 11, 12 and 13. In the one up to 31 August 2022: 11 and 12 (13 one day early).
    rows += [f"horsel_barn;{person(n)};{HSA}A;2021-01-20" for n in (11, 12)] + [
        f"horsel_barn;{person(13)};{HSA}A;2021-08-31"
    ]
    rows += [f"horsel_barn;{person(n)};{HSA}A;2022-02-01" for n in (11, 12)]
    return rows


def _measures() -> list[str]:
    rows = ["vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum"]
    rows.append(f"OLD;DV145;{person(1)};{HSA}A;2021-01-10")  # the data start; radiotherapy
    for unit, year, number in (("A", 2021, 5), ("A", 2022, 6), ("S", 2022, 3), ("B", 2022, 2)):
        rows += [f"K{unit}{year}{n};DV111;{person(n + 1)};{HSA}{unit};{year}-02-01" for n in range(number)]
    return rows


def _waits() -> list[str]:
    rows = [
        "vardkontakt_id;status;matperiod;fas;vardgaranti;beslut_datum;start_datum;medicinskt_maldatum;hsaid_enhet;kon;flode"
    ]

    def performed(name: str, fas: int, unit: str, begin: date, start: date, goal: date | None, flode: str) -> None:
        month = f"{start:%Y-%m}"
        rows.append(f"{name};GENOMFORD;{month};{fas};Ja;{begin};{start};{goal or ''};{HSA}{unit};M;{flode}")

    performed("OLD", 3, "A", date(2021, 1, 4), date(2021, 1, 5), None, "")  # the data start
    start21, start22 = date(2021, 2, 15), date(2022, 2, 15)
    for n in range(20):  # AUD: 20 of 20 in time the year before, 19 of 20 now
        performed(f"Å21{n}", 4, "A", date(2021, 1, 1), start21, start21, "")
        performed(f"Å22{n}", 4, "A", date(2022, 1, 1), start22, start22 - timedelta(days=int(n == 0)), "")
    for n in range(10):  # SC: nothing the year before, 10 of 10 now
        performed(f"ÅS{n}", 4, "S", date(2022, 1, 1), start22, start22, "")
    for n in range(12):  # BUH: six of the twelve treatments are NP, five of these within 90 days
        begin = start22 - timedelta(days=91 if n == 0 else 90)
        performed(f"NP{n}", 2, "B", begin, start22, None, "NP" if n < 6 else "")
    return rows


def _hygiene() -> list[str]:
    items = (*HYGIENE, *DRESS)
    rows = ["observation_id;hsaid_enhet;observationsdatum;" + ";".join(items)]

    def seen(name: str, unit: str, **wrong: str) -> None:
        day = "2021-12-01" if name == "OLD" else "2022-02-01"
        rows.append(f"{name};{HSA}{unit};{day};" + ";".join(wrong.get(item, "Ja") for item in items))

    seen("OLD", "A")  # the data start
    seen("H1", "A")
    seen("H2", "A", h_handskar="Ej aktuellt")  # counts as correct
    seen("H3", "A", h_fore="Nej")
    seen("H4", "A", k_arm="2")
    seen("H5", "T", k_arm="Nej")  # TC is out of scope
    return rows


def write_cases(raw: Path) -> None:
    """Write the deliveries."""
    old, new = _purchases()
    deliveries: dict[str, list[str]] = {
        "enheter": _units(),
        "ronder": _rounds(),
        "etjanster": _services(),
        "ekonomi": _accounts(),
        "aktiviteter": _activities(),
        "avvikelser": _deviations(),
        "register_population": _population(),
        "register_registreringar": _registrations(),
        "kva": _measures(),
        "vantetider": _waits(),
        "bhk": _hygiene(),
        "klimatinkop": new,
    }
    for source, lines in deliveries.items():
        (raw / source).mkdir(parents=True)
        (raw / source / f"{source}_{AS_OF}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (raw / "klimatinkop" / "klimatinkop_2022-04-05.csv").write_text("\n".join(old) + "\n", encoding="utf-8")


Answer = dict[str, Any]


def cell(indicator: str, code: str | None, typ: str, start: str, status: str, varde: Any = None, **more: Any) -> Answer:
    """One expected cell of all persons; what is not named is not compared."""
    return {
        "indicator_id": indicator,
        "niva": "verksamhet" if code else "omrade",
        "verksamhet": code,
        "enhet": None,
        "period_typ": typ,
        "period_start": date.fromisoformat(start),
        "kon": "T",
        "status": status,
        "varde": varde,
        **more,
    }


NO = {"jamforelse_varde": None, "malvarde": None}
CELLS: list[Answer] = [
    # miljorond, delår 2022: the window is 2020-09-01 to 2022-08-31. R2 (30 September 2020) and R3 are in it, R1 is not.
    # The year before, the window would begin 2019-09-01, before the data start: no comparison.
    cell("miljorond", "AUD", "delar", "2022-01-01", "ej_uppfyllt", 0, jamforelse_varde=None, malvarde=1),
    cell("miljorond", "BUH", "delar", "2022-01-01", "uppfyllt", 1, jamforelse_varde=None),
    cell("miljorond", "SC", "delar", "2022-01-01", "uppfyllt", 1),
    cell("miljorond", None, "delar", "2022-01-01", "inget_mal", 2, malvarde=None),
    # September 2022: from 2020-10-01 on, R2 is a day too old.
    cell("miljorond", "BUH", "manad", "2022-09-01", "ej_uppfyllt", 0),
    # Delår 2021: the window begins before the data start: not complete.
    cell("miljorond", "AUD", "delar", "2021-01-01", "preliminar", 1, komplett=False),
    # September 2021: the window is 2019-10-01 to 2021-09-30, whole: R1, R2, R3.
    cell("miljorond", None, "manad", "2021-09-01", "inget_mal", 3, komplett=True),
    # patientsakerhetsrond: R4 alone; judged on ar and r12 only, and ar 2022 is not over.
    cell("patientsakerhetsrond", "AUD", "delar", "2022-01-01", "inget_mal", 1, malvarde=None),
    cell("patientsakerhetsrond", "AUD", "ar", "2022-01-01", "preliminar", 1, malvarde=1),
    cell("patientsakerhetsrond", "AUD", "r12", "2021-10-01", "uppfyllt", 1, malvarde=1),
    cell("patientsakerhetsrond", "SC", "r12", "2021-10-01", "ej_uppfyllt", 0, malvarde=1),
    cell("patientsakerhetsrond", "FAM", "ar", "2022-01-01", "ej_tillamplig", None, malvarde=None),
    # etjanster_utbud: AUD offers ombokning in two months (1), SC ombokning and avbokning (2), TC bokning (1): together
    # three different ones. A year before: AUD 1, all 1.
    cell("etjanster_utbud", "AUD", "delar", "2022-01-01", "ej_uppfyllt", 1, jamforelse_varde=1, malvarde=1),
    cell("etjanster_utbud", "SC", "delar", "2022-01-01", "uppfyllt", 2, jamforelse_varde=0),
    cell("etjanster_utbud", None, "delar", "2022-01-01", "uppfyllt", 3, jamforelse_varde=1, forandring=2),
    # etjanster_antal: 5 + 3 + 0, and 7 + 2; TC is out of scope.
    cell("etjanster_antal", "AUD", "delar", "2022-01-01", "uppfyllt", 8, jamforelse_varde=1),
    cell("etjanster_antal", None, "delar", "2022-01-01", "uppfyllt", 17, jamforelse_varde=1),
    cell("etjanster_antal", "TC", "delar", "2022-01-01", "ej_tillamplig"),
    # klimatinkop, delår: 1200 - 300.25 = 899.75 against 1000 + 500.50 = 1500.50 in January-August 2020.
    cell("klimatinkop_belopp", "AUD", "delar", "2022-01-01", "uppfyllt", 899.75, jamforelse_varde=1500.5),
    cell("klimatinkop_antal", "AUD", "delar", "2022-01-01", "uppfyllt", 5, jamforelse_varde=30, forandring=-25),
    # Also 2021 is held against 2020; 2020 itself has no comparison.
    cell("klimatinkop_belopp", "AUD", "delar", "2021-01-01", "uppfyllt", 0, jamforelse_varde=1500.5),
    cell("klimatinkop_belopp", "AUD", "delar", "2020-01-01", "inget_mal", 1500.5, **NO),
    # r12 that ends in September would be held against October 2019 - September 2020: before the data start.
    cell("klimatinkop_belopp", "AUD", "r12", "2021-10-01", "inget_mal", 899.75, **NO),
    # B is VUH's on its last valid day of September; OT's June counts although the unit closes on the 20th; not July.
    cell("klimatinkop_belopp", "VUH", "manad", "2022-09-01", "ej_uppfyllt", 30, jamforelse_varde=0),
    cell("klimatinkop_belopp", "BUH", "manad", "2022-09-01", "ej_uppfyllt", 0, jamforelse_varde=0),
    cell("klimatinkop_belopp", "OT", "delar", "2022-01-01", "ej_uppfyllt", 40, jamforelse_varde=0),
    # ekonomi: AUD 1000 - 900 - 50 = 50, SC 500 - 600 = -100, the area -50. Budget: (1000-1000) + (-900+950) = 50, and
    # -600 + 580 = -20. kvalitetsbrist: 50 against 80.
    cell("ekonomi_resultat", "AUD", "delar", "2022-01-01", "inget_mal", 50, jamforelse_varde=720, malvarde=None),
    cell("ekonomi_resultat", None, "delar", "2022-01-01", "ej_uppfyllt", -50, malvarde=0),
    cell("ekonomi_budgetavvikelse", "AUD", "delar", "2022-01-01", "inget_mal", 50, jamforelse_varde=0),
    cell("ekonomi_budgetavvikelse", None, "delar", "2022-01-01", "inget_mal", 30),
    cell("kvalitetsbrist_kostnad", "AUD", "delar", "2022-01-01", "uppfyllt", 50, jamforelse_varde=80, malvarde=80),
    cell("kvalitetsbrist_kostnad", "SC", "delar", "2022-01-01", "ej_uppfyllt", 0, jamforelse_varde=0),
    # Improvements: AUD's newest filled-in number is 2, SC's 4; together 6. Before the first report: no data.
    cell(
        "forbattringsomraden_npe", "AUD", "delar", "2022-01-01", "ej_uppfyllt", 2, malvarde=3, taljare=2, namnare=None
    ),
    cell("forbattringsomraden_npe", "SC", "delar", "2022-01-01", "uppfyllt", 4, malvarde=3),
    cell("forbattringsomraden_npe", "BUH", "delar", "2022-01-01", "inga_data"),
    cell("forbattringsomraden_npe", None, "delar", "2022-01-01", "inget_mal", 6),
    cell("forbattringsomraden_npe", "FAM", "delar", "2022-01-01", "ej_tillamplig"),
    cell("forbattringsomraden_npe", "AUD", "manad", "2022-02-01", "inga_data"),
    cell("forbattringsomraden_medarbetare", None, "delar", "2022-01-01", "inga_data"),
    # TC answers for 02, 03, 04, 14, 17, I06, 18, 23, 25, 29, I07, I08, 30, 31 and 33: 15, of which 14 is given up.
    # OT has done one of 02, 03, 04, 06, I06, 18, 23, 24, 25, 29, I07, I08, 30, 31, 33 (15), but in September.
    cell("aktiviteter_genomforda", "TC", "delar", "2022-01-01", "inget_mal", 0, taljare=0, namnare=14),
    cell("aktiviteter_genomforda", "OT", "delar", "2022-01-01", "inget_mal", 0, taljare=0, namnare=15),
    cell("aktiviteter_genomforda", "OT", "manad", "2022-09-01", "inget_mal", 100 / 15, taljare=1, namnare=15),
    # bhk: H1 and H2 are right in all of four, H4 too in hygiene, H3 too in dress.
    cell("bhk_foljsamhet", "AUD", "delar", "2022-01-01", "ej_uppfyllt", 50, taljare=2, namnare=4, markering="FA"),
    cell("bhk_hygien", None, "delar", "2022-01-01", "inget_mal", 75, taljare=3, namnare=4, markering=None),
    cell("bhk_klader", "AUD", "delar", "2022-01-01", "inget_mal", 75),
    # NP: five of six; all treatments: eleven of twelve.
    cell("np_behandling_90", "BUH", "delar", "2022-01-01", "inget_mal", 500 / 6, namnare=6, **NO),
    cell("behandling_90", "BUH", "delar", "2022-01-01", "ej_uppfyllt", 1100 / 12, namnare=12),
    # avvikelser_antal by who reported: AUD 9 (A0 is S's), SC A0 and S0 (S1 came from outside, and counts nowhere).
    cell("avvikelser_antal", "AUD", "delar", "2022-01-01", "inget_mal", 9),
    cell("avvikelser_antal", "SC", "delar", "2022-01-01", "inget_mal", 2),
    cell("avvikelser_antal", None, "delar", "2022-01-01", "ej_uppfyllt", 11, malvarde=750 * 243 / 365),
    cell("avvikelser_7d", None, "delar", "2022-01-01", "uppfyllt", 1000 / 12, namnare=12),
    # Small numbers: SC 3 and BUH 2 hide each other; AUD 6 against 5.
    cell("levnadsvanor", "SC", "delar", "2022-01-01", "dold", markering="MSK", malvarde=None),
    cell("levnadsvanor", "BUH", "delar", "2022-01-01", "dold", markering="MSK"),
    cell("levnadsvanor", "AUD", "delar", "2022-01-01", "uppfyllt", 6, jamforelse_varde=5, malvarde=5),
]


def item(name: str, code: str | None, malstatus: str, tillfalle: str = "delar", **more: Any) -> Answer:
    """One expected row of the plan; what is not named is not compared."""
    return {
        "item_id": name,
        "niva": "verksamhet" if code else "omrade",
        "verksamhet": code,
        "tillfalle": tillfalle,
        "ar": 2022,
        "malstatus": malstatus,
        **more,
    }


NOBODY: dict[str, Any] = {"rapporterad_status": None, "rapporterade": None, "antal": None, "kommentar": None}
PLAN: list[Answer] = [
    # Several targets: AUD 95 is at least 90, but not more than 100. SC has no year before: the whole cannot be judged.
    item("HH-2022-08", "AUD", "delvis", varde=95, jamforelse_varde=100, malvarde=90, mal_operator=">=", **NOBODY),
    item("HH-2022-08", "SC", "inga_data", varde=100, malvarde=90),
    item("HH-2022-08", None, "delvis", varde=2900 / 30),
    # Both measures of purchases are under 2020's.
    item("HH-2022-27", "AUD", "uppfyllt", varde=899.75, malvarde=1500.5, mal_operator="<"),
    item("HH-2022-27", "AUD", "inga_data", "senaste", varde=899.75, malvarde=None, period_start=date(2021, 10, 1)),
    # 12: AUD 80 % in 7 days (met), 70 % in 180 (not), no investigations (cannot be judged).
    item("HH-2022-12a", "AUD", "uppfyllt", varde=80, malvarde=70),
    item("HH-2022-12b", "AUD", "ej_uppfyllt", varde=70, malvarde=80),
    item("HH-2022-12c", "AUD", "inga_data"),
    item("HH-2022-12", "AUD", "delvis", indicator_id=None, varde=None, malvarde=None, **NOBODY),
    # SC meets two, and the third cannot be judged: the whole neither. BUH has nothing at all.
    item("HH-2022-12", "SC", "inga_data"),
    item("HH-2022-12", "BUH", "inga_data"),
    item("HH-2022-12", None, "delvis"),
    # 21: rehabilitation 60 against 40 (met), the adults' three persons are hidden, the children's 40 against 60 (not).
    item("HH-2022-21a", "AUD", "uppfyllt", varde=60, jamforelse_varde=40, malvarde=40, mal_operator=">"),
    item("HH-2022-21b", "AUD", "dold", varde=None, malvarde=None),
    item("HH-2022-21c", "AUD", "ej_uppfyllt", varde=40, jamforelse_varde=60),
    item("HH-2022-21", "AUD", "delvis", indicator_id=None, rapporterad_status="ej_rapporterad"),
    # For BUH the children's register is the only part, and it has nobody there.
    item("HH-2022-21", "BUH", "inga_data"),
    item("HH-2022-21", None, "delvis", rapporterade=0, i_omfattning=2, rapporterad_status="ej_rapporterad"),
    # Hidden; not over; no target of its own.
    item("HH-2022-I01", "SC", "dold", varde=None, taljare=None),
    item("HH-2022-10", None, "preliminar", "ar", varde=11, malvarde=750),
    item("HH-2022-01", "AUD", "inget_mal", varde=6, malvarde=None, mal_operator=None),
    item("HH-2022-I01", "TC", "ej_tillamplig"),
    item("HH-2022-32", "AUD", "inget_mal", varde=50),
    item("HH-2022-32", None, "ej_uppfyllt", varde=-50, malvarde=0),
    item("HH-2022-I09", None, "inget_mal", varde=-50, malvarde=None),
    # Judged on ar and r12 only.
    item("HH-2022-13", "AUD", "inget_mal", malvarde=None),
    item("HH-2022-13", "AUD", "uppfyllt", "senaste", malvarde=1),
    # Self-reported and computed: the newest report has a comment and no number, the indicator keeps the older number.
    item(
        "HH-2022-02",
        "AUD",
        "ej_uppfyllt",
        varde=2,
        rapporterad_status="genomford",
        antal=None,
        kommentar="Alla klara",
    ),
    item("HH-2022-02", "BUH", "inga_data", rapporterad_status="ej_rapporterad", kommentar=None),
    # Of seven, AUD is done and SC is not; SC's is the only newest report with a number.
    item("HH-2022-02", None, "inget_mal", varde=6, rapporterad_status="pagar", rapporterade=2, i_omfattning=7, antal=4),
    item("HH-2022-14", None, "inget_mal", rapporterad_status="utgar", rapporterade=1, i_omfattning=1, kommentar=None),
    item("HH-2022-14", "TC", "inget_mal", rapporterad_status="utgar", kommentar="Läggs ned", indicator_id=None),
    item("HH-2022-24", "OT", "inget_mal", rapporterad_status="ej_rapporterad"),
    item("HH-2022-24", "OT", "inget_mal", "ar", rapporterad_status="genomford"),
    item("HH-2022-24", "OT", "inget_mal", "senaste", rapporterad_status="genomford", period_slut=date(2022, 9, 30)),
    # One of six has said that it has not begun, the others nothing.
    item("HH-2022-06", None, "inget_mal", rapporterad_status="ej_paborjad", rapporterade=1, i_omfattning=6),
]

CELL_KEY = ("indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon")
PLAN_KEY = ("item_id", "verksamhet", "tillfalle", "ar")


def differences(answers: list[Answer], rows: Iterable[Answer], key: tuple[str, ...]) -> list[str]:
    """What the rows say otherwise than the answers."""
    found = {tuple(row[name] for name in key): row for row in rows}
    wrong = []
    for answer in answers:
        place = tuple(answer[name] for name in key)
        row = found.get(place)
        if row is None:
            wrong.append(f"{place} is missing")
            continue
        for name, value in answer.items():
            if not same(row[name], value):
                wrong.append(f"{place}: {name} is {row[name]}, not {value}")
    return wrong
