-- The catalogue as it is published: what each indicator means, in words.
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
    k.mal_id,
    k.planpunkt,
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
left join {{ ref('targets') }} as t on k.indicator_id = t.indicator_id
