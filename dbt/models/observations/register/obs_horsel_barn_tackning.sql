{{ coverage_stock() }}
