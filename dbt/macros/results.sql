{#- An end of Wilson's 95 % interval, in percent, of `share` in `number` observations; `sign`: - lower, + upper. -#}
{% macro wilson_end(share, number, sign) -%}
{% set z = 'cast(1.959963984540054 as double)' -%}
100 * (
    {{ share }} + {{ z }} * {{ z }} / (2 * {{ number }})
    {{ sign }} {{ z }} * sqrt(
        {{ share }} * (1 - {{ share }}) / {{ number }} + {{ z }} * {{ z }} / (4 * {{ number }} * {{ number }})
    )
) / (1 + {{ z }} * {{ z }} / {{ number }})
{%- endmacro %}

{#- An annual amount by the days of a period within its year (which has 366 in a leap year). -#}
{% macro prorated(amount, first, last) -%}
{% set year = dbt.date_trunc('year', first) -%}
{{ amount }} * ({{ days(first, last) }} + 1) / ({{ days(year, dbt.dateadd('year', 1, year)) }})
{%- endmacro %}

{#- Whether a target (an alias of targets) is one of the year of `day`. -#}
{% macro valid_in_year(day, target) -%}
extract(year from {{ day }}) between coalesce({{ target }}.from_year, 0) and coalesce({{ target }}.to_year, 9999)
{%- endmacro %}

{#- Which side of zero a number lies on, farther than `reach`: 1, -1, or 0 where it does not (or is missing). -#}
{% macro side(number, reach) -%}
case when {{ number }} > {{ reach }} then 1 when {{ number }} < -({{ reach }}) then -1 else 0 end
{%- endmacro %}

{#- Join condition: the same place of the same indicator (the area has no verksamhet). -#}
{% macro same_place(a, b) -%}
    {{ a }}.indicator_id = {{ b }}.indicator_id
    and {{ a }}.niva = {{ b }}.niva
    and coalesce({{ a }}.verksamhet, '') = coalesce({{ b }}.verksamhet, '')
{%- endmacro %}
