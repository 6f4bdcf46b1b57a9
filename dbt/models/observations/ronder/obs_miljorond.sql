{{ summed_rows('1', about="r.rondtyp = 'miljo'") }}
