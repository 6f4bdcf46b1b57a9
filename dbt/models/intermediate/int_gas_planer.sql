-- One row per plan: T-scores of its rated goals (Kiresuk & Sherman 1968, rho 0.3; Turner-Stokes 2009 with erratum).
with mal as (
    select
        g.*,
        case when g.viktighet is null then 1 else g.viktighet * g.svarighet end as vikt,
        row_number() over (partition by g.gas_id order by g.mal_nr) as nummer
    from {{ ref('stg_gas') }} as g
),

bedomda as (
    select
        m.*,
        -- Weights that are all 0 say nothing: the goals then count alike.
        case when sum(m.vikt) over (partition by m.gas_id) = 0 then 1 else m.vikt end as w
    from mal as m
    where m.utfall is not null
),

summor as (
    select
        b.gas_id,
        count(*) as bedomda_mal,
        max(b.utfallsdatum) as event_date,
        sum(cast(b.w * b.baslinje as double)) as wx_baslinje,
        sum(cast(b.w * b.utfall as double)) as wx_utfall,
        sum(cast(b.w as double)) as w,
        sum(cast(b.w * b.w as double)) as w2
    from bedomda as b
    group by b.gas_id
)

select
    m.gas_id,
    s.event_date,
    e.verksamhet,
    m.hsaid_enhet as enhet,
    m.kon,
    m.person_id,
    coalesce(s.bedomda_mal, 0) as bedomda_mal,
    50 + 10 * s.wx_baslinje / sqrt(0.7 * s.w2 + 0.3 * s.w * s.w) as t_baslinje,
    50 + 10 * s.wx_utfall / sqrt(0.7 * s.w2 + 0.3 * s.w * s.w) as t_utfall,
    m.delivery,
    m.line
from mal as m
left join summor as s on m.gas_id = s.gas_id
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('m.hsaid_enhet', 's.event_date') }}
where m.nummer = 1
