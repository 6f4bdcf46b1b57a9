-- The published cells. Hidden numbers are removed first; comparison, target and status see only what is left.
with decided as (
    select
        c.*,
        coalesce(h.hidden, false) as is_hidden
    from {{ ref('cells') }} as c
    left join {{ source('run', 'hidden_cells') }} as h on {{ same_cell('c', 'h') }}
),

shown as (
    select
        d.indicator_id,
        d.niva,
        d.verksamhet,
        d.enhet,
        d.period_typ,
        d.period_start,
        d.period_slut,
        d.kon,
        d.in_grid,
        d.left_out,
        d.applicable,
        d.art,
        d.whole_period,
        d.komplett,
        d.is_hidden,
        case when not d.is_hidden then d.taljare end as taljare,
        case when not d.is_hidden then d.namnare end as namnare,
        case when not d.is_hidden then d.varde end as varde
    from decided as d
),

published as (
    select
        s.*,
        i.kvalitet,
        case
            when i.comparison_base = 'foregaende_ar' then {{ later('s.period_start', -1, 'year') }}
            -- The base year itself, and what ends before it, is compared with nothing.
            when i.comparison_base = 'basar' and extract(year from s.period_slut) > i.base_year
                then {{ in_year('s.period_start', 's.period_slut', 'i.base_year') }}
        end as compared_start
    from shown as s
    inner join {{ ref('run_indicators') }} as i on s.indicator_id = i.indicator_id
    where s.in_grid and not coalesce(s.left_out, false)
),

compared as (
    select
        s.*,
        -- A period that begins before the data is no comparison.
        case when b.whole_period and not s.is_hidden then b.varde end as jamforelse_varde
    from published as s
    left join shown as b on {{ same_cell('s', 'b', period='s.compared_start = b.period_start') }}
),

with_target as (
    select
        c.*,
        t.operator,
        case
            when not c.applicable or t.operator is null then null
            when t.judged_on is not null and not {{ in_list('c.period_typ', 't.judged_on') }} then null
            -- A unit shows the target of its verksamhet where that is a share, or compares the row with itself; a number to
            -- reach is not the unit's.
            when
                not {{ in_list(
                    "case when c.niva = 'enhet' and (t.base is not null or c.art in ('andel', 'tackning')) "
                    ~ "then 'verksamhet' else c.niva end",
                    't.levels'
                ) }}
                then null
            when t.base is not null then c.jamforelse_varde
            when t.prorated and c.period_typ not in ('ar', 'r12')
                then {{ prorated('t.value', 'c.period_start', 'c.period_slut') }}
            else t.value
        end as malvarde
    from compared as c
    left join
        {{ ref('targets') }} as t
        on c.indicator_id = t.indicator_id and {{ valid_in_year('c.period_slut', 't') }}
),

with_share as (
    select
        w.*,
        case when w.art in ('andel', 'tackning') and w.namnare > 0 then w.taljare / w.namnare end as share
    from with_target as w
),

judged as (
    select
        m.*,
        case
            when not m.applicable then 'ej_tillamplig'
            when m.is_hidden then 'dold'
            when m.varde is null then 'inga_data'
            when not m.komplett then 'preliminar'
            when m.malvarde is null then 'inget_mal'
            when m.operator = '>=' then case when m.varde >= m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
            when m.operator = '<=' then case when m.varde <= m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
            when m.operator = '>' then case when m.varde > m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
            when m.operator = '<' then case when m.varde < m.malvarde then 'uppfyllt' else 'ej_uppfyllt' end
        end as status
    from with_share as m
)

select
    m.indicator_id,
    m.niva,
    m.verksamhet,
    m.enhet,
    m.period_typ,
    m.period_start,
    m.period_slut,
    m.kon,
    m.taljare,
    m.namnare,
    m.varde,
    -- The ends at 0 and 100 % are exact, not as rounding leaves them.
    case when m.share = 0 then 0 else {{ wilson_end('m.share', 'm.namnare', '-') }} end as ki_lag,
    case when m.share = 1 then 100 else {{ wilson_end('m.share', 'm.namnare', '+') }} end as ki_hog,
    m.jamforelse_varde,
    m.varde - m.jamforelse_varde as forandring,
    case when m.malvarde is not null then m.operator end as mal_operator,
    m.malvarde,
    m.status,
    case
        when m.is_hidden then 'MSK'
        -- Judged on so few that one more or less turns it: no alarm.
        when m.status in ('uppfyllt', 'ej_uppfyllt') and m.namnare >= 1 and m.namnare < p.few_limit then 'FA'
    end as markering,
    m.komplett,
    m.kvalitet,
    p.run_id as release_id
from judged as m
cross join {{ ref('run_parameters') }} as p
