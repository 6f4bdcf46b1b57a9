select
    rond_id,
    hsaid_enhet,
    rondtyp,
    form,
    ronddatum,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
