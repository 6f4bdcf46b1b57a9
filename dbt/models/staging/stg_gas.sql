{% set key = ["gas_id", "mal_nr"] %}

with gallande as (
    {{ newest_per_key('gas', key) }}
)

select
    g.gas_id,
    g.mal_nr,
    g.person_id,
    g.kon,
    g.fodelsear,
    g.hsaid_enhet,
    g.viktighet,
    g.svarighet,
    g.baslinje,
    g.baslinjedatum,
    g.utfall,
    g.utfallsdatum,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
