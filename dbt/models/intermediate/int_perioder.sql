-- Periods of the grid and of the year before it (for comparisons only: `i_rutnat` false).
{% set typer = [
    {'typ': 'manad', 'langd': 1, 'villkor': 'true'},
    {'typ': 'tertial', 'langd': 4, 'villkor': 'extract(month from m.manad) in (1, 5, 9)'},
    {'typ': 'delar', 'langd': 8, 'villkor': 'extract(month from m.manad) = 1'},
    {'typ': 'ar', 'langd': 12, 'villkor': 'extract(month from m.manad) = 1'},
    {'typ': 'r12', 'langd': 12, 'villkor': 'true'},
] %}

with kandidater as (
    {% for t in typer -%}
    select
        '{{ t.typ }}' as period_typ,
        m.manad as period_start,
        cast({{ dbt.dateadd('month', t.langd - 1, 'm.manad') }} as date) as sista_manad
    from {{ ref('int_manader') }} as m
    where {{ t.villkor }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

perioder as (
    select
        k.period_typ,
        k.period_start,
        k.sista_manad,
        cast({{ dbt.last_day('k.sista_manad', 'month') }} as date) as period_slut,
        -- r12 has one period per month of the grid: it is placed by its last month, all others by their first.
        case when k.period_typ = 'r12' then k.sista_manad else k.period_start end as plats
    from kandidater as k
)

select
    p.period_typ,
    p.period_start,
    p.period_slut,
    p.sista_manad,
    p.plats >= r.grid_start as i_rutnat
from perioder as p
cross join {{ source('korning', 'parametrar') }} as r
where p.plats >= r.comparison_start and p.plats <= r.as_of
