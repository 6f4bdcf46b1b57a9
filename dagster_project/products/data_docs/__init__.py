"""What every gate of a run expected and found, in detail."""
