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
    {{ placed_in_periods(ref('int_observationer_manad')) }}
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
