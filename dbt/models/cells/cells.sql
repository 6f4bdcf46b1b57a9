-- The grid filled: what each cell holds before disclosure control. Never published as it is.
with computed as (
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon, taljare, namnare,
        cast(null as double) as median
    from {{ ref('cells_additive') }}
    union all
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon, taljare, namnare,
        cast(null as double) as median
    from {{ ref('cells_distinct') }}
    union all
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon,
        cast(null as double) as taljare, namnare, varde as median
    from {{ ref('cells_distribution') }}
),

filled as (
    select
        g.*,
        i.art,
        i.patient,
        i.bestand,
        -- Periods that end before the data begin are unknown, not empty; so is what no source tells.
        g.applicable and i.data_start is not null and g.period_slut >= i.data_start and i.lacking is null as has_data,
        g.first_month >= i.data_start as is_whole,
        g.period_slut <= i.as_of as has_ended,
        -- Longer periods and the area stay: a part of one month is little to them.
        h.month is not null as is_partial,
        -- A level that nobody has stated is unknown; nothing bought is 0.
        case when i.art = 'belopp' and i.bestand then c.taljare else coalesce(c.taljare, 0) end as total,
        coalesce(c.namnare, 0) as number,
        c.median
    from {{ ref('grid') }} as g
    inner join {{ ref('run_indicators') }} as i on g.indicator_id = i.indicator_id
    left join computed as c on {{ same_cell('g', 'c') }}
    left join {{ ref('partial_months') }} as h
        on g.indicator_id = h.indicator_id
        and g.verksamhet = h.verksamhet
        and g.period_typ = 'manad'
        and g.period_start = h.month
)

select
    r.indicator_id,
    r.niva,
    r.verksamhet,
    r.enhet,
    r.period_typ,
    r.period_start,
    r.period_slut,
    r.kon,
    r.in_grid,
    r.applicable,
    r.patient,
    r.art,
    r.bestand as stock,
    r.has_data,
    coalesce(r.is_whole, false) as whole_period,
    coalesce(r.is_whole and r.has_ended and not r.is_partial, false) as komplett,
    -- What one more day adds to a unit is not told where only complete periods of units are published.
    not p.publish_preliminary and r.patient and r.niva = 'enhet' and r.has_data
    and not coalesce(r.is_whole and r.has_ended and not r.is_partial, false) as left_out,
    case when r.has_data and r.art <> 'median' then r.total end as taljare,
    case when r.has_data and r.art not in ('antal', 'belopp') then r.number end as namnare,
    case
        when not r.has_data then null
        when r.art in ('antal', 'belopp') then r.total
        when r.art = 'median' then r.median
        when r.art = 'medel' and r.number > 0 then r.total / r.number
        when r.art in ('andel', 'tackning') and r.number > 0 then 100 * r.total / r.number
    end as varde,
    -- What disclosure control protects: the number of observations or persons behind the cell.
    case
        when not r.has_data or not r.patient then null
        when r.art = 'antal' then r.total
        else r.number
    end as protected_number
from filled as r
cross join {{ ref('run_parameters') }} as p
