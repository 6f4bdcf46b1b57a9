"""Where the browser tests find a Chromium."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = os.environ.get("RESULTATTAVLA_REQUIRE_BROWSER") == "1"
HOW_TO_GET_ONE = "no Chromium was found on PATH; get one with: apt-get install chromium"

# Nothing of the browser's own may talk to a network while the pages are watched.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    """The installed Chromium, or None; with RESULTATTAVLA_REQUIRE_BROWSER=1 its absence is an error."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and REQUIRED:
        raise RuntimeError(f"RESULTATTAVLA_REQUIRE_BROWSER=1, but {HOW_TO_GET_ONE}")
    return path
