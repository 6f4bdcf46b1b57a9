"""What people should know of a run besides its results: a later release that it replaced, deliveries that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED, WITHDRAWN
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import counted
from dagster_project.ingestion.discover import any_file_in_raw
from dagster_project.releases.manifest import read_manifest
from dagster_project.releases.store import Release, current_id
from dagster_project.runs.ledger import Delivery

_NOW = {WITHDRAWN: "är återkallad", REJECTED: "avvisas nu"}


def replaced_later(data: DataPaths, before: str | None, release: Release, ledger: Sequence[Delivery]) -> str | None:
    """That `current` went from a later day's release to the run's, and why; None where it did not.

    before: what `current` named when the run began.
    """
    if before is None or current_id(data) != release.id or before[:10] <= release.as_of:
        return None
    manifest = read_manifest(data.releases / before)
    inputs = manifest.inputs if manifest is not None else []
    later = [i for i in inputs if i["status"] == ACCEPTED and (i["uttagsdatum"] or "") > release.as_of]
    status = {d.file: d.status for d in ledger}
    causes = [f"leveransen {i['file']} {_NOW.get(status.get(i['file'], ''), 'räknas inte längre')}" for i in later]
    why = (
        f"{', '.join(causes[:5])}{' med flera' if len(causes) > 5 else ''}"
        if causes
        else (f"ingen leverans som räknas är senare än {release.as_of}")
    )
    return f"Utgåva {release.id} är den aktuella i stället för den senare {before}: {why}."


def raw_is_empty(raw: Path, ledger: Sequence[Delivery]) -> str | None:
    """That no source has a file below raw although deliveries were read from it: a share that is not mounted, say."""
    known = sum(d.status == ACCEPTED for d in ledger)
    if not known or any_file_in_raw(raw):
        return None
    was = counted(known, "leverans som räknas har", "leveranser som räknas har")
    return (
        f"Mappen {raw} har inga filer från någon källa, men {was} lästs förut och finns inte kvar där: se efter att "
        "det är rätt mapp och att den är ansluten. Talen bygger på det som lästes då."
    )
