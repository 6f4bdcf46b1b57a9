-- Is it a change or noise? An XmR chart of the published months of each place (products.md; NHS England, Making Data
-- Count). What is hidden, preliminary or of an older series is no point, and no run of neighbours goes on across it.
{% set place = 'indicator_id, niva, verksamhet' -%}
{% set chart = var('chart') -%}
{% set in_order = 'partition by ' ~ place ~ ' order by period_start' -%}
with monthly as (
    select
        r.indicator_id,
        r.niva,
        r.verksamhet,
        k.art,
        r.period_start,
        r.status,
        r.varde,
        r.komplett,
        -- How many complete months are as new as this one: 1 for the newest, 0 for those after it.
        sum(case when r.komplett then 1 else 0 end) over (
            partition by r.indicator_id, r.niva, r.verksamhet
            order by r.period_start desc
            rows between unbounded preceding and current row
        ) as age,
        max(case when r.komplett then r.period_slut end) over (
            partition by r.indicator_id, r.niva, r.verksamhet
        ) as newest
    from {{ ref('indicator_result') }} as r
    inner join {{ ref('catalogue') }} as k on r.indicator_id = k.indicator_id
    where
        r.period_typ = 'manad'
        and r.kon = 'T'
        and r.niva in ('omrade', 'verksamhet')
        and r.status <> 'ej_tillamplig'
        and k.path not in ('distinct', 'window')
),

places as (
    select
        m.indicator_id,
        m.niva,
        m.verksamhet,
        m.art,
        max(m.newest) as newest
    from monthly as m
    group by m.indicator_id, m.niva, m.verksamhet, m.art
),

charted as (
    select
        m.*,
        exists(
            select 1
            from {{ ref('brott') }} as b
            where
                (b.indicator_id is null or b.indicator_id = m.indicator_id)
                and (b.verksamhet is null or b.verksamhet = m.verksamhet)
                and m.period_start < b.datum
                and b.datum <= m.newest
        ) as of_older_series
    from monthly as m
    where m.age between 1 and {{ chart.months }}
),

told_apart as (
    select
        c.*,
        c.komplett and c.varde is not null and not c.of_older_series as is_point
    from charted as c
),

in_runs as (
    select
        t.*,
        sum(case when t.is_point or t.status = 'inga_data' then 0 else 1 end) over ({{ in_order }}) as run
    from told_apart as t
),

points as (
    select
        r.*,
        row_number() over (partition by {{ place }} order by period_start desc) as from_newest,
        count(*) over (partition by {{ place }}) as number,
        -- The mean of equal values is that value, however it is rounded.
        case
            when min(varde) over (partition by {{ place }}) = max(varde) over (partition by {{ place }}) then varde
            else cast(sum({{ exact('varde') }}) over (partition by {{ place }}) as double)
                / count(*) over (partition by {{ place }})
        end as mean,
        abs(varde - lag(varde) over ({{ in_order }})) as moving_range,
        varde - lag(varde) over (partition by {{ place }}, run order by period_start) as step
    from in_runs as r
    where r.is_point
),

with_mean_range as (
    select
        p.*,
        cast(sum({{ exact('moving_range') }}) over (partition by {{ place }}) as double) / (number - 1) as mean_range,
        -- Closer than this are equal numbers that were computed in two ways.
        1e-9 * (1 + abs(mean)) as same
    from points as p
    where p.number > 1
),

with_reach as (
    select
        w.*,
        {{ chart.reach }} * coalesce(
            cast(
                sum(case when moving_range <= {{ chart.farthest_range }} * mean_range then {{ exact('moving_range') }} end)
                    over (partition by {{ place }})
                as double
            ) / nullif(
                sum(case when moving_range <= {{ chart.farthest_range }} * mean_range then 1 else 0 end) over (partition by {{ place }}), 0
            ),
            0
        ) as reach
    from with_mean_range as w
),

placed as (
    select
        w.*,
        {{ side('varde - mean', 'reach + same') }} as outside,
        {{ side('varde - mean', 'reach * 2 / 3 + same') }} as far,
        {{ side('varde - mean', 'same') }} as side,
        {{ side('step', 'same') }} as direction
    from with_reach as w
    where w.number >= {{ chart.fewest }}
),

