{#- Coverage of a quality register as a stock: one observation per person, unit and month end. In the population: included
    and not left; in the numerator: a registration, at any unit, during the 365 days that end with the day. -#}
{% macro coverage_stock(indicator_id, register) -%}
with population as (
    select
        m.manad_slut as event_date,
        e.verksamhet,
        p.hsaid_enhet as enhet,
        p.kon,
        p.person_id,
        p.delivery,
        p.line
    from {{ ref('stg_register_population') }} as p
    inner join {{ ref('int_manader') }} as m
        on p.inklusionsdatum <= m.manad_slut
        and (p.utgangsdatum is null or p.utgangsdatum >= m.manad_slut)
    left join {{ ref('stg_enheter') }} as e on {{ valid_unit('p.hsaid_enhet', 'm.manad_slut') }}
    where p.register = '{{ register }}'
),

registrerade as (
    select distinct
        m.manad_slut,
        r.person_id
    from {{ ref('stg_register_registreringar') }} as r
    inner join {{ ref('int_manader') }} as m
        on r.registreringsdatum <= m.manad_slut
        and {{ dbt.datediff('r.registreringsdatum', 'm.manad_slut', 'day') }} < 365
    where r.register = '{{ register }}'
),

handelser as (
    select
        p.event_date,
        p.verksamhet,
        p.enhet,
        p.kon,
        p.person_id,
        case when r.person_id is not null then 1 else 0 end as taljare,
        1 as namnare,
        case when p.verksamhet is null then 'enhet_stangd' end as exkludering,
        p.delivery,
        p.line
    from population as p
    left join registrerade as r on p.event_date = r.manad_slut and p.person_id = r.person_id
)

{{ observations(indicator_id) }}
{%- endmacro %}

{#- Coverage as a flow: one observation per inclusion; in the numerator when a registration follows it (same day counts). -#}
{% macro coverage_flow(indicator_id, register) -%}
with registrerade as (
    select
        person_id,
        max(registreringsdatum) as senaste
    from {{ ref('stg_register_registreringar') }}
    where register = '{{ register }}'
    group by person_id
),

handelser as (
    select
        p.event_date,
        p.verksamhet,
        p.hsaid_enhet as enhet,
        p.kon,
        p.person_id,
        case when r.senaste >= p.inklusionsdatum then 1 else 0 end as taljare,
        1 as namnare,
        cast(null as {{ dbt.type_string() }}) as exkludering,
        p.delivery,
        p.line
    from {{ ref('stg_register_population') }} as p
    left join registrerade as r on p.person_id = r.person_id
    where p.register = '{{ register }}'
)

{{ observations(indicator_id) }}
{%- endmacro %}
