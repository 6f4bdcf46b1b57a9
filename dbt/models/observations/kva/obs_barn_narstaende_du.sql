{{ performed_measures() }}
