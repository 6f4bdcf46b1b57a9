"""`resultattavla new`: skeletons for who adds an indicator or a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.catalogue.vocabulary import COUNT, KINDS
from dagster_project.cli.output import say
from dagster_project.cli.usage import Command, Group

if TYPE_CHECKING:
    from dagster_project.catalogue.skeletons import Made

new = typer.Typer(
    cls=Group,
    help="Skriv skelettfilerna för en ny indikator eller källa.",
    no_args_is_help=True,
)


@new.command(cls=Command)
def indicator(
    id: Annotated[str, typer.Argument(metavar="ID", help="Indikatorns id: a-z, 0-9 och _.")],
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="KÄLLA", help="Källa som den läser; utan den säger id:t vilken."),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", metavar="ART", help=f"Art: {', '.join(KINDS)}.")] = COUNT,
) -> None:
    """En indikator: rad i katalogen, modell som räknar alla rader, YAML med beskrivning och enhetstest."""
    from dagster_project.catalogue.skeletons import new_indicator

    _tell(new_indicator(id, source or (), kind))


@new.command(cls=Command)
def source(id: Annotated[str, typer.Argument(metavar="ID", help="Källans id: a-z, 0-9 och _.")]) -> None:
    """En källa: först kontraktet; när det är ändrat, samma kommando igen: modell, YAML och exempel efter det."""
    from dagster_project.catalogue.skeletons import new_source

    _tell(new_source(id))


def _tell(made: Made) -> None:
    for path in made.written:
        say(f"Skrev {path}")
    for sentence in made.missing:
        say(sentence)
    say(made.next_step)
