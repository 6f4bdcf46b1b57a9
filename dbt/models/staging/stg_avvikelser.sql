{% set key = ["avvikelse_id"] %}

with gallande as (
    {{ newest_per_key('avvikelser', key) }}
)

select
    g.avvikelse_id,
    g.hsaid_enhet,
    g.handelsedatum,
    g.registreringsdatum,
    g.paborjad_datum,
    g.avslutad_datum,
    g.utredning_begard_datum,
    g.utredning_besvarad_datum,
    g.allvarlighetsgrad,
    g.typ,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
