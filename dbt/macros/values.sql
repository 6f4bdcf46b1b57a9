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

{#- A text that is missing, for columns that a model has nothing for. -#}
{% macro no_text() -%}
    cast(null as {{ dbt.type_string() }})
{%- endmacro %}
