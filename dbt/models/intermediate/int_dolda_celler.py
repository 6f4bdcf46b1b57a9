def model(dbt, session):
    """Disclosure control: which cells are hidden. The rules and their proof live in dagster_project.disclosure."""
    from dagster_project.disclosure import hidden_cells

    dbt.config(materialized="table")
    parameters = dbt.source("korning", "parametrar").pl()
    cells = dbt.ref("int_resultat").filter("skyddat_tal is not null").pl()
    return hidden_cells(cells, limit=parameters["suppression_limit"][0]).to_arrow()
