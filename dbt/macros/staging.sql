{#- What every stg_ model selects from: the source's newest accepted rows, each with the verksamhet that it belongs to.
    The model's name says the source, the source's contract the rest: its key, and whether the unit register is asked for
    the `unit` on the day (or in the month) of the event or the rows name their `verksamhet` themselves. -#}
{% macro staged() -%}
    {% set source_name = this_model().removeprefix('stg_') -%}
    {% set contract = var('contracts')[source_name] -%}
    {% if has_store() -%}
    {{ stored(source_name, contract) }}
    {%- else -%}
    {{ judged_anew(source_name, contract) }}
    {%- endif %}
{%- endmacro %}

{#- Whether settling keeps the rows with its verdicts where the models are built (`ingestion/store.py`): in DuckDB's
    warehouse. Elsewhere, and in unit tests (of which a build can have some), the newest rows are found from bronze by
    the same rule. -#}
{% macro has_store() -%}
    {{ return(flags.WHICH == 'build' and target.type == 'duckdb' and not model.tested_node_unique_id) }}
{%- endmacro %}

{#- The store's rows that count. -#}
{% macro stored(source_name, contract) -%}
    {% if contract.unit and contract.events -%}
    {% set place = '_verksamhet' -%}
    {% elif contract.verksamhet and contract.verksamhet != 'verksamhet' -%}
    {% set place = contract.verksamhet -%}
    {% endif -%}
    (select r.*{{ ', r.' ~ place ~ ' as verksamhet' if place }} from settled.{{ source_name }} as r where r._counts)
{%- endmacro %}

{% macro judged_anew(source_name, contract) -%}
    {% set replaced = replaced_of(source_name) if contract.full_list else none -%}
    {% set newest = newest_rows(accepted_rows(source_name, contract.key), contract.key | length, replaced) -%}
    {% if contract.unit and contract.events -%}
    (
        select newest.*, e.verksamhet
        from ({{ newest }}) as newest
        left join
            {{ unit_of_event(ref('stg_enheter'), 'newest.' ~ contract.unit, 'newest.event_date', contract.monthly) }}
    )
    {%- elif contract.verksamhet and contract.verksamhet != 'verksamhet' -%}
    (select newest.*, newest.{{ contract.verksamhet }} as verksamhet from ({{ newest }}) as newest)
    {%- else -%}
    ({{ newest }})
    {%- endif %}
{%- endmacro %}

{#- Rows of this run's deliveries that the unit register did not refuse, ready for newest_rows. The run's tables show
    renamed columns only: a key may have a column that is called like one of theirs. -#}
{% macro accepted_rows(source_name, key) -%}
    select delivered.*, {{ key_columns(key) }}, deliveries.delivery_order
    from {{ source('bronze', source_name) }} as delivered
    inner join (
        select delivery as run_delivery, position as delivery_order
        from {{ source('run', 'ledger') }}
        where source = '{{ source_name }}'
    ) as deliveries on delivered.delivery = deliveries.run_delivery
    left join (
        select delivery as refused_delivery, line as refused_line
        from {{ source('run', 'refused_rows') }}
        where source = '{{ source_name }}'
    ) as refused on delivered.delivery = refused.refused_delivery and delivered.line = refused.refused_line
    where refused.refused_delivery is null
{%- endmacro %}

{#- Rows that a newer full list has replaced, as settling found them. -#}
{% macro replaced_of(source_name) -%}
    (
        select delivery as replaced_delivery, line as replaced_line
        from {{ source('run', 'replaced_rows') }}
        where source = '{{ source_name }}'
    )
{%- endmacro %}
