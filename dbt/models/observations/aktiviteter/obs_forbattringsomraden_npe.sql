{{ reported_number() }}
