"""What is known of files that have not been touched since they were read: their hashes, and what notes say.

A daily run looks at every delivery that ever came, and at the evidence of what it publishes. A file whose size, times
(of content and of the entry, which no copy or `touch` sets back) and number on the disk are what they were when it was
hashed is not hashed again: that is looked up, some ten microseconds a file. What a disk or a program changes behind
that is found by the full hash of a share of the files that each run renews, the longest unhashed first, and of all of
them by `run --rebuild`, which sets bronze aside and this with it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.core.files import replacing, sha256_of
from dagster_project.core.paths import DataPaths

VERSION = 1
RACY_NS = 2_000_000_000
"""A file that was touched so short a time ago can be written again without its times showing it."""
SHARE = 50
"""One of so many files is hashed again by each run..."""
SECONDS = 0.3
"""...for no longer than this."""

_State = list[int]


@dataclass
class Remembered:
    """Hashes and notes by the state of their files.

    run: the number of the run that remembers; an entry says in which run its file was hashed in full.
    """

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    run: int = 0
    _seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's bytes, hex. Raises OSError where it cannot be read."""
        return str(self._looked_up(path, "sha256", sha256_of))

    def note(self, path: Path, read: Callable[[Path], dict[str, Any] | None]) -> dict[str, Any] | None:
        """What `read` gives of a note; None, which is never remembered, also where there is no file."""

        try:
            found = self._looked_up(path, "note", read)
        except FileNotFoundError:
            return None
        return None if found is None else dict(found)

    def _looked_up(self, path: Path, what: str, read: Callable[[Path], Any]) -> Any:
        name = os.fspath(path)
        state = _state(path)
        entry = self.entries.get(name)
        if entry is not None and entry["state"] == state and what in entry:
            with self._lock:
                self._seen.setdefault(name, entry)
            return entry[what]
        now = time.time_ns()
        value = read(path)
        if value is not None and max(state[1:3]) < now - RACY_NS and _state(path) == state:
            with self._lock:
                mine = self._seen.get(name)
                if mine is None or mine["state"] != state:
                    mine = {"state": state}
                self._seen[name] = {**mine, what: value, "run": self.run}
        return value

    def look_again(self) -> None:
        """Let a share of the files be hashed in full, those that were so the longest time ago: what was remembered of
        them is forgotten.
        """
        oldest = sorted((entry["run"], name) for name, entry in self.entries.items() if "sha256" in entry)
        begun, again = time.monotonic(), 0
        for _, name in oldest[: -(-len(oldest) // SHARE)]:
            if again and time.monotonic() - begun > SECONDS:
                break
            entry, again = self.entries.pop(name), again + 1
            try:
                if sha256_of(Path(name)) == entry["sha256"]:
                    self.entries[name] = {**entry, "run": self.run}
            except OSError:  # gone, or told by whoever reads it
                continue

    @property
    def has_news(self) -> bool:
        """Whether this run knows of a file what it did not remember."""
        return any(self.entries.get(name) != entry for name, entry in self._seen.items())

    def save(self, data: DataPaths, place: Path | None = None, also_unseen: bool = False) -> None:
        """Write down what this run saw. place: as in `remembered`. also_unseen: what it did not see is not forgotten as
        long as it is there."""
        path = place or _file(data)
        if path.parent.is_dir():
            unseen = {n: e for n, e in self.entries.items() if n not in self._seen and Path(n).exists()}
            files = {**(unseen if also_unseen else {}), **self._seen}
            with replacing(path) as part:
                part.write_text(json.dumps({"version": VERSION, "run": self.run, "files": files}), encoding="utf-8")


def remembered(data: DataPaths, place: Path | None = None) -> Remembered:
    """What earlier runs left; nothing where it is damaged or of another version. place: the file that it is kept in,
    where it is not of deliveries."""
    try:
        content = json.loads((place or _file(data)).read_bytes())
        if content["version"] != VERSION or not all(map(_is_entry, content["files"].values())):
            return Remembered()
        return Remembered(content["files"], int(content["run"]) + 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Remembered()


def _is_entry(entry: Any) -> bool:
    kinds = {"state": list, "run": int, "sha256": str, "note": dict}
    return {"state", "run"} <= entry.keys() and all(isinstance(v, kinds.get(k, ())) for k, v in entry.items())


def _file(data: DataPaths) -> Path:
    return data.bronze / ".seen.json"


def _state(path: Path) -> _State:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
