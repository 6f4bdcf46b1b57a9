{{ performed_waits(
    'aterbesok_maldatum',
    4,
    dbt.datediff('v.medicinskt_maldatum', 'v.start_datum', 'day') ~ ' <= p.tolerance_days',
    guarantee=false
) }}
