-- Observations that add up, summed once per month: longer periods, levels and sexes come from these few rows.
select
    o.indicator_id,
    o.verksamhet,
    o.enhet,
    o.kon,
    o.month,
    sum(o.taljare) as taljare,
    sum(o.namnare) as namnare
from ({{ counted_observations('adds_up') }}) as o
group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.month
