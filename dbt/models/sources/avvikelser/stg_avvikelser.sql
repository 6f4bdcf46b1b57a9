select
    avvikelse_id,
    hsaid_enhet,
    handelsedatum,
    registreringsdatum,
    paborjad_datum,
    avslutad_datum,
    utredning_begard_datum,
    utredning_besvarad_datum,
    allvarlighetsgrad,
    rapporterande_enhet,
    utredande_enhet,
    typ,
    event_date,
    verksamhet,
    delivery,
    line
from {{ staged() }} as s
