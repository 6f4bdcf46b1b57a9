-- The periods that each indicator has cells of, and the months whose observations such a cell counts: a stock's last one,
-- a window's last so many, else all of the period's.
select
    i.indicator_id,
    p.period_typ,
    p.period_start,
    p.period_slut,
    case
        when i.bestand then p.last_month
        when i.window_months is not null then {{ later('p.last_month', '1 - i.window_months') }}
        else p.period_start
    end as first_month,
    p.last_month,
    p.in_grid
from {{ ref('run_indicators') }} as i
cross join {{ ref('periods') }} as p
-- A base year only where it is compared with.
where p.base_year is null or p.base_year = i.base_year
