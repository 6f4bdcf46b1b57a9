"""`make spark-up`, `make spark-down`: a standalone Spark on this machine, one master and two workers, on loopback.

From the jars of the pyspark that is installed. What the processes write, and their numbers, lie in `.spark/`. For
trying and testing: workers of several machines are started by whoever runs those, with the same jars.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dagster_project.cli.localserver import up_or_down
from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import PROJECT
from dagster_project.engines.spark import require

HOST, PORT, WORKERS = "127.0.0.1", 7077, 2
_WAIT_SECONDS = 60


def up(folder: Path, port: int = PORT) -> str:
    """Start master and workers and wait until all have joined; the master's address. folder: for logs and numbers.

    Raises UsageError where Spark or Java is not installed, one was started here already or the port is in use,
    ResultattavlaError where they do not come.
    """
    require("local[1]")
    if any(_is_ours(_pid(path)) for path in folder.glob("*.pid")):
        raise UsageError("Ett kluster härifrån är redan igång: stoppa det med `make spark-down`.")
    if _answers(port):
        raise UsageError(
            f"Port {port} på {HOST} används redan: stoppa klustret med `make spark-down`, eller det som annars svarar."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # workers write rows there while they compute
    master = f"spark://{HOST}:{port}"
    ports = ["--host", HOST, "--port", str(port), "--webui-port", "0"]
    _start(folder, "master", "org.apache.spark.deploy.master.Master", ports)
    _wait(folder, "master", lambda: _answers(port))
    worker = "org.apache.spark.deploy.worker.Worker"
    for number in range(WORKERS):
        own = ["--host", HOST, "--webui-port", "0", "--cores", "1", "--memory", "1g"]
        _start(folder, f"worker{number}", worker, [*own, "--work-dir", str(folder / "work"), master])
    for number in range(WORKERS):
        name = f"worker{number}"
        _wait(folder, name, lambda name=name: "Successfully registered with master" in _log(folder, name))
    return master


def down(folder: Path) -> int:
    """End what `up` started; how many processes that were still there. Only those: a number can be another's by now."""
    ended = 0
    for path in sorted(folder.glob("*.pid"), reverse=True):  # workers first
        pid = _pid(path)
        if _is_ours(pid):
            os.kill(pid, signal.SIGTERM)
            ended += 1
            until = time.monotonic() + 20
            while _is_ours(pid) and time.monotonic() < until:
                time.sleep(0.1)
        path.unlink()
    return ended


def _pid(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


def _start(folder: Path, name: str, main: str, arguments: Sequence[str]) -> None:
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_LOCAL_DIRS": str(folder / "work"),
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), main, *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    (folder / f"{name}.pid").write_text(str(process.pid), encoding="ascii")


def _wait(folder: Path, name: str, ready: object) -> None:
    assert callable(ready)
    until = time.monotonic() + _WAIT_SECONDS
    while not ready():
        if time.monotonic() > until:
            down(folder)
            raise ResultattavlaError(f"Spark startade inte: läs {folder / f'{name}.log'}.")
        time.sleep(0.2)


def _log(folder: Path, name: str) -> str:
    return (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_ours(pid: int) -> bool:
    """Whether a process is one of Spark's masters or workers, and not yet ended."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"org.apache.spark.deploy" in command


def main(arguments: Sequence[str]) -> int:
    """`up [PORT]` or `down`, in `.spark` of the project."""
    folder = PROJECT / ".spark"

    def start(port: int) -> str:
        master = up(folder, port)
        return f'Spark svarar på {master}. I resultattavla.toml:\n\nengine = "spark"\n\n[spark]\nmaster = "{master}"'

    return up_or_down(arguments, PORT, start, lambda: down(folder), "Spark")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
