-- Medians from the distribution: per cell, how many observations have each value; exact, and small however many rows.
with per_period as (
    select
        o.indicator_id,
        p.period_typ,
        p.period_start,
        o.verksamhet,
        o.enhet,
        o.kon,
        o.measured,
        sum(o.number) as number
    {{ placed_in_periods(ref('months_distribution')) }}
    group by o.indicator_id, p.period_typ, p.period_start, o.verksamhet, o.enhet, o.kon, o.measured
),

per_cell as (
    select
        indicator_id,
        {{ level_name() }} as niva,
        verksamhet,
        enhet,
        period_typ,
        period_start,
        kon_row as kon,
        measured,
        sum(number) as number
    from per_period as o
    {{ placed_in_sexes() }}
    group by {{ levels('indicator_id, period_typ, period_start, kon_row, measured') }}
),

running as (
    select
        c.*,
        sum(c.number) over (
            partition by c.indicator_id, c.niva, c.verksamhet, c.enhet, c.period_typ, c.period_start, c.kon
            order by c.measured
            rows between unbounded preceding and current row
        ) as so_far,
        sum(c.number) over (
            partition by c.indicator_id, c.niva, c.verksamhet, c.enhet, c.period_typ, c.period_start, c.kon
            order by c.measured
            rows between unbounded preceding and unbounded following
        ) as total
    from per_cell as c
)

select
    indicator_id,
    niva,
    verksamhet,
    enhet,
    period_typ,
    period_start,
    kon,
    max(total) as namnare,
    -- The middle value, or the mean of the two middle ones: the first values that reach half, and pass it.
    (
        min(case when 2 * so_far >= total then measured end)
        + min(case when 2 * so_far >= total + case when total % 2 = 0 then 1 else 0 end then measured end)
    ) / 2 as varde
from running
group by indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon
