-- Per month end since the first report: every item of the followed-up plan that a verksamhet is asked to report on,
-- reported or not. In the numerator when its newest report says that it is done.
with asked as (
    select
        i.item_id,
        n.node as verksamhet
    from {{ ref('planpunkt') }} as i
    inner join {{ ref('plan') }} as p on i.plan_id = p.plan_id
    inner join {{ ref('organisation') }} as n on n.type = 'verksamhet'
    where
        p.foljs_upp = 'ja'
        and i.uppfoljning in ('sjalvrapporterad', 'bada')
        and (i.omfattning is null or {{ in_list('n.node', 'i.omfattning') }})
),

known_months as (
    select m.month_end
    from {{ ref('months') }} as m
    inner join {{ ref('source_dates') }} as s on s.source = 'aktiviteter' and m.month >= s.data_start
),

events as (
    select
        k.month_end as event_date,
        a.verksamhet,
        {{ no_text() }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        case when r.status = 'genomford' then 1 else 0 end as taljare,
        1 as namnare,
        case when r.status = 'utgar' then 'punkten_utgar' end as exclusion,
        r.delivery,
        r.line
    from asked as a
    cross join known_months as k
    left join {{ newest_reports('aktiviteter') }} as r
        on a.item_id = r.aktivitet_id
        and a.verksamhet = r.verksamhet
        and k.month_end = r.month_end
        and r.place = 1
)

{{ observations() }}
