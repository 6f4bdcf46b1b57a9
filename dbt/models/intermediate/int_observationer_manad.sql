-- Observations that add up, summed once per month: longer periods, levels and sexes come from these few rows.
with observationer as (
    {{ counted_observations(var('additiva')) }}
)

select
    o.indicator_id,
    o.verksamhet,
    o.enhet,
    o.kon,
    o.manad,
    sum(o.taljare) as taljare,
    sum(o.namnare) as namnare
from observationer as o
group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.manad
