{#- What is written otherwise on Spark. dbt finds these by `adapter.dispatch` before its own. -#}

{#- Where a table lies: in the data folder, which is no part of what dbt parsed. -#}
{% macro spark__location_clause() -%}
    location '{{ (var('data') ~ '/spark/' ~ model['alias']) | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{#- A seed is there as Parquet (dagster_project/engines/spark.py): its table is that. -#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {% set sql = 'create table ' ~ this.render() ~ ' using parquet ' ~ location_clause() -%}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {{ return('') }}
{%- endmacro %}

{#- Days: dbt-spark's own take times and refuse what is missing, in expressions that double with every nesting. -#}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    {{ require_part('datediff', datepart, ['day']) -}}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}

{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {{ require_part('dateadd', datepart, ['day', 'month', 'year']) -}}
    {%- if datepart == 'day' -%} date_add({{ from_date_or_timestamp }}, cast({{ interval }} as int))
    {%- elif datepart == 'month' -%} add_months({{ from_date_or_timestamp }}, cast({{ interval }} as int))
    {%- else -%} add_months({{ from_date_or_timestamp }}, 12 * cast({{ interval }} as int))
    {%- endif -%}
{%- endmacro %}

{% macro spark__date_trunc(datepart, date) -%}
    cast(date_trunc('{{ datepart }}', {{ date }}) as date)
{%- endmacro %}

{% macro spark__last_day(date, datepart) -%}
    {{ require_part('last_day', datepart, ['month']) -}}
    last_day({{ date }})
{%- endmacro %}

{% macro require_part(name, datepart, known) -%}
    {% if datepart not in known -%}
        {{ exceptions.raise_compiler_error('dbt/macros/engine/spark.sql has no ' ~ name ~ ' of ' ~ datepart) }}
    {%- endif %}
{%- endmacro %}

{#- Whole numbers from 1; dbt's own joins a table of two rows with itself as often as it has binary digits. -#}
{% macro spark__generate_series(upper_bound) -%}
    select explode(sequence(1, {{ upper_bound }})) as generated_number
{%- endmacro %}
