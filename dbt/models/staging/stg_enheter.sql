{% set key = ["hsaid_enhet", "giltig_fran"] %}

with gallande as (
    {{ newest_per_key('enheter', key) }}
)

select
    g.hsaid_enhet,
    g.enhetsnamn,
    g.verksamhet,
    g.lansdel,
    g.giltig_fran,
    g.giltig_till,
    g.delivery,
    g.line
from gallande as g
