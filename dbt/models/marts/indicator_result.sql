-- The published cells. Hidden numbers are removed first; comparison, target and status see only what is left.
with celler as (
    select
        r.*,
        coalesce(d.dold, false) as dold
    from {{ ref('int_resultat') }} as r
    left join {{ ref('int_dolda_celler') }} as d
        on r.indicator_id = d.indicator_id
        and r.niva = d.niva
        and r.period_typ = d.period_typ
        and r.period_start = d.period_start
        and r.kon = d.kon
        and coalesce(r.verksamhet, '') = coalesce(d.verksamhet, '')
        and coalesce(r.enhet, '') = coalesce(d.enhet, '')
),

visade as (
    select
        c.indicator_id,
        c.niva,
        c.verksamhet,
        c.enhet,
        c.period_typ,
        c.period_start,
        c.period_slut,
        c.kon,
        c.i_rutnat,
        c.tillamplig,
        c.art,
        c.hel_period,
        c.komplett,
        c.dold,
        case when not c.dold then c.taljare end as taljare,
        case when not c.dold then c.namnare end as namnare,
        case when not c.dold then c.varde end as varde
    from celler as c
),

jamforda as (
    select
        v.*,
        -- A year that begins before the data is no comparison.
        case when f.hel_period and not v.dold then f.varde end as jamforelse_varde
    from visade as v
    left join visade as f
        on v.indicator_id = f.indicator_id
        and v.niva = f.niva
        and v.period_typ = f.period_typ
        and v.period_start = cast({{ dbt.dateadd('year', 1, 'f.period_start') }} as date)
        and v.kon = f.kon
        and coalesce(v.verksamhet, '') = coalesce(f.verksamhet, '')
        and coalesce(v.enhet, '') = coalesce(f.enhet, '')
    where v.i_rutnat
),

med_mal as (
    select
        j.*,
        i.kvalitet,
        i.mal_operator as operator,
        case
            when not j.tillamplig or i.mal_operator is null then null
            when extract(year from j.period_slut) < coalesce(i.mal_fran_ar, 0) then null
            when extract(year from j.period_slut) > coalesce(i.mal_till_ar, 9999) then null
            -- More or less than last year compares every row with itself.
            when i.mal_jamforelse is not null then j.jamforelse_varde
            -- A unit shows the target of its verksamhet.
            when not {{ in_list("case when j.niva = 'enhet' then 'verksamhet' else j.niva end", 'i.mal_nivaer') }} then null
            when i.mal_prorateras and j.period_typ not in ('ar', 'r12')
                then
                    i.mal_varde
                    * ({{ dbt.datediff('j.period_start', 'j.period_slut', 'day') }} + 1)
                    / ({{ dbt.datediff(
                        dbt.date_trunc('year', 'j.period_start'),
                        dbt.dateadd('year', 1, dbt.date_trunc('year', 'j.period_start')),
                        'day',
                    ) }})
            else i.mal_varde
        end as malvarde
    from jamforda as j
    inner join {{ ref('int_indikatorer') }} as i on j.indicator_id = i.indicator_id
),

andelar as (
    select
        m.*,
        m.art in ('andel', 'tackning') and m.namnare > 0 as har_intervall,
        m.taljare / nullif(m.namnare, 0) as p,
        cast(1.959963984540054 as double) as z
    from med_mal as m
),

med_intervall as (
    select
        a.*,
        a.p + a.z * a.z / (2 * a.namnare) as mitt,
        a.z * sqrt(a.p * (1 - a.p) / a.namnare + a.z * a.z / (4 * a.namnare * a.namnare)) as bredd,
        1 + a.z * a.z / a.namnare as skala
    from andelar as a
    where a.har_intervall

    union all

    select
        a.*,
        cast(null as double) as mitt,
        cast(null as double) as bredd,
        cast(null as double) as skala
    from andelar as a
    where a.har_intervall is null or not a.har_intervall
)

select
    m.indicator_id,
    m.niva,
    m.verksamhet,
    m.enhet,
    m.period_typ,
    m.period_start,
    m.period_slut,
    m.kon,
    m.taljare,
    m.namnare,
    m.varde,
    -- Wilson's score interval, in percent; its ends at 0 and 100 % are exact, not as rounding leaves them.
    case
        when m.har_intervall and m.taljare = 0 then 0
        when m.har_intervall then 100 * (m.mitt - m.bredd) / m.skala
    end as ki_lag,
    case
        when m.har_intervall and m.taljare = m.namnare then 100
        when m.har_intervall then 100 * (m.mitt + m.bredd) / m.skala
    end as ki_hog,
    m.jamforelse_varde,
    m.varde - m.jamforelse_varde as forandring,
    case when m.malvarde is not null then m.operator end as mal_operator,
    m.malvarde,
    case
        when not m.tillamplig then 'ej_tillamplig'
        when m.dold then 'dold'
        when m.varde is null then 'inga_data'
        when not m.komplett then 'preliminar'
        when m.malvarde is null then 'inget_mal'
        when m.operator = '>=' then case when m.varde >= m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
        when m.operator = '<=' then case when m.varde <= m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
        when m.operator = '>' then case when m.varde > m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
        when m.operator = '<' then case when m.varde < m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
    end as status,
    case when m.dold then 'MSK' end as markering,
    m.komplett,
    m.kvalitet,
    r.release_id
from med_intervall as m
cross join {{ source('korning', 'parametrar') }} as r
