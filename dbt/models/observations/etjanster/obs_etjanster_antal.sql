{{ summed_rows('r.antal') }}
