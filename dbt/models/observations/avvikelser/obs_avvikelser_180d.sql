{{ timed_cases('registreringsdatum', 'avslutad_datum') }}
