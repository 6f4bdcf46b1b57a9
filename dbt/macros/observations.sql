{#- The last step of every obs_ model: the common columns, and why an observation does not count.
    `handelser` is a CTE with event_date, verksamhet, enhet, kon, person_id, taljare, namnare, exkludering, delivery, line. -#}
{% macro observations(indicator_id, handelser='handelser') -%}
select
    '{{ indicator_id }}' as indicator_id,
    h.event_date,
    h.verksamhet,
    h.enhet,
    h.kon,
    h.person_id,
    cast(h.taljare as double) as taljare,
    cast(h.namnare as double) as namnare,
    case
        when h.exkludering is not null then h.exkludering
        when h.verksamhet is null then 'enhet_ej_giltig'
        when o.verksamhet is null then 'utanfor_omfattning'
    end as exkludering,
    h.delivery,
    h.line
from {{ handelser }} as h
left join {{ ref('int_omfattning') }} as o
    on h.verksamhet = o.verksamhet and o.indicator_id = '{{ indicator_id }}'
{%- endmacro %}

{#- Join condition: the row of the unit register that is valid on a day. Without `or`, which no engine joins by hash. -#}
{% macro valid_unit(unit, day, alias='e') -%}
    {{ alias }}.hsaid_enhet = {{ unit }}
    and {{ day }} >= {{ alias }}.giltig_fran
    and {{ day }} <= coalesce({{ alias }}.giltig_till, cast('9999-12-31' as date))
{%- endmacro %}

{#- Whether `value` is one of the parts of a `|`-separated list. -#}
{% macro in_list(value, list) -%}
    concat('|', {{ list }}, '|') like concat('%|', {{ value }}, '|%')
{%- endmacro %}
