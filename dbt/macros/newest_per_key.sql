{#- The newest accepted row of every business key among this run's deliveries, withdrawn keys left out.
    `key` repeats the contract's key (a test compares them); rows that the unit register refused are out. -#}
{% macro newest_per_key(source_name, key) -%}
    select ordered.*
    from (
        select
            rader.*,
            row_number() over (partition by {{ key | join(', ') }} order by leveranser.leveransordning desc) as ordning
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
    ) as ordered
    where ordered.ordning = 1 and not ordered.makulerad
{%- endmacro %}
