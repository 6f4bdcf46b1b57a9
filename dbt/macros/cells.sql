{#- The sexes that a row of `kon` counts in: T takes every sex, K and M their own. -#}
{% macro sexes() -%}
(
    select 'T' as kon_row, {{ no_text() }} as kon_of
    union all select 'K', 'K'
    union all select 'M', 'M'
)
{%- endmacro %}

{#- Grouping by level: the area, its verksamheter, their units; `columns`: what else every group has. -#}
{% macro levels(columns) -%}
grouping sets (
    ({{ columns }}),
    ({{ columns }}, verksamhet),
    ({{ columns }}, verksamhet, enhet)
)
{%- endmacro %}

{#- The level of a row that was grouped by `levels`. -#}
{% macro level_name() -%}
case
    when grouping(verksamhet) = 1 then 'omrade'
    when grouping(enhet) = 1 then 'verksamhet'
    else 'enhet'
end
{%- endmacro %}

{#- Counting observations of all indicators whose cells come along one of `paths`, in one relation. `counted`: the person,
    else the thing, that is counted once per cell. `kept`: of which indicators, only those of some months
    (`kept_indicators`). -#}
{% macro counted_observations(paths, kept={}) -%}
    {% for indicator in indicators() if indicator.path in paths -%}
    select
        indicator_id, verksamhet, enhet, kon, taljare, namnare,
        {{ 'person_id' if indicator.path == 'persons' else 'thing' }} as counted,
        {{ month_of('event_date') }} as month
    from {{ ref('obs_' ~ indicator.indicator_id) }}
    where
        exclusion is null
        {% if indicator.indicator_id in kept -%}
        and {{ in_months('event_date', kept[indicator.indicator_id]) }}
        {% endif -%}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}

{#- Monthly rows `o` of a relation in every period `p` of their indicator whose cells look at their month. -#}
{% macro placed_in_periods(relation) -%}
from {{ relation }} as o
    inner join {{ ref('indicator_periods') }} as p
        on o.indicator_id = p.indicator_id
        and o.month >= p.first_month
        and o.month <= p.last_month
{%- endmacro %}

{#- Rows `o` in every sex row `s` that they count in. -#}
{% macro placed_in_sexes() -%}
inner join {{ sexes() }} as s on s.kon_of is null or o.kon = s.kon_of
{%- endmacro %}

{#- Join condition: the same cell in two relations, whatever its level (its verksamhet and unit can be empty).
    `period`: the condition for its period, when it is not the same one. -#}
{% macro same_cell(a, b, period=none) -%}
    {{ a }}.indicator_id = {{ b }}.indicator_id
    and {{ a }}.niva = {{ b }}.niva
    and {{ a }}.period_typ = {{ b }}.period_typ
    and {{ period or (a ~ '.period_start = ' ~ b ~ '.period_start') }}
    and {{ a }}.kon = {{ b }}.kon
    and coalesce({{ a }}.verksamhet, '') = coalesce({{ b }}.verksamhet, '')
    and coalesce({{ a }}.enhet, '') = coalesce({{ b }}.enhet, '')
{%- endmacro %}
