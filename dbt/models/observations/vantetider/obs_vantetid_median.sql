with events as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        {{ no_text() }} as person_id,
        {{ days('v.beslut_datum', 'v.start_datum') }} as taljare,
        1 as namnare,
        {{ no_text() }} as exclusion,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    where v.status = 'GENOMFORD' and v.fas = 1
)

{{ observations() }}
