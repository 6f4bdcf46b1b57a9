"""A small DuckDB database that meets every suite under ``expectations/``, and for each expectation what breaks it.

The mutations are what shows that each expectation can fail at all; a suite file with an expectation that has none here
fails its test.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from dagster_project.gates.validate import matt_view_sql

AS_OF = "2022-09-05"
SOURCES = (
    "enheter",
    "vantetider",
    "kva",
    "gas",
    "register_population",
    "register_registreringar",
    "avvikelser",
)

AUD_UNIT, BUH_UNIT = "SE2321000164-0AUD", "SE2321000164-0BUH"

# Columns of the contracts, with three good rows each; `rader_` has them as they are, `stg_` adds verksamhet and more.
ROWS = {
    "enheter": f"""
        select * from (values
            ('{AUD_UNIT}', 'Audiologi', 'AUD', 'Örebro', date '2010-01-01', date '2022-08-31'),
            ('{AUD_UNIT}', 'Audiologi', 'AUD', 'Örebro', date '2022-09-01', null),
            ('{BUH_UNIT}', 'Barnhabilitering', 'BUH', 'Norr', date '2010-01-01', null)
        ) as t (hsaid_enhet, enhetsnamn, verksamhet, lansdel, giltig_fran, giltig_till)""",
    "vantetider": f"""
        select * from (values
            ('v1', 'GENOMFORD', date '2022-05-01', 1, date '2022-02-01', date '2022-05-10', '{AUD_UNIT}', 'K', 1980),
            ('v2', 'GENOMFORD', date '2022-06-01', 1, date '2022-05-01', date '2022-06-10', '{BUH_UNIT}', 'M', 2012),
            ('v3', 'VANTANDE', date '2022-06-01', 1, date '2022-05-20', null, '{BUH_UNIT}', 'K', null)
        ) as t (vardkontakt_id, status, matperiod, fas, beslut_datum, start_datum, hsaid_enhet, kon, fodelsear)""",
    "kva": f"""
        select * from (values
            ('k1', 'DV111', 'p1', 'K', 1980, '{AUD_UNIT}', date '2022-05-10', 'Kurator'),
            ('k1', 'DV121', 'p1', 'K', 1980, '{AUD_UNIT}', date '2022-05-10', 'Kurator'),
            ('k2', 'QT016', 'p2', 'M', 2012, '{BUH_UNIT}', date '2022-06-13', null)
        ) as t (vardkontakt_id, kva_kod, person_id, kon, fodelsear, hsaid_enhet, atgardsdatum, yrkeskategori)""",
    "gas": f"""
        select * from (values
            ('g1', 1, 'p1', 'K', 1980, '{BUH_UNIT}', 3, 2, -1, date '2022-01-10', 1, date '2022-05-10'),
            ('g1', 2, 'p1', 'K', 1980, '{BUH_UNIT}', 1, 1, -2, date '2022-01-10', null, null),
            ('g2', 1, 'p2', 'M', 2012, '{BUH_UNIT}', null, null, -1, date '2022-02-10', 0, date '2022-06-10')
        ) as t (gas_id, mal_nr, person_id, kon, fodelsear, hsaid_enhet, viktighet, svarighet, baslinje, baslinjedatum,
                utfall, utfallsdatum)""",
    "register_population": f"""
        select * from (values
            ('cpup', 'p1', 'K', 1980, '{BUH_UNIT}', date '2020-01-01', date '2021-01-01', 'G800'),
            ('cpup', 'p1', 'K', 1980, '{BUH_UNIT}', date '2022-01-01', null, 'G800'),
            ('cpup', 'p2', 'M', 2012, '{BUH_UNIT}', date '2022-01-01', null, null)
        ) as t (register, person_id, kon, fodelsear, hsaid_enhet, inklusionsdatum, utgangsdatum, diagnoskod)""",
    "register_registreringar": f"""
        select * from (values
            ('cpup', 'p1', 'K', 1980, '{BUH_UNIT}', date '2022-03-01', 'arbetsterapeut'),
            ('cpup', 'p1', 'K', 1980, '{BUH_UNIT}', date '2022-03-01', null),
            ('cpup', 'p2', 'M', 2012, '{BUH_UNIT}', date '2022-04-01', null)
        ) as t (register, person_id, kon, fodelsear, hsaid_enhet, registreringsdatum, formular)""",
    "avvikelser": f"""
        select * from (values
            ('a1', '{AUD_UNIT}', date '2022-05-01', date '2022-05-02', date '2022-05-03', date '2022-06-01', 2),
            ('a2', '{BUH_UNIT}', null, date '2022-05-02', date '2022-05-03', null, 1),
            ('a3', '{BUH_UNIT}', date '2022-05-01', date '2022-06-02', null, null, null)
        ) as t (avvikelse_id, hsaid_enhet, handelsedatum, registreringsdatum, paborjad_datum, avslutad_datum,
                allvarlighetsgrad)""",
}

# Two indicators, one about patients (a share) and one count, in two months and two verksamheter.
KATALOG = """
    create table katalog as select * from (values
        ('vg_forsta_besok_90', 'andel', true), ('avvikelser_antal', 'antal', false)
    ) as t (indicator_id, art, patient)"""
RESULT = """
    create table indicator_result as
    with cells as (
        select * from (values ('vg_forsta_besok_90', 'T'), ('vg_forsta_besok_90', 'K'), ('vg_forsta_besok_90', 'M'),
                              ('avvikelser_antal', 'T')) as i (indicator_id, kon)
        cross join (values ('omrade', null, null), ('verksamhet', 'AUD', null), ('verksamhet', 'BUH', null),
                           ('enhet', 'AUD', 'SE2321000164-0AUD')) as n (niva, verksamhet, enhet)
        cross join (values (date '2022-07-01', date '2022-07-31', true),
                           (date '2022-08-01', date '2022-08-31', false)) as p (period_start, period_slut, komplett)
    )
    select
        indicator_id, niva, verksamhet, enhet, 'manad' as period_typ, period_start, period_slut, kon,
        case when kon = 'T' then 18e0 else 9e0 end as taljare,
        case when indicator_id = 'vg_forsta_besok_90' then case when kon = 'T' then 20e0 else 10e0 end end as namnare,
        case when indicator_id = 'vg_forsta_besok_90' then 90e0 else 18e0 end as varde,
        case when indicator_id = 'vg_forsta_besok_90' then 69e0 end as ki_lag,
        case when indicator_id = 'vg_forsta_besok_90' then 97e0 end as ki_hog,
        case when indicator_id = 'vg_forsta_besok_90' then 80e0 end as jamforelse_varde,
        case when indicator_id = 'vg_forsta_besok_90' then 10e0 end as forandring,
        case when indicator_id = 'vg_forsta_besok_90' then '>=' end as mal_operator,
        case when indicator_id = 'vg_forsta_besok_90' then 100e0 end as malvarde,
        case when not komplett then 'preliminar' when indicator_id = 'vg_forsta_besok_90' then 'ej_uppfyllt'
             else 'inget_mal' end as status,
        cast(null as varchar) as markering, komplett, 'godkand' as kvalitet, '2022-09-05-0123456789ab' as release_id
    from cells"""
SHARE = "indicator_id = 'vg_forsta_besok_90'"
# One cell of the finished month, at the lowest level so that no sum depends on it.
CELL = f"{SHARE} and niva = 'enhet' and period_start = date '2022-07-01' and kon = 'K'"
COUNT = CELL.replace("vg_forsta_besok_90", "avvikelser_antal").replace("'K'", "'T'")
EMPTY = "varde = null, ki_lag = null, ki_hog = null, jamforelse_varde = null, forandring = null"


def build(database: Path) -> None:
    """Write the good database: ``matt`` and its views, ``rader_*``, ``stg_*``, ``katalog``, ``indicator_result``."""
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            """create table matt (source varchar, deliveries bigint, rows_current bigint, rows_current_before bigint,
               age_days bigint, rows_read_newest bigint, rows_quarantined_newest bigint,
               quarantined_share_newest double, ledger_difference bigint, units_unknown bigint)"""
        )
        for source in SOURCES:
            connection.execute("insert into matt values (?, 2, 100, 100, 35, 100, 5, 0.05, 0, 0)", [source])
            connection.execute(matt_view_sql(source))
            connection.execute(f"create table rader_{source} as {ROWS[source]}")
            unit = "" if source == "enheter" else ", 'BUH' as verksamhet"
            connection.execute(f"create table stg_{source} as select *{unit} from ({ROWS[source]})")
        connection.execute(KATALOG)
        connection.execute(RESULT)
        connection.execute("create table int_stangda_enheter as select 'cpup_tackning' as indicator_id, 0 as antal")


def tables(gate: str) -> dict[str, str]:
    """source -> relation for one gate of the sample database."""
    if gate == "resultat":
        return {"indicator_result": "indicator_result", "register_population": "int_stangda_enheter"}
    prefix = {"leverans": "rader", "staging": "stg"}[gate]
    return {source: f"{prefix}_{source}" for source in SOURCES}


def _matt(change: str) -> str:
    return f"update matt set {change} where source = 'kva'"


def _duplicate(table: str, where: str) -> str:
    return f"insert into {table} select * from {table} where {where}"


def _staging(source: str, row: str, date_column: str) -> dict[tuple[str, str], str]:
    """The mutations that every staged source has; `row` picks one row."""
    table, suite = f"stg_{source}", f"staging/{source}"
    return {
        (suite, "nyckel_unik"): _duplicate(table, row),
        (suite, "enhet_satt"): f"update {table} set hsaid_enhet = null where {row}",
        (suite, "verksamhet_satt"): f"update {table} set verksamhet = null where {row}",
        (suite, "datum_inom_intervall"): f"update {table} set {date_column} = date '2022-09-06' where {row}",
    }


def _result(changes: dict[str, str]) -> dict[tuple[str, str], str]:
    """A change is a whole statement, or what comes after ``update indicator_result set``."""
    return {
        ("resultat/indicator_result", name): change
        if change.startswith(("insert ", "delete "))
        else f"update indicator_result set {change}"
        for name, change in changes.items()
    }


# (suite, expectation) -> SQL that breaks it.
MUTATIONS: dict[tuple[str, str], str] = {
    ("resultat/register_population", "antal_vid_stangd_enhet"): ("update int_stangda_enheter set antal = 7"),
    ("leverans/_alla", "har_rader"): _matt("rows_current = 0, rows_current_before = 0"),
    ("leverans/_alla", "alder_varning"): _matt("age_days = 36"),
    ("leverans/_alla", "alder_stopp"): _matt("age_days = 71"),
    ("leverans/_alla", "karantan_varning"): _matt("quarantined_share_newest = 0.0501"),
    ("leverans/_alla", "karantan_stopp"): _matt("quarantined_share_newest = 0.2001"),
    ("leverans/_alla", "rader_minskar"): _matt("rows_current = 94"),
    ("leverans/_alla", "enheter_kanda"): _matt("units_unknown = 1"),
    ("leverans/_alla", "liggaren_stammer"): _matt("ledger_difference = -1"),
    ("leverans/enheter", "lansdel_ifylld"): "update rader_enheter set lansdel = null",
    ("leverans/vantetider", "kon_kant"): "update rader_vantetider set kon = 'O'",
    ("leverans/vantetider", "vantan_orimlig"): "update rader_vantetider set beslut_datum = date '2012-02-01'",
    ("leverans/kva", "yrkeskategori_ifylld"): "update rader_kva set yrkeskategori = null",
    ("leverans/kva", "helger"): "update rader_kva set atgardsdatum = date '2022-05-15'",
    ("leverans/gas", "vikter_ifyllda"): "update rader_gas set viktighet = null",
    ("leverans/gas", "en_person_per_plan"): "update rader_gas set person_id = 'p9' where mal_nr = 2",
    ("leverans/register_population", "diagnos_ifylld"): "update rader_register_population set diagnoskod = null",
    ("leverans/register_registreringar", "kon_kant"): "update rader_register_registreringar set kon = 'O'",
    ("leverans/avvikelser", "handelse_gammal"): "update rader_avvikelser set handelsedatum = date '2012-05-01'",
    ("leverans/avvikelser", "allvarlighetsgrad_ifylld"): "update rader_avvikelser set allvarlighetsgrad = null",
    ("staging/_alla", "verksamhet_kand"): "update stg_kva set verksamhet = 'HH'",
    ("staging/enheter", "nyckel_unik"): _duplicate("stg_enheter", "giltig_till is not null"),
    ("staging/enheter", "enhet_satt"): "update stg_enheter set hsaid_enhet = null where verksamhet = 'BUH'",
    ("staging/enheter", "verksamhet_satt"): "update stg_enheter set verksamhet = null where verksamhet = 'BUH'",
    ("staging/enheter", "giltighet_overlappar_inte"): (
        "update stg_enheter set giltig_till = date '2022-09-01' where giltig_till is not null"
    ),
    ("staging/enheter", "period_framat"): (
        "update stg_enheter set giltig_till = date '2009-12-31' where giltig_till is not null"
    ),
    **_staging("vantetider", "vardkontakt_id = 'v2'", "start_datum"),
    ("staging/vantetider", "vantar_och_genomford"): (
        "update stg_vantetider set vardkontakt_id = 'v2' where vardkontakt_id = 'v3'"
    ),
    **_staging("kva", "vardkontakt_id = 'k2'", "atgardsdatum"),
    ("staging/kva", "en_person_per_kontakt"): "update stg_kva set person_id = 'p9' where kva_kod = 'DV121'",
    **_staging("gas", "gas_id = 'g2'", "utfallsdatum"),
    ("staging/gas", "en_enhet_per_plan"): f"update stg_gas set hsaid_enhet = '{AUD_UNIT}' where mal_nr = 2",
    **_staging("register_population", "person_id = 'p2'", "inklusionsdatum"),
    ("staging/register_population", "inklusion_overlappar"): (
        "update stg_register_population set utgangsdatum = null where person_id = 'p1'"
    ),
    **_staging("register_registreringar", "person_id = 'p2'", "registreringsdatum"),
    **_staging("avvikelser", "avvikelse_id = 'a3'", "registreringsdatum"),
    ("staging/avvikelser", "avslutad_fore_paborjad"): (
        "update stg_avvikelser set avslutad_datum = date '2022-05-02' where avvikelse_id = 'a1'"
    ),
    **_result(
        {
            "har_rader": "delete from indicator_result",
            "nyckel_unik": _duplicate("indicator_result", COUNT),
            "nyckel_ifylld": f"release_id = null where {CELL}",
            "indikator_kand": "indicator_id = 'annan' where indicator_id = 'avvikelser_antal'",
            "niva_kand": f"niva = 'lan' where {CELL}",
            "period_typ_kand": "period_typ = 'vecka' where period_typ = 'manad'",
            "kon_kant": f"kon = 'O' where {CELL}",
            "status_kand": f"status = 'okand' where {CELL}",
            "kvalitet_kand": f"kvalitet = 'okand' where {CELL}",
            "niva_stammer": f"enhet = null where {CELL}",
            "period_stammer": f"period_slut = date '2022-06-30' where {CELL}",
            "dold_tom": f"status = 'dold', markering = 'MSK', taljare = null, {EMPTY} where {CELL}",
            "dold_markt": f"status = 'dold', taljare = null, namnare = null, {EMPTY} where {CELL}",
            "skyddat_tal_dolt": f"taljare = 3.6, namnare = 4 where {CELL}",
            "andel_inom_0_100": f"ki_hog = 100.5 where {CELL}",
            "intervall_runt_varde": f"ki_lag = 90.5 where {CELL}",
            "taljare_hogst_namnare": f"taljare = 11 where {CELL}",
            "antal_inte_negativt": f"taljare = -1 where {CELL}",
            "namnare_noll_inga_data": f"namnare = 0, taljare = 0, status = 'inget_mal', {EMPTY} where {CELL}",
            "tomma_ar_tomma": f"status = 'inga_data' where {CELL}",
            "bedomning_komplett": f"komplett = false where {CELL}",
            "bedomning_stammer": f"status = 'uppfyllt' where {CELL}",
            "forandring_stammer": f"forandring = 9 where {CELL}",
            "kon_ryms_i_total": f"namnare = 11 where {CELL}",
            "omrade_utan_hal": f"delete from indicator_result where {SHARE} and niva = 'omrade' and kon = 'K' "
            "and period_start = date '2022-07-01'",
            "perioder_lika": f"delete from indicator_result where {SHARE} and period_start = date '2022-07-01'",
            "verksamheter_utan_hal": f"delete from indicator_result where {SHARE} and verksamhet = 'BUH' "
            "and period_start = date '2022-07-01' and kon = 'K'",
        }
    ),
}

# Expectations that cannot but fail together with the one under test.
ALSO_FAILS: dict[tuple[str, str], set[str]] = {
    ("leverans/_alla", "alder_stopp"): {"alder_varning"},
    ("leverans/_alla", "karantan_stopp"): {"karantan_varning"},
    # The same row twice also starts before its first copy ends.
    ("staging/enheter", "nyckel_unik"): {"giltighet_overlappar_inte"},
    ("staging/register_population", "nyckel_unik"): {"inklusion_overlappar"},
    # The levels are counted against the area's rows.
    ("resultat/indicator_result", "omrade_utan_hal"): {"verksamheter_utan_hal"},
}
