"""The page that a steward opens after a run: what it came to, what is wrong, and what to do about it."""
