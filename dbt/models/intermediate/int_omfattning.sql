select
    k.indicator_id,
    v.verksamhet
from {{ ref('katalog') }} as k
cross join {{ ref('verksamheter') }} as v
where {{ in_list('v.verksamhet', 'k.omfattning') }}
