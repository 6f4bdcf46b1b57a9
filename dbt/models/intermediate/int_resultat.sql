-- The grid filled: what each cell holds before disclosure control. Never published as it is.
with celler as (
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon, taljare, namnare,
        cast(null as double) as median
    from {{ ref('int_celler_additiva') }}
    union all
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon, taljare, namnare,
        cast(null as double) as median
    from {{ ref('int_celler_personer') }}
    union all
    select indicator_id, niva, verksamhet, enhet, period_typ, period_start, kon,
        cast(null as double) as taljare, namnare, varde as median
    from {{ ref('int_celler_medianer') }}
),

rader as (
    select
        g.*,
        i.art,
        i.patient,
        -- Periods that end before the data begin are unknown, not empty.
        g.tillamplig and i.data_start is not null and g.period_slut >= i.data_start as har_data,
        case when i.bestand then g.sista_manad else g.period_start end >= i.data_start as hel_period,
        g.period_slut <= i.as_of as avslutad,
        c.taljare as summa,
        c.namnare as antal,
        c.median
    from {{ ref('int_rutnat') }} as g
    inner join {{ ref('int_indikatorer') }} as i on g.indicator_id = i.indicator_id
    left join celler as c
        on g.indicator_id = c.indicator_id
        and g.niva = c.niva
        and g.period_typ = c.period_typ
        and g.period_start = c.period_start
        and g.kon = c.kon
        and coalesce(g.verksamhet, '') = coalesce(c.verksamhet, '')
        and coalesce(g.enhet, '') = coalesce(c.enhet, '')
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
    r.i_rutnat,
    r.tillamplig,
    r.patient,
    r.art,
    r.har_data,
    coalesce(r.hel_period, false) as hel_period,
    coalesce(r.hel_period and r.avslutad, false) as komplett,
    case when r.har_data and r.art <> 'median' then coalesce(r.summa, 0) end as taljare,
    case when r.har_data and r.art not in ('antal', 'belopp') then coalesce(r.antal, 0) end as namnare,
    case
        when not r.har_data then null
        when r.art in ('antal', 'belopp') then coalesce(r.summa, 0)
        when r.art = 'median' then r.median
        when r.art = 'medel' and r.antal > 0 then r.summa / r.antal
        when r.art in ('andel', 'tackning') and r.antal > 0 then 100 * r.summa / r.antal
    end as varde,
    -- What disclosure control protects: the number of observations or persons behind the cell.
    case
        when not r.har_data or not r.patient then null
        when r.art = 'antal' then coalesce(r.summa, 0)
        else coalesce(r.antal, 0)
    end as skyddat_tal
from rader as r
