"""Products of a release: made whole or not at all, linked beside `current`, removed with their release.

A product is made in a hidden folder and becomes `published/produkter/<release_id>/<name>/` by one rename, with a note
of what it was made by (`produkt.json`). `published/<name>` is a link that follows `current`. What cannot be made is one
Swedish sentence; neither the release nor the other products wait for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from polars.exceptions import PanicException

from dagster_project.core.errors import ResultattavlaError, machine_error, system_reason
from dagster_project.core.files import PUBLISHED_FILE, PUBLISHED_FOLDER, digest_of_files, remove, sha256_of
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.core.second import shared
from dagster_project.core.swedish import joined
from dagster_project.products.base import Making, Product
from dagster_project.products.reading import Reading
from dagster_project.products.registry import products
from dagster_project.releases.retractions import retractions
from dagster_project.releases.store import Release, current_id, releases
from dagster_project.runs.log import PRODUCTS, note, step

log = logging.getLogger("resultattavla")

NOTE_FILE = "produkt.json"
STAGING, LINK = ".staging", ".lank"
"""Ends of the hidden names under which a product or a link is half made; a killed run's are swept away."""


@dataclass(frozen=True)
class Note:
    """What a product's folder says of itself.

    version: the product's. code: of all products' code and texts (`code_of_products`), so that a changed one is made
    again although its version was forgotten. history: what was read besides the release (`_history`), None where
    nothing was. files: name below the folder -> sha256.
    """

    product: str
    release_id: str
    version: str
    code: str
    history: str | None
    entry: str
    files: dict[str, str]


@dataclass(frozen=True)
class Made:
    """A product that is there. entry: what to open. anew: it was made now, not found."""

    product: Product
    release_id: str
    entry: Path
    anew: bool


def folder_of(data: DataPaths, release_id: str, name: str) -> Path:
    """Where the product of a name lies for a release."""
    return data.products / release_id / name


def make_products(
    data: DataPaths,
    release: Release,
    wanted: Sequence[Product],
    again: bool = False,
    telling: Callable[[str], None] = lambda what: None,
) -> tuple[list[Made], list[str]]:
    """Make those of a release's products that are not there, whole and of today's version.

    again: make them also where they are there, as somebody asked for. telling: is told which one it is at. Returns what
    is there now, and one sentence for each cause for which some could not be made. The links are `link_products`'
    business.
    """
    reading = Reading(release)  # each table is read once for all of them
    made, causes = list[Made](), dict[str, list[str]]()
    for product, came in zip(wanted, _attempts(data, reading, wanted, again, telling), strict=True):
        if came.unforeseen:
            log.error("%s", came.unforeseen)
        if came.cause is None:
            made.append(Made(product, release.id, folder_of(data, release.id, product.name) / product.entry, came.anew))
        else:
            causes.setdefault(came.cause, []).append(product.title)
    trouble = [
        f"{joined(titles)} av utgåva {release.id} kunde inte göras: {cause}"
        if again
        else f"{joined(titles)} kunde inte göras (utgåva {release.id} är publicerad ändå): {cause}"
        for cause, titles in causes.items()
    ]
    return made, trouble


@dataclass(frozen=True)
class _Came:
    """What came of a product.

    anew: it was made, not found. cause: why it could not be made; unforeseen: the same whole, masked, where nobody
    foresaw it. process, seconds: where it was made and how long that took.
    """

    anew: bool = False
    cause: str | None = None
    unforeseen: str = ""
    process: int = 0
    seconds: float = 0


_SHARED_FROM = 50_000
"""Of a release of so many cells, what people open takes longer than loading another process."""
_Asked = tuple[DataPaths, Release, Product, bool]


def _attempts(
    data: DataPaths, reading: Reading, wanted: Sequence[Product], again: bool, telling: Callable[[str], None]
) -> list[_Came]:
    """Make the products, where two processes share them side by side."""
    if len(wanted) < 2 or reading.release.manifest.cells < _SHARED_FROM:
        found = []
        for product in wanted:
            telling(product.title)
            found.append(_attempt(data, reading, product, again))
        return found
    telling(joined([product.title for product in wanted]))
    found = shared(_attempt_of_release, [(data, reading.release, product, again) for product in wanted])
    for product, came in zip(wanted, found, strict=True):
        if came.process != os.getpid():
            note(PRODUCTS, product.name, came.seconds)
    return found


def _attempt_of_release(asked: _Asked) -> _Came:
    data, release, product, again = asked
    return _attempt(data, Reading(release), product, again)


def _attempt(data: DataPaths, reading: Reading, product: Product, again: bool) -> _Came:
    began = time.perf_counter()
    cause, unforeseen, anew = None, "", False
    try:
        with step(PRODUCTS, part=product.name):
            anew = _made(data, reading, product, again)
    except (Exception, PanicException) as error:
        cause, unforeseen = _cause(data, error)
    return _Came(anew, cause, unforeseen, os.getpid(), time.perf_counter() - began)


