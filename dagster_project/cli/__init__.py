"""The command `resultattavla`: one file per command."""
