-- Cells of counts, shares, means and amounts; a stock takes its period's last month only.
with rader as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        s.kon_rad,
        o.taljare,
        o.namnare
    from {{ ref('int_observationer_manad') }} as o
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
    sum(taljare) as taljare,
    sum(namnare) as namnare
from rader
group by {{ levels() }}