def _made(data: DataPaths, reading: Reading, product: Product, again: bool) -> bool:
    """Make a product where it is not there; whether it was made now."""
    release_id = reading.release.id
    target = folder_of(data, release_id, product.name)
    history = _history(data) if product.reads_history else None
    if not again and _is_whole(target, product, release_id, history):
        return False
    _require_ours(target)
    for folder in (data.products, target.parent):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(PUBLISHED_FOLDER)
    staging = target.with_name(f".{product.name}.{os.getpid()}{STAGING}")
    remove(staging)
    staging.mkdir()
    try:
        product.make(Making(reading, data, staging))
        if not (staging / product.entry).is_file():
            raise RuntimeError(f"{product.name} has no {product.entry}")
        files = {path.relative_to(staging).as_posix(): sha256_of(path) for path in _files(staging)}
        note = Note(product.name, release_id, product.version, code_of_products(), history, product.entry, files)
        text = json.dumps(asdict(note), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (staging / NOTE_FILE).write_text(text, encoding="utf-8")
        for path in (staging, *staging.rglob("*")):
            path.chmod(PUBLISHED_FOLDER if path.is_dir() else PUBLISHED_FILE)
        if os.path.lexists(target):  # of an older version, or damaged: out of sight first
            os.replace(target, staging.with_suffix(f".gammal{STAGING}"))
        os.replace(staging, target)
        remove(staging.with_suffix(f".gammal{STAGING}"))
    finally:
        remove(staging)
    return True


_MOVE = "flytta undan den och kör igen."


def _require_ours(folder: Path) -> None:
    """Raise ResultattavlaError where something in a product's place was put there by others: it is never removed."""
    if folder.is_symlink():
        raise ResultattavlaError(f"{folder} är en länk, inte en mapp: {_MOVE}")
    if folder.exists() and not folder.is_dir():
        raise ResultattavlaError(f"{folder} är en fil, inte en mapp: {_MOVE}")
    if not folder.is_dir() or not (others := _of_others(folder)):
        return
    named = others[0] if (folder / NOTE_FILE).exists() else folder
    raise ResultattavlaError(f"{named} är inte Resultattavlas: {_MOVE}")


def _of_others(folder: Path) -> list[Path]:
    """What lies in a product's folder and is not named by its note; all of it where there is no note.

    A damaged note names nothing, but says that the folder is a product: it is made again, whole.
    """
    note = read_note(folder)
    if note is None and (folder / NOTE_FILE).exists():
        return []
    ours = {NOTE_FILE, *(note.files if note is not None else ())}
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [path for path in found if path.relative_to(folder).as_posix() not in ours]


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NOTE_FILE)


def read_note(folder: Path) -> Note | None:
    """What a product's folder says of itself; None where it is none."""
    try:
        content = json.loads((folder / NOTE_FILE).read_text(encoding="utf-8"))
        note = Note(**content)
        return note if isinstance(note.files, dict) else None
    except (OSError, ValueError, TypeError):
        return None


def _is_whole(folder: Path, product: Product, release_id: str, history: str | None) -> bool:
    """Whether the product lies there as this code would make it, every file as it was written."""
    note = read_note(folder)
    if note is None or (note.release_id, note.version, note.code, note.history) != (
        release_id,
        product.version,
        code_of_products(),
        history,
    ):
        return False
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    return found.keys() == note.files.keys() and all(sha256_of(found[n]) == sha for n, sha in note.files.items())


