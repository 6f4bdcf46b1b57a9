-- Medians from the distribution: per cell, how many observations have each value; exact, and small however many rows.
with fordelning as (
    select
        o.indicator_id,
        o.verksamhet,
        o.enhet,
        o.kon,
        o.manad,
        o.taljare as matt,
        sum(o.namnare) as antal
    from ({{ counted_observations(var('medianer')) }}) as o
    group by o.indicator_id, o.verksamhet, o.enhet, o.kon, o.manad, o.taljare
),

per_period as (
    select
        f.indicator_id,
        p.period_typ,
        p.period_start,
        f.verksamhet,
        f.enhet,
        f.kon,
        f.matt,
        sum(f.antal) as antal
    from fordelning as f
    inner join {{ ref('int_perioder') }} as p on f.manad >= p.period_start and f.manad <= p.sista_manad
    group by f.indicator_id, p.period_typ, p.period_start, f.verksamhet, f.enhet, f.kon, f.matt
),

per_cell as (
    select
        indicator_id,
        {{ level_name() }} as niva,
        verksamhet,
        enhet,
        period_typ,
        period_start,
        kon_rad as kon,
        matt,
        sum(antal) as antal
    from per_period
    inner join {{ sexes() }} as s on s.kon_villkor is null or kon = s.kon_villkor
    group by grouping sets (
        (indicator_id, period_typ, period_start, kon_rad, matt),
        (indicator_id, period_typ, period_start, kon_rad, matt, verksamhet),
        (indicator_id, period_typ, period_start, kon_rad, matt, verksamhet, enhet)
    )
),

lopande as (
    select
        c.*,
        sum(c.antal) over (
            partition by c.indicator_id, c.niva, c.verksamhet, c.enhet, c.period_typ, c.period_start, c.kon
            order by c.matt
            rows between unbounded preceding and current row
        ) as hittills,
        sum(c.antal) over (
            partition by c.indicator_id, c.niva, c.verksamhet, c.enhet, c.period_typ, c.period_start, c.kon
            order by c.matt
            rows between unbounded preceding and unbounded following
        ) as alla
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
    max(alla) as namnare,
    -- The middle value, or the mean of the two middle ones: the first values that reach half, and pass it.
    (
        min(case when 2 * hittills >= alla then matt end)
        + min(case when 2 * hittills >= alla + case when alla % 2 = 0 then 1 else 0 end then matt end)
    ) / 2 as varde
from lopande
group by indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon
