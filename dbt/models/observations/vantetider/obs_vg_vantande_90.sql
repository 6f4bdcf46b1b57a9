with events as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        {{ no_text() }} as person_id,
        case when {{ days('v.beslut_datum', 'v.matperiod') }} <= {{ this_indicator().limit_days }} then 1 else 0 end as taljare,
        1 as namnare,
        case
            when not v.vardgaranti then 'ej_vardgaranti'
            when v.avvikelsekod = 1 then 'patientvald_vantan'
            when v.avvikelsekod = 2 then 'medicinskt_orsakad_vantan'
        end as exclusion,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    where v.status = 'VANTANDE' and v.fas = 1
)

{{ observations() }}
