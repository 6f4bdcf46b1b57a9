{{ performed_waits(fas=2, about="upper(v.flode) = 'NP'") }}
