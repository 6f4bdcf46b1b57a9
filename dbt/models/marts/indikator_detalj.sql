-- What the published cells leave out, for analysts in the warehouse: open cases, and Socialstyrelsen's three sets of
-- coverage (in both, only in the care system, only in the register). Small numbers: never published.
{% set oppna = ['avvikelser_7d', 'avvikelser_180d', 'utredning_60d'] %}
{% set register = {
    'cpup_tackning': 'cpup',
    'grav_horsel_tackning': 'grav_horsel_vuxna',
    'horsel_barn_tackning': 'horsel_barn',
    'horselrehab_tackning': 'horselrehab',
    'skrs_tackning': 'skrs',
} %}

with oppna as (
    {% for indikator in oppna -%}
    select
        indicator_id, verksamhet, enhet, event_date,
        'oppna' as matt,
        concat(delivery, '/', cast(line as {{ dbt.type_string() }})) as vem
    from {{ ref('obs_' ~ indikator) }}
    where exkludering = 'oppet_arende'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

i_vardsystemet as (
    {% for indikator in register -%}
    select
        indicator_id, verksamhet, enhet, event_date,
        case when taljare = 1 then 'i_bada' else 'bara_i_vardsystemet' end as matt,
        person_id as vem
    from {{ ref('obs_' ~ indikator) }}
    where exkludering is null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

bara_i_registret as (
    {% for indikator, namn in register.items() -%}
    select
        '{{ indikator }}' as indicator_id, r.verksamhet, r.hsaid_enhet as enhet, r.event_date,
        'bara_i_registret' as matt,
        r.person_id as vem
    from {{ ref('stg_register_registreringar') }} as r
    inner join {{ ref('int_omfattning') }} as o
        on r.verksamhet = o.verksamhet and o.indicator_id = '{{ indikator }}'
    where
        r.register = '{{ namn }}'
        and not exists (
            select 1
            from {{ ref('stg_register_population') }} as p
            where
                p.register = r.register
                and p.person_id = r.person_id
                and p.inklusionsdatum <= r.registreringsdatum
                and (p.utgangsdatum is null or p.utgangsdatum >= r.registreringsdatum)
        )
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

alla as (
    select * from oppna
    union all
    select * from i_vardsystemet
    union all
    select * from bara_i_registret
),

per_manad as (
    select
        a.indicator_id,
        a.matt,
        a.vem,
        a.verksamhet,
        a.enhet,
        cast({{ dbt.date_trunc('month', 'a.event_date') }} as date) as period_start
    from alla as a
    where a.verksamhet is not null
)

select
    indicator_id,
    {{ level_name() }} as niva,
    verksamhet,
    enhet,
    period_start,
    matt,
    count(distinct vem) as antal
from per_manad
group by grouping sets (
    (indicator_id, matt, period_start),
    (indicator_id, matt, period_start, verksamhet),
    (indicator_id, matt, period_start, verksamhet, enhet)
)
