"""A module per kind of page; each has `pages(site)`, which gives its pages and files."""
