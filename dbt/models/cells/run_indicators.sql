-- The indicators of this run: held-back ones are left out; a source without deliveries or events gives no dates.
{% set demanding = indicators() | selectattr('requires') | list -%}
with unmet as (
    {% for indicator in demanding -%}
    select
        '{{ indicator.indicator_id }}' as indicator_id,
        '{{ [indicator.requires.column, indicator.requires.value] | select | join(' = ') }}' as lacking
    where
        not exists (
            select 1
            from {{ ref('stg_' ~ indicator.requires.source) }} as r
            where {{ met(indicator.requires, 'r') }}
        )
    {% if not loop.last %}union all{% endif %}
    {% else -%}
    select
        {{ no_text() }} as indicator_id,
        {{ no_text() }} as lacking
    where 1 = 0
    {% endfor %}
)

select
    k.indicator_id,
    k.art,
    k.bestand,
    k.patient,
    k.konsuppdelad,
    k.levels,
    k.window_months,
    k.comparison_base,
    k.base_year,
    g.kvalitet,
    -- One source without a date leaves the indicator without one: min and max would pass over the null.
    case when count(s.as_of) = count(*) then min(s.as_of) end as as_of,
    case when count(s.data_start) = count(*) then max(s.data_start) end as data_start,
    u.lacking
from {{ ref('catalogue') }} as k
inner join {{ source('run', 'indicators') }} as g on k.indicator_id = g.indicator_id
inner join {{ ref('source_dates') }} as s on {{ in_list('s.source', 'k.kallor') }}
left join unmet as u on k.indicator_id = u.indicator_id
where not g.held_back
group by
    k.indicator_id, k.art, k.bestand, k.patient, k.konsuppdelad, k.levels, k.window_months, k.comparison_base,
    k.base_year, g.kvalitet, u.lacking
