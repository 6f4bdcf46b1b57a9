"""From delivered files to typed rows, quarantine and ledger. Personnummer end here."""
