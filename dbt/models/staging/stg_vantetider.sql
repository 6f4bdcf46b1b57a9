{% set key = ["vardkontakt_id", "status", "case when status = 'VANTANDE' then matperiod end"] %}

with gallande as (
    {{ newest_per_key('vantetider', key) }}
)

select
    g.vardkontakt_id,
    g.status,
    g.matperiod,
    g.fas,
    g.vardgaranti,
    g.avvikelsekod,
    g.beslut_datum,
    g.start_datum,
    g.medicinskt_maldatum,
    g.hsaid_enhet,
    g.kon,
    g.fodelsear,
    g.lkf,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