@cache
def code_of_products() -> str:
    """A hash of the code, texts and templates of all products: 12 hex. It is no part of any release's id."""
    room = Path(__file__).parent
    files = (path for path in room.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return digest_of_files(room, files)[:12]


def _history(data: DataPaths) -> str:
    """A hash of what products that read history are made from besides the release: 12 hex.

    Which releases there are, which of them are retracted, and what the kept runs came to. That a run found nothing new
    (`seen`) is no news.
    """
    digest = hashlib.sha256()
    for release in releases(data, retracted=True):
        digest.update(f"{release.id} {release.manifest.published}\0".encode())
    for release_id, retraction in retractions(data).items():
        digest.update(f"{release_id} {retraction.text}\0".encode())
    records = sorted(data.history.glob("*.json"))
    digest.update("\0".join(path.name for path in records).encode())
    for path in records[-1:]:  # the others are never written again
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content.pop("seen", None)
        except (OSError, ValueError, AttributeError):
            content = None  # a damaged one is passed over by whoever reads records
        digest.update(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()[:12]


def _cause(data: DataPaths, error: BaseException) -> tuple[str, str]:
    """Why a product could not be made; and the same whole, masked, where it is unforeseen."""
    told = str(error) if isinstance(error, ResultattavlaError) else str(machine_error(error, data.root) or "")
    if told:
        return mask(told), ""
    what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'utan text'}"
    whole = mask("".join(traceback.format_exception(error)))
    return mask(f"oväntat fel, felanmäl med texten i loggen ({mask(what)})."), whole


# --- Links ---------------------------------------------------------------------------------------------------------


def link_products(data: DataPaths, daily: Sequence[Product] | None = None) -> list[str]:
    """Let `published/<name>` of every product follow `current`; returns one sentence for each link that cannot.

    daily: the products that the settings let every run make; left out, all that are meant for it. One that is meant for
    it and not among them is linked only while it is of the current release: nobody would make it anew.

    It names the product of the release that `current` names, or, where it has none (on demand, or it could not be
    made), of the newest standing release before it that has one: that says itself which day it shows. Never of a
    retracted release nor of a later one than `current`; where there is none, there is no link.
    """
    before = _up_to_current(data)
    trouble = []
    for product in products():
        if product.stewards_only:
            continue
        left_out = daily is not None and product.in_every_run and product.name not in {p.name for p in daily}
        has = (r for r in before[: 1 if left_out else None] if _is_there(folder_of(data, r, product.name)))
        try:
            _switch(data, product.name, next(has, None))
        except OSError as error:
            why = machine_error(error, data.root) or f"{system_reason(error)}."
            trouble.append(f"Länken {data.published / product.name} kunde inte bytas: {why}")
        except ResultattavlaError as error:
            trouble.append(str(error))
    return trouble


def _up_to_current(data: DataPaths) -> list[str]:
    """Ids of the standing releases from the current one backwards."""
    standing, current = [release.id for release in releases(data)], current_id(data)
    return standing[standing.index(current) :] if current in standing else []


def linked_release(data: DataPaths, name: str) -> str | None:
    """Whose product `published/<name>` names; None where there is no such link of ours."""
    link = data.published / name
    return link.readlink().parent.name if _is_our_link(link) else None


def _is_our_link(link: Path) -> bool:
    return link.is_symlink() and link.readlink().parts[:1] == ("produkter",)


def _is_there(folder: Path) -> bool:
    """Whether a product is there to be opened."""
    note = read_note(folder)
    return note is not None and (folder / note.entry).is_file()


def linked_products(data: DataPaths) -> list[Made]:
    """What there is to open now: the published products that are linked and lead somewhere, in their order."""
    found = ((product, linked_release(data, product.name)) for product in products() if not product.stewards_only)
    return [
        Made(product, release_id, data.published / product.name / product.entry, anew=False)
        for product, release_id in found
        if release_id is not None and (data.published / product.name / product.entry).is_file()
    ]


def _switch(data: DataPaths, name: str, release_id: str | None) -> None:
    link = data.published / name
    if release_id == linked_release(data, name) and (release_id is not None or not os.path.lexists(link)):
        return
    aside = data.published / f".{name}.{os.getpid()}{LINK}"
    if link.is_dir() and not link.is_symlink():
        # Copied without links. A copy of a product gives way; anything else is not ours.
        if read_note(link) is None:
            raise ResultattavlaError(f"{link} är en mapp, inte en länk: {_MOVE}")
        _require_ours(link)
        os.replace(link, aside.with_suffix(f".mapp{STAGING}"))
        remove(aside.with_suffix(f".mapp{STAGING}"))
    ours = _is_our_link(link)
    if release_id is None:
        if ours:
            link.unlink()
        return
    if os.path.lexists(link) and not ours:
        what = "en länk till något annat" if link.is_symlink() else "en fil, inte en länk"
        raise ResultattavlaError(f"{link} är {what}: {_MOVE}")
    aside.unlink(missing_ok=True)
    aside.symlink_to(folder_of(data, release_id, name).relative_to(data.published))
    os.replace(aside, link)


def files_and_links(published: Path) -> set[Path]:
    """All that products put below the published folder, as their notes say; nothing that others put there."""
    found = set()
    for path in published.glob(f"*/**/{NOTE_FILE}"):
        if (note := read_note(path.parent)) is not None:
            found |= {path, *(path.parent / name for name in note.files)}
    for link in published.iterdir():
        if _is_our_link(link):
            found.add(link)
    return found


def prune_products(data: DataPaths, keep: int | None = None, also: str | None = None) -> None:
    """Remove the products of releases that are gone, and those that are made in every run of all but some releases.

    keep: of so many newest ones, of the current one and of `also` they stay; left out, of all. What was asked for stays
    with its release: nobody would make it again. What others put there stays.
    """
    there = [release.id for release in releases(data, retracted=True)]
    whole = {*there[:keep], current_id(data), also}
    again = [p.name for p in products() if p.in_every_run]
    for folder in (f for f in data.products.glob("[0-9]*") if f.is_dir() and not f.is_symlink()):
        gone = folder.name not in there
        if gone or folder.name not in whole:
            for made in sorted(folder.iterdir()):
                if (gone or made.name in again) and made.is_dir() and not made.is_symlink():
                    _remove_product(made)
            if not any(folder.iterdir()):
                folder.rmdir()


def _remove_product(folder: Path) -> None:
    others = _of_others(folder)
    if not others:
        _out_of_sight(folder)
        return
    note = read_note(folder)
    for name in (*note.files, NOTE_FILE) if note is not None else ():
        (folder / name).unlink(missing_ok=True)
    for below in sorted((p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()), reverse=True):
        if not any(below.iterdir()):
            below.rmdir()


def _out_of_sight(folder: Path) -> None:
    """Remove a folder so that a reader sees all of it or nothing."""
    hidden = folder.with_name(f".{folder.name}{STAGING}")
    os.replace(folder, hidden)
    remove(hidden)
