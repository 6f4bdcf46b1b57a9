{{ summed_rows('1', about="r.rondtyp = 'patientsakerhet'", exclusion="case when r.form = 'uppfoljd' then 'uppfoljd_rond' end") }}
