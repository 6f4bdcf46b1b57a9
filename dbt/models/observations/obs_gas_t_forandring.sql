with handelser as (
    select
        g.event_date,
        g.verksamhet,
        g.enhet,
        g.kon,
        g.person_id,
        g.t_utfall - g.t_baslinje as taljare,
        1 as namnare,
        case when g.bedomda_mal = 0 then 'inget_bedomt_mal' end as exkludering,
        g.delivery,
        g.line
    from {{ ref('int_gas_planer') }} as g
)

{{ observations('gas_t_forandring') }}
