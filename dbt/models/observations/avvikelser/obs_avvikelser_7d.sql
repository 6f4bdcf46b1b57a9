{{ timed_cases('registreringsdatum', 'paborjad_datum') }}
