"""A new person key: what was stored under the old one goes, and is read again from raw."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.swedish import listed
from dagster_project.ingestion import persons
from dagster_project.ingestion.bronze import counts, read_note
from dagster_project.ingestion.deliveries import require_raw
from dagster_project.ingestion.discover import found_in_raw
from dagster_project.ingestion.erasures import load_erasures, save_erasures
from dagster_project.ingestion.raw_search import numbers_of
from dagster_project.operations.erase import forget_latest_run
from dagster_project.operations.settings import Settings


@dataclass(frozen=True)
class Rekeyed:
    """What came of it. deliveries: that are read again. unknown: erased persons who were not in raw: under the new key
    they are not recognised."""

    deliveries: int
    unknown: int


def rekey(settings: Settings) -> Rekeyed:
    """Make a new key and remove all that holds pseudonyms of the old one, within a session.

    Killed in the middle it leaves the old key or the new one: with the new one the next run reads everything again.
    Raises ResultattavlaError, with the old key in its place, where the key comes from the environment or
    deliveries have left raw.
    """
    data = settings.paths
    if os.environ.get(persons.KEY_VARIABLE):
        raise ResultattavlaError(
            f"Personnyckeln kommer från miljövariabeln {persons.KEY_VARIABLE}: byt den där och kör "
            "`resultattavla run`, som läser om allt som lästes under den gamla."
        )
    require_raw(settings.raw)
    keyed, lost = [], []
    for source in load_contracts():
        in_raw = {f.delivery.id for f in found_in_raw(settings.raw, source) if f.path is not None}
        for note in sorted((data.bronze / source).glob("*_*.json")):
            meta = read_note(note)
            if meta is not None and meta["key"] is not None:
                keyed.append(note)
                if counts(meta) and note.stem not in in_raw:
                    lost.append(meta["file"])
    if lost:
        raise ResultattavlaError(
            f"Nyckeln är inte bytt: {len(lost)} leveranser kan inte läsas om, eftersom deras filer inte ligger i "
            f"{settings.raw}: {listed(lost, 10)}. Lägg tillbaka dem, eller kör `resultattavla run --rebuild` "
            "först om de inte längre ska räknas."
        )
    old, new = persons.person_key(data.root), persons.fresh_key()
    erasures = load_erasures(data)
    if erasures is not None:
        ids = erasures.ids_of(old)
        erasures = erasures.translated(old, new, numbers_of(settings.raw, ids, old, settings.limits))
        save_erasures(data, erasures)  # under both keys: nobody comes back, whichever a killed change leaves
    forget_latest_run(data)
    persons.new_key(data.root, new)
    for note in keyed:
        for path in (note, *note.parent.glob(f"{note.stem}.*.parquet")):
            path.unlink()
    if erasures is not None:
        erasures = erasures.under(new)
        save_erasures(data, erasures)
    return Rekeyed(len(keyed), erasures.unknown() if erasures is not None else 0)
