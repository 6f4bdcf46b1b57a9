"""What a run is: its parameters, identity, ledger, folder and history. Data only: nothing is ingested here."""
