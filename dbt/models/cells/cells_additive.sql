-- Cells of counts, shares, means and amounts, of the months that each looks at.
with placed as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        s.kon_row,
        o.taljare,
        o.namnare
    {{ placed_in_periods(ref('months_additive')) }}
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
    cast(sum(taljare) as double) as taljare,
    cast(sum(namnare) as double) as namnare
from placed
group by {{ levels('indicator_id, period_typ, period_start, kon_row') }}
