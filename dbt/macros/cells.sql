{#- The levels and sexes that an aggregated row counts in: `kon` T takes every sex, K and M their own. -#}
{% macro sexes() -%}
(
    select 'T' as kon_rad, cast(null as {{ dbt.type_string() }}) as kon_villkor
    union all select 'K', 'K'
    union all select 'M', 'M'
)
{%- endmacro %}

{% macro levels() -%}
grouping sets (
    (indicator_id, period_typ, period_start, kon_rad),
    (indicator_id, period_typ, period_start, kon_rad, verksamhet),
    (indicator_id, period_typ, period_start, kon_rad, verksamhet, enhet)
)
{%- endmacro %}

{% macro level_name() -%}
case
    when grouping(verksamhet) = 1 then 'omrade'
    when grouping(enhet) = 1 then 'verksamhet'
    else 'enhet'
end
{%- endmacro %}

{#- Counting observations of the given models, in one relation. -#}
{% macro counted_observations(indicators) -%}
    {% for indicator in indicators -%}
    select
        indicator_id, verksamhet, enhet, kon, person_id, taljare, namnare,
        cast({{ dbt.date_trunc('month', 'event_date') }} as date) as manad
    from {{ ref('obs_' ~ indicator) }}
    where exkludering is null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}

{#- Monthly rows `o` of a relation in every period `p` and sex row `s` that they count in; a stock's in its last month only. -#}
{% macro placed_in_periods(relation) -%}
from {{ relation }} as o
    inner join {{ ref('katalog') }} as k on o.indicator_id = k.indicator_id
    inner join {{ ref('int_perioder') }} as p
        on o.manad >= p.period_start
        and o.manad <= p.sista_manad
        and (not k.bestand or o.manad = p.sista_manad)
    inner join {{ sexes() }} as s on s.kon_villkor is null or o.kon = s.kon_villkor
{%- endmacro %}
