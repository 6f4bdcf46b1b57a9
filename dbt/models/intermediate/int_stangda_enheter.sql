-- Persons in a register's population whose unit is closed at the newest month end: they count nowhere, stewards are told.
{% set bestand = ['cpup_tackning', 'grav_horsel_tackning', 'horsel_barn_tackning'] %}

with stangda as (
    {% for indikator in bestand -%}
    select indicator_id, event_date, person_id
    from {{ ref('obs_' ~ indikator) }}
    where exkludering = 'enhet_stangd'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

senaste as (
    select max(m.manad_slut) as dag
    from {{ ref('int_manader') }} as m
    inner join {{ source('korning', 'parametrar') }} as p on m.manad_slut <= p.as_of
)

select
    k.indicator_id,
    count(distinct s.person_id) as antal
from {{ ref('katalog') }} as k
cross join senaste as d
left join stangda as s on k.indicator_id = s.indicator_id and s.event_date = d.dag
where k.indicator_id in ('{{ bestand | join("', '") }}')
group by k.indicator_id
