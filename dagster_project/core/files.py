"""Files that become whole in one step, their hashes, and removal of whatever a name stands for."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PUBLISHED_FILE, PUBLISHED_FOLDER = 0o444, 0o755
"""Modes of what is published: everybody may read it, nobody change it, whatever the umask says."""
PRIVATE = 0o077
"""The umask under which files are for their owner alone: what is not published can hold persons' data."""


@contextmanager
def umask(mask: int) -> Iterator[int]:
    """Make files and folders under another umask; gives the one before. It is the whole process's."""
    before = os.umask(mask)
    try:
        yield before
    finally:
        os.umask(before)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to that becomes `path` in one step when the block ends well; nothing is left when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(root: Path, paths: Iterable[Path], content: Callable[[Path], bytes] = Path.read_bytes) -> str:
    """SHA-256 over names (below `root`) and contents of files, whatever order they come in."""
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content(path) + b"\0")
    return digest.hexdigest()
