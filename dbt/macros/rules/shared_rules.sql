{#- Rules that SQL and Python both apply: pure Jinja, without anything of dbt's, so that ingestion renders the same text
    (dagster_project/engines/rules.py). -#}

{#- The newest row of every business key, withdrawn keys left out.
    `rows`: a query that gives the rows with their key as key_1 .. key_<parts>, `delivery_order` and `makulerad`.
    Few keys come more than once: they are found first, by the key alone, so that the millions of whole rows need no
    sort. A key comes at most once in a delivery, so its newest row is the one with the highest delivery_order.
    `replaced`: of a source with full lists, a relation that gives the rows of `replaced_rows`. They are left out last:
    a row that is gone from a list must not bring an older one of its key back. -#}
{% macro newest_rows(rows, parts, replaced=none) -%}
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
    {% if replaced -%}
    left join {{ replaced }} as replaced
        on accepted_rows.delivery = replaced.replaced_delivery and accepted_rows.line = replaced.replaced_line
    {% endif -%}
    where
        (several.newest is null or accepted_rows.delivery_order = several.newest)
        and not accepted_rows.makulerad
        {%- if replaced %}
        and replaced.replaced_delivery is null
        {%- endif %}
{%- endmacro %}

{#- The newest rows of their keys that a newer full list of their scope has replaced: replaced_delivery, replaced_line.
    `rows`: as for newest_rows, with `delivered` (the date) and the scope as scope_1 .. scope_<scopes>. `lists`: a query
    that gives delivered, makulerad and the scope of all rows of these scopes.
    `set_aside`: keys of rows in quarantine, as key_1 .. key_<parts> with `delivered`: a list that has such a row does not
    take the key away. A date has a list of a scope when it has an accepted row there that withdraws nothing. -#}
{% macro replaced_rows(rows, lists, parts, scopes, set_aside) -%}
    select distinct newest.delivery as replaced_delivery, newest.line as replaced_line
    from ({{ newest_rows(rows, parts) }}) as newest
    inner join (
        select distinct {% for i in range(1, scopes + 1) -%} scope_{{ i }}, {% endfor -%} delivered
        from ({{ lists }}) as listed
        where not makulerad
    ) as lists
        on
            lists.delivered > newest.delivered
            {% for i in range(1, scopes + 1) -%}
            and lists.scope_{{ i }} is not distinct from newest.scope_{{ i }}
            {% endfor %}
    left join ({{ set_aside }}) as set_aside
        on
            set_aside.delivered = lists.delivered
            {% for i in range(1, parts + 1) -%}
            and set_aside.key_{{ i }} is not distinct from newest.key_{{ i }}
            {% endfor %}
    where set_aside.delivered is null
{%- endmacro %}

{#- Columns of a business key: the expressions of the contract as key_1 .. key_n. -#}
{% macro key_columns(key) -%}
    {{ numbered('key', key) }}
{%- endmacro %}

{#- Columns of a scope of full lists, as scope_1 .. scope_n. -#}
{% macro scope_columns(scope) -%}
    {{ numbered('scope', scope) }}
{%- endmacro %}

{% macro numbered(name, expressions) -%}
    {% for part in expressions -%} {{ part }} as {{ name }}_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- What an event's verksamhet is joined from: the row of the unit register, as `alias`, that is valid on its day, or, of
    an event that is a whole month (`day` is its last day), on the last day of the month on which any of the unit's is.
    A row reaches into what is left of a month until the next of its unit begins. -#}
{% macro unit_of_event(register, unit, day, monthly=false, alias='e') -%}
    {% if monthly -%}
    (
        select
            hsaid_enhet, verksamhet, giltig_fran, giltig_till,
            lead(giltig_fran) over (partition by hsaid_enhet order by giltig_fran) as next_fran
        from {{ register }}
    ) as {{ alias }}
        on
            {{ alias }}.hsaid_enhet = {{ unit }}
            and {{ alias }}.giltig_fran <= {{ day }}
            and {{ day }} < coalesce({{ alias }}.next_fran, cast('9999-12-31' as date))
            and cast(date_trunc('month', {{ day }}) as date)
                <= coalesce({{ alias }}.giltig_till, cast('9999-12-31' as date))
    {%- else -%}
    {{ register }} as {{ alias }} on {{ valid_unit(unit, day, alias) }}
    {%- endif %}
{%- endmacro %}

{#- Join condition: the row of the unit register that is valid on a day. Without `or`, which no engine joins by hash. -#}
{% macro valid_unit(unit, day, alias='e') -%}
    {{ alias }}.hsaid_enhet = {{ unit }}
    and {{ day }} >= {{ alias }}.giltig_fran
    and {{ day }} <= coalesce({{ alias }}.giltig_till, cast('9999-12-31' as date))
{%- endmacro %}
