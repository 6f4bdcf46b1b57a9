{#- Coverage of a quality register as a stock: one observation per person, unit and month end. In the population: included
    and not left; in the numerator: a registration, at any unit, during the 365 days that end with the day. -#}
{% macro coverage_stock() -%}
{% set register = this_indicator().register -%}
with population as (
    select
        m.month_end as event_date,
        e.verksamhet,
        p.hsaid_enhet as enhet,
        p.kon,
        p.person_id,
        p.delivery,
        p.line
    from {{ ref('stg_register_population') }} as p
    inner join {{ ref('months') }} as m
        on p.inklusionsdatum <= m.month_end
        and (p.utgangsdatum is null or p.utgangsdatum >= m.month_end)
    left join {{ ref('stg_enheter') }} as e on {{ valid_unit('p.hsaid_enhet', 'm.month_end') }}
    where p.register = '{{ register }}'
),

-- Distinct: a person with several registrations in the year is registered once.
registered as (
    select distinct
        m.month_end,
        r.person_id
    from {{ ref('stg_register_registreringar') }} as r
    inner join {{ ref('months') }} as m
        on r.registreringsdatum <= m.month_end
        and {{ days('r.registreringsdatum', 'm.month_end') }} < 365
    where r.register = '{{ register }}'
),

events as (
    select
        p.event_date,
        p.verksamhet,
        p.enhet,
        p.kon,
        p.person_id,
        case when r.person_id is not null then 1 else 0 end as taljare,
        1 as namnare,
        case when p.verksamhet is null then 'enhet_stangd' end as exclusion,
        p.delivery,
        p.line
    from population as p
    left join registered as r on p.event_date = r.month_end and p.person_id = r.person_id
)

{{ observations() }}
{%- endmacro %}
