"""What every published table and column holds, in Swedish, once: comments of the database and `datapackage.json`.

A column that means the same in several tables is described once (`SHARED`). Closed lists are the vocabulary's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dagster_project.catalogue import vocabulary as v
from dagster_project.releases.labels import LABEL_KINDS
from dagster_project.releases.tables import (
    BREAK_TABLE,
    INDICATOR_DIMENSION,
    INDICATOR_TABLE,
    ITEM_DIMENSION,
    LEDGER_TABLE,
    PERIOD_DIMENSION,
    PLAN_TABLE,
    QUALITY_TABLE,
    SIGNAL_TABLE,
    STATUS_DIMENSION,
    TIE_TABLE,
    UNIT_DIMENSION,
    VERKSAMHET_DIMENSION,
)
from dagster_project.releases.views import LATEST_VIEW, RESULTS_VIEW


@dataclass(frozen=True)
class Reference:
    """Columns that name a row of another table; they may be empty."""

    columns: Sequence[str]
    table: str
    named: Sequence[str]


@dataclass(frozen=True)
class Described:
    """A table or view: what one row is, and the columns that mean something of their own in it.

    lists: columns with a closed list. units: what a number is told in.
    """

    title: str
    text: str
    columns: Mapping[str, str] = field(default_factory=dict)
    references: Sequence[Reference] = ()
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


SHARED: Mapping[str, str] = {
    "indicator_id": "Indikatorns id; texterna om den står i dim_indikator.",
    "niva": "Nivå: omrade (hela området), verksamhet eller enhet. Välj en nivå i taget: raderna på en nivå ingår i "
    "nivån över.",
    "verksamhet": "Verksamhetens kod, se dim_verksamhet; tom för området.",
    "enhet": "Enhetens HSA-id; tom på andra nivåer än enhet. En enhet kan ha flera rader i dim_enhet: dess namn är i "
    "vyn resultat, eller i den rad med samma hsaid och verksamhet vars giltig_fran är den senaste före periodens slut.",
    "period_typ": "Slag av period: manad, tertial, delar (januari-augusti), ar eller r12 (tolv månader). Välj ett "
    "slag i taget: perioderna överlappar varandra.",
    "period_start": "Periodens första dag.",
    "period_slut": "Periodens sista dag.",
    "kon": "Kön: T alla, K kvinnor, M män. T är inte alltid summan av K och M, eftersom kön kan saknas. Välj ett i "
    "taget.",
    "taljare": "Täljare: för en andel de som uppfyller villkoret, för ett antal eller belopp summan, för ett medel "
    "summan av värdena; tom för en median och där uppgiften är dold.",
    "namnare": "Nämnare: antal observationer eller personer; tom för antal och belopp och där uppgiften är dold.",
    "varde": "Värdet i indikatorns måttenhet (dim_indikator.mattenhet); tomt där det inte finns eller är dolt. "
    "Andelar räknas om ur täljare och nämnare, aldrig som medel av andelar.",
    "jamforelse_varde": "Samma rads värde ett år tidigare, eller basårets; tomt där det inte finns eller är dolt.",
    "forandring": "varde minus jamforelse_varde.",
    "mal_operator": "Målets villkor: >=, >, <= eller <; tomt utan mål.",
    "malvarde": "Målets värde för raden; tomt där inget mål gäller för nivån, perioden eller året.",
    "komplett": "Sant när perioden har tagit slut i alla källor; annars är värdet preliminärt och bedöms inte.",
    "kvalitet": "godkand, varning (en kvalitetskontroll har anmärkt på en källa) eller fryst (källan hålls tillbaka, "
    "raden är från en tidigare utgåva).",
    "release_id": "Utgåvan som räknade raden.",
    "version": "Definitionens version.",
    "titel": "Namn i klartext.",
    "definition": "Vad indikatorn mäter.",
    "taljare_text": "Täljaren i ord.",
    "namnare_text": "Nämnaren i ord; tom för antal och belopp.",
    "art": "Slag av mått: andel, antal, median, medel, tackning (täckningsgrad) eller belopp.",
    "bestand": "Sant för ett läge vid periodens slut: längre perioder visar sin sista månad och kan inte summeras.",
    "patient": "Sant där indikatorn gäller patienter: små tal döljs.",
    "mal_id": "Målet i planen som punkten hör till.",
    "mal_titel": "Planens mål i klartext.",
    "perspektiv": "Planens perspektiv: invanare_samhalle, process eller resurs.",
    "planpunkt": "Punkten i planen som indikatorn följer upp, se dim_planpunkt.",
    "kallor": "Källorna som indikatorn läser, åtskilda av |.",
    "omfattning": "Verksamheterna som berörs, åtskilda av |; tom där punkten gäller området som helhet.",
    "mal_nivaer": "Nivåerna som målet gäller för, åtskilda av |.",
    "mal_jamforelse": "Vad ett mål utan värde jämför med: foregaende_ar eller basar.",
    "mal_varde": "Målets värde för ett helt år; tomt för ett mål som är en jämförelse.",
    "mal_text": "Målen i ord; tom utan mål.",
    "ansvarig": "Vem som ansvarar.",
    "rapportering": "Rapporterna som den ingår i, åtskilda av |.",
    "item_id": "Punkten i planen, se dim_planpunkt.",
    "plan_id": "Planen.",
    "ordning": "Ordning när de visas.",
    "hsaid": "HSA-id.",
    "namn": "Namn i klartext.",
    "etikett": "Periodens namn: aug 2022, jan-aug 2022, 2022, sep 2021-aug 2022.",
    "period_nyckel": "Nyckel: periodens slag och namn, till exempel delar:2022-D.",
    "ar": "Året som perioden slutar i.",
    "manad_nr": "Månaden som perioden slutar i, 1-12.",
    "mattenhet": "Vad värdet anges i: procent, dagar, poäng, kr eller antal.",
    "decimaler": "Hur många decimaler värdet brukar skrivas med.",
    "lansdel": "Länsdel.",
    "gren": "Gren av organisationen; tom där den inte hör till någon.",
    "enhet_nyckel": "Nyckel: HSA-id och giltighetens första dag.",
}
"""Columns that mean the same wherever they stand."""

_INDICATOR_REFERENCE = Reference(["indicator_id"], INDICATOR_DIMENSION, ["indicator_id"])
_VERKSAMHET_REFERENCE = Reference(["verksamhet"], VERKSAMHET_DIMENSION, ["verksamhet"])
_ITEM_REFERENCE = Reference(["item_id"], ITEM_DIMENSION, ["item_id"])
_PLACED = {"niva": v.LEVELS[:2]}
_CELL_LISTS = {
    **{"niva": v.LEVELS, "period_typ": v.PERIOD_TYPES, "kon": v.SEXES, "status": v.STATUSES, "markering": v.MARKS},
    **{"kvalitet": v.QUALITIES, "mal_operator": v.OPERATORS},
}
_CELL_UNITS = {"ki_lag": v.PERCENT, "ki_hog": v.PERCENT}
_OF_INDICATOR = "indikatorns måttenhet (dim_indikator.mattenhet)"
_CELL_UNITS |= dict.fromkeys(("varde", "jamforelse_varde", "forandring", "malvarde"), _OF_INDICATOR)
_CELL_COLUMNS = {
    "ki_lag": "Undre gräns för värdets 95-procentiga konfidensintervall (Wilson); bara för andelar.",
    "ki_hog": "Övre gräns för värdets 95-procentiga konfidensintervall (Wilson); bara för andelar.",
    "status": "Hur värdet står till målet: uppfyllt, ej_uppfyllt, inget_mal, inga_data, preliminar, ej_tillamplig "
    "eller dold; i ord i dim_status.",
    "markering": "MSK: dold av sekretesskäl. FA: bedömd på så få (färre än 20) att någon enstaka ändrar den; slå "
    "inte larm.",
}
_CELL_REFERENCES = (
    _INDICATOR_REFERENCE,
    _VERKSAMHET_REFERENCE,
    Reference(
        ["period_typ", "period_start", "period_slut"], PERIOD_DIMENSION, ["period_typ", "period_start", "period_slut"]
    ),
    Reference(["status"], STATUS_DIMENSION, ["kod"]),
    Reference(["kvalitet"], STATUS_DIMENSION, ["kod"]),
)
_INDICATOR_LISTS = {"art": v.KINDS, "mal_operator": v.OPERATORS, "mal_jamforelse": v.COMPARISON_BASES}

TABLES: Mapping[str, Described] = {
    v.RESULT_TABLE: Described(
        "Resultat",
        "En rad per cell: indikator, nivå, verksamhet, enhet, period och kön. Inga hål: också det som inte hände har "
        "en rad.",
        _CELL_COLUMNS,
        _CELL_REFERENCES,
        _CELL_LISTS,
        _CELL_UNITS,
    ),
    INDICATOR_TABLE: Described(
        "Indikatorkatalog",
        "En rad per indikator som utgåvan visar: definition, mål, ansvarig. dim_indikator är samma sak för "
        "instrumentpaneler.",
        {"riktning": "Vilket håll som är bättre enligt katalogen: upp, ned eller neutral."},
        lists={**_INDICATOR_LISTS, "riktning": v.DIRECTIONS},
    ),
    PLAN_TABLE: Described(
        "Planens uppföljning",
        "En rad per punkt i planen, plats (området och verksamheterna som berörs) och tillfälle: hur den står sig.",
        {
            "tillfalle": "När planen följs upp: delar (januari-augusti), ar, eller senaste (tolv månader till och "
            "med den senaste kompletta månaden).",
            "indicator_id": "Indikatorn vars tal punkten visar; tom där den bara rapporteras av verksamheterna.",
            "malvarde": "Värdet av punktens första mål som gäller raden.",
            "mal_operator": "Villkoret för punktens första mål som gäller raden.",
            "malstatus": "Hur punkten står till alla sina mål: uppfyllt, delvis, ej_uppfyllt, inget_mal, inga_data, "
            "preliminar, ej_tillamplig eller dold.",
            "rapporterad_status": "Vad verksamheten senast rapporterat: ej_paborjad, pagar, genomford, utgar, "
            "ej_rapporterad; tom där ingen ombeds rapportera.",
            "rapporterade": "Området: hur många verksamheter som rapporterat.",
            "i_omfattning": "Området: hur många verksamheter som punkten berör.",
            "antal": "Antalet som verksamheten rapporterat; för området summan.",
            "kommentar": "Verksamhetens senaste kommentar.",
            "kvalitet": "Indikatorns kvalitet: godkand, varning eller fryst.",
            "release_id": "Utgåvan som räknade indikatorn.",
            "rapport_kvalitet": "Rapporternas kvalitet: godkand, varning eller fryst.",
            "rapport_release_id": "Utgåvan som rapporterna är från.",
            "mening": "Raden i en mening.",
        },
        (_ITEM_REFERENCE, _INDICATOR_REFERENCE, _VERKSAMHET_REFERENCE),
        {
            **{"niva": v.LEVELS[:2], "tillfalle": v.OCCASIONS, "malstatus": v.PLAN_STATUSES, "kvalitet": v.QUALITIES},
            **{"rapporterad_status": (*v.REPORT_STATUSES, v.NOT_REPORTED), "rapport_kvalitet": v.QUALITIES},
            "mal_operator": v.OPERATORS,
        },
        dict.fromkeys(("varde", "jamforelse_varde", "forandring", "malvarde"), _OF_INDICATOR),
    ),
    SIGNAL_TABLE: Described(
        "Signaler",
        "En rad per indikator och plats: är det en förändring eller slump? Ett styrdiagram (XmR) över de senaste 24 "
        "kompletta månaderna, alla kön.",
        {
            "fran": "Första dagen i den första punktens månad; tom utan punkter.",
            "till": "Första dagen i den sista punktens månad; tom utan punkter.",
            "antal_punkter": "Hur många månader med ett visat värde som diagrammet har; färre än 12 säger inget.",
            "medel": "Punkternas medelvärde; tomt där de är för få.",
            "undre_grans": "Undre gräns för det som brukar variera av slump.",
            "ovre_grans": "Övre gräns för det som brukar variera av slump.",
            "signal": "utanfor (en punkt utanför gränserna), trend (sex stegringar eller sex fall i rad), tva_av_tre "
            "(två av tre punkter nära en gräns), skift (sju punkter i rad på samma sida om medel), ingen (bara "
            "slump) eller for_fa.",
            "signal_manad": "Första dagen i månaden som gav signalen; någon av de tre senaste punkterna.",
            "riktning": "battre eller samre, där målet säger vad som är bättre, annars okar eller minskar; tom utan "
            "signal.",
            "malformaga": "Om målet nås som det fungerar nu: nas_sakert (varje månad), nas_inte, osakert (ibland), "
            "eller inget_mal som går att bedöma så.",
        },
        (_INDICATOR_REFERENCE, _VERKSAMHET_REFERENCE, Reference(["signal"], STATUS_DIMENSION, ["kod"])),
        {**_PLACED, "signal": v.SIGNALS, "riktning": v.SIGNAL_DIRECTIONS, "malformaga": v.CAPABILITIES},
        dict.fromkeys(("medel", "undre_grans", "ovre_grans"), _OF_INDICATOR),
    ),
    UNIT_DIMENSION: Described(
        "Enheter",
        "En rad per enhet och tid som den var giltig: en enhet som bytte namn eller verksamhet har flera rader. "
        "Räkna enheter på hsaid.",
        {
            "hsaid": "Enhetens HSA-id.",
            "namn": "Enhetens namn under tiden.",
            "verksamhet": "Verksamheten som enheten hörde till under tiden.",
            "giltig_fran": "Första giltiga dag; tom där den inte är känd.",
            "giltig_till": "Sista giltiga dag; tom så länge enheten är giltig.",
        },
        (_VERKSAMHET_REFERENCE,),
    ),
    VERKSAMHET_DIMENSION: Described(
        "Verksamheter",
        "En rad per verksamhet, och en för området självt.",
        {
            "verksamhet": "Verksamhetens eller områdets kod.",
            "niva": "verksamhet eller omrade.",
            "ordning": "Ordning i rapporter.",
            "regionskod": "Regionens kod hos mottagare av exporter; tom där den inte är satt.",
            "hsaid": "Verksamhetens HSA-id hos mottagare av exporter; tomt där det inte är satt.",
            "kolada_ou": "Verksamhetens id i Kolada; tomt där det inte är satt.",
        },
        lists=_PLACED,
    ),
    PERIOD_DIMENSION: Described(
        "Perioder",
        "En rad per period som utgåvan visar.",
        {"komplett": "Sant när perioden har tagit slut för alla indikatorer som har rader för den."},
        lists={"period_typ": v.PERIOD_TYPES},
    ),
    INDICATOR_DIMENSION: Described(
        "Indikatorer",
        "En rad per indikator i katalogen, med det som en instrumentpanel behöver: måttenhet, riktning, mål i ord, "
        "plats i planen.",
        {
            "indicator_id": "Indikatorns id.",
            "riktning": "Vilket håll som är bättre: battre_upp, battre_ned eller neutral (varken eller).",
            "konsuppdelad": "Sant där det finns rader för kvinnor och män.",
            "nivaer": "Nivåerna som har rader, åtskilda av |.",
            "jamforelse": "Vad rader jämförs med: foregaende_ar eller basar; tom där de inte jämförs.",
            "basar": "Året som jämförelsen basar gäller.",
            "fonster_manader": "Så många månader bakåt ser varje rad, vilken period den än gäller; tom för de flesta.",
            "ordning": "Ordning i katalogen.",
        },
        (Reference(["planpunkt"], ITEM_DIMENSION, ["item_id"]),),
        {
            **_INDICATOR_LISTS,
            "mattenhet": v.MEASURE_UNITS,
            "riktning": tuple(v.BETTER_WAYS.values()),
            "perspektiv": v.PERSPECTIVES,
            "jamforelse": v.COMPARISON_BASES,
        },
    ),
    STATUS_DIMENSION: Described(
        "Ord och symboler",
        "En rad per kod i de fasta listorna: vad människor läser i stället.",
        {
            "kod": "Koden.",
            "typ": "Vilken lista den hör till: status (en cells eller en punkts), rapport (vad verksamheten "
            "rapporterat), signal eller kvalitet.",
            "ord": "Ordet som visas.",
            "symbol": "Ett tecken för koden, så att ingen behöver skilja färger åt.",
            "ordning": "Ordning inom listan.",
        },
        lists={"typ": LABEL_KINDS},
    ),
    ITEM_DIMENSION: Described(
        "Planens punkter",
        "En rad per punkt i planen som följs upp.",
        {
            "item_id": "Punktens id.",
            "plan_titel": "Planens namn.",
            "typ": "indikator, aktivitet, nyckeltal, uppdrag, delmal eller arbetssatt.",
            "titel": "Punkten som den står i planen.",
            "kort_titel": "Punkten i några ord.",
            "uppfoljning": "Hur den följs upp: beraknad (en indikator), sjalvrapporterad (verksamheterna), bada "
            "eller ingen.",
            "overordnad_item": "Punkten som den är en del av; tom för de flesta.",
            "nr": "Uppdragets nummer i planen; tomt för de flesta.",
            "ordning": "Ordning i planen.",
        },
        (Reference(["overordnad_item"], ITEM_DIMENSION, ["item_id"]),),
        {"typ": v.ITEM_TYPES, "uppfoljning": v.FOLLOW_UPS, "perspektiv": v.PERSPECTIVES},
    ),
    TIE_TABLE: Described(
        "Punkter och indikatorer",
        "En rad per indikator som en punkt följs med.",
        {"roll": "huvud (punktens tal är indikatorns) eller stod (visas bredvid, eller är en del)."},
        (_ITEM_REFERENCE, _INDICATOR_REFERENCE),
        {"roll": v.ROLES},
    ),
    BREAK_TABLE: Described(
        "Brott i serier",
        "En rad per dag då ett tal började betyda något annat: jämför inte över den. Tom så länge inget brott är känt.",
        {
            "indicator_id": "Indikatorn; tom där alla berörs.",
            "verksamhet": "Verksamheten; tom där alla och området berörs.",
            "datum": "Första dagen i den nya serien.",
            "orsak": "Orsaken.",
        },
        (_INDICATOR_REFERENCE, _VERKSAMHET_REFERENCE),
    ),
    QUALITY_TABLE: Described(
        "Kvalitetskontroller",
        "En rad per kontroll som gjordes innan utgåvan publicerades.",
        {
            "suite": "Grinden eller sviten som kontrollen hör till.",
            "source": "Källan, eller tabellen, som kontrollerades.",
            "expectation": "Kontrollens namn.",
            "severity": "Vad ett fel betyder: critical (stoppar), warning (varnar) eller info (upplyser).",
            "success": "Sant när kontrollen gick bra.",
            "checked": "Hur många rader som kontrollerades.",
            "unexpected": "Hur många av dem som avvek.",
            "share": "Andelen som avvek, 0-1.",
            "observed": "Vad kontrollen mätte.",
        },
        lists={"severity": v.SEVERITIES},
    ),
    LEDGER_TABLE: Described(
        "Leveranser",
        "En rad per levererad fil: vad som togs emot.",
        {
            "source": "Källan.",
            "file": "Filens namn.",
            "sha256": "Filens kontrollsumma.",
            "uttagsdatum": "Dagen som uppgifterna togs ut ur källsystemet.",
            "rows_read": "Lästa rader.",
            "rows_accepted": "Godtagna rader.",
            "rows_quarantined": "Rader i karantän: de räknas inte.",
            "rows_duplicate": "Rader som redan fanns.",
            "status": "accepterad, avvisad, samma_innehall eller aterkallad.",
            "orsak": "Varför en fil avvisades, eller vad som är värt att veta om den.",
        },
        lists={"status": [status for status in v.DELIVERY_STATUSES if status != v.LATER]},
    ),
    RESULTS_VIEW: Described(
        "Resultat med namn",
        "indicator_result med allt som behövs för att läsa raden: en rad per cell.",
        {
            **_CELL_COLUMNS,
            "titel": "Indikatorns namn.",
            "riktning": "Vilket håll som är bättre: battre_upp, battre_ned eller neutral.",
            "indikator_ordning": "Indikatorernas ordning i katalogen.",
            "period_etikett": "Periodens namn: aug 2022, jan-aug 2022, 2022, sep 2021-aug 2022.",
            "period_komplett": "Sant när perioden har tagit slut för alla indikatorer som har rader för den.",
            "verksamhet_namn": "Verksamhetens namn; områdets på nivån omrade.",
            "verksamhet_ordning": "Verksamheternas ordning i rapporter.",
            "enhet_nyckel": "Raden i dim_enhet som gällde när perioden slutade; tom på andra nivåer än enhet.",
            "enhet_namn": "Enhetens namn när perioden slutade; tomt på andra nivåer än enhet.",
            "plats": "Enhetens, verksamhetens eller områdets namn: det som raden handlar om.",
            "niva_ord": "Nivån i ord.",
            "kon_ord": "Kön i ord.",
            "status_ord": "Status i ord.",
            "status_symbol": "Status som tecken.",
            "status_ordning": "Ordning för status.",
            "kvalitet_ord": "Kvalitet i ord.",
        },
    ),
}


def described(name: str) -> Described:
    """What a published table or view is. The newest complete periods have the columns of all results."""
    if name != LATEST_VIEW:
        return TABLES[name]
    return Described(
        "Senaste resultat",
        "Raderna i resultat för varje indikators senaste kompletta period av varje slag, alla nivåer och kön. En "
        "verksamhet vars månad bara kommit till en del är med som preliminär.",
        TABLES[RESULTS_VIEW].columns,
    )


def column_text(name: str, column: str) -> str:
    """What a column of a published table or view holds. Raises KeyError for one that nobody has described."""
    own = described(name).columns
    return own[column] if column in own else SHARED[column]
