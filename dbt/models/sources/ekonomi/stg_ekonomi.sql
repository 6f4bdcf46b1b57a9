select
    verksamhet,
    manad,
    konto,
    konto_grupp,
    utfall_kr,
    budget_kr,
    event_date,
    delivery,
    line
from {{ staged() }} as s
