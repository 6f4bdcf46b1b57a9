{{ performed_waits(fas=1) }}
