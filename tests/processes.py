"""Commands in processes of their own without the ten seconds of imports: a server that is ready forks one for each.

The forked process runs `cli.main.main` as the console script does. It can be told to kill itself (SIGKILL)
before or after a call of a function, or at the n-th change to a file below the data folder, without any hook in the
program: functions are wrapped and Python's audit events counted in the child only. The server has called nothing that
starts polars' threads, which would not survive a fork. What differs from the console script: dbt's project is parsed
once, by the server (`Server.data`).
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dagster_project.core.paths import DataPaths
from dagster_project.operations.claim import claim

PROJECT = Path(__file__).resolve().parent.parent
SECONDS = 120
"""No command on the tests' small deliveries takes so long."""
_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.symlink", "os.mkdir"}
_RIGHTS = 0b110
"""Bits of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root write and read against a file's mode."""


@dataclass(frozen=True)
class Done:
    """What a command came to; `code` is negative when a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Server:
    """Starts the command again and again; one at a time, or several with `start`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="resultattavla-"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RESULTATTAVLA_")}
        self.data = self.folder / "data"
        environment |= {"COLUMNS": "200", "RESULTATTAVLA_PRODUCTS": '["revideringar"]'}  # the board would take seconds
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.processes", str(self.data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=environment,
        )
        self._count = 0
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == "ready\n"
        shutil.copytree(self.data / "dbt", self.folder / "dbt")

    def empty(self) -> Path:
        """The data folder as if nothing was ever run."""
        if self.data.exists():
            for entry in self.data.iterdir():  # it can be a mount
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        claim(DataPaths(self.data))
        shutil.copytree(self.folder / "dbt", self.data / "dbt")
        return self.data

    def keep(self, name: str) -> None:
        """Keep the data folder as it is under a name."""
        shutil.copytree(self.data, self.folder / "kept" / name, symlinks=True)

    def restore(self, name: str) -> Path:
        """The data folder as it was kept."""
        shutil.rmtree(self.data)
        shutil.copytree(self.folder / "kept" / name, self.data, symlinks=True)
        return self.data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=SECONDS)
        shutil.rmtree(self.folder)

    def start(self, *arguments: str | Path, **how: Any) -> int:
        """Start `resultattavla <arguments>`; its number for `wait`. For `how` see `_child`."""
        assert self._server.stdin is not None and self._server.stdout is not None
        self._count += 1
        order = {"arguments": [str(a) for a in arguments], "output": str(self.folder / str(self._count))}
        order |= {"data": str(self.data), **how}
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        self._server.stdout.readline()
        return self._count

    def wait(self, number: int) -> Done:
        """The end of a started command."""
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps({"wait": number}) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        out, err = ((self.folder / f"{number}.{n}").read_text(encoding="utf-8") for n in ("out", "err"))
        return Done(code, out, err)

    def __call__(self, *arguments: str | Path, **how: Any) -> Done:
        return self.wait(self.start(*arguments, **how))

    def run(self, raw: Path, **how: Any) -> Done:
        """`resultattavla run` on the data folder."""
        return self("run", "--raw", raw, "--data", self.data, **how)


def _child(order: dict[str, Any]) -> None:
    """Be the command.

    Orders: `before`/`after` ("module.function", or with ":n" its n-th call) and `change` (n) say where to be killed;
    `term` and `int` (functions too) send that signal instead; `watch` (a file) gets a line for every change, with the
    whole release that `current` names then; `modes`: a file's mode counts, also for root; `file_bytes`: no file larger.
    """
    import resource

    from dagster_project.cli.main import main

    arguments = order["arguments"]
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{order['output']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update(order.get("environment", {}))
    if "change" in order:
        left = [order["change"]]

        def kill() -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        _at_changes(order["data"], kill)
    if "watch" in order:
        _at_changes(order["data"], lambda: _watch(Path(order["data"]), Path(order["watch"])))
    for word, number in (("before", 9), ("after", 9), ("term", signal.SIGTERM), ("int", signal.SIGINT)):
        if word in order:
            _signal_at(order[word], number, after=word == "after")
    if "file_bytes" in order:
        # The system's answer to a larger file is a signal, unless it is ignored: then an error like a full disk's.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"],) * 2)
    if order.get("modes"):
        _let_modes_count()
    os.chdir("/")
    sys.argv = ["resultattavla", *arguments]
    main()


def _signal_at(where: str, number: int, after: bool) -> None:
    name, _, nth = where.partition(":")
    module_name, _, function_name = name.rpartition(".")
    module = importlib.import_module(module_name)
    function = getattr(module, function_name)
    calls = {"left": int(nth or 1)}

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls["left"] -= 1
        now = calls["left"] == 0
        if now and not after:
            os.kill(os.getpid(), number)
        result = function(*args, **kwargs)
        if now and after:
            os.kill(os.getpid(), number)
        return result

    # Modules import functions by name: each of them gets the wrapped one.
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith("dagster_project") or other is module:
            for key, value in list(vars(other).items()):
                if value is function:
                    setattr(other, key, wrapped)


def _at_changes(below: str, act: Callable[[], None]) -> None:
    """Act before every change that Python makes to a file below the data folder."""
    acting = False

    def changes(event: str, args: tuple) -> bool:
        named = any(isinstance(a, (str, os.PathLike)) and os.fspath(a).startswith(below) for a in args[:2])
        return named and (event in _CHANGES or (event == "open" and str(args[1])[:1] in ("w", "a", "x")))

    def look(event: str, args: tuple) -> None:
        nonlocal acting
        if not acting and changes(event, args):
            acting = True
            try:
                act()
            finally:
                acting = False

    sys.addaudithook(look)


def _watch(data: Path, log: Path) -> None:
    from dagster_project.releases.store import read_release

    release = read_release(data / "published" / "current")
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{release.id if release else 'INGEN HEL'}\n")


def _let_modes_count() -> None:
    """Give up root's right to pass over the mode of files (this process only)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    if libc.capget(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~_RIGHTS
    if libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _serve(data: Path) -> None:
    import duckdb_sqlalchemy  # noqa: F401
    import great_expectations.expectations.core  # noqa: F401

    import dagster_project.cli.main
    import dagster_project.cli.summary
    import dagster_project.defs.execute
    import dagster_project.defs.instance  # noqa: F401
    from dagster_project.defs.build import JOB, build_defs
    from dagster_project.operations.settings import Settings

    settings = Settings(data=data)
    build_defs(settings.paths, settings).resolve_job_def(JOB)
    print("ready", flush=True)
    children: dict[int, int] = {}
    count = 0
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(children.pop(order["wait"]), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        count += 1
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            code = 99
            try:
                _child(order)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1 if end.code else 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        children[count] = child
        print(child, flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
