"""Shared by the tests of pages: the browser that they are opened in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.programs import BROWSER, BROWSER_ARGUMENTS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = BROWSER.path()
    assert path is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()
