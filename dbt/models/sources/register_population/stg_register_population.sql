select
    register,
    person_id,
    kon,
    fodelsear,
    hsaid_enhet,
    inklusionsdatum,
    utgangsdatum,
    diagnoskod,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
