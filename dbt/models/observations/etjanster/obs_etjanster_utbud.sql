with events as (
    select
        r.event_date,
        r.verksamhet,
        r.hsaid_enhet as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        lower(r.tjanst) as tjanst,
        case when r.antal > 0 then 1 else 0 end as taljare,
        cast(null as double) as namnare,
        {{ no_text() }} as exclusion,
        r.delivery,
        r.line
    from {{ ref('stg_etjanster') }} as r
)

{{ observations(thing='tjanst') }}
