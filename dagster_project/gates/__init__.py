"""May this delivery, this table, these results be trusted: suites, waivers, and what follows from their outcomes."""
