"""Resultattavlan: a release as a static site that opens from disk, without a network and without its script."""
