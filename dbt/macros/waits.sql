{#- Performed waits of one fas within vårdgarantin: patient-chosen waits (PvV) and those outside the guarantee are out.
    `within` is the condition of the numerator. Source: indicators.md, part 1. -#}
{% macro performed_waits(indicator_id, fas, within, guarantee=true) -%}
with handelser as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        cast(null as {{ dbt.type_string() }}) as person_id,
        case when {{ within }} then 1 else 0 end as taljare,
        1 as namnare,
        case
            {% if guarantee -%}
            when not v.vardgaranti then 'ej_vardgaranti'
            {% endif -%}
            when v.avvikelsekod = 1 then 'patientvald_vantan'
        end as exkludering,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    cross join {{ source('korning', 'parametrar') }} as p
    where v.status = 'GENOMFORD' and v.fas = {{ fas }}
)

{{ observations(indicator_id) }}
{%- endmacro %}
