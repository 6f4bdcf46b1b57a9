{#- Rules that SQL and Python both apply: pure Jinja, without anything of dbt's, so that ingestion renders the same text
    (dagster_project/engines/rules.py). -#}

{#- The newest row of every business key, withdrawn keys left out.
    `rows`: a query that gives the rows with their key as key_1 .. key_<parts>, `delivery_order` and `makulerad`.
    Few keys come more than once: they are found first, by the key alone, so that the millions of whole rows need no
    sort. A key comes at most once in a delivery, so its newest row is the one with the highest delivery_order. -#}
{% macro newest_rows(rows, parts) -%}
    select accepted_rows.*
    from ({{ rows }}) as accepted_rows
    left join (
        select
            {% for i in range(1, parts + 1) -%} key_{{ i }}, {% endfor %}
            max(delivery_order) as newest
        from ({{ rows }}) as key_rows
        group by {% for i in range(1, parts + 1) -%} key_{{ i }}{{ ', ' if not loop.last }}{% endfor %}
        having count(*) > 1
    ) as several
        on
            {% for i in range(1, parts + 1) -%}
            accepted_rows.key_{{ i }} is not distinct from several.key_{{ i }}
            {{ 'and' if not loop.last }}
            {% endfor %}
    where
        (several.newest is null or accepted_rows.delivery_order = several.newest)
        and not accepted_rows.makulerad
{%- endmacro %}

{#- Columns of a business key: the expressions of the contract as key_1 .. key_n. -#}
{% macro key_columns(key) -%}
    {% for part in key -%} {{ part }} as key_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- Join condition: the row of the unit register that is valid on a day. Without `or`, which no engine joins by hash. -#}
{% macro valid_unit(unit, day, alias='e') -%}
    {{ alias }}.hsaid_enhet = {{ unit }}
    and {{ day }} >= {{ alias }}.giltig_fran
    and {{ day }} <= coalesce({{ alias }}.giltig_till, cast('9999-12-31' as date))
{%- endmacro %}
