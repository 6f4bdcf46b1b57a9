"""Run a command in a fresh process and measure it: wall, CPU of the whole process tree, peak memory of the tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """What one process (and its children) took; seconds and bytes."""

    wall: float
    cpu: float
    peak: int
    exit_code: int
    output: str

    def as_dict(self) -> dict[str, float | int]:
        return {
            "wall_s": round(self.wall, 2),
            "cpu_s": round(self.cpu, 2),
            "peak_bytes": self.peak,
            "exit": self.exit_code,
        }


class BenchmarkError(Exception):
    """A measured command did not do what it was to do."""


def measure(
    command: Sequence[str | Path],
    cwd: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
) -> Measured:
    """Run `command` to its end; stdout is returned, stderr goes to the file `log`.

    Raises BenchmarkError for an exit code that is not in `ok`.
    """
    with log.open("w", encoding="utf-8") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(c) for c in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        watch = _MemoryWatch(process.pid)
        watch.start()
        assert process.stdout is not None
        output = process.stdout.read()
        # wait4 gives the CPU time of the process and of every child that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
    if process.returncode not in ok:
        tail = log.read_text(encoding="utf-8")[-2000:]
        raise BenchmarkError(
            f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output[-2000:]}\n{tail}"
        )
    peak = max(watch.peak, usage.ru_maxrss * 1024)
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak, process.returncode, output)


class _MemoryWatch(threading.Thread):
    """Polls /proc for the resident memory of a process and all its descendants; 0 where there is no /proc."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak = pid, 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            self.peak = max(self.peak, sum(_resident(pid) for pid in _tree(self.pid)))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # grows while it is walked: children of children too
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:  # ended in between
                continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