-- Each rule says 1 (up, above), -1 (down, below) or 0.
ruled as (
    select
        p.*,
        case
            when abs(sum(direction) over ({{ in_order }} rows between 5 preceding and current row)) = 6 then direction
            else 0
        end as trend,
        case
            when lag(far, 1) over ({{ in_order }}) = far or lag(far, 2) over ({{ in_order }}) = far then far
            else 0
        end as two_of_three,
        case
            when
                abs(
                    sum(side) over (
                        partition by {{ place }}, run order by period_start rows between 6 preceding and current row
                    )
                ) = 7
                then side
            else 0
        end as shift
    from placed as p
),

signalled as (
    select
        r.*,
        case
            when outside <> 0 then 'utanfor'
            when trend <> 0 then 'trend'
            when two_of_three <> 0 then 'tva_av_tre'
            when shift <> 0 then 'skift'
        end as rule,
        case
            when outside <> 0 then outside
            when trend <> 0 then trend
            when two_of_three <> 0 then two_of_three
            else shift
        end as way
    from ruled as r
),

decided as (
    select
        s.indicator_id,
        s.niva,
        s.verksamhet,
        s.period_start,
        s.rule,
        s.way,
        row_number() over (partition by {{ place }} order by from_newest) as place
    from signalled as s
    where s.from_newest <= 3 and s.rule is not null
),

limited as (
    select
        s.indicator_id,
        s.niva,
        s.verksamhet,
        max(s.mean) as mean,
        max(s.mean) - max(s.reach) as lower_limit,
        max(s.mean) + max(s.reach) as upper_limit
    from signalled as s
    group by s.indicator_id, s.niva, s.verksamhet
),

counted as (
    select
        p.indicator_id,
        p.niva,
        p.verksamhet,
        count(*) as number,
        min(p.period_start) as first_point,
        max(p.period_start) as last_point
    from points as p
    group by p.indicator_id, p.niva, p.verksamhet
),

kept as (
    select
        p.indicator_id,
        p.niva,
        p.verksamhet,
        c.first_point,
        c.last_point,
        coalesce(c.number, 0) as number,
        l.mean,
        case
            when p.art in ('andel', 'tackning', 'antal') and l.lower_limit < 0 then 0
            else l.lower_limit
        end as lower_limit,
        case when p.art in ('andel', 'tackning') and l.upper_limit > 100 then 100 else l.upper_limit end as upper_limit,
        d.rule,
        d.period_start as signal_month,
        d.way,
        coalesce(p.newest, r.as_of) as judged_on,
        k.riktning as direction,
        r.run_id
    from places as p
    inner join {{ ref('catalogue') }} as k on p.indicator_id = k.indicator_id
    cross join {{ ref('run_parameters') }} as r
    left join counted as c on {{ same_place('p', 'c') }}
    left join limited as l on {{ same_place('p', 'l') }}
    left join decided as d on {{ same_place('p', 'd') }} and d.place = 1
),

with_target as (
    select
        k.*,
        case
            when t.operator in ('>=', '>') then 'upp'
            when t.operator in ('<=', '<') then 'ned'
            else k.direction
        end as better,
        t.operator,
        -- A number that does not move with the period, and is asked for of any month.
        case
            when t.base is null and not t.prorated and t.judged_on is null and {{ in_list('k.niva', 't.levels') }}
                then t.value
        end as goal
    from kept as k
    left join {{ ref('targets') }} as t
        on k.indicator_id = t.indicator_id and {{ valid_in_year('k.judged_on', 't') }}
)

select
    w.indicator_id,
    w.niva,
    w.verksamhet,
    w.first_point as fran,
    w.last_point as till,
    w.number as antal_punkter,
    w.mean as medel,
    w.lower_limit as undre_grans,
    w.upper_limit as ovre_grans,
    case when w.number < {{ chart.fewest }} then 'for_fa' else coalesce(w.rule, 'ingen') end as signal,
    w.signal_month as signal_manad,
    case
        when w.rule is null then null
        when w.better = 'neutral' then case when w.way > 0 then 'okar' else 'minskar' end
        when (w.better = 'upp' and w.way > 0) or (w.better = 'ned' and w.way < 0) then 'battre'
        else 'samre'
    end as riktning,
    case
        when w.goal is null then 'inget_mal'
        when w.operator in ('>=', '>') and w.goal < w.lower_limit then 'nas_sakert'
        when w.operator in ('>=', '>') and w.goal > w.upper_limit then 'nas_inte'
        when w.operator in ('<=', '<') and w.goal > w.upper_limit then 'nas_sakert'
        when w.operator in ('<=', '<') and w.goal < w.lower_limit then 'nas_inte'
        else 'osakert'
    end as malformaga,
    w.run_id as release_id
from with_target as w
