-- Indicators whose observations follow from one staged row each (macros/months.sql), with their source: what no delivery
-- touched of them need not be made again.
{% set found = [] -%}
{% for indicator in indicators() if execute and row_by_row(indicator) -%}
    {% do found.append(indicator) -%}
{% endfor -%}
{% for indicator in found -%}
select
    '{{ indicator.indicator_id }}' as indicator_id,
    '{{ indicator.sources[0] }}' as source
{% if not loop.last %}union all{% endif %}
{% else -%}
select
    {{ no_text() }} as indicator_id,
    {{ no_text() }} as source
where 1 = 0
{% endfor %}
