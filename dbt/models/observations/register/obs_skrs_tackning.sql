{{ coverage_flow() }}
