-- A table: three indicators read it.
{{ config(materialized='table') }}

-- T-scores of the rated goals (Kiresuk & Sherman 1968, rho 0.3; Turner-Stokes 2009 with erratum).
with goals as (
    select
        g.*,
        case when g.viktighet is null then 1 else g.viktighet * g.svarighet end as weight,
        row_number() over (partition by g.gas_id order by g.mal_nr) as goal_order
    from {{ ref('stg_gas') }} as g
),

rated as (
    select
        m.*,
        -- Weights that are all 0 say nothing: the goals then count alike.
        case when sum(m.weight) over (partition by m.gas_id) = 0 then 1 else m.weight end as w
    from goals as m
    where m.utfall is not null
),

sums as (
    -- Goals, weights and their products are whole numbers: a double adds them exactly.
    select
        b.gas_id,
        count(*) as rated_goals,
        max(b.utfallsdatum) as event_date,
        sum(cast(b.w * b.baslinje as double)) as wx_baseline,
        sum(cast(b.w * b.utfall as double)) as wx_outcome,
        sum(cast(b.w as double)) as w,
        sum(cast(b.w * b.w as double)) as w2
    from rated as b
    group by b.gas_id
)

select
    m.gas_id,
    s.event_date,
    e.verksamhet,
    m.hsaid_enhet as enhet,
    m.kon,
    m.person_id,
    coalesce(s.rated_goals, 0) as rated_goals,
    50 + 10 * s.wx_baseline / sqrt(0.7 * s.w2 + 0.3 * s.w * s.w) as t_baseline,
    50 + 10 * s.wx_outcome / sqrt(0.7 * s.w2 + 0.3 * s.w * s.w) as t_outcome,
    m.delivery,
    m.line
from goals as m
left join sums as s on m.gas_id = s.gas_id
left join {{ ref('stg_enheter') }} as e on {{ valid_unit('m.hsaid_enhet', 's.event_date') }}
where m.goal_order = 1
