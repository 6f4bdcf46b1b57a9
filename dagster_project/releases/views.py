"""The views of `resultat.duckdb` and of PostgreSQL: the cells with everything that names them, one row per cell."""

from __future__ import annotations

from collections.abc import Mapping

from dagster_project.catalogue.organisation import area_codes
from dagster_project.catalogue.vocabulary import ALL_SEXES, AREA, RESULT_TABLE, UNIT
from dagster_project.engines.duckdb import literal
from dagster_project.releases.labels import LEVEL_WORDS, QUALITY_KIND, SEX_WORDS, STATUS_KIND
from dagster_project.releases.tables import (
    INDICATOR_DIMENSION,
    PERIOD_DIMENSION,
    STATUS_DIMENSION,
    UNIT_DIMENSION,
    VERKSAMHET_DIMENSION,
)

RESULTS_VIEW = "resultat"
LATEST_VIEW = "senaste"


def _word(column: str, words: Mapping[str, str]) -> str:
    whens = " ".join(f"when {literal(code)} then {literal(word)}" for code, word in words.items())
    return f"case {column} {whens} end"


# A unit is told as it was when the period ended: of several periods of validity the last one that had begun.
_UNIT_IN_DUCKDB = f"""asof left join (
    select *, coalesce(giltig_fran, date '0001-01-01') as fran from {UNIT_DIMENSION}
) as e on r.enhet = e.hsaid and r.verksamhet = e.verksamhet and r.period_slut >= e.fran"""
_UNIT_IN_POSTGRES = f"""left join lateral (
    select d.* from {UNIT_DIMENSION} as d
    where d.hsaid = r.enhet and d.verksamhet = r.verksamhet
        and coalesce(d.giltig_fran, date '0001-01-01') <= r.period_slut
    order by coalesce(d.giltig_fran, date '0001-01-01') desc
    limit 1
) as e on true"""
_RESULTS = f"""
create view {RESULTS_VIEW} as
select
    r.*,
    i.titel, i.definition, i.art, i.mattenhet, i.decimaler, i.riktning, i.perspektiv, i.mal_id, i.mal_titel,
    i.planpunkt, i.mal_text, i.ansvarig, i.ordning as indikator_ordning,
    p.period_nyckel, p.etikett as period_etikett, p.ar, p.manad_nr, p.komplett as period_komplett,
    v.namn as verksamhet_namn, v.gren, v.ordning as verksamhet_ordning,
    e.enhet_nyckel, e.namn as enhet_namn, e.lansdel,
    case r.niva when {literal(UNIT)} then e.namn else v.namn end as plats,
    {_word("r.niva", LEVEL_WORDS)} as niva_ord,
    {_word("r.kon", SEX_WORDS)} as kon_ord,
    s.ord as status_ord, s.symbol as status_symbol, s.ordning as status_ordning, k.ord as kvalitet_ord
from {RESULT_TABLE} as r
inner join {INDICATOR_DIMENSION} as i on r.indicator_id = i.indicator_id
inner join {PERIOD_DIMENSION} as p
    on r.period_typ = p.period_typ and r.period_start = p.period_start and r.period_slut = p.period_slut
left join {VERKSAMHET_DIMENSION} as v
    on case when r.niva = {literal(AREA)} then {literal(area_codes()[0])} else r.verksamhet end = v.verksamhet
{_UNIT_IN_DUCKDB}
left join {STATUS_DIMENSION} as s on r.status = s.kod and s.typ = {literal(STATUS_KIND)}
left join {STATUS_DIMENSION} as k on r.kvalitet = k.kod and k.typ = {literal(QUALITY_KIND)}
"""
_LATEST = f"""
create view {LATEST_VIEW} as
select r.*
from {RESULTS_VIEW} as r
inner join (
    select indicator_id, period_typ, max(period_start) as period_start
    from {RESULT_TABLE}
    where niva = {literal(AREA)} and kon = {literal(ALL_SEXES)} and komplett
    group by indicator_id, period_typ
) as n on r.indicator_id = n.indicator_id and r.period_typ = n.period_typ and r.period_start = n.period_start
"""
VIEWS: Mapping[str, str] = {RESULTS_VIEW: _RESULTS, LATEST_VIEW: _LATEST}
"""The views of `resultat.duckdb`, in the order in which they are made."""
POSTGRES_VIEWS: Mapping[str, str] = {n: v.replace(_UNIT_IN_DUCKDB, _UNIT_IN_POSTGRES) for n, v in VIEWS.items()}
"""The same for PostgreSQL, which has no asof join."""
