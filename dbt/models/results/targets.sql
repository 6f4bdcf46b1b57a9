-- The only place that reads the targets: they become a table of their own when an indicator has several.
select
    k.indicator_id,
    k.mal_operator as operator,
    k.mal_varde as value,
    k.mal_jamforelse as base,
    k.mal_nivaer as levels,
    k.mal_prorateras as prorated,
    k.mal_fran_ar as from_year,
    k.mal_till_ar as to_year
from {{ ref('catalogue') }} as k
where k.mal_operator is not null
