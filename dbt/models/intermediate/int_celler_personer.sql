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
    from per_manad as o
    inner join {{ ref('katalog') }} as k on o.indicator_id = k.indicator_id
    inner join {{ ref('int_perioder') }} as p
        on o.manad >= p.period_start
        and o.manad <= p.sista_manad
        and (not k.bestand or o.manad = p.sista_manad)
    inner join {{ sexes() }} as s on s.kon_villkor is null or o.kon = s.kon_villkor
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
