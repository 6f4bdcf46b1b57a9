"""What is computed and from what: indicators, organisation, periods, contracts, closed lists; read once, typed."""
