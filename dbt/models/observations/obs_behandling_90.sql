{{ performed_waits('behandling_90', 2, dbt.datediff('v.beslut_datum', 'v.start_datum', 'day') ~ ' <= 90') }}
