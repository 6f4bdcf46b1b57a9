-- Cells of distinct persons or things: each counts once per cell, however many units, months or inclusions; these never
-- add up. In the numerator when any of its observations is.
with per_month as (
    select
        o.indicator_id,
        o.verksamhet,
        o.enhet,
        o.kon,
        o.counted,
        o.month,
        max(o.taljare) as taljare
    from ({{ counted_observations(['persons', 'distinct']) }}) as o
    group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.counted, o.month
),

placed as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        s.kon_row,
        o.counted,
        case when o.taljare = 1 then o.counted end as in_numerator
    {{ placed_in_periods('per_month') }}
    {{ placed_in_sexes() }}
)

select
    indicator_id,
    {{ level_name() }} as niva,
    verksamhet,
    enhet,
    period_typ,
    period_start,
    kon_row as kon,
    cast(count(distinct in_numerator) as double) as taljare,
    cast(count(distinct counted) as double) as namnare
from placed
group by {{ levels('indicator_id, period_typ, period_start, kon_row') }}
