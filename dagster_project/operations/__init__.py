"""A day's work around the job: settings, lock, before and after, upkeep, notification."""
