{#- Performed measures with a code of the indicator's list; a code with an exclusion is shown with it, never counted. -#}
{% macro performed_measures() -%}
with events as (
    select
        k.event_date,
        k.verksamhet,
        k.hsaid_enhet as enhet,
        k.kon,
        k.person_id,
        1 as taljare,
        cast(null as double) as namnare,
        c.exclusion,
        k.delivery,
        k.line
    from {{ ref('stg_kva') }} as k
    inner join {{ ref('code_lists') }} as c
        on k.kva_kod = c.code
        and (c.valid_from is null or k.event_date >= c.valid_from)
        and (c.valid_to is null or k.event_date <= c.valid_to)
    where c.list = '{{ this_indicator().code_list }}'
)

{{ observations() }}
{%- endmacro %}
