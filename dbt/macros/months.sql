{#- Monthly sums that a run goes on from. A run says which months its rows can have changed (`settled.touched`, made by
    `ingestion/store.py`); only these are summed again, of the indicators whose observations are row by row. -#}

{#- Whether each observation of an indicator follows from one staged row, seeds and settings only: its model reads one
    source and nothing else that a run computes. (What it does with the row is looked at by a test,
    tests/catalogue/test_row_by_row.py.) Else it is summed anew in every run. -#}
{% macro row_by_row(indicator) %}
    {% set allowed = ['scope', 'run_parameters', 'stg_' ~ indicator.sources[0]] %}
    {% set found = namespace(local=indicator.sources | length == 1) %}
    {% for id in graph.nodes['model.resultattavla.obs_' ~ indicator.indicator_id].depends_on.nodes %}
        {% if not id.startswith('seed.') and id.split('.')[-1] not in allowed %}
            {% set found.local = false %}
        {% endif %}
    {% endfor %}
    {{ return(found.local) }}
{% endmacro %}

{#- Of each indicator along `paths` whose earlier sums hold in some month: its id and the months where they do not
    (`touched`). None where nothing is gone on from: where there is no store, or the sums are not there yet. -#}
{% macro kept_indicators(paths) %}
    {% set kept = {} %}
    {% if has_store() and load_relation(this) is not none %}
        {% set touched = {} %}
        {% set whole = [] %}
        {% for row in run_query('select source, month from settled.touched order by source, month') %}
            {% if row[1] is none %}{% do whole.append(row[0]) %}{% endif %}
            {% do touched.setdefault(row[0], []).append(row[1]) %}
        {% endfor %}
        {% for indicator in indicators() if indicator.path in paths and row_by_row(indicator) %}
            {% if indicator.sources[0] not in whole %}
                {% do kept.update({indicator.indicator_id: touched.get(indicator.sources[0], [])}) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(kept) }}
{% endmacro %}

{#- Condition: the day lies in one of the months (their first days), or there is none. -#}
{% macro in_months(day, months) -%}
(
    {{ day }} is null
    {% for first in months -%}
    {% set next = (first.replace(day=28) + modules.datetime.timedelta(days=4)).replace(day=1) -%}
    or ({{ day }} >= cast('{{ first }}' as date) and {{ day }} < cast('{{ next }}' as date))
    {% endfor %}
)
{%- endmacro %}

{#- The earlier sums that hold, after the new ones: `columns` of the model's own table. -#}
{% macro kept_sums(kept, columns) -%}
{% for indicator_id, months in kept.items() %}
union all
select {{ columns }}
from {{ this }}
where
    indicator_id = '{{ indicator_id }}' and month is not null
    {%- if months %} and month not in (
        {%- for month in months %}cast('{{ month }}' as date){{ ', ' if not loop.last }}{% endfor -%}
    ){% endif %}
{% endfor %}
{%- endmacro %}
