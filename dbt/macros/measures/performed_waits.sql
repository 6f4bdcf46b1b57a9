{#- Performed waits of one fas, patient-chosen ones (PvV) left out. `within`: the condition of the numerator; as long as
    the catalogue says from decision to start unless another is given. `guarantee`: only those within vårdgarantin.
    `about`: a condition (over `v`) of the rows that the indicator is about, where not all are. -#}
{% macro performed_waits(fas, within=none, guarantee=true, about=none) -%}
with events as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        {{ no_text() }} as person_id,
        case
            when {{ within or (days('v.beslut_datum', 'v.start_datum') ~ ' <= ' ~ this_indicator().limit_days) }} then 1
            else 0
        end as taljare,
        1 as namnare,
        case
            {% if guarantee -%}
            when not v.vardgaranti then 'ej_vardgaranti'
            {% endif -%}
            when v.avvikelsekod = 1 then 'patientvald_vantan'
        end as exclusion,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    cross join {{ ref('run_parameters') }} as p
    where v.status = 'GENOMFORD' and v.fas = {{ fas }}{{ ' and ' ~ about if about }}
)

{{ observations() }}
{%- endmacro %}
