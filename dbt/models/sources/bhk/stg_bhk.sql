select
    observation_id,
    hsaid_enhet,
    observationsdatum,
    yrkeskategori,
    h_fore,
    h_efter,
    h_handskar,
    h_forklade,
    k_arm,
    k_smycken,
    k_naglar,
    k_har,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
