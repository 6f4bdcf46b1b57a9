"""The thin Dagster layer: assets, checks, job, schedule, sensor around plain functions."""
