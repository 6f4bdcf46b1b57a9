{#- The catalogue's rows with the given properties: indicators(path='adds_up'), indicators(kind='tackning', stock=true). -#}
{% macro indicators() %}
    {% set found = namespace(rows=var('catalogue')) %}
    {% for property, value in kwargs.items() %}
        {% set found.rows = found.rows | selectattr(property, 'equalto', value) | list %}
    {% endfor %}
    {{ return(found.rows) }}
{% endmacro %}

{#- The catalogue's row of the obs_ model that is being compiled: the model's name says which. -#}
{% macro this_indicator() %}
    {% set indicator_id = this_model().removeprefix('obs_') %}
    {% set found = indicators(indicator_id=indicator_id) %}
    {% if not found %}
        {{ exceptions.raise_compiler_error('dbt/seeds/catalogue.csv has no row for ' ~ indicator_id) }}
    {% endif %}
    {{ return(found[0]) }}
{% endmacro %}

{#- Whether row `alias` of its source says what an indicator requires (`indicator.requires`). -#}
{% macro met(required, alias) -%}
    {{ alias }}.{{ required.column }} {{ "= '" ~ required.value ~ "'" if required.value else 'is not null' }}
{%- endmacro %}

{#- The name of the model that is being compiled; in a unit test, of the one that it tests. -#}
{% macro this_model() %}
    {{ return((model.tested_node_unique_id or model.unique_id).split('.')[-1]) }}
{% endmacro %}

{#- Whether `value` is one of the parts of a `|`-separated list; nothing in it is a wildcard. -#}
{% macro in_list(value, list) -%}
    {{ dbt.position(dbt.concat(["'|'", value, "'|'"]), dbt.concat(["'|'", list, "'|'"])) }} > 0
{%- endmacro %}
