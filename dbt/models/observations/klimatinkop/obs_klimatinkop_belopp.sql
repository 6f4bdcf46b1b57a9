{{ summed_rows('r.belopp_kr') }}
