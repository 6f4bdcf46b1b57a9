"""Whose a data folder is: the system writes, sweeps and removes only in a folder that carries its mark."""

from __future__ import annotations

import errno

from dagster_project.core.errors import ResultattavlaError, UsageError, machine_error, system_reason
from dagster_project.core.paths import DataPaths

MARK = ".resultattavla"
_TEXT = """Den här mappen tillhör Resultattavla: allt i den skrivs, ersätts och gallras av systemet.
Lägg inget eget här. Säkerhetskopiera hela mappen (docs/operations.md).
"""
OURS = (
    "bronze",
    "bronze.fore",
    "dagster",
    "dagster.skadad",
    "dbt",
    "docs",
    "erased.json",
    "evidence",
    "history",
    "installation.id",
    "published",
    "run",
    "spark",
    "tmp",
    "person.key",
    "warehouse.duckdb",
    ".run.lock",
)
"""What lies in a data folder. Names that begin with one of them and a point, and `.part` files, are theirs too."""
_UNMISTAKABLE = {"warehouse.duckdb", "person.key", "bronze", "evidence", ".run.lock", ".korning.lock"}
_NO_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EILSEQ}
_NOBODYS = {"lost+found", ".gitignore", ".gitkeep", ".korning.lock"}


def is_ours(data: DataPaths) -> bool:
    """Whether the folder carries the mark; writes nothing."""
    return (data.root / MARK).is_file()


def claim(data: DataPaths) -> None:
    """Make the folder ours: a new or empty one is marked, a folder of the layout before marks is adopted once.

    Raises UsageError, before anything is written, for a file, and for a folder that holds something else.
    """
    root = data.root
    try:
        if (root / MARK).is_file():
            return
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root} är en fil, inte en mapp: ange en mapp med --data.")
        found = {path.name for path in root.iterdir()} if root.exists() else set()
        foreign = sorted(name for name in found - _NOBODYS if not _is_ours(name))
        if foreign or (found - _NOBODYS and not found & _UNMISTAKABLE):
            raise UsageError(
                f"Mappen {root} är inte Resultattavlas: den innehåller {', '.join((foreign or sorted(found))[:3])} men "
                f"inte märket {MARK}. Ange en tom eller ny mapp med --data."
            )
        root.mkdir(parents=True, exist_ok=True)
        (root / MARK).write_text(_TEXT, encoding="utf-8")
    except OSError as error:
        if error.errno in _NO_NAME:
            raise UsageError(
                f"Mappen {root} kan inte finnas ({system_reason(error)}): ange en annan med --data."
            ) from error
        raise machine_error(error, root) or ResultattavlaError(
            f"Mappen {root} kan inte skrivas: {system_reason(error)} (ange en annan med --data)."
        ) from error


def names_of_ours(data: DataPaths) -> list[str]:
    """What lies directly below a data folder under exactly our names, the mark and the lock left out."""
    ours = {*OURS, "warehouse.duckdb.wal"} - {".run.lock"}
    return sorted(path.name for path in data.root.iterdir() if path.name in ours)


def _is_ours(name: str) -> bool:
    bare = name.lstrip(".")
    return name in OURS or any(bare.startswith(f"{ours.lstrip('.')}.") for ours in OURS)
