select
    gas_id,
    mal_nr,
    person_id,
    kon,
    fodelsear,
    hsaid_enhet,
    viktighet,
    svarighet,
    baslinje,
    baslinjedatum,
    utfall,
    utfallsdatum,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
