-- Per indicator: months of which a source that it reads delivered only a part for a verksamhet.
select distinct
    k.indicator_id,
    p.verksamhet,
    p.month
from {{ source('run', 'partial_months') }} as p
inner join {{ ref('catalogue') }} as k on {{ in_list('p.source', 'k.kallor') }}
