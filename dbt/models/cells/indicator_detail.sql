-- What the published cells leave out, for analysts in the warehouse: open cases, and Socialstyrelsen's three sets of
-- coverage (in both, only in the care system, only in the register). Small numbers: never published.
with open_cases as (
    {% for indicator in indicators(timed=true) -%}
    select
        indicator_id, verksamhet, enhet, event_date,
        'oppna' as measure,
        concat(delivery, '/', cast(line as {{ dbt.type_string() }})) as counted
    from {{ ref('obs_' ~ indicator.indicator_id) }}
    where exclusion = 'oppet_arende'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

in_care_system as (
    {% for indicator in indicators(kind='tackning') -%}
    select
        indicator_id, verksamhet, enhet, event_date,
        case when taljare = 1 then 'i_bada' else 'bara_i_vardsystemet' end as measure,
        person_id as counted
    from {{ ref('obs_' ~ indicator.indicator_id) }}
    where exclusion is null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

only_in_register as (
    select
        k.indicator_id, r.verksamhet, r.hsaid_enhet as enhet, r.event_date,
        'bara_i_registret' as measure,
        r.person_id as counted
    from {{ ref('stg_register_registreringar') }} as r
    inner join {{ ref('catalogue') }} as k on r.register = k.register
    inner join {{ ref('scope') }} as s on r.verksamhet = s.verksamhet and k.indicator_id = s.indicator_id
    where
        not exists (
            select 1
            from {{ ref('stg_register_population') }} as p
            where
                p.register = r.register
                and p.person_id = r.person_id
                and p.inklusionsdatum <= r.registreringsdatum
                and (p.utgangsdatum is null or p.utgangsdatum >= r.registreringsdatum)
        )
),

per_month as (
    select
        a.indicator_id,
        a.measure,
        a.counted,
        a.verksamhet,
        a.enhet,
        {{ month_of('a.event_date') }} as period_start
    from (
        select * from open_cases
        union all
        select * from in_care_system
        union all
        select * from only_in_register
    ) as a
    where a.verksamhet is not null
)

select
    indicator_id,
    {{ level_name() }} as niva,
    verksamhet,
    enhet,
    period_start,
    measure,
    count(distinct counted) as antal
from per_month
group by {{ levels('indicator_id, measure, period_start') }}
