"""Where SQL runs: the only opener of DuckDB, and dbt's parse and build."""
