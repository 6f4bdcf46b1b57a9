{{ performed_waits(fas=2) }}
