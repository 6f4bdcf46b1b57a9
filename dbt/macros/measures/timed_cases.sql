{#- A timed share over the cases of the indicator's source: resolved within the catalogue's days of the start. An open case counts when its
    time has run out at the source's as-of date; a younger one is `oppet_arende`, in neither numerator nor denominator.
    `by`: the column of the unit that a case counts by where it is filled in. -#}
{% macro timed_cases(start, resolved, by=none) -%}
{% set indicator = this_indicator() -%}
{% set limit_days = indicator.limit_days -%}
{% set source_name = indicator.sources[0] -%}
{% set unit = var('contracts')[source_name].unit -%}
with events as (
    select
        a.{{ start }} as event_date,
        e.verksamhet,
        {{ named_unit(unit, by) }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        case when {{ days('a.' ~ start, 'a.' ~ resolved) }} <= {{ limit_days }} then 1 else 0 end as taljare,
        1 as namnare,
        case
            when a.{{ resolved }} is null and {{ days('a.' ~ start, 's.as_of') }} <= {{ limit_days }}
                then 'oppet_arende'
            {% if by -%}
            when known.hsaid_enhet is null then 'enhet_okand'
            {%- endif %}
        end as exclusion,
        a.delivery,
        a.line
    from {{ ref('stg_' ~ source_name) }} as a
    inner join {{ ref('source_dates') }} as s on s.source = '{{ source_name }}'
    -- The start can be another day than the case's event date, and its unit then belong to another verksamhet.
    {{ join_named_unit(unit, by, 'a.' ~ start) }}
    where a.{{ start }} is not null
)

{{ observations() }}
{%- endmacro %}
