-- The indicators of this run: held-back ones are left out; a source without deliveries or events gives no dates.
select
    k.indicator_id,
    k.art,
    k.bestand,
    k.patient,
    k.konsuppdelad,
    k.levels,
    k.comparison_base,
    g.kvalitet,
    -- One source without a date leaves the indicator without one: min and max would pass over the null.
    case when count(s.as_of) = count(*) then min(s.as_of) end as as_of,
    case when count(s.data_start) = count(*) then max(s.data_start) end as data_start
from {{ ref('catalogue') }} as k
inner join {{ source('run', 'indicators') }} as g on k.indicator_id = g.indicator_id
inner join {{ ref('source_dates') }} as s on {{ in_list('s.source', 'k.kallor') }}
where not g.held_back
group by
    k.indicator_id, k.art, k.bestand, k.patient, k.konsuppdelad, k.levels, k.comparison_base, g.kvalitet
