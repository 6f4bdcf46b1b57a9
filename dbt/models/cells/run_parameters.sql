-- The run's parameters as a table of the warehouse: views that read them can then be read wherever the warehouse is.
select
    p.run_id,
    p.as_of,
    p.first_month,
    p.last_month,
    p.comparison_start,
    p.grid_start,
    p.tolerance_days,
    p.few_limit,
    p.publish_preliminary
from {{ source('run', 'parameters') }} as p
