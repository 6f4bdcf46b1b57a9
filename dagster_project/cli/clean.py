"""`resultattavla clean`: remove a data folder that is ours."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, confirm, data_paths, require_data, say
from dagster_project.core.errors import ResultattavlaError, UsageError


def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Fråga inte (krävs där ingen terminal finns).")] = False,
    data: DataOption = None,
) -> None:
    """Ta bort en datamapp: utgåvor, historik, underlag, brons, personnyckel. Bara det som systemet har skrivit."""
    from dagster_project.core.swedish import listed
    from dagster_project.operations.claim import MARK
    from dagster_project.operations.clean import clean as remove_all
    from dagster_project.releases.store import release_ids

    paths = data_paths(data)
    require_data(paths)
    count = len(release_ids(paths))
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(
                f"Ingenting togs bort: utan terminal kan ingen frågas. Lägg till --yes för att ta bort {paths.root}."
            )
        question = f"Ta bort {paths.root} med {count} utgåvor, historik och personnyckel? Det går inte att ångra."
        if not confirm(question):
            raise ResultattavlaError("Ingenting togs bort.")
    left = remove_all(paths)
    say(f"Borttaget: allt som systemet hade skrivit i {paths.root} ({count} utgåvor).")
    if paths.erasures.exists():
        say(
            "Listan över raderade personer och personnyckeln är kvar, så att ingen av dem kommer tillbaka ur raw: ta "
            "bort mappen själv om inte heller de ska finnas."
        )
    if others := sorted(set(left) - {paths.erasures.name, "person.key", MARK}):
        say(f"Kvar i mappen, eftersom det inte är systemets: {listed(others, 10)}.")
