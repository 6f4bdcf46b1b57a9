select
    register,
    person_id,
    kon,
    fodelsear,
    hsaid_enhet,
    registreringsdatum,
    formular,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
