"""Publishing and reading releases: the only room that knows their files."""
