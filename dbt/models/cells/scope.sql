select
    k.indicator_id,
    n.node as verksamhet
from {{ ref('catalogue') }} as k
inner join {{ ref('organisation') }} as n on {{ in_list('n.node', 'k.omfattning') }}
where n.type = 'verksamhet'
