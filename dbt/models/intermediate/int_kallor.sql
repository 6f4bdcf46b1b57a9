{% set handelsekallor = [
    'vantetider', 'kva', 'gas', 'register_population', 'register_registreringar', 'avvikelser',
] %}

with uttag as (
    select
        l.source,
        max(l.uttagsdatum) as as_of
    from {{ source('korning', 'leveranser') }} as l
    where l.delivery is not null
    group by l.source
),

forsta_handelse as (
    {% for kalla in handelsekallor -%}
    select
        '{{ kalla }}' as source,
        min(event_date) as forsta_dag
    from {{ ref('stg_' ~ kalla) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    f.source,
    u.as_of,
    cast({{ dbt.date_trunc('month', 'f.forsta_dag') }} as date) as data_start
from forsta_handelse as f
left join uttag as u on f.source = u.source
