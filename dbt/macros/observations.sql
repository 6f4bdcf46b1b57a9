{#- The last step of every obs_ model: the common columns, and why an observation does not count.
    `events` is a CTE with event_date, verksamhet, enhet, kon, person_id, taljare, namnare, exclusion, delivery, line.
    `thing`: its column of the things that are counted once per cell, for the path distinct. -#}
{% macro observations(thing=none) -%}
{% set indicator_id = this_indicator().indicator_id -%}
select
    '{{ indicator_id }}' as indicator_id,
    h.event_date,
    h.verksamhet,
    h.enhet,
    h.kon,
    h.person_id,
    {{ 'h.' ~ thing if thing else no_text() }} as thing,
    cast(h.taljare as double) as taljare,
    cast(h.namnare as double) as namnare,
    case
        when h.exclusion is not null then h.exclusion
        when h.verksamhet is null then 'enhet_ej_giltig'
        when s.verksamhet is null then 'utanfor_omfattning'
    end as exclusion,
    h.delivery,
    h.line
from events as h
left join {{ ref('scope') }} as s on h.verksamhet = s.verksamhet and s.indicator_id = '{{ indicator_id }}'
{%- endmacro %}
