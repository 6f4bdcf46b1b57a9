{#- No two rows share a key (empty key columns compare as equal). -#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{#- Every cell of the grid is there but those that are left out, and nothing else. -#}
{% test rows_as_grid(model) %}
select g.number as expected, r.number as published
from (
    select count(*) - coalesce(sum(case when c.left_out then 1 else 0 end), 0) as number
    from {{ ref('grid') }} as g
    left join {{ ref('cells') }} as c on {{ same_cell('g', 'c') }} and c.left_out
    where g.in_grid
) as g
cross join (select count(*) as number from {{ model }}) as r
where g.number <> r.number
{% endtest %}
