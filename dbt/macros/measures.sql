{#- Performed measures with one of the KVÅ codes; a code in `excluded` is shown with its reason, never counted. -#}
{% macro performed_measures(indicator_id, codes, excluded={}) -%}
with handelser as (
    select
        k.event_date,
        k.verksamhet,
        k.hsaid_enhet as enhet,
        k.kon,
        k.person_id,
        1 as taljare,
        cast(null as double) as namnare,
        {% if excluded -%}
        case
            {% for code, reason in excluded.items() -%}
            when k.kva_kod = '{{ code }}' then '{{ reason }}'
            {% endfor -%}
        end as exkludering,
        {%- else -%}
        cast(null as {{ dbt.type_string() }}) as exkludering,
        {%- endif %}
        k.delivery,
        k.line
    from {{ ref('stg_kva') }} as k
    where k.kva_kod in ('{{ (codes + (excluded.keys() | list)) | join("', '") }}')
)

{{ observations(indicator_id) }}
{%- endmacro %}
