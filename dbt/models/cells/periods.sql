-- Periods of the grid, and for comparisons only (`in_grid` false) those of the year before it and of base years.
{% set types = [
    {'name': 'manad', 'months': 1, 'starts': 'true'},
    {'name': 'tertial', 'months': 4, 'starts': 'extract(month from m.month) in (1, 5, 9)'},
    {'name': 'delar', 'months': 8, 'starts': 'extract(month from m.month) = 1'},
    {'name': 'ar', 'months': 12, 'starts': 'extract(month from m.month) = 1'},
    {'name': 'r12', 'months': 12, 'starts': 'true'},
] %}

with candidates as (
    {% for type in types -%}
    select
        '{{ type.name }}' as period_typ,
        m.month as period_start,
        {{ later('m.month', type.months - 1) }} as last_month
    from {{ ref('months') }} as m
    where {{ type.starts }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

placed as (
    select
        c.period_typ,
        c.period_start,
        c.last_month,
        {{ month_end('c.last_month') }} as period_slut,
        -- r12 has one period per month of the grid: it is placed by its last month, all others by their first.
        case when c.period_typ = 'r12' then c.last_month else c.period_start end as place
    from candidates as c
),

known as (
    select
        p.period_typ,
        p.period_start,
        p.period_slut,
        p.last_month,
        p.place >= r.grid_start as in_grid
    from placed as p
    cross join {{ ref('run_parameters') }} as r
    where p.place >= r.comparison_start and p.place <= r.as_of
),

-- Distinct: the years of the grid all have the same months in the base year.
in_base_years as (
    select distinct
        b.base_year,
        p.period_typ,
        {{ in_year('p.period_start', 'p.period_slut', 'b.base_year') }} as period_start,
        {{ in_year('p.last_month', 'p.period_slut', 'b.base_year') }} as last_month
    from known as p
    cross join (
        select distinct base_year
        from {{ ref('run_indicators') }}
        where base_year is not null
    ) as b
    where p.in_grid and extract(year from p.period_slut) > b.base_year
)

select
    p.period_typ,
    p.period_start,
    p.period_slut,
    p.last_month,
    p.in_grid,
    cast(null as int) as base_year
from known as p

union all

select
    b.period_typ,
    b.period_start,
    {{ month_end('b.last_month') }} as period_slut,
    b.last_month,
    false as in_grid,
    b.base_year
from in_base_years as b
left join known as p on b.period_typ = p.period_typ and b.period_start = p.period_start
where p.period_typ is null
