-- The targets that are shown with the cells: an indicator has at most one for a year (catalogue/plan.py sees to it).
select
    m.indicator_id,
    m.item_id,
    m.operator,
    m.varde as value,
    m.bas as base,
    m.nivaer as levels,
    m.prorateras = 'ja' as prorated,
    m.bedoms_pa as judged_on,
    m.giltig_fran_ar as from_year,
    m.giltig_till_ar as to_year
from {{ ref('maltal') }} as m
where m.huvudmal = 'ja'
