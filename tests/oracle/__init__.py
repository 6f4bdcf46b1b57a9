"""An independent, deliberately simple reading of the specification, used to check the production pipeline."""
