"""The errors that a user can cause; each message is one clear (Swedish) sentence: what, where and what to do."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path


class ResultattavlaError(Exception):
    """Base of every error whose message is meant for the person who runs the pipeline.

    exit_code: what the command ends with. 1: refused, or nothing published.
    """

    exit_code = 1


class UsageError(ResultattavlaError):
    """The command was asked for what cannot be done (a folder, an option, a setting): nothing is recorded."""

    exit_code = 64


class BusyError(ResultattavlaError):
    """Something else holds what the run needs; the same run may succeed a little later."""

    exit_code = 75


class DamagedError(ResultattavlaError):
    """What a run goes on from is damaged: the next one makes it anew."""


class RejectedFileError(ResultattavlaError):
    """A delivered file that is rejected whole; the message is the cause as the ledger shows it."""


# What the packages below say of the same few causes (they wrap the system's error in their own).
_FULL = re.compile(
    r"no space left|disk is full|disk quota exceeded|file too large|os error (?:28|122|27)\b|failed to offload", re.I
)
_READ_ONLY = re.compile(
    r"read-only file system|readonly database|permission denied|operation not permitted|os error (?:1|13|30)\b", re.I
)
_LOCKED = re.compile(r"could not set lock|conflicting lock", re.I)
# A file where a folder should be, or the other way round; the system names it.
_WRONG_KIND = re.compile(
    r"\[Errno (?:17|20|21|39)\] (?:file exists|not a directory|is a directory|directory not empty): '([^']+)'", re.I
)
_TEMPORARY = re.compile(r"limit was set by the 'max_temp_directory_size' setting")
_MEMORY_LIMIT = re.compile(r"out of memory error: .*\(.* used\)", re.I)
_DAMAGED = re.compile(r"corrupt database file", re.I)
_MEMORY = re.compile(r"out of memory|cannot allocate memory|os error 12\b", re.I)
_DISK = re.compile(r"input/output error|disk i/o error|stale file handle|os error (?:5|116)\b", re.I)
_NO_ROOM = 64 * 1024
"""With fewer free bytes SQLite cannot even begin to write, and calls that an I/O error."""
_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY_NUMBERS = {errno.EROFS, errno.EACCES, errno.EPERM}


_REASONS = {
    errno.ENOENT: "den finns inte",
    errno.EEXIST: "en fil är i vägen",
    errno.ENOTDIR: "en fil är i vägen",
    errno.EISDIR: "en mapp är i vägen",
    errno.ENOTEMPTY: "en mapp är i vägen",
    errno.EACCES: "rättighet saknas",
    errno.EPERM: "rättighet saknas",
    errno.EROFS: "disken kan bara läsas",
    errno.ENOSPC: "disken är full",
    errno.EDQUOT: "disken är full",
    errno.EFBIG: "filen blir för stor",
    errno.EIO: "disken svarar med fel",
    errno.ESTALE: "disken svarar med fel",
    errno.ENAMETOOLONG: "namnet är för långt",
    errno.EINVAL: "namnet kan inte användas",
    errno.ELOOP: "länkar leder runt",
    errno.EBUSY: "den används av ett annat program",
    errno.ETXTBSY: "den används av ett annat program",
    errno.EMFILE: "för många filer är öppna",
    errno.ENFILE: "för många filer är öppna",
    errno.ENOMEM: "minnet räcker inte",
    errno.EPIPE: "mottagaren har stängt",
    errno.ECONNRESET: "mottagaren har stängt",
}


def system_reason(error: OSError) -> str:
    """What the system refused, in a few Swedish words that end a sentence or stand in brackets."""
    if error.errno is None:
        return "okänt fel i systemet"
    return _REASONS.get(error.errno, f"fel {error.errno} i systemet")


def damaged_file(error: BaseException) -> ResultattavlaError | None:
    """The sentence for a file that a package cannot read as what it should be, or None. A run makes it again."""
    if type(error).__module__.split(".")[0] in ("polars", "_duckdb", "duckdb") or isinstance(error, UnicodeDecodeError):
        what = type(error).__name__
    elif isinstance(error, ValueError) and type(error).__name__ == "JSONDecodeError":
        what = "JSON"
    else:
        return None
    return ResultattavlaError(f"En fil i datamappen är skadad ({what}): kör `resultattavla run`, som gör den på nytt.")


def machine_error(error: BaseException | str, data: Path) -> ResultattavlaError | None:
    """The sentence for what the machine refused (a full disk, rights, a locked warehouse, a file in the way), or None.

    error: an exception (its causes are looked at too) or the text of one.
    """
    texts, numbers = [], set()
    seen: BaseException | None = error if isinstance(error, BaseException) else None
    if seen is None:
        texts.append(str(error))
    while seen is not None:
        texts.append(str(seen))
        numbers.add(getattr(seen, "errno", None))
        seen = seen.__cause__ or seen.__context__
    text = "\n".join(texts)
    if _TEMPORARY.search(text):
        return ResultattavlaError(
            f"De temporära filerna i {data} blev större än inställningen temporary_mb under [machine] tillåter: "
            "ingenting halvfärdigt har publicerats. Höj den, eller memory_mb, och kör igen."
        )
    if numbers & _FULL_NUMBERS or _FULL.search(text) or (_DISK.search(text) and _no_room(data)):
        return ResultattavlaError(
            f"Disken är full i {data}: ingenting halvfärdigt har publicerats. Frigör utrymme och kör igen."
        )
    if _DAMAGED.search(text):
        return DamagedError(f"Lagret {data / 'warehouse.duckdb'} är skadat: kör igen, så räknas allt om från början.")
    if _LOCKED.search(text):
        return BusyError(f"Lagret {data / 'warehouse.duckdb'} är öppet i ett annat program: stäng det och kör igen.")
    if numbers & _READ_ONLY_NUMBERS or _READ_ONLY.search(text):
        return ResultattavlaError(
            f"Något i mappen {data} kan inte skrivas: ge den som kör rätt att läsa och skriva där (eller ange en annan "
            "mapp med --data) och kör igen."
        )
    if wrong := _WRONG_KIND.search(text):
        return ResultattavlaError(
            f"{wrong[1]} är i vägen (en fil där en mapp ska vara eller tvärtom): flytta undan den och kör igen."
        )
    if _MEMORY_LIMIT.search(text):
        return ResultattavlaError(
            "Räkningen behövde mer minne än inställningen memory_mb under [machine] tillåter: ingenting halvfärdigt "
            "har publicerats. Höj den och kör igen."
        )
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return ResultattavlaError(
            "Maskinens minne räckte inte: ingenting halvfärdigt har publicerats. Avsluta andra program och kör igen."
        )
    if _DISK.search(text):
        return ResultattavlaError(
            f"Disken under {data} svarar med fel: ingenting halvfärdigt har publicerats. Kontrollera den och kör igen."
        )
    return None


def _no_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NO_ROOM
    except OSError:
        return False  # the folder itself cannot be asked: another sentence tells why
