{% set sources_of_events = [] -%}
{% for source, contract in var('contracts').items() if contract.events -%}
    {% do sources_of_events.append(source) -%}
{% endfor -%}

with extracts as (
    select
        l.source,
        max(l.uttagsdatum) as as_of
    from {{ source('run', 'ledger') }} as l
    where l.delivery is not null
    group by l.source
),

first_events as (
    {% for source in sources_of_events -%}
    select
        '{{ source }}' as source,
        min(event_date) as first_day
    from {{ ref('stg_' ~ source) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    f.source,
    x.as_of,
    {{ month_of('f.first_day') }} as data_start
from first_events as f
left join extracts as x on f.source = x.source
