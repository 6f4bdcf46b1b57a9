{#- Per month end, verksamhet and item: its newest report in or before that month, of those that meet `condition` (over
    `r`). Months before the first report of any are left out: nothing is known of them. -#}
{% macro newest_reports(source_name, condition='true') -%}
(
    select
        m.month_end,
        r.*,
        row_number() over (
            partition by m.month_end, r.verksamhet, r.aktivitet_id
            order by r.manad desc
        ) as place
    from {{ ref('stg_' ~ source_name) }} as r
    inner join {{ ref('months') }} as m on r.manad <= m.month_end
    where {{ condition }}
)
{%- endmacro %}

{#- The number that a verksamhet has reported for the item that the indicator is the number of: one observation per month
    end from its first report on. -#}
{% macro reported_number() -%}
with events as (
    select
        r.month_end as event_date,
        r.verksamhet,
        {{ no_text() }} as enhet,
        {{ no_text() }} as kon,
        {{ no_text() }} as person_id,
        r.antal as taljare,
        cast(null as double) as namnare,
        {{ no_text() }} as exclusion,
        r.delivery,
        r.line
    from {{ newest_reports(this_indicator().sources[0], 'r.antal is not null') }} as r
    inner join {{ ref('planmatt') }} as t
        on r.aktivitet_id = t.item_id
        and t.indicator_id = '{{ this_indicator().indicator_id }}'
        and t.roll = 'huvud'
    inner join {{ ref('planpunkt') }} as i on t.item_id = i.item_id
    inner join {{ ref('plan') }} as p on i.plan_id = p.plan_id and p.foljs_upp = 'ja'
    where r.place = 1
)

{{ observations() }}
{%- endmacro %}
