{{ timed_cases('avvikelser_180d', 'registreringsdatum', 'avslutad_datum', 180) }}
