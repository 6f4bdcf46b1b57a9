"""Synthetic extracts, one generator per source."""
