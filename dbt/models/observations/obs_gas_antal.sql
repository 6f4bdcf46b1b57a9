with handelser as (
    select
        g.event_date,
        g.verksamhet,
        g.enhet,
        g.kon,
        g.person_id,
        1 as taljare,
        cast(null as double) as namnare,
        case when g.bedomda_mal = 0 then 'inget_bedomt_mal' end as exkludering,
        g.delivery,
        g.line
    from {{ ref('int_gas_planer') }} as g
)

{{ observations('gas_antal') }}
