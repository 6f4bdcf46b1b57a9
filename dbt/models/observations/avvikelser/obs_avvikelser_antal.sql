with events as (
    select
        a.event_date,
        e.verksamhet,
        {{ named_unit('hsaid_enhet', 'rapporterande_enhet') }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        1 as taljare,
        cast(null as double) as namnare,
        case when known.hsaid_enhet is null then 'enhet_okand' end as exclusion,
        a.delivery,
        a.line
    from {{ ref('stg_avvikelser') }} as a
    {{ join_named_unit('hsaid_enhet', 'rapporterande_enhet', 'a.event_date') }}
)

{{ observations() }}
