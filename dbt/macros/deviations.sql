{#- A timed share over deviation cases: resolved within `days` of the start. An open case counts when its time has run out
    at the source's as-of date; a younger one is `oppet_arende`, in neither numerator nor denominator. -#}
{% macro timed_cases(indicator_id, start, resolved, days) -%}
with handelser as (
    select
        a.{{ start }} as event_date,
        e.verksamhet,
        a.hsaid_enhet as enhet,
        cast(null as {{ dbt.type_string() }}) as kon,
        cast(null as {{ dbt.type_string() }}) as person_id,
        case
            when {{ dbt.datediff('a.' ~ start, 'a.' ~ resolved, 'day') }} <= {{ days }} then 1 else 0
        end as taljare,
        1 as namnare,
        case
            when a.{{ resolved }} is null
                and {{ dbt.datediff('a.' ~ start, 'k.as_of', 'day') }} <= {{ days }}
                then 'oppet_arende'
        end as exkludering,
        a.delivery,
        a.line
    from {{ ref('stg_avvikelser') }} as a
    inner join {{ ref('int_kallor') }} as k on k.source = 'avvikelser'
    left join {{ ref('stg_enheter') }} as e on {{ valid_unit('a.hsaid_enhet', 'a.' ~ start) }}
    where a.{{ start }} is not null
)

{{ observations(indicator_id) }}
{%- endmacro %}
