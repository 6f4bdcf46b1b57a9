"""What changed since the release before, in Swedish sentences."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.core.swedish import number
from dagster_project.products.explain.model import Change, Explanation
from dagster_project.products.words import STATUS_WORDS


def change_sentences(e: Explanation, most_files: int) -> Iterator[str]:
    """The change; observations of at most so many files."""
    c = e.change
    if c is None:
        yield "Ingen tidigare sparad utgåva har den här cellen."
        return
    yield f"Förra utgåvan: {c.release_id}, per {c.as_of}."
    if c.hidden:
        yield "Där är cellen dold av sekretesskäl: ingen jämförelse mellan utgåvorna visas."
        return
    for (name, word), before in zip(
        (("taljare", "Täljare"), ("namnare", "Nämnare"), ("varde", "Värde")), c.before, strict=True
    ):
        now = e.cell[name]
        if before is not None or now is not None:
            same = " (oförändrat)" if before == now else ""
            yield f"{word}: {number(before)} → {number(now)}{same}."
    if c.status != e.cell["status"]:
        yield f"Status: {STATUS_WORDS[c.status]} → {STATUS_WORDS[e.cell['status']]}."
    yield from _causes(c)
    if c.added is not None:
        changed = f", {c.changed} med ändrat utfall" if c.changed else ""
        yield f"Observationer: {c.added} har kommit till, {c.gone} har försvunnit{changed}."
    for file, added, gone in c.by_file[:most_files]:
        yield f"  {file}: {added} nya, {gone} borta"
    if c.note:
        yield c.note


def _causes(c: Change) -> Iterator[str]:
    if c.definition:
        yield f"Definitionen har ändrats: version {c.definition[0]} → {c.definition[1]}."
    if c.code_version:
        yield f"Koden har ändrats: {c.code_version[0]} → {c.code_version[1]}."
    if c.catalogue_version:
        yield f"Katalogen har ändrats: {c.catalogue_version[0]} → {c.catalogue_version[1]}."
    if c.parameters:
        yield f"Parametrar har ändrats: {', '.join(c.parameters)}."
    if c.new_files:
        yield f"Nya leveranser: {', '.join(c.new_files)}."
    if c.gone_files:
        yield f"Leveranser som inte längre läses: {', '.join(c.gone_files)}."
    if not (c.code_version or c.catalogue_version or c.parameters or c.new_files or c.gone_files):
        yield "Samma kod, katalog, parametrar och leveranser."
