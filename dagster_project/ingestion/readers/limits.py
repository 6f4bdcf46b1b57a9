"""How much one delivered file may hold in memory."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.core.errors import RejectedFileError
from dagster_project.core.swedish import number

MEGABYTE = 1024**2


@dataclass(frozen=True)
class Limits:
    """Megabytes: of a file (a packed one unpacked) and of a workbook's parts unpacked. Reading takes more."""

    file_mb: int = 1000
    workbook_mb: int = 300

    def require_file(self, size: int) -> None:
        """Raise RejectedFileError where a file of `size` bytes is too large."""
        _require(size, self.file_mb, "largest_file_mb")

    def require_workbook(self, size: int) -> None:
        """Raise RejectedFileError where a workbook that unpacks to `size` bytes is too large."""
        _require(size, self.workbook_mb, "largest_workbook_mb")


DEFAULT = Limits()


def _require(size: int, limit: int, setting: str) -> None:
    if size > limit * MEGABYTE:
        raise RejectedFileError(
            f"den rymmer {number(-(-size // MEGABYTE))} MB och gränsen är {number(limit)} MB: dela upp den, eller höj "
            f"inställningen {setting} om maskinens minne räcker till flera gånger så mycket"
        )
