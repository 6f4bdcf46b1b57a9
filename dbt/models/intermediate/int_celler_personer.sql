-- Cells of persons: one person counts once per cell, however many units or inclusions; these never add up.
with per_manad as (
    select
        o.indicator_id,
        o.verksamhet,
        o.enhet,
        o.kon,
        o.person_id,
        o.manad,
        max(o.taljare) as taljare
    from ({{ counted_observations(var('personer')) }}) as o
    group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.person_id, o.manad
),

rader as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        s.kon_rad,
        o.person_id,
        case when o.taljare = 1 then o.person_id end as traffad
    {{ placed_in_periods('per_manad') }}
)

select
    indicator_id,
    {{ level_name() }} as niva,
    verksamhet,
    enhet,
    period_typ,
    period_start,
    kon_rad as kon,
    cast(count(distinct traffad) as double) as taljare,
    cast(count(distinct person_id) as double) as namnare
from rader
group by {{ levels() }}
