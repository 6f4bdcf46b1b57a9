{#- Coverage of a quality register as a flow: one observation per inclusion; in the numerator when a registration follows
    it (the same day counts). -#}
{% macro coverage_flow() -%}
{% set register = this_indicator().register -%}
with registered as (
    select
        person_id,
        max(registreringsdatum) as newest
    from {{ ref('stg_register_registreringar') }}
    where register = '{{ register }}'
    group by person_id
),

events as (
    select
        p.event_date,
        p.verksamhet,
        p.hsaid_enhet as enhet,
        p.kon,
        p.person_id,
        case when r.newest >= p.inklusionsdatum then 1 else 0 end as taljare,
        1 as namnare,
        {{ no_text() }} as exclusion,
        p.delivery,
        p.line
    from {{ ref('stg_register_population') }} as p
    left join registered as r on p.person_id = r.person_id
    where p.register = '{{ register }}'
)

{{ observations() }}
{%- endmacro %}
