{% set key = ["register", "person_id", "registreringsdatum", "formular"] %}

with gallande as (
    {{ newest_per_key('register_registreringar', key) }}
)

select
    g.register,
    g.person_id,
    g.kon,
    g.fodelsear,
    g.hsaid_enhet,
    g.registreringsdatum,
    g.formular,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
