{#- The unit that a row counts by where it may name another one than its own: `column` where it is filled in, else the row's
    own (`unit`). The register is asked for it as `e`, on the day; rows may name units that it does not know. -#}
{% macro named_unit(unit, column) -%}
    {{ 'coalesce(a.' ~ column ~ ', a.' ~ unit ~ ')' if column else 'a.' ~ unit }}
{%- endmacro %}

{#- The joins that go with it: `e` gives the verksamhet, `known` whether the register knows the unit at all. -#}
{% macro join_named_unit(unit, column, day) -%}
    left join {{ ref('stg_enheter') }} as e on {{ valid_unit(named_unit(unit, column), day) }}
    {% if column -%}
    left join (select distinct hsaid_enhet from {{ ref('stg_enheter') }}) as known
        on known.hsaid_enhet = {{ named_unit(unit, column) }}
    {%- endif %}
{%- endmacro %}
