select
    hsaid_enhet,
    manad,
    artikelgrupp,
    antal,
    belopp_kr,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
