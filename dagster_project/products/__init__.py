"""What people open, each made from a release and a run's records."""
