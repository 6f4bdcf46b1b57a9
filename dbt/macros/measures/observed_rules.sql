{#- One observation per delivered one, in the numerator when none of the `rules` (columns) was broken: a rule that did not
    apply (ej_aktuellt) was kept. -#}
{% macro observed_rules(rules) -%}
{% set source_name = this_indicator().sources[0] -%}
with events as (
    select
        r.event_date,
        r.verksamhet,
        r.{{ var('contracts')[source_name].unit }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        case when 'nej' in ({{ 'r.' ~ rules | join(', r.') }}) then 0 else 1 end as taljare,
        1 as namnare,
        {{ no_text() }} as exclusion,
        r.delivery,
        r.line
    from {{ ref('stg_' ~ source_name) }} as r
)

{{ observations() }}
{%- endmacro %}
