select
    aktivitet_id,
    verksamhet,
    manad,
    status,
    antal,
    kommentar,
    event_date,
    delivery,
    line
from {{ staged() }} as s
