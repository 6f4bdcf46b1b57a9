select
    hsaid_enhet,
    enhetsnamn,
    verksamhet,
    lansdel,
    giltig_fran,
    giltig_till,
    delivery,
    line
from {{ staged() }} as s
