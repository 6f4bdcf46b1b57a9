-- The catalogue as it is published: what each indicator means, in words, with the target of the as-of date's year and
-- its place in the plan that is followed up: where that target stands, else where it is the item's own number.
with current_targets as (
    select t.*
    from {{ ref('targets') }} as t
    cross join {{ ref('run_parameters') }} as p
    where {{ valid_in_year('p.as_of', 't') }}
),

places as (
    select
        m.indicator_id,
        i.item_id,
        i.mal_id,
        row_number() over (
            partition by m.indicator_id
            order by
                case when t.item_id is not null then 0 else 1 end,
                case when m.roll = 'huvud' then 0 else 1 end,
                i.ordning
        ) as place
    from {{ ref('planmatt') }} as m
    inner join {{ ref('planpunkt') }} as i on m.item_id = i.item_id
    inner join {{ ref('plan') }} as f on i.plan_id = f.plan_id
    left join current_targets as t on m.indicator_id = t.indicator_id and m.item_id = t.item_id
    where f.foljs_upp = 'ja'
)

select
    k.indicator_id,
    k.version,
    k.titel,
    k.definition,
    k.taljare_text,
    k.namnare_text,
    k.art,
    k.bestand,
    k.patient,
    i.mal_id,
    i.item_id as planpunkt,
    k.kallor,
    k.omfattning,
    t.operator as mal_operator,
    t.value as mal_varde,
    t.base as mal_jamforelse,
    t.levels as mal_nivaer,
    k.riktning,
    k.ansvarig,
    k.rapportering
from {{ ref('catalogue') }} as k
left join current_targets as t on k.indicator_id = t.indicator_id
left join places as i on k.indicator_id = i.indicator_id and i.place = 1
