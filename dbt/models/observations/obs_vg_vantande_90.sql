with handelser as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        cast(null as {{ dbt.type_string() }}) as person_id,
        case when {{ dbt.datediff('v.beslut_datum', 'v.matperiod', 'day') }} <= 90 then 1 else 0 end as taljare,
        1 as namnare,
        case
            when not v.vardgaranti then 'ej_vardgaranti'
            when v.avvikelsekod = 1 then 'patientvald_vantan'
            when v.avvikelsekod = 2 then 'medicinskt_orsakad_vantan'
        end as exkludering,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    where v.status = 'VANTANDE' and v.fas = 1
)

{{ observations('vg_vantande_90') }}
