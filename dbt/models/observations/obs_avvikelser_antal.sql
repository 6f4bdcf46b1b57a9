with handelser as (
    select
        a.event_date,
        a.verksamhet,
        a.hsaid_enhet as enhet,
        cast(null as {{ dbt.type_string() }}) as kon,
        cast(null as {{ dbt.type_string() }}) as person_id,
        1 as taljare,
        cast(null as double) as namnare,
        cast(null as {{ dbt.type_string() }}) as exkludering,
        a.delivery,
        a.line
    from {{ ref('stg_avvikelser') }} as a
)

{{ observations('avvikelser_antal') }}
