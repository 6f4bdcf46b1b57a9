select
    vardkontakt_id,
    kva_kod,
    person_id,
    kon,
    fodelsear,
    hsaid_enhet,
    atgardsdatum,
    yrkeskategori,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
