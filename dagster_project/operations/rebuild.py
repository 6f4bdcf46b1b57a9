"""Compute everything anew from raw: bronze is set aside, and comes back whole where nothing was published."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import listed
from dagster_project.engines import warehouse
from dagster_project.ingestion.bronze import counts, read_note


def _aside(data: DataPaths) -> Path:
    return data.root / "bronze.fore"


def restore_bronze(data: DataPaths) -> None:
    """Undo a rebuilding that came to no end: what bronze held before it counts. Run it only under the run lock."""
    if _aside(data).exists():
        if data.bronze.exists():
            os.replace(data.bronze, _out_of_sight(data))
        os.replace(_aside(data), data.bronze)


def _out_of_sight(data: DataPaths) -> Path:
    """A place that is swept away with the session; half a folder that was killed there is never taken for a whole."""
    gone = data.root / "tmp" / "bronze"
    gone.parent.mkdir(exist_ok=True)
    if gone.exists():
        remove(gone)
    return gone


@dataclass(frozen=True)
class Rebuild:
    """A rebuilding of a data folder from the files in `raw`, within a run's session."""

    data: DataPaths
    raw: Path

    def begin(self) -> None:
        """Set bronze aside and forget what dbt made; every step from here on begins with nothing."""
        if self.data.bronze.exists():
            os.replace(self.data.bronze, _aside(self.data))
        shutil.rmtree(self.data.dbt_target, ignore_errors=True)
        warehouse.remove(self.data)

    def end(self, done: bool) -> str | None:
        """Let go of the earlier bronze where the run published, else take it back.

        Returns the sentence that names the deliveries that count no more, since their files are not in raw.
        """
        if not done:
            restore_bronze(self.data)
            return None
        if not _aside(self.data).exists():
            return None
        lost = self._lost()
        gone = _out_of_sight(self.data)
        os.replace(_aside(self.data), gone)
        remove(gone)
        if not lost:
            return None
        return (
            f"Vid ombyggnaden föll {len(lost)} leveranser bort, eftersom deras filer inte ligger i {self.raw}: "
            f"{listed(lost, 10)}. Lägg tillbaka dem och kör igen om de ska räknas."
        )

    def _lost(self) -> list[str]:
        """Files of deliveries that counted and are neither read again nor in raw."""
        lost = []
        for path in sorted(_aside(self.data).glob("*/*.json")):
            if not (self.data.bronze / path.parent.name / path.name).exists():
                note = read_note(path)
                if note is not None and counts(note) and not (self.raw / note["file"]).exists():
                    lost.append(note["file"])
        return lost
