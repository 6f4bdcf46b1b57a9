{% set key = ["register", "person_id", "inklusionsdatum"] %}

with gallande as (
    {{ newest_per_key('register_population', key) }}
)

select
    g.register,
    g.person_id,
    g.kon,
    g.fodelsear,
    g.hsaid_enhet,
    g.inklusionsdatum,
    g.utgangsdatum,
    g.diagnoskod,
    g.event_date,
    e.verksamhet,
    g.delivery,
    g.line
from gallande as g
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('g.hsaid_enhet', 'g.event_date') }}
