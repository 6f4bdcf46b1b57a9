"""The board of a data folder's release, measured: `python -m bench.board DATA`.

Seconds to make it, its bytes, and how long its pages take to open from disk in a headless Chromium: from the start of
the navigation to the end of loading, the best of three, each in a tab of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

AIMS = {"make_s": 8.0, "bytes": 15_000_000, "open_ms": 100.0}
"""Of the sample (products.md)."""
_LOADED = "() => { const [n] = performance.getEntriesByType('navigation'); return n.loadEventEnd - n.startTime; }"


def bench_board(data: Path) -> dict[str, Any]:
    """Measure the board of the current release; `open_ms` is left out where there is no Chromium."""
    from dagster_project.core.paths import DataPaths
    from dagster_project.products.board.site import Site
    from dagster_project.products.reading import Reading
    from dagster_project.releases.store import published_release

    paths = DataPaths(data)
    with tempfile.TemporaryDirectory(prefix="resultattavla-bench-") as name:
        folder = Path(name)
        started = time.perf_counter()
        Site(Reading(published_release(paths)), paths).write(folder)
        made = time.perf_counter() - started
        files = [path for path in folder.rglob("*") if path.is_file()]
        found: dict[str, Any] = {"make_s": round(made, 2), "bytes": sum(path.stat().st_size for path in files)}
        opened = _opened(sorted(path for path in files if path.suffix == ".html"))
        if opened:
            slowest = max(opened, key=opened.__getitem__)
            found |= {"pages": len(opened), "open_ms": round(median(opened.values()), 1)}
            found |= {
                "slowest_ms": round(opened[slowest], 1),
                "slowest": slowest.relative_to(folder).as_posix(),
            }
    return found | {"aims": AIMS}


def _opened(pages: list[Path]) -> dict[Path, float]:
    """Milliseconds to open each page; none without a Chromium."""
    from playwright.sync_api import sync_playwright

    from tests.programs import BROWSER, BROWSER_ARGUMENTS

    if (path := BROWSER.path()) is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        found: dict[Path, float] = {}
        for page in pages:
            for _ in range(3):
                tab = browser.new_page()
                tab.goto(page.as_uri(), wait_until="load")
                tab.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
                found[page] = min(found.get(page, float("inf")), tab.evaluate(_LOADED))
                tab.close()
        browser.close()
    return found


if __name__ == "__main__":
    print(json.dumps(bench_board(Path(sys.argv[1]).absolute()), indent=1))
