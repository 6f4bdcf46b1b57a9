-- The grid without holes: every indicator for every level, unit, period and sex, also where nothing happened.
with enheter as (
    select distinct
        e.verksamhet,
        e.hsaid_enhet as enhet,
        p.period_typ,
        p.period_start
    from {{ ref('stg_enheter') }} as e
    inner join {{ ref('int_perioder') }} as p
        on e.giltig_fran <= p.period_slut and (e.giltig_till is null or e.giltig_till >= p.period_start)
),

platser as (
    select
        i.indicator_id,
        'omrade' as niva,
        cast(null as {{ dbt.type_string() }}) as verksamhet,
        cast(null as {{ dbt.type_string() }}) as enhet,
        p.period_typ,
        p.period_start,
        true as tillamplig
    from {{ ref('int_indikatorer') }} as i
    cross join {{ ref('int_perioder') }} as p

    union all

    select
        i.indicator_id,
        'verksamhet' as niva,
        v.verksamhet,
        cast(null as {{ dbt.type_string() }}) as enhet,
        p.period_typ,
        p.period_start,
        o.verksamhet is not null as tillamplig
    from {{ ref('int_indikatorer') }} as i
    cross join {{ ref('verksamheter') }} as v
    cross join {{ ref('int_perioder') }} as p
    left join {{ ref('int_omfattning') }} as o on i.indicator_id = o.indicator_id and v.verksamhet = o.verksamhet

    union all

    select
        i.indicator_id,
        'enhet' as niva,
        e.verksamhet,
        e.enhet,
        e.period_typ,
        e.period_start,
        true as tillamplig
    from {{ ref('int_indikatorer') }} as i
    inner join {{ ref('int_omfattning') }} as o on i.indicator_id = o.indicator_id
    inner join enheter as e on o.verksamhet = e.verksamhet
)

select
    g.indicator_id,
    g.niva,
    g.verksamhet,
    g.enhet,
    p.period_typ,
    p.period_start,
    p.period_slut,
    p.sista_manad,
    p.i_rutnat,
    s.kon_rad as kon,
    g.tillamplig
from platser as g
inner join {{ ref('int_indikatorer') }} as i on g.indicator_id = i.indicator_id
inner join {{ ref('int_perioder') }} as p on g.period_typ = p.period_typ and g.period_start = p.period_start
inner join {{ sexes() }} as s on i.konsuppdelad or s.kon_rad = 'T'
