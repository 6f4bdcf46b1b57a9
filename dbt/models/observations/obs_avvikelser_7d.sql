{{ timed_cases('avvikelser_7d', 'registreringsdatum', 'paborjad_datum', 7) }}
