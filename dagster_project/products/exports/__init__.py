"""The product `export`: one release in the forms that others receive, a module per file (docs/exports.md)."""
