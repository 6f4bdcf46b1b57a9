"""Programs that some tests need and that are no part of a fresh machine.

`.ci/run` installs them and requires them (RESULTATTAVLA_REQUIRE_PROGRAMS=1). Elsewhere the tests of a program that is
not there are left out, and `pytest` says how many and how to get it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

REQUIRED = os.environ.get("RESULTATTAVLA_REQUIRE_PROGRAMS") == "1"


@dataclass(frozen=True)
class Program:
    """marker: of the tests that need it. names: of its command, the first that is found counts. package: Debian's.

    part: a file beside the program, without which it lacks what the tests need of it. beyond: where it lies when it is
    not on PATH, as a pattern below the root.
    """

    marker: str
    title: str
    names: tuple[str, ...]
    package: str
    part: str = ""
    module: str = ""  # a Python package that goes with it; `make setup-spark` installs it
    beyond: str = ""

    @property
    def how_to_get(self) -> str:
        installed = f"apt-get install {self.package}" + (" && make setup-spark" if self.module else "")
        return f"no {self.title} was found{'' if self.module else ' on PATH'}; get one with: {installed}"

    def path(self) -> str | None:
        """The installed program, or None; with RESULTATTAVLA_REQUIRE_PROGRAMS=1 its absence is an error."""
        found = [*filter(None, map(shutil.which, self.names)), *sorted(map(str, Path("/").glob(self.beyond or "-")))]
        path = next((p for p in found if (Path(p).resolve().parent / self.part).exists()), None)
        if self.module and find_spec(self.module) is None:
            path = None
        if path is None and REQUIRED:
            raise RuntimeError(f"RESULTATTAVLA_REQUIRE_PROGRAMS=1, but {self.how_to_get}")
        return path


BROWSER = Program("browser", "Chromium", ("chromium", "chromium-browser", "google-chrome"), "chromium")
JAVA = Program("java", "Java", ("java",), "default-jre-headless")
OFFICE = Program("office", "LibreOffice Writer", ("soffice", "libreoffice"), "libreoffice-writer-nogui", "libswlo.so")
POSTGRES = Program("postgres", "PostgreSQL server", ("initdb",), "postgresql", beyond="usr/lib/postgresql/*/bin/initdb")
SYSTEMD = Program("systemd", "systemd-analyze", ("systemd-analyze",), "systemd")
SPARK = Program("spark", "Apache Spark", ("java",), "openjdk-17-jre-headless", module="pyspark")
PROGRAMS = (BROWSER, JAVA, OFFICE, POSTGRES, SYSTEMD, SPARK)

# Nothing of the browser's own may talk to a network while the pages are watched.
BROWSER_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
