{{ summed_rows('r.utfall_kr') }}
