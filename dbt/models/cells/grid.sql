-- The grid without holes: every indicator for every level, unit, period and sex, also where nothing happened.

-- Distinct: a unit that the register describes anew within a period is still one.
with units as (
    select distinct
        e.verksamhet,
        e.hsaid_enhet as enhet,
        p.period_typ,
        p.period_start
    from {{ ref('stg_enheter') }} as e
    inner join (
        select distinct period_typ, period_start, period_slut
        from {{ ref('indicator_periods') }}
    ) as p
        on e.giltig_fran <= p.period_slut and (e.giltig_till is null or e.giltig_till >= p.period_start)
),

places as (
    select
        i.indicator_id,
        n.type as niva,
        case when n.type = 'verksamhet' then n.node end as verksamhet,
        {{ no_text() }} as enhet,
        p.period_typ,
        p.period_start,
        n.type = 'omrade' or s.verksamhet is not null as applicable
    from {{ ref('run_indicators') }} as i
    inner join {{ ref('organisation') }} as n on {{ in_list('n.type', 'i.levels') }}
    inner join {{ ref('indicator_periods') }} as p on i.indicator_id = p.indicator_id
    left join {{ ref('scope') }} as s on i.indicator_id = s.indicator_id and n.node = s.verksamhet

    union all

    select
        i.indicator_id,
        'enhet' as niva,
        u.verksamhet,
        u.enhet,
        u.period_typ,
        u.period_start,
        true as applicable
    from {{ ref('run_indicators') }} as i
    inner join {{ ref('scope') }} as s on i.indicator_id = s.indicator_id
    inner join units as u on s.verksamhet = u.verksamhet
    where {{ in_list("'enhet'", 'i.levels') }}
)

select
    g.indicator_id,
    g.niva,
    g.verksamhet,
    g.enhet,
    p.period_typ,
    p.period_start,
    p.period_slut,
    p.first_month,
    p.in_grid,
    s.kon_row as kon,
    g.applicable
from places as g
inner join {{ ref('run_indicators') }} as i on g.indicator_id = i.indicator_id
inner join {{ ref('indicator_periods') }} as p
    on g.indicator_id = p.indicator_id and g.period_typ = p.period_typ and g.period_start = p.period_start
inner join {{ sexes() }} as s on i.konsuppdelad or s.kon_row = 'T'
