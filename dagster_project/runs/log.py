"""The run log `data/run/log.jsonl`: one JSON line per step of the latest run, written as the step ends.

`with step("gate_delivery", source="kva") as told: told.rows = n` writes where a run is being logged (`run_log`) and
does nothing elsewhere. A line holds counts and times, never a value of a row. The log is for people and monitoring: no
result depends on it, it is no part of the calculation code, and one that cannot be written costs no release.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.masking import mask

INGESTION = "ingestion"
"""The job's first step; the others, and what all of them do in words: `operations.stages`."""
RUN, LOOKING, LOADING, PRODUCTS, PAGES, LINEAGE = "run", "looking", "loading", "products", "pages", "lineage"
"""What is logged besides the job's own steps: the run as a whole, and what comes before and after the job."""
AFTER_THE_JOB = frozenset({RUN, PRODUCTS, PAGES, LINEAGE})


@dataclass(frozen=True)
class Line:
    """One step, or a part of one, as it went.

    run: when the run began (`RunRecord.started`: UTC, ISO 8601). step: the job's name of it, or one of those above.
    source: the source that it was about. part: what it was about else: a delivery's id, a dbt model, a product. Both
    null: the whole step. rows: as many as it read or made, null where it does not count any. seconds: wall clock.
    cpu_seconds: of the process that did it meanwhile, whatever else it did at the same time; null of what others timed
    (dbt). peak_bytes: the most memory that this process held meanwhile (Spark's and other processes are not in it).
    error: why it failed. ended: when (UTC, ISO 8601).
    """

    run: str
    step: str
    source: str | None = None
    part: str | None = None
    rows: int | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    error: str | None = None
    ended: str | None = field(default=None, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is about all of the step."""
        return self.source is None and self.part is None


@dataclass
class Told:
    """What a step tells of itself while it goes on."""

    rows: int | None = None


@dataclass(eq=False)
class _Open:
    """A step that goes on."""

    name: str
    source: str | None = None
    part: str | None = None
    told: Told = field(default_factory=Told)
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)
    peak: int = 0


class RunLog:
    """The log of one run. What is logged before `begin` is kept in memory, and is gone where nothing begins."""

    def __init__(self, path: Path, started: str) -> None:
        self.path, self.started = path, started
        self.fault: OSError | None = None
        self._lock = threading.RLock()
        self._open: list[_Open] = []
        self.waiting: list[Line] = []
        self._begun = False
        self._run = self.opened(_Open(RUN))

    def begin(self) -> None:
        """The run has something to do: from now on the file is this run's."""
        with self._lock:
            self._begun = True
            self._to_file("w", self.waiting)

    def end(self) -> None:
        """Write the line of the whole run."""
        self.closed(self._run)

    @property
    def begun(self) -> bool:
        return self._begun

    def opened(self, step: _Open) -> _Open:
        with self._lock:
            self._see_peak()
            self._open.append(step)
        return step

    def closed(self, step: _Open, error: str | None = None) -> None:
        with self._lock:
            self._see_peak()
            self._open.remove(step)
            seconds, cpu = time.perf_counter() - step.wall, time.process_time() - step.cpu
            line = Line(
                self.started, step.name, step.source, step.part, step.told.rows,
                round(seconds, 3), round(cpu, 3), step.peak, error, _now(),
            )  # fmt: skip
            self.add(line)

    def add(self, line: Line) -> None:
        with self._lock:
            if self._begun:
                self._to_file("a", [line])
            else:
                self.waiting.append(line)

    def _see_peak(self) -> None:
        """Everything that goes on has had the memory that was held since somebody looked last."""
        peak = peak_since_last()
        for step in self._open:
            step.peak = max(step.peak, peak)

    def _to_file(self, mode: str, lines: list[Line]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open(mode, encoding="utf-8") as stream:
                stream.writelines(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
        except OSError as error:  # told when the run ends; the steps go on
            self.fault = error


_active: RunLog | None = None
"""The log of the run that goes on in this process; a data folder's lock lets one go on."""


@contextmanager
def run_log(path: Path, started: str) -> Iterator[RunLog]:
    """Log what is done meanwhile. started: of the run, as its record says."""
    global _active
    before, log = _active, RunLog(path, started)
    _active = log
    try:
        yield log
    finally:
        _active = before


@contextmanager
def step(name: str, source: str | None = None, part: str | None = None) -> Iterator[Told]:
    """Log a step of the run, or a part of one, as it ends; of one that fails the log says why."""
    log = _active
    if log is None:
        yield Told()
        return
    opened = log.opened(_Open(name, source, part))
    error = None
    try:
        yield opened.told
    except BaseException as raised:
        # An unforeseen error can quote a row's values: of it only the kind is told here.
        error = mask(str(raised)) if isinstance(raised, ResultattavlaError) else type(raised).__name__
        raise
    finally:
        log.closed(opened, error)


def note(name: str, part: str, seconds: float, rows: int | None = None, source: str | None = None) -> None:
    """Log a part of a step that somebody else timed."""
    if _active is not None:
        _active.add(Line(_active.started, name, source, part, rows, round(seconds, 3), ended=_now()))


@contextmanager
def gathered() -> Iterator[list[Line]]:
    """Within it what is logged is gathered here, for another process to `tell` in its log."""
    global _active
    before, log = _active, RunLog(Path(), "")
    _active = log
    try:
        yield log.waiting
    finally:
        _active = before


def tell(lines: Iterable[Line]) -> None:
    """Log what was `gathered`."""
    if _active is not None:
        for line in lines:
            _active.add(replace(line, run=_active.started))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_log(path: Path) -> list[Line]:
    """The lines of a log, in the order in which they ended; none where there is no log.

    A line that a killed run left half written is passed over: a log is a look back, not a result.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    names = {f.name for f in fields(Line)}
    found = []
    for text in texts:
        try:
            found.append(Line(**{k: v for k, v in json.loads(text).items() if k in names}))
        except (ValueError, TypeError, AttributeError):
            continue
    return found


def by_source(lines: Iterable[Line]) -> list[Line]:
    """One line per step, after it one per source of it (its deliveries together), then its other parts.

    Of lines that become one, times and rows are sums (what went on at the same time counts both) and memory is the
    most. Steps stand in the order in which they ended, as a step that has no line of its own (it was killed) is last.
    """
    lines = list(lines)
    groups: dict[tuple[str, str | None, str | None], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.step, line.source, None if line.source else line.part), []).append(line)
    steps = list(dict.fromkeys(line.step for line in lines if line.whole))
    after = len(steps)

    def place(key: tuple[str, str | None, str | None]) -> tuple[int, int]:
        name, source, part = key
        return steps.index(name) if name in steps else after, 1 if source else 2 if part else 0

    return [_together(groups[key]) for key in sorted(groups, key=place)]


def _together(lines: list[Line]) -> Line:
    first = lines[0]
    rows = [line.rows for line in lines if line.rows is not None]
    cpu = [line.cpu_seconds for line in lines if line.cpu_seconds is not None]
    peaks = [line.peak_bytes for line in lines if line.peak_bytes is not None]
    return Line(
        first.run,
        first.step,
        first.source,
        None if first.source else first.part,
        sum(rows) if rows else None,
        round(sum(line.seconds for line in lines), 3),
        round(sum(cpu), 3) if cpu else None,
        max(peaks, default=None),
        next((line.error for line in lines if line.error), None),
    )


_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_since_last() -> int:
    """The most memory (bytes) that this process held since this was asked last; where the machine cannot tell that
    (no Linux), since the process began."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="utf-8"))
        _CLEAR.write_text("5", encoding="utf-8")  # proc(5): the high-water mark begins anew
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
