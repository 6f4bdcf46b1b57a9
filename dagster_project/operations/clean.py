"""Remove a data folder that is ours: what we made in it, and the folder when nothing else lies there."""

from __future__ import annotations

from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.erasures import load_erasures
from dagster_project.operations.claim import MARK, names_of_ours
from dagster_project.operations.lock import run_lock, told_by_the_machine
from dagster_project.operations.upkeep import sweep


def clean(data: DataPaths) -> list[str]:
    """Remove all that is ours below a data folder; returns the names that stay.

    What is not ours stays, and, where persons were erased, their list and the key: from raw they would come back else.
    Ask first whether the folder is ours (`claim.is_ours`): one that is not there would be made. The mark goes last, so
    that a removal that was killed can be asked for again. Raises BusyError while a run holds the folder.
    """
    with run_lock(data), told_by_the_machine(data):
        sweep(data)
        erasures = load_erasures(data)
        kept = {data.erasures.name, "person.key"} if erasures is not None and erasures.persons else set()
        for name in names_of_ours(data):
            if name not in kept:
                remove(data.root / name)
        for name in (".run.lock",) if kept else (".run.lock", MARK):
            remove(data.root / name)
        left = sorted(path.name for path in data.root.iterdir())
        if not left and not data.root.is_symlink():
            data.root.rmdir()
        return left
