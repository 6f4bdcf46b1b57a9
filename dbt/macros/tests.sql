{#- No two rows share a key (empty key columns compare as equal). -#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{#- Every cell of the grid is there, and nothing else. -#}
{% test rows_as_grid(model) %}
select g.rader, r.rader as publicerade
from (select count(*) as rader from {{ ref('int_rutnat') }} where i_rutnat) as g
cross join (select count(*) as rader from {{ model }}) as r
where g.rader <> r.rader
{% endtest %}
