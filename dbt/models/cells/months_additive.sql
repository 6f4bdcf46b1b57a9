-- Observations that are summed, summed once per month: longer periods, levels and sexes come from these few rows.
-- Exactly: in whatever order rows are read, on however many cores, the sums are the same.
{% set kept = kept_indicators(['adds_up', 'window']) -%}
select
    o.indicator_id,
    o.verksamhet,
    o.enhet,
    o.kon,
    o.month,
    sum({{ exact('o.taljare') }}) as taljare,
    sum({{ exact('o.namnare') }}) as namnare
from ({{ counted_observations(['adds_up', 'window'], kept) }}) as o
group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.month
{{ kept_sums(kept, 'indicator_id, verksamhet, enhet, kon, month, taljare, namnare') }}
