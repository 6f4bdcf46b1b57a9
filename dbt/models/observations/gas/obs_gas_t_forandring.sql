with events as (
    select
        g.event_date,
        g.verksamhet,
        g.enhet,
        g.kon,
        g.person_id,
        g.t_outcome - g.t_baseline as taljare,
        1 as namnare,
        case when g.rated_goals = 0 then 'inget_bedomt_mal' end as exclusion,
        g.delivery,
        g.line
    from {{ ref('gas_plans') }} as g
)

{{ observations() }}
