-- Cells of persons: one person counts once per cell, however many units or inclusions; these never add up.
with per_month as (
    select
        o.indicator_id,
        o.verksamhet,
        o.enhet,
        o.kon,
        o.person_id,
        o.month,
        max(o.taljare) as taljare
    from ({{ counted_observations('persons') }}) as o
    group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.person_id, o.month
),

placed as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        s.kon_row,
        o.person_id,
        case when o.taljare = 1 then o.person_id end as counted
    {{ placed_in_periods('per_month') }}
)

select
    indicator_id,
    {{ level_name() }} as niva,
    verksamhet,
    enhet,
    period_typ,
    period_start,
    kon_row as kon,
    cast(count(distinct counted) as double) as taljare,
    cast(count(distinct person_id) as double) as namnare
from placed
group by {{ levels('indicator_id, period_typ, period_start, kon_row') }}
