-- Every month that a cell or its comparison may need: from the first r12 of the comparison year to the as-of year's end.
with nummer as (
    {{ dbt.generate_series(600) }}
),

manader as (
    select cast({{ dbt.dateadd('month', 'cast(n.generated_number as int) - 1', 'p.first_month') }} as date) as manad
    from nummer as n
    cross join {{ source('korning', 'parametrar') }} as p
)

select
    m.manad,
    cast({{ dbt.last_day('m.manad', 'month') }} as date) as manad_slut
from manader as m
cross join {{ source('korning', 'parametrar') }} as p
where m.manad <= p.last_month
