{{ summed_rows('-r.utfall_kr', about=met(this_indicator().requires, 'r')) }}
