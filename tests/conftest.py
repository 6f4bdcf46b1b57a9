"""Shared by all tests: the browser tests are left out, and it is said, where there is no Chromium."""

from __future__ import annotations

import pytest

from tests.browser import HOW_TO_GET_ONE, REQUIRED, chromium_path


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs a Chromium (apt-get install chromium)")


# Files that run the whole job many times. A file's tests share its fixtures in one worker; the longest begin first.
SLOW_FIRST = (
    "test_pipeline",
    "test_survival",
    "test_daily_run",
    "test_end_to_end",
    "test_explain",
    "test_steward_page",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put slow files first; leave out tests marked `browser` where there is no Chromium and none is required."""
    rank = {name: number for number, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))
    if REQUIRED or chromium_path() is not None:
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = len(left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} browser tests were left out: {HOW_TO_GET_ONE}", yellow=True)


LEFT_OUT = pytest.StashKey[int]()
