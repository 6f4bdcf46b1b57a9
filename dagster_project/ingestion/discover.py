"""Which files lie below raw, and what can be said of them by name and kind alone."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.core.errors import RejectedFileError, system_reason
from dagster_project.core.files import sha256_of
from dagster_project.core.masking import mask_valid
from dagster_project.ingestion.readers import EXTENSIONS
from dagster_project.runs.ledger import Delivery

log = logging.getLogger("resultattavla")


@dataclass(frozen=True)
class Found:
    """One delivery and its file; no path where the file has left raw or may not be read.

    unreadable: the file is there and cannot be opened. earlier: bronze holds it, and raw has something else, or
    something that cannot be opened, under its name.
    """

    delivery: Delivery
    path: Path | None
    unreadable: bool = False
    earlier: bool = False


def found_in_raw(raw: Path, source: str, hashed: Callable[[Path], str] = sha256_of) -> list[Found]:
    """Every file of a source below raw, in the order of names; what is no delivery is rejected with its cause.

    hashed: gives a file's SHA-256.
    """
    folder = raw / source
    try:
        if folder.is_symlink():
            raise RejectedFileError("källans mapp är en länk: leveranser måste ligga i en vanlig mapp")
        if folder.exists() and not folder.is_dir():
            raise RejectedFileError("källans mapp är en fil: leveranser ska ligga i en mapp")
        names = sorted(os.listdir(folder)) if folder.exists() else []
    except RejectedFileError as error:
        return [Found(rejected(Delivery(source, source), str(error)), None)]
    except OSError as error:
        return [Found(rejected(Delivery(source, source), f"mappen kan inte läsas ({system_reason(error)})"), None)]
    return [_examined(folder / n, source, hashed) for n in names if not n.startswith((".", "~$"))]


def rejected(delivery: Delivery, cause: str) -> Delivery:
    """The ledger line of a file that is rejected whole."""
    return replace(delivery, status=REJECTED, orsak=f"Filen {delivery.file} avvisades: {cause}.")


def _shown_name(name: str) -> str:
    """A file name as the ledger shows it: personal numbers masked, bytes that are no UTF-8 made visible."""
    return mask_valid(name.encode("utf-8", "backslashreplace").decode("utf-8"))


def parse_name(source: str, name: str) -> tuple[date, str]:
    """Extraction date and extension of `<source>_<YYYY-MM-DD>[_anything].<ext>`; RejectedFileError otherwise."""
    extension = next((e for e in sorted(EXTENSIONS, key=len, reverse=True) if name.endswith("." + e)), None)
    if extension is None:
        raise RejectedFileError(f"filändelsen är inte någon av {', '.join(EXTENSIONS)}")
    match = re.fullmatch(rf"{source}_(\d{{4}}-\d{{2}}-\d{{2}})(?:_.*)?", name.removesuffix("." + extension), re.DOTALL)
    try:
        if match is None:
            raise ValueError
        return date.fromisoformat(match[1]), extension
    except ValueError:
        raise RejectedFileError(
            f"namnet har inget giltigt uttagsdatum (det ska vara {source}_ÅÅÅÅ-MM-DD.{extension})"
        ) from None


def _examined(path: Path, source: str, hashed: Callable[[Path], str]) -> Found:
    delivery = Delivery(source, f"{source}/{_shown_name(path.name)}")
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise RejectedFileError("den är en länk, inte en vanlig fil")
        if stat.S_ISDIR(mode):
            raise RejectedFileError("den är en mapp, inte en fil")
        if not stat.S_ISREG(mode):
            raise RejectedFileError("den är ingen vanlig fil")
        delivery = replace(delivery, sha256=hashed(path))
        extraction, _ = parse_name(source, path.name)
        return Found(replace(delivery, uttagsdatum=extraction), path)
    except RejectedFileError as error:
        return Found(rejected(delivery, str(error)), None)
    except OSError as error:
        return Found(rejected(delivery, f"den kan inte läsas ({system_reason(error)})"), None, unreadable=True)


def source_of_folder(raw: Path) -> str | None:
    """The source whose own folder was given for raw: it has no source's folder below it, and a delivery of its own."""
    try:
        names = set(os.listdir(raw))
    except OSError:  # told by whoever reads it
        return None
    contracts = load_contracts()
    if names & set(contracts):
        return None
    return next((source for source in contracts if any(_day_of(source, name) for name in names)), None)


def any_file_in_raw(raw: Path) -> bool:
    """Whether any source has anything below raw that a run would look at; a folder that cannot be read may have."""
    for source in load_contracts():
        try:
            if not (raw / source).is_dir():
                if os.path.lexists(raw / source):
                    return True
            elif any(not name.startswith((".", "~$")) for name in os.listdir(raw / source)):
                return True
        except OSError:
            return True
    return False


def first_day_in_raw(raw: Path) -> date | None:
    """The first extraction date that a file below raw has in its name; no file is opened. None where none has one."""
    days = []
    for source in load_contracts():
        try:
            days += [day for name in os.listdir(raw / source) if (day := _day_of(source, name))]
        except OSError:  # not there, or told by whoever reads it
            continue
    return min(days, default=None)


def _day_of(source: str, name: str) -> date | None:
    try:
        return parse_name(source, name)[0]
    except RejectedFileError:
        return None


def log_unknown_folders(raw: Path, names: Sequence[str]) -> None:
    """Tell the log which folders below raw belong to no contract."""
    for name in names:
        if name not in load_contracts() and not name.startswith(".") and (raw / name).is_dir():
            log.info("Mappen %s läses inte: det finns inget kontrakt för den.", _shown_name(name))
