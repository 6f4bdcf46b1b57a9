select
    hsaid_enhet,
    manad,
    tjanst,
    antal,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
