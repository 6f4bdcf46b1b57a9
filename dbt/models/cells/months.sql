-- Every month that a cell or its comparison may need: from the first r12 of the comparison year to the as-of year's end.
with numbers as (
    {{ dbt.generate_series(var('most_months')) }}
),

candidates as (
    select {{ later('p.first_month', 'cast(n.generated_number as int) - 1') }} as month
    from numbers as n
    cross join {{ ref('run_parameters') }} as p
)

select
    m.month,
    {{ month_end('m.month') }} as month_end
from candidates as m
cross join {{ ref('run_parameters') }} as p
where m.month <= p.last_month
