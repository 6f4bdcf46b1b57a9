-- Persons in a register's population whose unit is closed at the newest month end: they count nowhere, stewards are told.
with closed as (
    {% for indicator in indicators(kind='tackning', stock=true) -%}
    select indicator_id, event_date, person_id
    from {{ ref('obs_' ~ indicator.indicator_id) }}
    where exclusion = 'enhet_stangd'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

newest as (
    select max(m.month_end) as last_day
    from {{ ref('months') }} as m
    inner join {{ ref('run_parameters') }} as p on m.month_end <= p.as_of
)

select
    k.indicator_id,
    count(distinct c.person_id) as antal
from {{ ref('catalogue') }} as k
cross join newest as n
left join closed as c on k.indicator_id = c.indicator_id and c.event_date = n.last_day
where k.art = 'tackning' and k.bestand
group by k.indicator_id
