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
