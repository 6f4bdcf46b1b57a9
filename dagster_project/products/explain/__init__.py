"""How a published number came about, from a kept release and its evidence alone; the rules are in docs/explain.md."""
