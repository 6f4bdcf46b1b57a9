with events as (
    select
        p.event_date,
        p.verksamhet,
        p.enhet,
        p.kon,
        p.person_id,
        case when m.utfall >= 0 then 1 else 0 end as taljare,
        1 as namnare,
        case
            when p.rated_goals = 0 then 'inget_bedomt_mal'
            when m.utfall is null then 'ej_bedomt'
        end as exclusion,
        m.delivery,
        m.line
    from {{ ref('stg_gas') }} as m
    inner join {{ ref('gas_plans') }} as p on m.gas_id = p.gas_id
)

{{ observations() }}
