"""From delivered files to typed rows."""
