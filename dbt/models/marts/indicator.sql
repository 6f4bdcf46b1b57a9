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
    k.mal_operator,
    k.mal_varde,
    k.mal_jamforelse,
    k.mal_nivaer,
    k.riktning,
    k.ansvarig,
    k.rapportering
from {{ ref('katalog') }} as k
