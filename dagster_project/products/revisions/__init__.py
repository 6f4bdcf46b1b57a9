"""Which published cells changed between two releases, and what may be the cause."""
