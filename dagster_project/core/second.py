"""A second process of this program: what is worked out alone is worked out by two, where a run has it.

Threads of one process take turns at Python's own work; what is long and stands alone (a group of indicators, a product)
is given to a process beside this one. It is there for a run (`second_process`), begins when it is first asked, loads
only what it is asked for, and ends at once with the process that asked, however that ended. Where there is none, or it
was killed, everything is done here: nothing depends on it but time.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from dagster_project.core.imports import much_loaded

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger("resultattavla")

_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from dagster_project.core.second import serve; serve(int(sys.argv[1]))"
)


class Second:
    """The process beside this one, and the way to it; one question at a time."""

    def __init__(self) -> None:
        self.turn = threading.RLock()
        """Held by who asks, and kept by who goes on asking."""
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lost = self._ended = False

    def ask(self, work: Callable[[T], R], item: T) -> R:
        """`work` of `item` as that process did it: what it logged is logged here, what it raised is raised here. Raises
        Lost where it is gone."""
        with self.turn:
            if self._lost:
                raise Lost
            try:
                connection = self._connection or self._begin()
                connection.send((work, item))
                done, result, logged = connection.recv()
            except (EOFError, OSError) as error:
                self._lost = True
                log.debug("the second process is gone", exc_info=True)
                raise Lost from error
        for record in logged:
            if logging.getLogger(record.name).isEnabledFor(record.levelno):
                logging.getLogger(record.name).handle(record)
        if done:
            return result
        raise result

    @property
    def there(self) -> bool:
        """Whether it has begun, and is not known to be gone."""
        return self._process is not None and not self._lost

    def _begin(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            arguments = [sys.executable, "-c", _BEGIN, str(theirs.fileno()), json.dumps(sys.path)]
            self._process = subprocess.Popen(
                arguments, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            if self._ended:  # while it was begun
                self._process.kill()
        self._connection = Connection(ours.detach())
        return self._connection

    def end(self) -> None:
        """Let it go; what it is at is of no use to anybody any more."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
        with self.turn:  # who still waits for an answer sees that there is none
            self._lost = True
            if self._connection is not None:
                self._connection.close()
            if self._process is not None:
                self._process.wait()


class Lost(Exception):  # noqa: N818 - it is no fault: who meets it does the work itself
    """The second process is gone."""


_active: Second | None = None


@contextmanager
def second_process() -> Iterator[None]:
    """Within it `shared` is worked out by two processes."""
    global _active
    before, second = _active, Second()
    _active = second
    try:
        yield
    finally:
        _active = before
        second.end()


def shared(work: Callable[[T], R], items: Sequence[T], worth: bool = True) -> list[R]:
    """`work` of every item, in the items' order, by this process and the second one, each taking the next that is left.

    work: a function of a module, which gives the same wherever it runs; it, the items and the results are pickled.
    worth: whether it takes longer than loading another process. Items that take long should stand first.
    """
    second = _active
    if second is None or not worth or len(items) < 2:
        return [work(item) for item in items]
    left: deque[int] = deque(range(len(items)))
    results: dict[int, R] = {}
    faults: list[BaseException] = []

    def beside() -> None:
        while not second.turn.acquire(timeout=0.02):  # it is still at what was asked `ahead`
            if not left or faults:
                return
        try:
            while left and not faults:
                with suppress(IndexError):
                    i = left.popleft()
                    try:
                        results[i] = second.ask(work, items[i])
                    except Lost:
                        left.append(i)
                        return
                    except BaseException as error:
                        faults.append(error)
        finally:
            second.turn.release()

    thread = threading.Thread(target=beside, daemon=True)
    # The second process has the first one: it takes the longest while it is loading anyhow.
    thread.start()
    while not faults:
        try:
            i = left.popleft()
        except IndexError:
            if not thread.is_alive():
                break
            thread.join()
            continue  # what a lost process was at is left
        try:
            results[i] = work(items[i])
        except BaseException:
            left.clear()
            raise
    thread.join()
    if faults:
        raise faults[0]
    return [results[i] for i in range(len(items))]


def ahead(work: Callable[[T], R], item: T) -> Callable[[], R]:
    """Let the second process begin with `work` of `item` (as in `shared`) while this one goes on; gives what waits for
    the result, works it out where there is no second process or it is lost, and raises what `work` raised."""
    second = _active
    if second is None:
        return partial(work, item)
    future: Future[R] = Future()

    def beside() -> None:
        try:
            future.set_result(second.ask(work, item))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=beside, daemon=True).start()

    def waited_for() -> R:
        try:
            return future.result()
        except Lost:
            return work(item)

    return waited_for


def begun() -> bool:
    """Whether there is a second process that was asked before: it has loaded what it was told to."""
    return _active is not None and _active.there


def load(modules: Sequence[str]) -> None:
    """Load modules: asked `ahead`, so that the second process has them when it is asked for what needs them."""
    with much_loaded():
        for module in modules:
            import_module(module)


def serve(number: int) -> None:
    """Do what is asked through a socket, until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that asks answers it
    threading.Thread(target=_end_with, args=(number,), daemon=True).start()
    connection = Connection(number)
    logged = SimpleQueue[logging.LogRecord]()
    logging.getLogger().addHandler(QueueHandler(logged))
    logging.getLogger().setLevel(logging.INFO)
    while True:
        try:
            work, item = connection.recv()
        except EOFError:
            return
        done: tuple[bool, Any]
        try:
            done = True, work(item)
        except BaseException as error:
            done = False, _to_be_sent(error)
        connection.send((*done, [logged.get() for _ in range(logged.qsize())]))


def _to_be_sent(error: BaseException) -> BaseException:
    """An error with where it came from, or its text where it cannot be pickled."""
    told = "".join(traceback.format_exception(error))
    error.add_note(told)
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # whatever its own way of being made anew raises: it is told as text
        return RuntimeError(told)
    return error


def _end_with(number: int) -> None:
    """End this process as soon as the other end of the socket is gone, whatever it is at."""
    poll = select.poll()
    poll.register(number, select.POLLHUP)
    poll.poll()
    os._exit(1)
