{#- Every row of the indicator's source adds `value` (an expression over `r`), where it is about the indicator at all
    (`about`, a condition) and does not say why it does not count (`exclusion`). -#}
{% macro summed_rows(value, about=none, exclusion=none) -%}
{% set source_name = this_indicator().sources[0] -%}
{% set unit = var('contracts')[source_name].unit -%}
with events as (
    select
        r.event_date,
        r.verksamhet,
        {{ 'r.' ~ unit if unit else no_text() }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        {{ value }} as taljare,
        cast(null as double) as namnare,
        {{ exclusion or no_text() }} as exclusion,
        r.delivery,
        r.line
    from {{ ref('stg_' ~ source_name) }} as r
    {% if about -%}
    where {{ about }}
    {% endif -%}
)

{{ observations() }}
{%- endmacro %}
