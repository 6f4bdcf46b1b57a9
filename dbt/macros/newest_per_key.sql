{#- The newest accepted row of every business key among this run's deliveries, withdrawn keys left out.
    `key` repeats the contract's key (a test compares them); rows that the unit register refused are out.
    Few keys come more than once: they are found first, by the key alone, so that the millions of whole rows need no sort.
    A key comes at most once in a delivery, so its newest row is the one in the delivery with the highest position. -#}
{% macro newest_per_key(source_name, key) -%}
    select godkanda.*
    from ({{ accepted_rows(source_name, 'rader.*', key) }}) as godkanda
    left join (
        select
            {% for _ in key -%} nyckel_{{ loop.index }}, {% endfor %}
            max(leveransordning) as senaste
        from ({{ accepted_rows(source_name, none, key) }}) as nycklar
        group by {% for _ in key -%} nyckel_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
        having count(*) > 1
    ) as flera
        on
            {% for _ in key -%}
            godkanda.nyckel_{{ loop.index }} is not distinct from flera.nyckel_{{ loop.index }}
            {{ 'and' if not loop.last }}
            {% endfor %}
    where
        (flera.senaste is null or godkanda.leveransordning = flera.senaste)
        and not godkanda.makulerad
{%- endmacro %}

{#- Accepted rows that the register did not refuse: their key as nyckel_1..n, the position of their delivery, `columns`. -#}
{% macro accepted_rows(source_name, columns, key) -%}
    select
        {% if columns %}{{ columns }},{% endif %}
        {% for part in key -%} {{ part }} as nyckel_{{ loop.index }}, {% endfor %}
        leveranser.leveransordning
    from {{ source('bronze', source_name) }} as rader
    inner join (
        select delivery as leverans, position as leveransordning
        from {{ source('korning', 'leveranser') }}
        where source = '{{ source_name }}'
    ) as leveranser on rader.delivery = leveranser.leverans
    left join (
        select delivery as avvisad_leverans, line as avvisad_rad
        from {{ source('korning', 'avvisade_rader') }}
        where source = '{{ source_name }}'
    ) as avvisade on rader.delivery = avvisade.avvisad_leverans and rader.line = avvisade.avvisad_rad
    where avvisade.avvisad_leverans is null
{%- endmacro %}
