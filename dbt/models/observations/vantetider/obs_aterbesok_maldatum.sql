{{ performed_waits(
    fas=4,
    within=days('v.medicinskt_maldatum', 'v.start_datum') ~ ' <= p.tolerance_days',
    guarantee=false
) }}
