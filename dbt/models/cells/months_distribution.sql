-- How many observations have each value, counted once per month: medians of all periods and levels come from these rows.
{% set kept = kept_indicators(['distribution']) -%}
select
    o.indicator_id,
    o.verksamhet,
    o.enhet,
    o.kon,
    o.month,
    o.taljare as measured,
    sum(o.namnare) as number
from ({{ counted_observations(['distribution'], kept) }}) as o
group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.month, o.taljare
{{ kept_sums(kept, 'indicator_id, verksamhet, enhet, kon, month, measured, number') }}
