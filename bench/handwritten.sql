-- The same numbers as the pipeline's, as somebody would compute them once, by hand, from clean files of one known form:
-- no contracts, no quarantine, no ledger, no gates, no disclosure control.
-- Filled in by handwritten.py: the folder, and _galler, the condition that the row is not withdrawn (generated files have no such column).

set preserve_insertion_order = false;

create table enheter as
select hsaid_enhet, verksamhet, giltig_fran, giltig_till
from read_csv('$raw/enheter/*.csv', delim = ';', header = true, filename = true,
    types = {'giltig_fran': 'date', 'giltig_till': 'date'})
qualify row_number() over (partition by hsaid_enhet, giltig_fran order by filename desc) = 1;

-- The newest row of every key (file names sort by extraction date), withdrawn ones out, unit valid on the event date.
create table vantetider as
with rader as (
    select *,
        cast(strptime(matperiod, '%Y-%m') as date) as manad_rad
    from read_csv('$raw/vantetider/*.csv', delim = ';', header = true, filename = true, types = {
        'vardkontakt_id': 'varchar', 'matperiod': 'varchar', 'fas': 'tinyint', 'avvikelsekod': 'tinyint',
        'beslut_datum': 'date', 'start_datum': 'date', 'hsaid_enhet': 'varchar', 'kon': 'varchar'})
    qualify row_number() over (
        partition by vardkontakt_id, status, case when status = 'VANTANDE' then matperiod end order by filename desc
    ) = 1
)
select e.verksamhet, r.hsaid_enhet as enhet, r.kon, date_trunc('month', r.start_datum)::date as manad,
    r.vardgaranti, r.avvikelsekod, r.start_datum - r.beslut_datum as dagar
from rader r
join enheter e on e.hsaid_enhet = r.hsaid_enhet
    and r.start_datum between e.giltig_fran and coalesce(e.giltig_till, date '9999-12-31')
where r.status = 'GENOMFORD' and r.fas = 1 and e.verksamhet <> 'TC' and $vantetider_galler;

create table kva as
with rader as (
    select *
    from read_csv('$raw/kva/*.csv', delim = ';', header = true, filename = true, types = {
        'vardkontakt_id': 'varchar', 'kva_kod': 'varchar', 'personnummer': 'varchar', 'hsaid_enhet': 'varchar',
        'atgardsdatum': 'date'})
    qualify row_number() over (partition by vardkontakt_id, kva_kod order by filename desc) = 1
)
select e.verksamhet, r.hsaid_enhet as enhet, date_trunc('month', r.atgardsdatum)::date as manad,
    -- Sex is the ninth digit of a number; a reserve number (with letters) tells none.
    case
        when try_cast(r.personnummer as bigint) is null then 'O'
        when cast(substr(r.personnummer, -2, 1) as int) % 2 = 1 then 'M'
        else 'K'
    end as kon
from rader r
join enheter e on e.hsaid_enhet = r.hsaid_enhet
    and r.atgardsdatum between e.giltig_fran and coalesce(e.giltig_till, date '9999-12-31')
where e.verksamhet in ('AUD', 'BUH', 'SC', 'VUH') and $kva_galler and r.kva_kod in (
    'DV111', 'DV112', 'DV113', 'DV121', 'DV122', 'DV123', 'DV131', 'DV132', 'DV133', 'DV141', 'DV142', 'DV143', 'DV200');

-- All period types: their first and last months.
create table perioder as
with manader as (select unnest(generate_series(date '2018-01-01', date '2022-12-01', interval 1 month))::date as m)
select t.typ as period_typ, m as period_start, (m + to_months(t.langd - 1))::date as sista_manad
from manader, (values ('manad', 1), ('tertial', 4), ('delar', 8), ('ar', 12), ('r12', 12)) t (typ, langd)
where t.typ in ('manad', 'r12')
    or (t.typ = 'tertial' and month(m) in (1, 5, 9))
    or (t.typ in ('delar', 'ar') and month(m) = 1);

create table konsrader as select * from (values ('T', null), ('K', 'K'), ('M', 'M')) k (kon_rad, villkor);

-- Counts and shares: months first, everything else from the months.
create table summor as
with manader as (
    select 'vg_forsta_besok_90' as indicator_id, verksamhet, enhet, kon, manad,
        count(*) filter (where dagar <= 90) as taljare, count(*) as namnare
    from vantetider where vardgaranti = 'Ja' and avvikelsekod is distinct from 1
    group by all
    union all
    select 'levnadsvanor', verksamhet, enhet, kon, manad, count(*), null from kva group by all
)
select indicator_id,
    case when grouping(verksamhet) = 1 then 'omrade' when grouping(enhet) = 1 then 'verksamhet' else 'enhet' end as niva,
    verksamhet, enhet, period_typ, period_start, kon_rad as kon,
    sum(taljare)::double as taljare, sum(namnare)::double as namnare
from manader
join perioder on manad between period_start and sista_manad
join konsrader on villkor is null or kon = villkor
group by grouping sets (
    (indicator_id, period_typ, period_start, kon_rad),
    (indicator_id, period_typ, period_start, kon_rad, verksamhet),
    (indicator_id, period_typ, period_start, kon_rad, verksamhet, enhet));

-- Medians from the number of observations per value.
create table medianer as
with fordelning as (
    select verksamhet, enhet, kon, manad, dagar, count(*) as antal from vantetider group by all
),
celler as (
    select
        case when grouping(verksamhet) = 1 then 'omrade' when grouping(enhet) = 1 then 'verksamhet' else 'enhet' end as niva,
        verksamhet, enhet, period_typ, period_start, kon_rad as kon, dagar, sum(antal) as antal
    from fordelning
    join perioder on manad between period_start and sista_manad
    join konsrader on villkor is null or kon = villkor
    group by grouping sets (
        (period_typ, period_start, kon_rad, dagar),
        (period_typ, period_start, kon_rad, dagar, verksamhet),
        (period_typ, period_start, kon_rad, dagar, verksamhet, enhet))
),
lopande as (
    select *,
        sum(antal) over (cell order by dagar) as hittills,
        sum(antal) over (cell rows between unbounded preceding and unbounded following) as alla
    from celler
    window cell as (partition by niva, verksamhet, enhet, period_typ, period_start, kon)
)
select niva, verksamhet, enhet, period_typ, period_start, kon, max(alla)::double as namnare,
    (min(dagar) filter (where 2 * hittills >= alla)
        + min(dagar) filter (where 2 * hittills >= alla + case when alla % 2 = 0 then 1 else 0 end)) / 2 as varde
from lopande
group by all;

create table resultat as
select *, case when namnare is null then taljare else 100 * taljare / namnare end as varde from summor
union all
select 'vantetid_median', niva, verksamhet, enhet, period_typ, period_start, kon, null, namnare, varde from medianer;
