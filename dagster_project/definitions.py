"""The code location: `dagster dev -m dagster_project.definitions`. Importing it reads nothing; Dagster calls `defs`."""

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions on the folders of the settings."""
    from dagster_project.defs.build import build_defs
    from dagster_project.operations.settings import load_settings

    settings = load_settings()
    return build_defs(settings.paths, settings)
