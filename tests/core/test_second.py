"""What is shared with a second process comes out as if one had done it, whatever becomes of that process."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_project.core import second
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT
from dagster_project.core.second import ahead, second_process, shared


def slowly(number: int) -> tuple[int, int]:
    time.sleep(0.2)
    return number, os.getpid()


def refused(number: int) -> int:
    if number:
        time.sleep(0.2)
        return number
    raise ResultattavlaError("Det går inte.")


def killed_elsewhere(here: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return here


def test_two_processes_share_the_work_and_the_results_keep_their_order():
    with second_process():
        found = shared(slowly, list(range(8)))
    assert [number for number, _ in found] == list(range(8))
    processes = {process for _, process in found}
    assert os.getpid() in processes
    assert len(processes) == 2


@pytest.mark.parametrize("items", [[], [1], [1, 2]])
def test_without_a_second_process_or_enough_work_this_one_does_it(items):
    assert [process for _, process in shared(slowly, items)] == [os.getpid() for _ in items]
    with second_process():
        assert {process for _, process in shared(slowly, items, worth=False)} <= {os.getpid()}


def test_what_is_raised_there_is_raised_here():
    # Whichever of them takes the one that is refused.
    with second_process():
        for items in ([0, 1, 1], [1, 0, 1], [1, 1, 0, 1]):
            with pytest.raises(ResultattavlaError, match="Det går inte"):
                shared(refused, items)
        assert shared(refused, [1, 2]) == [1, 2]


def test_a_second_process_that_is_killed_costs_time_only():
    here = os.getpid()
    with second_process():
        assert shared(killed_elsewhere, [here] * 3) == [here] * 3
        assert {process for _, process in shared(slowly, [1, 2])} == {here}


def test_it_ends_with_the_process_that_asked(tmp_path):
    """Killed while the other one is at work: nobody is left to write into a data folder."""
    told = tmp_path / "pid"
    (tmp_path / "asks.py").write_text(
        "import os, sys, time\nfrom pathlib import Path\n"
        "from dagster_project.core.second import second_process, shared\n"
        "def works(told):\n"
        "    if told is not None and os.getpid() != int(os.environ['FIRST']):\n"
        "        Path(told).write_text(str(os.getpid()))\n"
        "    time.sleep(60)\n",
        encoding="utf-8",
    )
    begin = (
        "import os, asks; os.environ['FIRST'] = str(os.getpid()); "
        f"from dagster_project.core.second import *\nwith second_process(): shared(asks.works, [{str(told)!r}] * 2)"
    )
    path = f"{tmp_path}{os.pathsep}{PROJECT}"
    first = subprocess.Popen([sys.executable, "-c", begin], env={**os.environ, "PYTHONPATH": path})
    try:
        _until(lambda: told.exists() and told.read_text() != "")
    finally:
        first.kill()
        first.wait()
    other = int(told.read_text())
    _until(lambda: not _runs(other))


def _runs(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _until(holds) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_nothing_is_begun_before_it_is_asked(monkeypatch):
    monkeypatch.setattr(second.subprocess, "Popen", lambda *_, **__: pytest.fail("begun"))
    with second_process():
        pass


def test_what_is_asked_ahead_is_done_meanwhile_and_waited_for():
    with second_process():
        began = time.monotonic()
        found = ahead(slowly, 3)
        assert time.monotonic() - began < 0.15
        number, process = found()
    assert number == 3
    assert process != os.getpid()
    assert ahead(slowly, 4)() == (4, os.getpid())  # nobody is there to ask


def test_what_is_asked_ahead_and_refused_is_raised_where_it_is_waited_for():
    with second_process():
        found = ahead(refused, 0)
        assert shared(refused, [1, 1]) == [1, 1]
        with pytest.raises(ResultattavlaError, match="Det går inte"):
            found()


def test_what_was_asked_ahead_of_a_killed_process_is_done_here():
    here = os.getpid()
    with second_process():
        assert ahead(killed_elsewhere, here)() == here


def test_work_that_is_shared_does_not_wait_for_what_is_asked_ahead():
    with second_process():
        began = time.monotonic()
        ahead(rests, 30)
        assert {process for _, process in shared(slowly, [1, 2])} == {os.getpid()}
    assert time.monotonic() - began < 10  # nor does the end


def rests(seconds: int) -> None:
    time.sleep(seconds)


def says(text: str) -> None:
    logging.getLogger("resultattavla").info("%s av %s", text, os.getpid())
    logging.getLogger("resultattavla").debug("inte detta")


def test_what_is_logged_there_is_logged_here(caplog):
    caplog.set_level(logging.INFO)
    with second_process():
        ahead(says, "sagt")()
    (told,) = [r.getMessage() for r in caplog.records if r.name == "resultattavla"]
    assert told.startswith("sagt av ")
    assert told != f"sagt av {os.getpid()}"
