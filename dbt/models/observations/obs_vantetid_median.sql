with handelser as (
    select
        v.event_date,
        v.verksamhet,
        v.hsaid_enhet as enhet,
        v.kon,
        cast(null as {{ dbt.type_string() }}) as person_id,
        {{ dbt.datediff('v.beslut_datum', 'v.start_datum', 'day') }} as taljare,
        1 as namnare,
        cast(null as {{ dbt.type_string() }}) as exkludering,
        v.delivery,
        v.line
    from {{ ref('stg_vantetider') }} as v
    where v.status = 'GENOMFORD' and v.fas = 1
)

{{ observations('vantetid_median') }}
