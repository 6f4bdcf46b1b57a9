{{ performed_waits('vg_forsta_besok_90', 1, dbt.datediff('v.beslut_datum', 'v.start_datum', 'day') ~ ' <= 90') }}
