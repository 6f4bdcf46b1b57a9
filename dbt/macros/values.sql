{#- Calendar days from one day to another. -#}
{% macro days(first, last) -%}
    {{ dbt.datediff(first, last, 'day') }}
{%- endmacro %}

{#- The first day of the month that holds a day. -#}
{% macro month_of(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}

{#- The last day of the month that holds a day. -#}
{% macro month_end(day) -%}
    cast({{ dbt.last_day(day, 'month') }} as date)
{%- endmacro %}

{#- The day `number` months or years (`unit`) later. -#}
{% macro later(day, number, unit='month') -%}
    cast({{ dbt.dateadd(unit, number, day) }} as date)
{%- endmacro %}

{#- The same day in another year, for a first of a month: of a period that ends on `last`, the months of that year. -#}
{% macro in_year(day, last, year) -%}
    {{ later(day, 'cast(' ~ year ~ ' - extract(year from ' ~ last ~ ') as int)', 'year') }}
{%- endmacro %}

{#- A text that is missing, for columns that a model has nothing for. -#}
{% macro no_text() -%}
    cast(null as {{ dbt.type_string() }})
{%- endmacro %}

{#- A number as a decimal, so that a sum of such is exact and the same in whatever order its rows are read (doubles added
    by several cores are not). To the 15 digits that a double holds of what was delivered: 100.1 becomes 100.1, not
    100.099999999999994. -#}
{% macro exact(number) -%}
case
    {% for below, decimals in [('1000', 12), ('1000000', 9), ('1000000000', 6)] -%}
    when abs({{ number }}) < {{ below }} then cast(cast({{ number }} as decimal(38, {{ decimals }})) as decimal(38, 12))
    {% endfor -%}
    else cast(cast({{ number }} as decimal(38, 3)) as decimal(38, 12))
end
{%- endmacro %}
