"""`resultattavla indicators` and `units`: what exists, with names, for whoever has to type an id."""

from __future__ import annotations

from dagster_project.cli.output import WIDE_COLUMNS, DataOption, data_paths, hanging, out, say, table
from dagster_project.core.errors import ResultattavlaError


def indicators() -> None:
    """Visa indikatorerna: id, titel och de källor de läser."""
    from dagster_project.catalogue.indicators import load_catalogue

    found = load_catalogue()
    rows = [(i.id, i.titel, ", ".join(i.read), ", ".join(i.scope)) for i in found]
    if out.width < WIDE_COLUMNS:
        say(f"{len(found)} indikatorer")
        longest = max(len(i.id) for i in found)
        for id, *rest in rows:
            hanging(f"{id:<{longest}}  ", " · ".join(rest))
        return
    table(f"{len(found)} indikatorer", ["id", "titel", "källor", "verksamheter"], rows)


def units(data: DataOption = None) -> None:
    """Visa enheterna i enhetsregistret: HSA-id, namn, verksamhet och giltighet."""
    from dagster_project.engines.duckdb import database

    paths = data_paths(data)
    if not paths.warehouse.exists():
        raise ResultattavlaError(f"Ingen körning finns i {paths.root}: kör `resultattavla run` först.")
    with database(paths.warehouse) as connection:
        found = connection.execute(
            "select hsaid_enhet, enhetsnamn, verksamhet, giltig_fran, giltig_till from stg_enheter "
            "order by verksamhet, enhetsnamn, hsaid_enhet, giltig_fran"
        ).fetchall()
    rows = [tuple("" if cell is None else cell for cell in row) for row in found]
    count = len({row[0] for row in rows})
    table(f"{count} enheter", ["hsaid_enhet", "namn", "verksamhet", "från", "till och med"], rows)
