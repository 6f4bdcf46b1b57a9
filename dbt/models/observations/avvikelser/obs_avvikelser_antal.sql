with events as (
    select
        a.event_date,
        a.verksamhet,
        a.hsaid_enhet as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        1 as taljare,
        cast(null as double) as namnare,
        {{ no_text() }} as exclusion,
        a.delivery,
        a.line
    from {{ ref('stg_avvikelser') }} as a
)

{{ observations() }}
