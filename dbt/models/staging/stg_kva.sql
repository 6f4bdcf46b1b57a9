{% set key = ["vardkontakt_id", "kva_kod"] %}

with gallande as (
    {{ newest_per_key('kva', key) }}
)

select
    g.vardkontakt_id,
    g.kva_kod,
    g.person_id,
    g.kon,
    g.fodelsear,
    g.hsaid_enhet,
    g.atgardsdatum,
    g.yrkeskategori,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
