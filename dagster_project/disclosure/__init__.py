"""Which numbers are hidden, and how far a shown one may be split."""
