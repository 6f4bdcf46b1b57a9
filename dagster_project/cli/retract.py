"""`resultattavla retract`: take a wrong release back."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.cli.output import DataOption, err, require_data, say, settings_with


def retract(
    release: Annotated[str, typer.Argument(metavar="UTGÅVA", help="Utgåvans id.")],
    reason: Annotated[str, typer.Option("--reason", help="Varför utgåvan inte ska gälla.")],
    by: Annotated[str, typer.Option("--by", help="Namn eller roll på den som beslutar.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="UTGÅVA", help="Vad current ska visa; annars utgåvan före.")
    ] = None,
    delete_files: Annotated[bool, typer.Option("--delete-files", help="Ta även bort utgåvans filer.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Upphäv ett återkallande.")] = False,
    data: DataOption = None,
) -> None:
    """Återkalla en felaktig utgåva: den gäller inte längre, och current visar den före. Filerna finns kvar."""
    from dagster_project.operations import retract as operation

    settings = settings_with(None, data)
    require_data(settings.paths)
    if undo and (to is not None or delete_files):
        raise typer.BadParameter("kan inte kombineras med --to eller --delete-files.", param_hint="--undo")
    if undo:
        done = operation.take_back(settings, release, reason, by)
        say(f"{done.text}.")
    else:
        done = operation.retract(settings, release, reason, by, to, delete_files)
        say(f"Utgåva {release}: {done.text}.")
        kept = f"Filerna finns kvar: `resultattavla explain` med --release {release} förklarar dess tal."
        say("Filerna är borttagna." if delete_files else kept)
    if done.current is None:
        say("Ingen utgåva är aktuell: det finns ingen annan att visa. Kör `resultattavla run` när felet är rättat.")
    else:
        say(f"Aktuell utgåva {'är nu' if done.moved else 'är som förut'} {done.current}.")
    for text in done.trouble:
        err.print(text, style="red", soft_wrap=True, markup=False)
    for wrong in done.of_retracted:
        say(f"Varning: utgåva {release} visar frysta rader ur {wrong}, som är återkallad: kör om den dagen.")
    for shown in done.showing:
        say(f"Utgåva {shown} visar frysta rader ur den: kör om den dagen, eller återkalla även den.")
    raise typer.Exit(done.exit_code)
